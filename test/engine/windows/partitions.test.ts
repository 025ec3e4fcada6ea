/** Windows over several partitions, brought together by a new key: the tables are those of one partition, and what a
 *  plain loop gives. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Serde, serdes } from '../../../engine/index.ts';
import {
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  sessionWindowed,
  TimeWindows,
  timeWindowed,
  type Windowed,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { hoppingResults, type Result, sessionResults, slidingWindows } from './oracle.ts';

const { int32, string } = serdes;
const grace = 10_000;

type Row = { readonly id: number; readonly key: string; readonly time: number };
type Tables = Record<'hops' | 'sessions' | 'slides', Record<string, number>>;

const run = (rows: readonly Row[], partitions: number, commits: 'one' | 'each'): Tables => {
  const builder = new StreamsBuilder();
  const grouped = builder
    .stream('in', { key: int32, value: string })
    .groupBy((_id, key) => key, { key: string, name: 'by-key' });
  const send = (table: KTable<Windowed<string>, number | bigint>, topic: string): void =>
    table.toStream().to(topic, { value: serdes.int64 });
  send(grouped.windowedBy(TimeWindows.ofSizeAndGrace(20, grace).advanceBy(5)).count({ name: 'h' }), 'hops');
  const other = builder
    .stream('in', { key: int32, value: string })
    .groupBy((_id, key) => key, { key: string, name: 'again' });
  send(other.windowedBy(SessionWindows.ofInactivityGapAndGrace(6, grace)).count({ name: 's' }), 'sessions');
  const third = builder
    .stream('in', { key: int32, value: string })
    .groupBy((_id, key) => key, { key: string, name: 'once-more' });
  send(third.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(8, grace)).count({ name: 'l' }), 'slides');
  const driver = new TopologyTestDriver(builder.build(), { partitions });
  const input = driver.input('in', { key: int32, value: string });
  const records = rows.map(({ id, key, time }) => ({ key: id, value: key, timestamp: time }));
  if (commits === 'one') input.pipeAll(records);
  else for (const { key, value, timestamp } of records) input.pipe(key, value, timestamp);
  const table = (topic: string, key: Serde<Windowed<string>>): Record<string, number> => {
    const found: Record<string, number> = {};
    for (const { key: window, value } of driver.output(topic, { key, value: serdes.int64 }).readAll()) {
      const name = `${window?.key}@${window?.start}-${window?.end}`;
      if (value === null) delete found[name];
      else found[name] = Number(value);
    }
    return found;
  };
  const tables = {
    hops: table('hops', timeWindowed(string, 20)),
    sessions: table('sessions', sessionWindowed(string)),
    slides: table('slides', timeWindowed(string, 8)),
  };
  expect(driver.drops).toEqual([]);
  driver.close();
  return tables;
};

const recompute = (rows: readonly Row[]): Tables => {
  const tables: Tables = { hops: {}, sessions: {}, slides: {} };
  for (const key of new Set(rows.map((row) => row.key))) {
    const events = rows.filter((row) => row.key === key).map(({ time }) => ({ time, value: 'x' }));
    const put = (into: keyof Tables, { start, end, value }: Omit<Result, 'time'>): void => {
      tables[into][`${key}@${start}-${end}`] = value?.length ?? 0;
    };
    for (const result of hoppingResults(events, { size: 20, advance: 5, grace }).results) put('hops', result);
    for (const { start, end, events: all } of sessionResults(events, { gap: 6, grace, retention: grace + 6 }).sessions)
      put('sessions', { start, end, value: 'x'.repeat(all.length) });
    for (const [start, value] of slidingWindows(events, 8)) put('slides', { start, end: start + 8, value });
  }
  return tables;
};

test('one partition and three, one commit and many give the tables that are recomputed', () => {
  const rows = fc.array(
    fc.record({
      id: fc.integer({ min: 0, max: 20 }),
      key: fc.constantFrom('a', 'b', 'c'),
      time: fc.integer({ min: 0, max: 80 }),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(rows, (all) => {
      const expected = recompute(all);
      expect(run(all, 1, 'each')).toEqual(expected);
      expect(run(all, 1, 'one')).toEqual(expected);
      expect(run(all, 3, 'one')).toEqual(expected);
      expect(run(all, 3, 'each')).toEqual(expected);
    }),
    { numRuns: 25 },
  );
});
