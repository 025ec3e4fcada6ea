/** Aggregates of grouped tables: what Apache Kafka's tests of them expect, and that rows are retracted. */

import { describe, expect, test } from 'vitest';
import { type Serde, serdes } from '../../../engine/index.ts';
import { type KTable, StreamsBuilder } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int32, int64, string } = serdes;
const forms = { key: string, value: string };

/** Pipes `key value@time` to `in`, row after row, and prints `key value@time` of what came out. */
const run = <V>(
  build: (table: KTable<string, string>) => KTable<string, V>,
  rows: string,
  value: Serde<V>,
): readonly string[] => {
  const builder = new StreamsBuilder();
  build(builder.table('in', forms)).toStream().to('out', { value });
  const driver = new TopologyTestDriver(builder.build());
  const input = driver.input('in', forms);
  for (const [, key = '', text = '', time] of rows.matchAll(/(\S+) (\S+)@(\d+)/g))
    input.pipe(key, text === '-' ? null : text, Number(time));
  const out = driver.output('out', { key: string, value }).readAll();
  driver.close();
  return out.map((record) => `${record.key} ${record.value ?? '-'}@${record.timestamp}`);
};

/** Writes down what is added and subtracted. */
const written = (table: KTable<string, string>, group: (key: string, value: string) => string | null) =>
  table
    .groupBy((key, value) => [group(key, value), value], forms)
    .aggregate(
      () => '0',
      (_group, value, text) => `${text}+${value}`,
      (_group, value, text) => `${text}-${value}`,
      { store: 'written', value: string },
    );

describe('aggregate', () => {
  test('the former row is subtracted before the present one is added; one change where the group stays', () => {
    const rows = 'A 1@10 B 2@15 A 3@20 B 4@18 C 5@5 D 6@25 B 7@15 C 8@10';
    expect(run((table) => written(table, (key) => key), rows, string)).toEqual([
      'A 0+1@10',
      'B 0+2@15',
      'A 0+1-1+3@20',
      'B 0+2-2+4@18',
      'C 0+5@5',
      'D 0+6@25',
      'B 0+2-2+4-4+7@18',
      'C 0+5-5+8@10',
    ]);
  });

  test('a row that changes its group leaves the one and enters the other; without a group it belongs to none', () => {
    const rows = 'A 1@10 A -@15 A 1@12 B 2@20 null 3@25 B 4@23 null 5@24 B 7@22';
    expect(run((table) => written(table, (key, value) => (key === 'null' ? null : value)), rows, string)).toEqual([
      '1 0+1@10',
      '1 0+1-1@15',
      '1 0+1-1+1@15',
      '2 0+2@20',
      '2 0+2-2@23',
      '4 0+4@23',
      '4 0+4-4@23',
      '7 0+7@22',
    ]);
  });

  test('what was taken of the former row is removed before what is taken of the present one comes', () => {
    const rows = '11 A@10 12 B@8 11 -@12 12 C@6';
    const build = (table: KTable<string, string>) =>
      table
        .groupBy((key) => [key.charAt(0), key.charAt(1)], forms)
        .aggregate(
          () => '',
          (_group, value, text) => text + value,
          (_group, value, text) => text.replaceAll(value, ''),
          { value: string },
        );
    expect(run(build, rows, string)).toEqual(['1 1@10', '1 12@10', '1 2@12', '1 2@12']);
  });

  test('a null result deletes the group, a row that comes later begins a new one', () => {
    const build = (table: KTable<string, string>) =>
      table
        .groupBy((_key, value) => ['all', Number(value)], { key: string, value: int32 })
        .aggregate<number>(
          () => 0,
          (_group, value, sum) => sum + value,
          (_group, value, sum) => (sum === value ? null : sum - value),
          { value: int32 },
        );
    expect(run(build, 'A 1@1 B 2@2 A -@3 B -@4 B -@5 A 7@2', int32)).toEqual([
      'all 1@1',
      'all 3@2',
      'all 2@3',
      'all -@4',
      'all 7@2',
    ]);
  });
});

test('count counts rows, not changes; an empty group stays with 0', () => {
  const build = (table: KTable<string, string>) => table.groupBy((_key, value) => [value, value], forms).count();
  expect(run(build, 'A green@10 B green@9 A blue@12 C yellow@15 D green@11 A blue@13 C -@16', int64)).toEqual([
    'green 1@10',
    'green 2@10',
    'green 1@12',
    'blue 1@12',
    'yellow 1@15',
    'green 2@12',
    'blue 1@13',
    'yellow 0@16',
  ]);
});

test('reduce takes the first row as it is', () => {
  const build = (table: KTable<string, string>) =>
    table
      .groupBy((_key, value) => ['all', Number(value)], { key: string, value: int32 })
      .reduce(
        (sum, value) => sum + value,
        (sum, value) => sum - value,
        { store: 'sums' },
      );
  expect(run(build, 'A 5@1 B 7@2 A 1@3 B -@4', int32)).toEqual(['all 5@1', 'all 12@2', 'all 8@3', 'all 1@4']);
});

