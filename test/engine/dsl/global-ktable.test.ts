/** Global tables: joins of a stream with one, by any key; and stores that a processor fills on every thread. */

import { describe, expect, test } from 'vitest';
import { serdes, type Topology } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int32, string } = serdes;
const numbers = { key: int32, value: string };
const texts = { key: string, value: string };

/** The key of the row is what stands behind the comma of a value; nothing behind it: none. */
const topologyOf = (left: boolean): Topology => {
  const builder = new StreamsBuilder();
  const table = builder.globalTable('table', texts);
  const stream = builder.stream('stream', numbers);
  const select = (_key: number | null, value: string): string | null => value.split(',')[1] || null;
  const joined = left
    ? stream.leftJoin(table, select, (value, row, key) => `${key}:${value}+${row}`, { value: string })
    : stream.join(table, select, (value, row, key) => `${key}:${value}+${row}`, { value: string });
  joined.to('out');
  return builder.build();
};

const open = (left: boolean, partitions = 1) => {
  const driver = new TopologyTestDriver(topologyOf(left), { partitions });
  return {
    driver,
    table: driver.input('table', texts),
    stream: driver.input('stream', numbers),
    out: () =>
      driver
        .output('out', numbers)
        .readAll()
        .map(({ key, value, timestamp }) => `${key} ${value} @${timestamp}`)
        .sort(),
  };
};

describe.each([1, 4])('with %i partitions', (partitions) => {
  test('an inner join looks a row up by the selected key, wherever it lies; changes of the table emit nothing', () => {
    const { driver, table, stream, out } = open(false, partitions);
    for (const key of ['a', 'b', 'c']) stream.pipe(1, `v,${key}`, 5);
    expect(out()).toEqual([]);
    for (const key of ['a', 'b']) table.pipe(key, `row of ${key}`, 9);
    expect(out()).toEqual([]);
    for (const [at, key] of ['a', 'b', 'c'].entries()) stream.pipe(at, `v,${key}`, 5);
    expect(out()).toEqual(['0 0:v,a+row of a @5', '1 1:v,b+row of b @5']);
    table.pipe('a', null, 1);
    stream.pipe(0, 'v,a', 5);
    expect(out()).toEqual([]);
    driver.close();
  });

  test('a left join joins with null where there is no row', () => {
    const { driver, table, stream, out } = open(true, partitions);
    table.pipe('a', 'row', 9);
    stream.pipe(1, 'v,a', 3);
    stream.pipe(1, 'v,b', 4);
    expect(out()).toEqual(['1 1:v,a+row @3', '1 1:v,b+null @4']);
    driver.close();
  });
});

test('a record without a value, and one for which no key is selected, is dropped; a left join keeps one without a key', () => {
  const inner = open(false);
  inner.stream.pipe(1, null);
  inner.stream.pipe(1, 'v');
  inner.stream.pipe(null, 'v');
  expect(inner.out()).toEqual([]);
  expect(inner.driver.drops.map(({ reason }) => reason)).toEqual(['null-value', 'null-key', 'null-key']);
  const left = open(true);
  left.stream.pipe(1, null);
  left.stream.pipe(1, 'v');
  left.stream.pipe(null, 'v', 2);
  left.table.pipe('a', 'row');
  left.stream.pipe(null, 'v,a', 3);
  expect(left.out()).toEqual(['null null:v+null @2', 'null null:v,a+row @3']);
  expect(left.driver.drops.map(({ reason }) => reason)).toEqual(['null-value', 'null-key']);
});

test('the store of a global table is read by tests, and has no part in the sub-topologies', () => {
  const topology = topologyOf(false);
  expect(topology.describe()).toBe(`Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000003 (topics: [stream])
      --> KSTREAM-JOIN-0000000004
    Processor: KSTREAM-JOIN-0000000004 (stores: [table-STATE-STORE-0000000000])
      --> KSTREAM-SINK-0000000005
      <-- KSTREAM-SOURCE-0000000003
    Sink: KSTREAM-SINK-0000000005 (topic: out)
      <-- KSTREAM-JOIN-0000000004

   Sub-topology: 1 for global store (will not generate tasks)
    Source: KSTREAM-SOURCE-0000000001 (topics: [table])
      --> KTABLE-SOURCE-0000000002
    Processor: KTABLE-SOURCE-0000000002 (stores: [table-STATE-STORE-0000000000])
      --> none
      <-- KSTREAM-SOURCE-0000000001

`);
  const driver = new TopologyTestDriver(topology);
  driver.input('table', texts).pipe('a', 'row', 7);
  expect(driver.keyValueStore('table-STATE-STORE-0000000000', texts).get('a')).toEqual({ value: 'row', timestamp: 7 });
  driver.close();
});

test('what the topology itself writes to the topic of a global table is found there', () => {
  const builder = new StreamsBuilder();
  const table = builder.globalTable('last', texts);
  builder.stream('set', texts).to('last');
  builder
    .stream('ask', numbers)
    .join(
      table,
      (_key, value) => value,
      (value, row) => `${value}=${row}`,
      { value: string },
    )
    .to('out');
  const driver = new TopologyTestDriver(builder.build(), { partitions: 3 });
  driver.input('set', texts).pipe('x', '1');
  driver.input('ask', numbers).pipe(5, 'x');
  expect(driver.output('out', numbers).readTable()).toEqual(new Map([['5', 'x=1']]));
  driver.close();
});

test('a topology may have global stores alone', () => {
  const builder = new StreamsBuilder();
  const table = builder.globalTable('table', texts);
  const driver = new TopologyTestDriver(builder.build());
  driver.input('table', texts).pipe('a', 'x', 1);
  expect(driver.keyValueStore(table).get('a')).toEqual({ value: 'x', timestamp: 1 });
  driver.close();
});

test('a name is given once', () => {
  const builder = new StreamsBuilder();
  builder.globalTable('table', { ...texts, store: 'twice' });
  builder.table('other', { ...texts, store: 'twice' });
  expect(() => builder.build()).toThrow('two stores are called "twice"');
});
