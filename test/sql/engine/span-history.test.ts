/**
 * Texts that are passed on as spans are those of their records, whatever becomes of the block that they stand in: it is
 * shared by queries that are paused, ended and made in the middle, its memory is used for others, and commits fail.
 */

import { afterEach, expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import { openDelayedLog, openMemoryLog, produceRecords } from '../../../storage/index.ts';
import { FaultyFiles } from '../../support/faulty-files.ts';
import { closeWorlds, openWorld, topicOf } from '../support/world.ts';

afterEach(closeWorlds);

interface Message {
  readonly id: number;
  readonly a: string;
  readonly b: string;
}

/** A condition, and the same in plain code. */
const conditions: readonly (readonly [sql: string, passes: (message: Message) => boolean])[] = [
  ["a = 'x'", ({ a }) => a === 'x'],
  ["a <> 'x'", ({ a }) => a !== 'x'],
  ["a IN ('x', 'yes')", ({ a }) => a === 'x' || a === 'yes'],
  ["b LIKE '%1%'", ({ b }) => b.includes('1')],
  ["b LIKE '2%' AND a <> 'é'", ({ a, b }) => b.startsWith('2') && a !== 'é'],
  ['a IS NOT NULL', () => true],
];

/** A list of columns, and what it makes. Some read texts, and share the pass with those that do not. */
const lists: readonly (readonly [sql: string, row: (message: Message) => unknown])[] = [
  ['a, b', ({ a, b }) => ({ A: a, B: b })],
  ['b, a AS c', ({ a, b }) => ({ B: b, C: a })],
  ["a + '!' AS c, b", ({ a, b }) => ({ C: `${a}!`, B: b })],
];

interface Query {
  readonly name: string;
  readonly wanted: (messages: readonly Message[]) => readonly string[];
}

const escaped = (text: string): string =>
  text.replaceAll(/[\ud800-\udfff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`);

test.each([
  ['in memory', 'JSON'],
  ['in memory', 'DELIMITED'],
  ['in files', 'JSON'],
  ['in files', 'DELIMITED'],
  ['with commits that fail', 'JSON'],
])('a log %s, %s', async (how, format) => {
  const random = new Random(how.length * 7 + format.length);
  const clock = new ManualClock(1_000_000);
  const delayed =
    how === 'with commits that fail'
      ? await openDelayedLog({ timers: systemClock, clock: systemClock, seed: 5, maxDelayMs: 1 })
      : undefined;
  const log =
    delayed ??
    (how === 'in files'
      ? await openFileLog({
          directory: '/data',
          files: new FaultyFiles(),
          clock,
          timers: clock,
          random: new Random(3),
        })
      : await openMemoryLog({ clock, random: new Random(3) }));
  const { engine } = await openWorld({ log });
  const earliest = { properties: { 'auto.offset.reset': 'earliest' } };
  await engine.execute(
    `CREATE STREAM s (id INT KEY, a VARCHAR, b VARCHAR) WITH (KAFKA_TOPIC='s', KEY_FORMAT='JSON', VALUE_FORMAT='${format}', PARTITIONS=1);`,
  );
  const messages: Message[] = [];
  let queries: Query[] = [];
  let made = 0;
  const create = async (): Promise<void> => {
    const name = `Q${made++}`;
    const [condition, passes] = random.pick(conditions);
    const [list, row] = random.pick(lists);
    await engine.execute(
      `CREATE STREAM ${name} WITH (VALUE_FORMAT='JSON') AS SELECT id, ${list} FROM s WHERE ${condition};`,
      earliest,
    );
    const wanted = (all: readonly Message[]): string[] =>
      all.filter(passes).map((message) => `${message.id}=${escaped(JSON.stringify(row(message)))}`);
    queries.push({ name, wanted });
  };
  const idOf = async (name: string): Promise<string> =>
    (await engine.queries()).find(({ id }) => id.startsWith(`CSAS_${name}_`))?.id ?? '';
  for (let i = 0; i < 5; i++) await create();
  const producer = await log.producer();
  const word = (): string => random.pick(['x', 'yes', 'é', '😀', 'a "b"', 'a, b', 'z'.repeat(random.below(300) + 1)]);
  for (let step = 0; step < 60; step++) {
    const some = Array.from({ length: 1 + random.below(30) }, (): Message => {
      const message = { id: messages.length, a: word(), b: `${random.below(300)}` };
      messages.push(message);
      return message;
    });
    const quoted = (text: string): string => (/[", ]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const values = some.map(({ a, b }) =>
      format === 'JSON' ? JSON.stringify({ A: a, B: b }) : `${quoted(a)},${quoted(b)}`,
    );
    const records = some.map(({ id }, i) => ({ key: String(id), value: values[i] as string, timestamp: id }));
    await produceRecords(log, producer, 's', records, { acks: 'append', now: 0 });
    if (delayed !== undefined) {
      delayed.setFaults({ commitUnknown: 0.2, appendUnknown: 0.1, unavailable: 0.1, readUnavailable: 0.1 });
      await new Promise((resolve) => setTimeout(resolve, random.below(40)));
      delayed.setFaults({});
    }
    const query = random.pick(queries);
    switch (random.below(6)) {
      case 0:
        await engine.execute(`PAUSE ${await idOf(query.name)};`);
        break;
      case 1:
        await engine.execute(`RESUME ${await idOf(query.name)};`);
        break;
      case 2:
        await engine.execute(`TERMINATE ${await idOf(query.name)};`);
        queries = queries.filter((each) => each !== query);
        await create();
        break;
      case 3:
        await new Promise((resolve) => setTimeout(resolve, random.below(20)));
    }
  }
  for (const { name } of queries) await engine.execute(`RESUME ${await idOf(name)};`);
  await engine.awaitIdle();
  for (const { name, wanted } of queries) expect(await topicOf(log, name)).toEqual(wanted(messages));
});