test('nodes, stores and the repartition are called as in Kafka Streams', () => {
  const builder = new StreamsBuilder();
  builder
    .table('in', forms)
    .groupBy((_key, value) => [value, value], forms)
    .count()
    .toStream()
    .to('out');
  expect(builder.build().describe()).toBe(`Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000001 (topics: [in])
      --> KTABLE-SOURCE-0000000002
    Processor: KTABLE-SOURCE-0000000002 (stores: [in-STATE-STORE-0000000000])
      --> KTABLE-SELECT-0000000003
      <-- KSTREAM-SOURCE-0000000001
    Processor: KTABLE-SELECT-0000000003 (stores: [])
      --> KSTREAM-SINK-0000000005
      <-- KTABLE-SOURCE-0000000002
    Sink: KSTREAM-SINK-0000000005 (topic: KTABLE-AGGREGATE-STATE-STORE-0000000004-repartition)
      <-- KTABLE-SELECT-0000000003

   Sub-topology: 1
    Source: KSTREAM-SOURCE-0000000006 (topics: [KTABLE-AGGREGATE-STATE-STORE-0000000004-repartition])
      --> KTABLE-AGGREGATE-0000000007
    Processor: KTABLE-AGGREGATE-0000000007 (stores: [KTABLE-AGGREGATE-STATE-STORE-0000000004])
      --> KTABLE-TOSTREAM-0000000008
      <-- KSTREAM-SOURCE-0000000006
    Processor: KTABLE-TOSTREAM-0000000008 (stores: [])
      --> KSTREAM-SINK-0000000009
      <-- KTABLE-AGGREGATE-0000000007
    Sink: KSTREAM-SINK-0000000009 (topic: out)
      <-- KTABLE-TOSTREAM-0000000008

`);
});

test('aggregations of one grouping with a name share its repartition', () => {
  const builder = new StreamsBuilder();
  const grouped = builder
    .table('in', forms)
    .groupBy((_key, value) => [value, Number(value)], { key: string, value: int32, name: 'by-value' });
  grouped.count({ store: 'counts' });
  grouped.reduce(
    (a, b) => a + b,
    (a, b) => a - b,
    { store: 'sums' },
  );
  const topology = builder.build();
  expect(topology.repartitions.map(({ name }) => name)).toEqual(['by-value']);
  const driver = new TopologyTestDriver(topology);
  driver.input('in', forms).pipe('a', '3');
  driver.input('in', forms).pipe('b', '3');
  expect(driver.keyValueStore('counts', { key: string, value: int64 }).get('3')?.value).toBe(2);
  expect(driver.keyValueStore('sums', { key: string, value: int32 }).get('3')?.value).toBe(6);
  driver.close();
});

test('a join of tables is grouped: what goes is the row that was joined', () => {
  const builder = new StreamsBuilder();
  const left = builder.table('left', { key: string, value: int32 });
  const right = builder.table('right', { key: string, value: int32 });
  left
    .outerJoin(right, (a, b) => (a ?? 0) + (b ?? 0), { value: int32 })
    .groupBy((_key, sum) => ['all', sum], { key: string, value: int32 })
    .reduce(
      (a, b) => a + b,
      (a, b) => a - b,
      { store: 'total' },
    );
  const driver = new TopologyTestDriver(builder.build());
  const total = driver.keyValueStore('total', { key: string, value: int32 });
  const numbers = { key: string, value: int32 };
  const seen: (number | undefined)[] = [];
  for (const [topic, key, value] of [
    ['left', 'a', 1],
    ['right', 'a', 10],
    ['right', 'b', 20],
    ['left', 'a', 2],
    ['right', 'a', null],
    ['left', 'a', null],
    ['left', 'a', null],
  ] as const) {
    driver.input(topic, numbers).pipe(key, value);
    seen.push(total.get('all')?.value);
  }
  expect(seen).toEqual([1, 11, 31, 32, 22, 20, 20]);
  driver.close();
});

/** Published tests of what is kept (KGroupedTableImplTest). */
test('groups are kept in stores that are named, with the largest time of what they were made of', () => {
  const builder = new StreamsBuilder();
  const table = builder.table('in', { key: string, value: serdes.float64 });
  const byKey = table.groupBy((key, value) => [key, Math.trunc(value)], { key: string, value: int32 });
  const sums = byKey.reduce(
    (a, b) => a + b,
    (a, b) => a - b,
    { store: 'sums' },
  );
  const other = byKey.reduce(
    (a, b) => a + b,
    (a, b) => a - b,
  );
  const parity = table.groupBy((_key, value) => [value < 4 ? 'low' : 'high', String(value)], forms);
  parity.count({ store: 'counts' });
  parity.aggregate(
    () => '0',
    (_group, value, text) => `${text}+${value}`,
    (_group, value, text) => `${text}-${value}`,
    { store: 'texts', value: string },
  );
  expect(sums.queryable().name).toBe('sums');
  // In Kafka Streams a store with a generated name cannot be read.
  expect(other.queryable().name).toMatch(/^KTABLE-AGGREGATE-STATE-STORE-\d+$/);
  const driver = new TopologyTestDriver(builder.build());
  for (const [key, value, time] of [
    ['A', 1.5, 10],
    ['B', 2.5, 11],
    ['A', 3.75, 30],
    ['B', 1.25, 40],
    ['A', 6.5, 50],
    ['B', 7.25, 20],
  ] as const)
    driver.input('in', { key: string, value: serdes.float64 }).pipe(key, value, time);
  const rowOf = <V>(store: string, key: string, value: Serde<V>) =>
    driver.keyValueStore(store, { key: string, value }).get(key);
  expect(rowOf('sums', 'A', int32)).toEqual({ value: 6, timestamp: 50 });
  expect(rowOf('sums', 'B', int32)).toEqual({ value: 7, timestamp: 40 });
  expect(rowOf('counts', 'low', int64)).toEqual({ value: 0, timestamp: 50 });
  expect(rowOf('counts', 'high', int64)).toEqual({ value: 2, timestamp: 50 });
  expect(rowOf('texts', 'low', string)?.value).toBe('0+1.5+2.5-1.5+3.75-2.5+1.25-3.75-1.25');
  expect(rowOf('texts', 'high', string)).toEqual({ value: '0+6.5+7.25', timestamp: 50 });
  driver.close();
});
