/** What `spilling-app.ts` is fed with, and what plain code computes of the same records. */

import type { Millrace } from 'millrace';
import type { Random } from '../../base/index.ts';
import { joinMs, windowMs } from './spilling-app.ts';

/** The state is many times larger. */
export const options = { stateMemoryBytes: 1 << 20, commitIntervalMs: 20 };
export const topics = ['left', 'right', 'counted', 'windowed', 'joined'];
export const partitions = 4;
const keys = 60_000;
const startMs = 1_700_000_000_000;
const decoder = new TextDecoder();

interface Row {
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

const rowsOf = async (millrace: Millrace, topic: string): Promise<Row[]> => {
  const rows: Row[] = [];
  for await (const { key, value, timestamp } of millrace.consume(topic, { untilEnd: true }))
    rows.push({ key: decoder.decode(key ?? undefined), value: decoder.decode(value ?? undefined), timestamp });
  return rows;
};

/** Writes some records of random keys to both sides of the join, a millisecond apart each. */
export const feed = async (millrace: Millrace, random: Random): Promise<void> => {
  let offset = 0;
  for (let partition = 0; partition < partitions; partition++)
    offset += (await millrace.log.offsets({ topic: 'left', partition })).end;
  const left = Array.from({ length: 500 }, (_, i) => ({
    key: `key-${random.below(keys)}`,
    value: `${offset + i}`,
    timestamp: startMs + offset + i,
  }));
  const right = left
    .filter(() => random.chance(0.5))
    .map(({ key, timestamp }) => ({ key, value: `r${timestamp}`, timestamp: timestamp + random.below(2 * joinMs) }));
  await Promise.all([millrace.produce('left', left), millrace.produce('right', right)]);
  await new Promise((resolve) => setTimeout(resolve, 60));
};

/** Each update of each key, as it has to be, and as it was written. */
export const compared = async (
  millrace: Millrace,
): Promise<readonly (readonly [expected: string[], found: string[]])[]> => {
  const left = await rowsOf(millrace, 'left');
  const right = Map.groupBy(await rowsOf(millrace, 'right'), ({ key }) => key);
  const updates = (names: readonly string[]): string[] => {
    const counts = new Map<string, number>();
    return names.map((name) => {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return `${name} ${count}`;
    });
  };
  const pairs = left.flatMap(({ key, value, timestamp }) =>
    (right.get(key) ?? [])
      .filter((other) => Math.abs(other.timestamp - timestamp) <= joinMs)
      .map((other) => `${key} ${value}+${other.value}`),
  );
  const windows = left.map(
    ({ key, timestamp }) => `group-${key.slice(-3)}@${Math.floor(timestamp / windowMs) * windowMs}`,
  );
  const found = async (topic: string): Promise<string[]> =>
    (await rowsOf(millrace, topic)).map(({ key, value }) => `${key} ${value}`);
  return [
    [updates(left.map(({ key }) => key)), await found('counted')],
    [updates(windows), await found('windowed')],
    [pairs, await found('joined')],
  ];
};
