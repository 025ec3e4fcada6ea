/** Published tests of what builders make: names of nodes and stores, which stores there are, what is read how often
 *  (StreamsBuilderTest, TopologyTest, SuppressTopologyTest, MaterializedTest, NamedTest,
 *  RepartitionTopicNamingTest). */

import { describe, expect, test } from 'vitest';
import {
  BufferConfig,
  type CogroupedKStream,
  JoinWindows,
  type KGroupedStream,
  type KStream,
  type KTable,
  SessionWindows,
  SlidingWindows,
  Stores,
  StreamsBuilder,
  Suppressed,
  serdes,
  TimeWindows,
  TopologyTestDriver,
} from '../../../engine/public.ts';
import { nodesOf } from './nodes-of.ts';

const { string } = serdes;
const texts = { key: string, value: string };
const within = JoinWindows.ofTimeDifferenceWithNoGrace(10);
const first = (value: string | null): string | null => value;
const pair = (key: string | null, value: string | null): [string | null, string | null] => [key, value];
const ignored = () => ({ process: () => undefined });

const made = (make: (builder: StreamsBuilder) => unknown): string[] => {
  const builder = new StreamsBuilder();
  make(builder);
  return nodesOf(builder.build());
};

describe('nodes that are named', () => {
  const ofStream: readonly (readonly [string, (stream: KStream<string, string>) => unknown])[] = [
    ['to', (stream) => stream.to('out', { name: 'op' })],
    ['map', (stream) => stream.map(pair, { ...texts, name: 'op' })],
    ['flatMap', (stream) => stream.flatMap((key, value) => [pair(key, value)], { ...texts, name: 'op' })],
    ['selectKey', (stream) => stream.selectKey((key) => key, { key: string, name: 'op' })],
    ['mapValues', (stream) => stream.mapValues((value) => value, { name: 'op' })],
    ['flatMapValues', (stream) => stream.flatMapValues((value) => [value], { name: 'op' })],
    ['filter', (stream) => stream.filter(() => true, { name: 'op' })],
    ['filterNot', (stream) => stream.filterNot(() => true, { name: 'op' })],
    ['peek', (stream) => stream.peek(() => undefined, { name: 'op' })],
    ['foreach', (stream) => stream.foreach(() => undefined, { name: 'op' })],
    ['print', (stream) => stream.print({ name: 'op' })],
    ['process', (stream) => stream.process(ignored, { name: 'op' })],
    ['processValues', (stream) => stream.processValues(ignored, { name: 'op' })],
  ];
  test.each(ofStream)('%s', (_method, add) => {
    expect(made((builder) => add(builder.stream('in', texts)))).toEqual(['KSTREAM-SOURCE-0, op']);
  });

  test('merge, split and what is joined', () => {
    expect(made((builder) => builder.stream('a', texts).merge(builder.stream('b', texts), { name: 'both' }))).toEqual([
      'KSTREAM-SOURCE-0, KSTREAM-SOURCE-1, both',
    ]);
    // Also where no call ends the list of branches.
    expect(
      made((builder) =>
        builder
          .stream('in', texts)
          .split({ name: 'parts' })
          .branch('one', () => true)
          .branch('two', () => false),
      ),
    ).toEqual(['KSTREAM-SOURCE-0, parts, parts-one, parts-two']);
    const joined: readonly ((stream: KStream<string, string>, rows: KTable<string, string>) => unknown)[] = [
      (stream, rows) => stream.join(rows, first, { name: 'op' }),
      (stream, rows) => stream.leftJoin(rows, first, { name: 'op' }),
    ];
    for (const join of joined)
      expect(made((builder) => join(builder.stream('in', texts), builder.table('rows', texts)))).toEqual([
        'KSTREAM-SOURCE-0, KSTREAM-SOURCE-2, KTABLE-SOURCE-3 (rows-STATE-STORE-1), op (rows-STATE-STORE-1)',
      ]);
  });

  type Join = (left: KStream<string, string>, right: KStream<string, string>, options: StreamNames) => unknown;
  type StreamNames = { readonly name: string; readonly store: string };
  test.each<readonly [string, Join, string]>([
    [
      'join',
      (left, right, options) => left.join(right, first, within, options),
      'op-this-join-store op-other-join-store',
    ],
    [
      'leftJoin',
      (left, right, options) => left.leftJoin(right, first, within, options),
      'op-this-join-store op-outer-other-join-store op-left-shared-join-store',
    ],
    [
      'outerJoin',
      (left, right, options) => left.outerJoin(right, first, within, options),
      'op-outer-this-join-store op-outer-other-join-store op-outer-shared-join-store',
    ],
  ])('%s of two streams, with its stores', (_method, join, stores) => {
    const options = { name: 'op', store: 'op' };
    expect(made((builder) => join(builder.stream('l', texts), builder.stream('r', texts), options))).toEqual([
      `KSTREAM-SOURCE-0, KSTREAM-SOURCE-1, op-this-windowed, op-other-windowed, op-merge (${stores})`,
    ]);
  });

  test('sources of streams and tables; a name takes the place of a number, which is not given again', () => {
    expect(
      made((builder) => {
        builder.stream('a', { ...texts, name: 'read' });
        builder.stream('b', texts);
        builder.table('c', { ...texts, name: 'rows', store: 'kept' });
        builder.table('d', texts);
      }),
    ).toEqual(['read', 'KSTREAM-SOURCE-0', 'rows-source, rows (kept)', 'KSTREAM-SOURCE-3, KTABLE-SOURCE-4']);
  });

  test('global tables, and global stores that a processor fills', () => {
    expect(
      made((builder) => {
        builder.globalTable('a', { ...texts, name: 'rows' });
        builder.globalTable('b', texts);
        builder.addGlobalStore(Stores.keyValue('c', string, string), 'c', { ...texts, name: 'all' }, ignored);
        builder.addGlobalStore(Stores.keyValue('d', string, string), 'd', texts, ignored);
        builder.stream('in', texts);
      }),
    ).toEqual([
      'KSTREAM-SOURCE-8',
      'rows-source, rows (a-STATE-STORE-0)',
      'KSTREAM-SOURCE-3, KTABLE-SOURCE-4 (b-STATE-STORE-2)',
      'all-source, all (c)',
      'KSTREAM-SOURCE-6, KTABLE-SOURCE-7 (d)',
    ]);
  });

  test('of tables', () => {
    expect(made((builder) => builder.table('in', texts).toStream({ name: 'sent' }))).toEqual([
      'KSTREAM-SOURCE-1, KTABLE-SOURCE-2, sent',
    ]);
    expect(
      made((builder) => builder.table('in', texts).toStream((_key, value) => value, { key: string, name: 'sent' })),
    ).toEqual(['KSTREAM-SOURCE-1, KTABLE-SOURCE-2, sent, KSTREAM-KEY-SELECT-3']);
    // The name of a grouping is that of its repartition alone; in Kafka Streams also that of the node before it.
    expect(
      made((builder) => {
        const grouped = builder.table('in', texts).groupBy(pair, { ...texts, name: 'group' });
        grouped.count({ name: 'op' });
      }),
    ).toEqual([
      'KSTREAM-SOURCE-1, KTABLE-SOURCE-2 (in-STATE-STORE-0), KTABLE-SELECT-3, op-sink',
      'op-source, op (KTABLE-AGGREGATE-STATE-STORE-4)',
    ]);
  });
});

