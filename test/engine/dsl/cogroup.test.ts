import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Serde, serdes, type Topology } from '../../../engine/index.ts';
import {
  type CogroupedKStream,
  type KGroupedStream,
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

/** Published tests: CogroupedKStreamImplTest, and those of cogrouped streams by time windows, sliding windows and
 *  sessions. */
describe('published tests', () => {
  const texts = { key: string, value: string };
  const zero = (): string => '0';
  const plus = (_key: string, value: string, all: string): string => `${all}+${value}`;

  test('three streams, with the largest time of what a row was made of', () => {
    const builder = new StreamsBuilder();
    const [one, two, three] = ['one', 'two', 'three'].map((topic) => builder.stream(topic, texts).groupByKey());
    if (one === undefined || two === undefined || three === undefined) throw new Error('there are three');
    one
      .cogroup<string>(plus)
      .cogroup(two, (_key, value, all) => `${all}-${value}`)
      .cogroup(three, (_key, value, all) => `${all}*${value}`)
      .aggregate(zero, { value: string })
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    for (const [topic, key, value, time] of [
      ['one', 'a', 'x', 0],
      ['two', 'b', 'y', 90],
      ['three', 'b', 'z', 40],
      ['two', 'a', 'y', 5],
      ['three', 'c', 'z', 60],
      ['one', 'b', 'x', 95],
    ] as const)
      driver.input(topic, texts).pipe(key, value, time);
    expect(driver.output('out', texts).readText()).toBe(
      'a: 0+x\nb: 0-y @90\nb: 0-y*z @90\na: 0+x-y @5\nc: 0*z @60\nb: 0-y*z+x @95',
    );
    driver.close();
  });

  test('one stream alone; a record without a value changes nothing', () => {
    const builder = new StreamsBuilder();
    const one = builder.stream('one', texts).groupByKey();
    one.cogroup<string>(plus).aggregate(zero, { value: string }).toStream().to('out');
    const driver = new TopologyTestDriver(builder.build());
    for (const [key, value] of [
      ['a', 'x'],
      ['b', 'y'],
      ['b', null],
      ['b', 'z'],
      ['a', 'x'],
    ] as const)
      driver.input('one', texts).pipe(key, value);
    expect(driver.output('out', texts).readText()).toBe('a: 0+x\nb: 0+y\nb: 0+y+z\na: 0+x+x');
    driver.close();
  });

  test('joined with a table', () => {
    const builder = new StreamsBuilder();
    grouped(builder)
      .aggregate(zero, { value: string, name: 'all', store: 'all' })
      .join(builder.table('rows', texts), (all, row) => `${all} ${row}`, { value: string })
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    const out = driver.output('out', texts);
    driver.input('one', texts).pipe('a', 'x', 5);
    driver.input('two', { key: string, value: int32 }).pipe('b', 2, 6);
    expect(out.readText()).toBe('');
    driver.input('rows', texts).pipe('a', 'A', 0);
    driver.input('rows', texts).pipe('b', 'B', 10);
    expect(out.readText()).toBe('a: 0+x A @5\nb: 0-b2 B @10');
    driver.close();
  });

  describe('a grouped stream that is used several times is brought together', () => {
    const build = (
      name: string | undefined,
      use: (one: KGroupedStream<string, string>, two: KGroupedStream<string, string>) => void,
    ) => {
      const builder = new StreamsBuilder();
      const options = name === undefined ? {} : { name };
      use(
        builder.stream('one', texts).groupBy((_key, value) => value, { key: string, ...options }),
        builder.stream('two', texts).groupByKey(),
      );
      const topology = builder.build();
      return {
        repartitions: topology.repartitions.map((one) => one.name.replace(/-0+(?=\d)/, '-')),
        parts: topology.subTopologies().length,
      };
    };
    const cogroups = (one: KGroupedStream<string, string>, two: KGroupedStream<string, string>) =>
      one.cogroup<string>(plus).cogroup(two, plus).aggregate(zero, { value: string });

    test('for each use', () => {
      expect(
        build(undefined, (one, two) => {
          cogroups(one, two);
          cogroups(one, two);
        }),
      ).toEqual({
        repartitions: ['COGROUPKSTREAM-AGGREGATE-STATE-STORE-3', 'COGROUPKSTREAM-AGGREGATE-STATE-STORE-9'],
        // What reads the topic `two` is one part.
        parts: 2,
      });
      expect(
        build(undefined, (one, two) => {
          cogroups(one, two);
          one.aggregate(zero, plus, { value: string });
        }),
      ).toEqual({
        repartitions: ['COGROUPKSTREAM-AGGREGATE-STATE-STORE-3', 'KSTREAM-AGGREGATE-STATE-STORE-9'],
        parts: 3,
      });
    });

    test('once, where the grouping has a name', () => {
      expect(
        build('by-value', (one) => {
          const cogrouped = one.cogroup<string>(plus);
          cogrouped.aggregate(zero, { value: string });
          cogrouped.aggregate(zero, { value: string });
        }),
      ).toEqual({ repartitions: ['by-value'], parts: 3 });
      expect(
        build('by-value', (one, two) => {
          cogroups(one, two);
          one.aggregate(zero, plus, { value: string });
        }),
      ).toEqual({ repartitions: ['by-value'], parts: 2 });
    });
  });

  const byWindows = (windows: TimeWindows | SlidingWindows, records: string): string => {
    const builder = new StreamsBuilder();
    grouped(builder).windowedBy(windows).aggregate(zero, { value: string }).toStream().to('out');
    return play(builder.build(), timeWindowed(string, 10), windowed, records);
  };

  test('by tumbling windows', () => {
    const records = '1 a x@0 1 b x@9 1 a y@2 2 a 1@3 2 b 2@10 1 b y@11 2 a 3@11';
    expect(byWindows(TimeWindows.ofSizeWithNoGrace(10), records)).toBe(`
    a@0-10: 0+x @0
    b@0-10: 0+x @9
    a@0-10: 0+x+y @2
    a@0-10: 0+x+y-a1 @3
    b@10-20: 0-b2 @10
    b@10-20: 0-b2+y @11
    a@10-20: 0-a3 @11`);
  });

  test('by hopping windows, the earlier window first', () => {
    const records = '1 a x@0 2 b 1@0 1 a y@5 2 a 2@10 1 b z@10';
    expect(byWindows(TimeWindows.ofSizeWithNoGrace(10).advanceBy(4), records)).toBe(`
    a@0-10: 0+x @0
    b@0-10: 0-b1 @0
    a@0-10: 0+x+y @5
    a@4-14: 0+y @5
    a@4-14: 0+y-a2 @10
    a@8-18: 0-a2 @10
    b@4-14: 0+z @10
    b@8-18: 0+z @10`);
  });

  test('by sliding windows: those that there are, the later first; then new ones, that which ends with the record last', () => {
    const windows = SlidingWindows.ofTimeDifferenceAndGrace(10, 100);
    const records = '1 a x@10 1 b x@10 1 b y@11 1 a y@12 2 a 1@13 2 b 1@13 2 b 2@14';
    expect(byWindows(windows, records)).toBe(`
    a@0-10: 0+x @10
    b@0-10: 0+x @10
    b@11-21: 0+y @11
    b@1-11: 0+x+y @11
    a@11-21: 0+y @12
    a@2-12: 0+x+y @12
    a@11-21: 0+y-a1 @13
    a@13-23: 0-a1 @13
    a@3-13: 0+x+y-a1 @13
    b@11-21: 0+y-b1 @13
    b@12-22: 0-b1 @13
    b@3-13: 0+x+y-b1 @13
    b@12-22: 0-b1-b2 @14
    b@11-21: 0+y-b1-b2 @14
    b@14-24: 0-b2 @14
    b@4-14: 0+x+y-b1-b2 @14`);
    expect(byWindows(windows, '1 a x@10 1 a y@15 1 a z@20')).toBe(`
    a@0-10: 0+x @10
    a@11-21: 0+y @15
    a@5-15: 0+x+y @15
    a@11-21: 0+y+z @20
    a@16-26: 0+z @20
    a@10-20: 0+x+y+z @20`);
  });

  test('by sessions: those of a record that connects them go first', () => {
    const builder = new StreamsBuilder();
    grouped(builder)
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(10, 1000))
      .aggregate(zero, (_key, all, other) => `${all}|${other}`, { value: string })
      .toStream()
      .to('out');
    const records = '1 a x@0 1 a y@8 2 a 1@18 1 b x@19 1 a z@29 2 b 2@29 2 a 2@29';
    // What comes at the very time of a session of one moment deletes nothing.
    expect(play(builder.build(), sessionWindowed(string), windowed, records)).toBe(`
    a@0-0: 0+x @0
    a@0-0: - @0
    a@0-8: 0|0+x+y @8
    a@0-8: - @8
    a@0-18: 0|0|0+x+y-a1 @18
    b@19-19: 0+x @19
    a@29-29: 0+z @29
    b@19-19: - @19
    b@19-29: 0|0+x-b2 @29
    a@29-29: 0|0+z-a2 @29`);
  });
});
