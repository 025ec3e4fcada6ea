import { expect, expectTypeOf, test } from 'vitest';
import { type Serde, serdes, type Topology } from '../../../engine/index.ts';
import {
  type CogroupedKStream,
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

const { int32, string } = serdes;

/** Two streams of one key: the values of `one` are added with `+`, those of `two` with `-`. */
const grouped = (builder: StreamsBuilder): CogroupedKStream<string, string> =>
  builder
    .stream('one', { key: string, value: string })
    .groupByKey()
    .cogroup<string>((_key, value, all) => `${all}+${value}`)
    .cogroup(builder.stream('two', { key: string, value: int32 }).groupByKey(), (key, value, all) => {
      expectTypeOf(value).toEqualTypeOf<number>();
      return value === 0 ? null : `${all}-${key}${value}`;
    });

/** Pipes `1 key value@time` (or `2 …`); prints what comes out, with the drops. */
const play = <K>(topology: Topology, key: Serde<K>, shown: (key: K) => string, records: string): string => {
  const driver = new TopologyTestDriver(topology);
  const one = driver.input('one', { key: string, value: string });
  const two = driver.input('two', { key: string, value: int32 });
  for (const [, stream, name = '', value = '', time] of records.matchAll(/([12]) (\S+) (\S+)@(\d+)/g)) {
    const from = name === '-' ? null : name;
    if (stream === '1') one.pipe(from, value === 'null' ? null : value, Number(time));
    else two.pipe(from, value === 'null' ? null : Number(value), Number(time));
  }
  const lines = driver
    .output('out', { key, value: string })
    .readAll()
    .map(
      (record) => `    ${record.key === null ? '-' : shown(record.key)}: ${record.value ?? '-'} @${record.timestamp}`,
    );
  lines.push(...driver.drops.map(({ reason }) => `    ! ${reason}`));
  driver.close();
  return `\n${lines.join('\n')}`;
};

const played = (table: KTable<string, string>, builder: StreamsBuilder, records: string): string => {
  table.toStream().to('out');
  return play(builder.build(), string, (key) => key, records);
};

const windowed = ({ key, start, end }: Windowed<string>): string => `${key}@${start}-${end}`;

test('each stream adds to the accumulator of its key by a function of its own', () => {
  const builder = new StreamsBuilder();
  const table = grouped(builder).aggregate(() => '0', { value: string, store: 'all' });
  expectTypeOf(table).toEqualTypeOf<KTable<string, string>>();
  expect(
    played(
      table,
      builder,
      `
    1 a x@0    1 b x@1    1 a y@10   2 b 2@100  2 a 3@1    2 c 4@500
    1 a null@7 2 - 5@9    2 a 0@11   1 a z@3`,
    ),
  ).toBe(`
    a: 0+x @0
    b: 0+x @1
    a: 0+x+y @10
    b: 0+x-b2 @100
    a: 0+x+y-a3 @10
    c: 0-c4 @500
    a: - @11
    a: 0+z @3
    ! null-value
    ! null-key`);
});

test('by hopping windows, sliding windows and sessions', () => {
  const records = `
    1 a x@20   2 a 1@25   1 a y@22   2 b 2@90   1 a late@20`;
  const hopping = new StreamsBuilder();
  grouped(hopping)
    .windowedBy(TimeWindows.ofSizeAndGrace(10, 20).advanceBy(5))
    .aggregate(() => '0', { value: string })
    .toStream()
    .to('out');
  expect(play(hopping.build(), timeWindowed(string, 10), windowed, records)).toBe(`
    a@15-25: 0+x @20
    a@20-30: 0+x @20
    a@20-30: 0+x-a1 @25
    a@25-35: 0-a1 @25
    a@15-25: 0+x+y @22
    a@20-30: 0+x-a1+y @25
    b@85-95: 0-b2 @90
    b@90-100: 0-b2 @90
    ! late
    ! late`);
  const sliding = new StreamsBuilder();
  grouped(sliding)
    .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 20))
    .aggregate(() => '0', { value: string })
    .toStream()
    .to('out');
  expect(play(sliding.build(), timeWindowed(string, 10), windowed, records)).toBe(`
    a@10-20: 0+x @20
    a@21-31: 0-a1 @25
    a@15-25: 0+x-a1 @25
    a@21-31: 0-a1+y @25
    a@15-25: 0+x-a1+y @25
    a@12-22: 0+x+y @22
    a@23-33: 0-a1 @25
    b@80-90: 0-b2 @90
    ! late`);
  const sessions = new StreamsBuilder();
  grouped(sessions)
    .windowedBy(SessionWindows.ofInactivityGapAndGrace(4, 20))
    .aggregate(
      () => '0',
      (_key, all, other) => `${all}|${other}`,
      { value: string },
    )
    .toStream()
    .to('out');
  expect(play(sessions.build(), sessionWindowed(string), windowed, records)).toBe(`
    a@20-20: 0+x @20
    a@25-25: 0-a1 @25
    a@20-20: - @20
    a@25-25: - @25
    a@20-25: 0|0+x|0-a1+y @25
    b@90-90: 0-b2 @90
    ! late`);
});