describe('aggregates have a node and a store', () => {
  const tumbling = TimeWindows.ofSizeWithNoGrace(1);
  const sliding = SlidingWindows.ofTimeDifferenceWithNoGrace(1);
  const sessions = SessionWindows.ofInactivityGapWithNoGrace(1);
  const empty = (): string => '';
  const merge = (_key: string, a: string): string => a;
  type Store = { readonly store?: string };

  test.each<readonly [string, (grouped: KGroupedStream<string, string>, options: Store) => unknown]>([
    ['by key', (grouped, options) => grouped.count(options)],
    ['by windows', (grouped, options) => grouped.windowedBy(tumbling).count(options)],
    ['by sliding windows', (grouped, options) => grouped.windowedBy(sliding).count(options)],
    ['by sessions', (grouped, options) => grouped.windowedBy(sessions).count(options)],
  ])('counts %s', (_by, add) => {
    const of = (options: Store): string[] => made((builder) => add(builder.stream('in', texts).groupByKey(), options));
    expect(of({})).toEqual(['KSTREAM-SOURCE-0, KSTREAM-AGGREGATE-2 (KSTREAM-AGGREGATE-STATE-STORE-1)']);
    expect(of({ store: 'kept' })).toEqual(['KSTREAM-SOURCE-0, KSTREAM-AGGREGATE-1 (kept)']);
  });

  test.each<readonly [string, (cogrouped: CogroupedKStream<string, string>, options: Store) => unknown]>([
    ['by key', (cogrouped, options) => cogrouped.aggregate(empty, { ...options, value: string })],
    [
      'by windows',
      (cogrouped, options) => cogrouped.windowedBy(tumbling).aggregate(empty, { ...options, value: string }),
    ],
    [
      'by sliding windows',
      (cogrouped, options) => cogrouped.windowedBy(sliding).aggregate(empty, { ...options, value: string }),
    ],
    [
      'by sessions',
      (cogrouped, options) => cogrouped.windowedBy(sessions).aggregate(empty, merge, { ...options, value: string }),
    ],
  ])('cogrouped streams %s', (_by, add) => {
    const of = (options: Store & { readonly name?: string }): string[] =>
      made((builder) => {
        const grouped = builder.stream('in', texts).groupByKey();
        add(
          grouped.cogroup<string>((_key, value) => value),
          options,
        );
      });
    // The store is that of the node in which the streams meet.
    expect(of({})).toEqual([
      'KSTREAM-SOURCE-0, COGROUPKSTREAM-AGGREGATE-2, COGROUPKSTREAM-MERGE-3 (COGROUPKSTREAM-AGGREGATE-STATE-STORE-1)',
    ]);
    expect(of({ store: 'kept' })).toEqual([
      'KSTREAM-SOURCE-0, COGROUPKSTREAM-AGGREGATE-1, COGROUPKSTREAM-MERGE-2 (kept)',
    ]);
    expect(of({ name: 'op' })).toEqual([
      'KSTREAM-SOURCE-0, op-cogroup-agg-0, op-cogroup-merge (COGROUPKSTREAM-AGGREGATE-STATE-STORE-1)',
    ]);
  });

  test('what is suppressed, by its numbers or by its name', () => {
    const of = (suppressed: Suppressed<unknown>): string[] =>
      made((builder) => {
        const counts = builder.stream('in', texts).groupByKey().count();
        counts.suppress(suppressed).toStream().to('out');
      });
    const limit = Suppressed.untilTimeLimit(1000, BufferConfig.unbounded());
    const count = 'KSTREAM-SOURCE-0, KSTREAM-AGGREGATE-2 (KSTREAM-AGGREGATE-STATE-STORE-1)';
    expect(of(limit)).toEqual([
      `${count}, KTABLE-SUPPRESS-3 (KTABLE-SUPPRESS-STATE-STORE-4 KTABLE-SUPPRESS-STATE-STORE-4-by-time), ` +
        'KTABLE-TOSTREAM-5, KSTREAM-SINK-6',
    ]);
    expect(of(limit.withName('held'))).toEqual([
      `${count}, held (held-store held-store-by-time), KTABLE-TOSTREAM-3, KSTREAM-SINK-4`,
    ]);
  });
});

