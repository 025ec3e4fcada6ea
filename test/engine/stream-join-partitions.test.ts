/** Joins of two streams over several partitions, brought together by a new key: the results are those of one partition,
 *  and those that all pairs of records give. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serdes } from '../../engine/index.ts';
import { JoinWindows, StreamsBuilder } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';
import { type Event, joinResults, type Kind, kinds } from './stream-join-oracle.ts';

const { int32, string } = serdes;

/** So long that no record of a history comes late, in whatever order the partitions are read. */
const windows = JoinWindows.ofTimeDifferenceAndGrace(5, 10_000).after(12);
const muchLater = 1_000_000;

interface Row extends Event {
  /** Its key before it gets the one of the join; decides about its partition. */
  readonly origin: number;
}

/** The results, sorted: partitions may be read in any order. */
const run = (kind: Kind, rows: readonly Row[], partitions: number, commits: 'one' | 'each'): string[] => {
  const builder = new StreamsBuilder();
  const side = (topic: string) =>
    builder
      .stream(topic, { key: int32, value: string })
      .selectKey((_origin, text) => text?.[0] as string, { key: string });
  const [left, right] = [side('L'), side('R')];
  const joined = { value: string, name: 'join' };
  const pair = (a: string | null, b: string | null): string => `${a?.slice(1) ?? '-'}+${b?.slice(1) ?? '-'}`;
  const results =
    kind === 'inner'
      ? left.join(right, pair, windows, joined)
      : kind === 'left'
        ? left.leftJoin(right, pair, windows, joined)
        : left.outerJoin(right, pair, windows, joined);
  results.to('out');
  const driver = new TopologyTestDriver(builder.build(), { partitions });
  const inputs = {
    L: driver.input('L', { key: int32, value: string }),
    R: driver.input('R', { key: int32, value: string }),
  };
  // A pair for each key, which closes the windows of all others in every partition.
  const last = ['a', 'b', 'c'].flatMap((key) =>
    (['L', 'R'] as const).map((of): Row => ({ side: of, key, time: muchLater, id: `last${key}`, origin: 0 })),
  );
  const records = (of: readonly Row[]) =>
    of.map(({ origin, key, id, time }) => ({ key: origin, value: key + id, timestamp: time }));
  if (commits === 'one') {
    for (const of of ['L', 'R'] as const) inputs[of].pipeAll(records(rows.filter((row) => row.side === of)));
  } else for (const row of rows) inputs[row.side].pipeAll(records([row]));
  for (const row of last) inputs[row.side].pipeAll(records([row]));
  const out = driver
    .output('out', { key: string, value: string })
    .readAll()
    .map(({ value, timestamp }) => `${value}@${timestamp}`);
  expect(driver.drops).toEqual([]);
  driver.close();
  return out.filter((result) => !result.includes('last')).toSorted();
};

test.each(kinds)('one partition and three, one commit and many give the results of all pairs: %s', (kind) => {
  const rows = fc
    .array(
      fc.record({
        side: fc.constantFrom('L', 'R'),
        key: fc.constantFrom('a', 'b', 'c'),
        time: fc.integer({ min: 0, max: 60 }),
        origin: fc.integer({ min: 0, max: 20 }),
      }),
      { maxLength: 25 },
    )
    .map((all) => all.map((row, i): Row => ({ ...row, id: String(i) })));
  fc.assert(
    fc.property(rows, (all) => {
      const end: Event = { side: 'L', key: 'z', time: muchLater, id: 'last' };
      const expected = joinResults(kind, windows, [...all, end])
        .filter((result) => !result.includes('last'))
        .toSorted();
      for (const partitions of [1, 3])
        for (const commits of ['one', 'each'] as const) expect(run(kind, all, partitions, commits)).toEqual(expected);
    }),
    { numRuns: 25 },
  );
});