test('streams of another key are brought together; nodes and stores are named as in Kafka', () => {
  const build = (name?: string): Topology => {
    const builder = new StreamsBuilder();
    const texts = { key: string, value: string };
    builder
      .stream('one', texts)
      .groupBy((_key, value) => value, { key: string, name: 'first' })
      .cogroup<string>((_key, value, all) => all + value)
      .cogroup(builder.stream('two', texts).groupByKey(), (_key, value, all) => all + value)
      .aggregate(() => '', { value: string, ...(name === undefined ? {} : { name, store: 'kept' }) })
      .toStream()
      .to('out');
    return builder.build();
  };
  expect(build().nodes.map(({ name }) => name)).toEqual([
    'KSTREAM-SOURCE-0000000000',
    'KSTREAM-KEY-SELECT-0000000001',
    'KSTREAM-SOURCE-0000000002',
    'KSTREAM-SINK-0000000004',
    'KSTREAM-SOURCE-0000000005',
    'COGROUPKSTREAM-AGGREGATE-0000000006',
    'COGROUPKSTREAM-AGGREGATE-0000000007',
    'COGROUPKSTREAM-MERGE-0000000008',
    'KTABLE-TOSTREAM-0000000009',
    'KSTREAM-SINK-0000000010',
  ]);
  expect(build().stores.map(({ name }) => name)).toEqual(['COGROUPKSTREAM-AGGREGATE-STATE-STORE-0000000003']);
  const named = build('all');
  expect(named.nodes.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['all-cogroup-agg-0', 'all-cogroup-agg-1', 'all-cogroup-merge']),
  );
  expect(named.stores.map(({ name }) => name)).toEqual(['kept']);
  expect(named.subTopologies().length).toBe(2);
});

test('several streams whose keys have changed are brought together without names', () => {
  const builder = new StreamsBuilder();
  const byValue = (topic: string) =>
    builder.stream(topic, { key: string, value: string }).groupBy((_key, value) => value, { key: string });
  byValue('one')
    .cogroup<string>((_key, _value, all) => `${all}1`)
    .cogroup(byValue('two'), (_key, _value, all) => `${all}2`)
    .aggregate(() => '', { value: string, store: 'all' })
    .toStream()
    .to('out');
  const topology = builder.build();
  expect(topology.repartitions.map(({ name }) => name)).toEqual(['all', 'all-2']);
  const driver = new TopologyTestDriver(topology);
  const texts = { key: string, value: string };
  driver.input('one', texts).pipe(null, 'a');
  driver.input('two', texts).pipe(null, 'a');
  expect(driver.output('out', texts).readText()).toBe('a: 1\na: 12');
});

test('streams of another builder are refused', () => {
  const texts = { key: string, value: string };
  const other = new StreamsBuilder().stream('two', texts).groupByKey();
  const one = new StreamsBuilder()
    .stream('one', texts)
    .groupByKey()
    .cogroup<string>((_key, value) => value)
    .cogroup(other, (_key, value) => value);
  expect(() => one.aggregate(() => '', { value: string })).toThrow(
    'cogroup combines streams or tables of two builders',
  );
});