describe('stores of tables', () => {
  const table = (builder: StreamsBuilder): KTable<string, string> => builder.table('in', texts);
  const joins = (builder: StreamsBuilder): KTable<string, string> =>
    table(builder).join(builder.table('other', texts), (value) => value);
  const source = 'KSTREAM-SOURCE-1, KTABLE-SOURCE-2';

  test('of one that is mapped: none, or that which is named', () => {
    expect(made((builder) => table(builder).mapValues((value) => value))).toEqual([`${source}, KTABLE-MAPVALUES-3`]);
    expect(made((builder) => table(builder).mapValues((value) => value, { store: 'kept', value: string }))).toEqual([
      `${source}, KTABLE-MAPVALUES-3 (kept)`,
    ]);
  });

  test.each<readonly [string, (builder: StreamsBuilder) => KTable<string, string>, string]>([
    ['a table', table, `${source} (in-STATE-STORE-0), KSTREAM-SOURCE-3, KSTREAM-JOIN-4 (in-STATE-STORE-0)`],
    [
      'a filtered one',
      (builder) => table(builder).filter(() => true),
      `${source} (in-STATE-STORE-0), KTABLE-FILTER-3, KSTREAM-SOURCE-4, KSTREAM-JOIN-5 (in-STATE-STORE-0)`,
    ],
    [
      'a filtered one that is kept',
      (builder) => table(builder).filter(() => true, { store: 'kept' }),
      `${source} (in-STATE-STORE-0), KTABLE-FILTER-3 (kept), KSTREAM-SOURCE-4, KSTREAM-JOIN-5 (kept)`,
    ],
    [
      'one of other values',
      (builder) => table(builder).mapValues((value) => value),
      `${source} (in-STATE-STORE-0), KTABLE-MAPVALUES-3, KSTREAM-SOURCE-4, KSTREAM-JOIN-5 (in-STATE-STORE-0)`,
    ],
    [
      'one of other values that is kept',
      (builder) => table(builder).mapValues((value) => value, { store: 'kept', value: string }),
      `${source}, KTABLE-MAPVALUES-3 (kept), KSTREAM-SOURCE-4, KSTREAM-JOIN-5 (kept)`,
    ],
  ])('that a stream is joined with: %s', (_which, make, nodes) => {
    expect(
      made((builder) => {
        const rows = make(builder);
        builder.stream('stream', texts).join(rows, first);
      }),
    ).toEqual([nodes]);
  });

  test('that a stream is joined with: a join of tables, looked up in both unless it is kept', () => {
    const storesOf = (kept: boolean): (readonly string[])[] => {
      const builder = new StreamsBuilder();
      const rows = kept
        ? table(builder).join(builder.table('other', texts), (value) => value, { store: 'kept', value: string })
        : joins(builder);
      builder.stream('stream', texts).join(rows, first, { name: 'looks-up' });
      const nodes = builder
        .build()
        .description()
        .subTopologies.flatMap((part) => part.nodes);
      return ['KTABLE-MERGE-0000000006', 'looks-up'].map((name) =>
        nodes.flatMap((node) => (node.name === name && node.kind === 'processor' ? node.stores : [])),
      );
    };
    expect(storesOf(false)).toEqual([[], ['in-STATE-STORE-0000000000', 'other-STATE-STORE-0000000003']]);
    expect(storesOf(true)).toEqual([['kept'], ['kept']]);
  });
});

