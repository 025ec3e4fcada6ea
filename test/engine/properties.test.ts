/**
 * Proved against something simpler: what the engine keeps up to date record by record is what a plain loop over all
 * records computes.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serdes, type Topology } from '../../engine/index.ts';
import { StreamsBuilder, TimeWindows, timeWindowed } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';

const { float64, int32, string } = serdes;

type Row = { readonly table: boolean; readonly key: string; readonly value: number | null; readonly timestamp: number };

const rows = fc.array(
  fc.record({
    table: fc.boolean(),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    value: fc.option(fc.integer({ min: -5, max: 20 }), { freq: 6 }),
    timestamp: fc.integer({ min: 0, max: 99 }),
  }),
  { maxLength: 120 },
);

/** A filter, a join with a filtered table by another key, and sums per key and per window behind it. */
const build = (): Topology => {
  const builder = new StreamsBuilder();
  const rates = builder.table('table', { key: int32, value: int32 }).filter((_key, rate) => rate > 0);
  const joined = builder
    .stream('in', { key: string, value: int32 })
    .filter((_key, value) => value !== null && value >= 0)
    .selectKey((_key, value) => (value === null ? null : value % 4), { key: int32 })
    .leftJoin(rates, (value, rate) => value * (rate ?? 1), { value: int32 })
    .groupBy((_key, value) => (value === null ? null : `sum${value % 3}`), { key: string, value: int32 });
  joined
    .aggregate(
      () => 0,
      (_key, value, sum) => sum + value,
      { store: 'sums', value: float64 },
    )
    .filter((_key, sum) => sum > 30)
    .toStream()
    .to('sums');
  joined
    .windowedBy(TimeWindows.ofSizeAndGrace(10, 1000))
    .aggregate(
      () => 0,
      (_key, value, sum) => sum + (value ?? 0),
      { store: 'windows', value: float64 },
    )
    .toStream()
    .to('windows');
  return builder.build();
};

const add = (sums: Map<string, number>, key: string, value: number): void => {
  sums.set(key, (sums.get(key) ?? 0) + value);
};

/** The same by a loop over the rows in their order. */
const recompute = (all: readonly Row[]): { sums: Map<string, number>; windows: Map<string, number> } => {
  const rates = new Map<number, number>();
  const sums = new Map<string, number>();
  const windows = new Map<string, number>();
  for (const { table, key, value, timestamp } of all) {
    if (table) {
      const id = key.charCodeAt(0) % 4;
      if (value === null || value <= 0) rates.delete(id);
      else rates.set(id, value);
    } else if (value !== null && value >= 0) {
      const product = value * (rates.get(value % 4) ?? 1);
      const group = `sum${product % 3}`;
      add(sums, group, product);
      const start = timestamp - (timestamp % 10);
      add(windows, JSON.stringify({ key: group, start, end: start + 10 }), product);
    }
  }
  for (const [key, sum] of sums) if (sum <= 30) sums.delete(key);
  return { sums, windows };
};

const run = (all: readonly Row[], partitions: number): ReturnType<typeof recompute> => {
  const driver = new TopologyTestDriver(build(), { partitions });
  const stream = driver.input('in', { key: string, value: int32 });
  const table = driver.input('table', { key: int32, value: int32 });
  for (const { table: toTable, key, value, timestamp } of all) {
    if (toTable) table.pipe(key.charCodeAt(0) % 4, value, timestamp);
    else stream.pipe(key, value, timestamp);
  }
  const sums = driver.output('sums', { key: string, value: float64 }).readTable();
  const windows = driver.output('windows', { key: timeWindowed(string, 10), value: float64 }).readTable();
  driver.close();
  return { sums, windows };
};

test('incremental is recomputed, with one partition and with four', () => {
  fc.assert(
    fc.property(rows, (all) => {
      const expected = recompute(all);
      expect(run(all, 1)).toEqual(expected);
      expect(run(all, 4)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('records piped as one batch give what records piped one by one give', () => {
  fc.assert(
    fc.property(rows, (all) => {
      const stream = all.filter(({ table }) => !table);
      const expected = run(stream, 1);
      const driver = new TopologyTestDriver(build());
      driver.input('in', { key: string, value: int32 }).pipeAll(stream);
      const sums = driver.output('sums', { key: string, value: float64 }).readTable();
      const windows = driver.output('windows', { key: timeWindowed(string, 10), value: float64 }).readTable();
      driver.close();
      expect({ sums, windows }).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

/** Rows in time and rows that are clearly late for their own partition. */
const timed = fc.array(
  fc.record({ id: fc.integer({ min: 0, max: 1000 }), key: fc.constantFrom('a', 'b', 'c'), late: fc.boolean() }),
  { minLength: 1, maxLength: 60 },
);

test('behind a repartition the same rows are late however partitions interleave', () => {
  /** Each join before the grouping is a repartition more, by another key. */
  const topology = (joins: number): Topology => {
    const builder = new StreamsBuilder();
    let stream = builder.stream('in', { key: int32, value: string }).selectKey((id) => `${id}`, { key: string });
    for (let join = 0; join < joins; join++) {
      stream = stream
        .selectKey((key, value) => `${value} ${key?.slice(join)}`, { key: string })
        .leftJoin(builder.table(`table-${join}`, { key: string, value: string }), (value) => value, { value: string });
    }
    stream
      .groupBy((_key, value) => value, { key: string })
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .count({ store: 'counts', retentionMs: 1_000_000, value: float64 as never })
      .toStream()
      .to('out');
    return builder.build();
  };
  fc.assert(
    fc.property(
      timed,
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.integer({ min: 0, max: 2 })),
      (all, joins, chunk, turns) => {
        // Each partition's own rows ascend in time, but for late ones; partitions are far apart from each other.
        const partitions = [0, 1, 2].map((partition) => {
          let now = partition * 5_000;
          const own = all.filter(({ id }) => id % 3 === partition);
          return own.map(({ id, key, late }, at) => {
            if (!late || at === 0) now += id % 7;
            return { key: id, value: key, timestamp: late && at > 0 ? Math.max(0, now - 100) : now + 200, partition };
          });
        });
        const expected = new Map<string, number>();
        let dropped = 0;
        for (const rowsOfOne of partitions) {
          // By what came before it in its own partition, wherever that went.
          let largest = 0;
          for (const { value, timestamp } of rowsOfOne) {
            largest = Math.max(largest, timestamp);
            const start = timestamp - (timestamp % 10);
            if (start + 10 + 5 <= largest) dropped++;
            else add(expected, JSON.stringify({ key: value, start, end: start + 10 }), 1);
          }
        }
        const driver = new TopologyTestDriver(topology(joins), { partitions: 3 });
        const input = driver.input('in', { key: int32, value: string });
        const queues = partitions.map((own) => [...own]);
        for (const turn of [...turns, ...Array.from({ length: 300 }, (_, at) => at % 3)]) {
          const next = (queues[turn] ?? []).splice(0, chunk);
          if (next.length > 0) input.pipeAll(next);
        }
        const counts = driver.output('out', { key: timeWindowed(string, 10), value: float64 }).readTable();
        expect(counts).toEqual(expected);
        expect(driver.counters.drops.get('late') ?? 0).toBe(dropped);
        driver.close();
      },
    ),
    { numRuns: 60 },
  );
});