describe('what names a store or a repartition', () => {
  const stored = (name: string) => (builder: StreamsBuilder) =>
    builder.stream('in', texts).groupByKey().count({ store: name });
  const brought = (name: string) => (builder: StreamsBuilder) => builder.stream('in', texts).repartition({ name });

  test.each(['ok-name', 'ok.name', 'ok_name', 'Ok9', 'a'.repeat(249)])('may be %s', (name) => {
    expect(() => made(stored(name))).not.toThrow();
    expect(() => made(brought(name))).not.toThrow();
  });

  test.each(['', 'two words', 'a:b', 'a=b', 'a/b', '~a~', 'ä', '.', '..', 'a'.repeat(250)])('may not be %j', (name) => {
    const invalid = expect.objectContaining({ code: 'TOPOLOGY_NAME_INVALID' });
    expect(() => made(stored(name))).toThrow(invalid);
    expect(() => made(brought(name))).toThrow(invalid);
  });
});

/** Published tests of the names of repartitions (RepartitionTopicNamingTest). */
describe('repartitions', () => {
  const tumbling = TimeWindows.ofSizeWithNoGrace(10);
  const sessions = SessionWindows.ofInactivityGapWithNoGrace(10);
  const plus = (a: string, b: string): string => a + b;
  const named = (make: (builder: StreamsBuilder) => unknown): string[] => {
    const builder = new StreamsBuilder();
    make(builder);
    return builder.build().repartitions.map(({ name }) => name.replace(/-0+(?=\d)/, '-'));
  };
  const rekeyed = (builder: StreamsBuilder, topic = 'in'): KStream<string, string> =>
    builder.stream(topic, texts).selectKey((_key, value) => value, { key: string });
  type Use = (grouped: KGroupedStream<string, string>) => unknown;

  test.each<readonly [string, Use]>([
    ['by key', (grouped) => grouped.count()],
    ['by windows', (grouped) => grouped.windowedBy(tumbling).count()],
    ['by sessions', (grouped) => grouped.windowedBy(sessions).count()],
  ])('of a grouping have its name, whatever comes before it, %s', (_by, use) => {
    const before = (builder: StreamsBuilder): KStream<string, string> =>
      rekeyed(builder)
        .filter(() => true)
        .mapValues((value) => value, { value: string });
    for (const stream of [rekeyed, before]) {
      expect(named((builder) => use(stream(builder).groupByKey({ name: 'group' })))).toEqual(['group']);
      expect(
        named((builder) =>
          use(stream(builder).groupBy((key, value) => `${key}${value}`, { key: string, name: 'group' })),
        ),
      ).toEqual(['group']);
    }
    for (const table of [
      (builder: StreamsBuilder) => builder.table('in', texts),
      (builder: StreamsBuilder) => builder.table('in', texts).filter(() => true),
    ])
      expect(
        named((builder) =>
          table(builder)
            .groupBy(pair, { ...texts, name: 'group' })
            .count(),
        ),
      ).toEqual(['group']);
  });

  test.each<readonly [string, Use]>([
    [
      'two windows',
      (grouped) => {
        grouped.windowedBy(tumbling).count();
        grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(30)).count();
      },
    ],
    [
      'two aggregates of the same windows',
      (grouped) => {
        const windowed = grouped.windowedBy(tumbling);
        windowed.count();
        windowed.reduce(plus);
      },
    ],
    [
      'two aggregates of the same sessions',
      (grouped) => {
        const windowed = grouped.windowedBy(sessions);
        windowed.count();
        windowed.reduce(plus);
      },
    ],
  ])('of a grouping for %s: one with its name, else one for each', (_which, use) => {
    expect(named((builder) => use(rekeyed(builder).groupByKey({ name: 'group' })))).toEqual(['group']);
    expect(named((builder) => use(rekeyed(builder).groupByKey()))).toHaveLength(2);
  });

  test('of a grouped table the same', () => {
    const use = (name?: string) => (builder: StreamsBuilder) => {
      const grouped = builder.table('in', texts).groupBy(pair, { ...texts, ...(name === undefined ? {} : { name }) });
      grouped.count();
      grouped.reduce(plus, plus);
    };
    expect(named(use('group'))).toEqual(['group']);
    expect(named(use())).toHaveLength(2);
  });

  test('of a join have its name and their sides', () => {
    const join = (builder: StreamsBuilder) =>
      rekeyed(builder, 'l').join(
        rekeyed(builder, 'r').peek(() => undefined),
        first,
        within,
        { name: 'meet' },
      );
    expect(named(join)).toEqual(['meet-left', 'meet-right']);
  });

  test('of two streams, or of two joins, cannot have one name', () => {
    const twice = expect.objectContaining({ code: 'TOPOLOGY_DUPLICATE_NAME' });
    expect(() =>
      named((builder) => {
        for (const topic of ['a', 'b']) rekeyed(builder, topic).groupByKey({ name: 'group' }).count();
      }),
    ).toThrow(twice);
    expect(() =>
      named((builder) => {
        const options = { name: 'meet', value: string };
        rekeyed(builder, 'a')
          .join(rekeyed(builder, 'b'), first, within, options)
          .join(rekeyed(builder, 'c'), first, within, options);
      }),
    ).toThrow(twice);
  });
});

test('a topic is read by as many streams and tables as name it, and by those whose pattern it matches', () => {
  const builder = new StreamsBuilder();
  const seen: string[] = [];
  const watch = (name: string, stream: KStream<string, string>): void =>
    stream.foreach((key, value) => seen.push(`${name} ${key}=${value}`));
  watch('one', builder.stream('a', texts));
  watch('again', builder.stream('a', texts));
  watch('list', builder.stream(['b', 'a'], texts));
  watch('pattern', builder.stream(/^a/, texts));
  watch('rows', builder.table('a', texts).toStream());
  watch('other rows', builder.table('a', texts).toStream());
  const driver = new TopologyTestDriver(builder.build().over(['a']));
  driver.input('a', texts).pipe('k', 'v');
  expect(seen.sort()).toEqual(['again', 'list', 'one', 'other rows', 'pattern', 'rows'].map((name) => `${name} k=v`));
  driver.close();
});
