/** KTable.suppress in whole topologies: what Kafka Streams publishes of it, and what becomes of it over restarts. */

import { describe, expect, expectTypeOf, test } from 'vitest';
import { serdes, type Topology } from '../../../engine/index.ts';
import {
  BufferConfig,
  type KTable,
  SessionWindows,
  StreamsBuilder,
  Suppressed,
  TimeWindows,
  type Windowed,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { consume, newRuntime, openLog, produce } from '../runtime/support.ts';

const { string } = serdes;
const texts = { key: string, value: string };
const { untilTimeLimit, untilWindowCloses } = Suppressed;
const { unbounded, maxRecords } = BufferConfig;

/** Writes the rows of a windowed table as `key@start-end`. */
const written = <V>(table: KTable<Windowed<string>, V>, topic: string): void =>
  table
    .toStream()
    .map((key, value) => [`${key?.key}@${key?.start}-${key?.end}`, value === null ? null : String(value)], {
      key: string,
      value: string,
    })
    .to(topic);

const linesOf = (driver: TopologyTestDriver, topic: string): string[] =>
  driver
    .output(topic, texts)
    .readAll()
    .map(({ key, value, timestamp }) => `${key}: ${value ?? '-'} @${timestamp}`);

/** Pipes `key@time` words, each with the value `v`. */
const piped = (driver: TopologyTestDriver, words: string): void => {
  for (const word of words.trim().split(/\s+/)) {
    const [key = '', time = ''] = word.split('@');
    driver.input('in', texts).pipe(key, 'v', Number(time));
  }
};

const played = (windowed: (builder: StreamsBuilder) => KTable<Windowed<string>, number | bigint>, words: string) => {
  const builder = new StreamsBuilder();
  const counts = windowed(builder);
  written(counts.suppress(untilWindowCloses(unbounded())), 'final');
  written(counts, 'raw');
  const driver = new TopologyTestDriver(builder.build());
  piped(driver, words);
  return { final: linesOf(driver, 'final'), raw: linesOf(driver, 'raw') };
};

describe('final results', () => {
  test('of time windows', () => {
    const { final, raw } = played(
      (builder) => builder.stream('in', texts).groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(2, 1)).count(),
      'k1@0 k1@1 k1@2 k1@1 k1@0 k1@5 k1@0',
    );
    expect(raw).toEqual([
      'k1@0-2: 1 @0',
      'k1@0-2: 2 @1',
      'k1@2-4: 1 @2',
      'k1@0-2: 3 @1',
      'k1@0-2: 4 @1',
      'k1@4-6: 1 @5',
    ]);
    expect(final).toEqual(['k1@0-2: 4 @1', 'k1@2-4: 1 @2']);
  });

  test('of time windows that a large step in time closes', () => {
    const { final, raw } = played(
      (builder) => builder.stream('in', texts).groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(2, 2)).count(),
      'k1@0 k1@1 k1@2 k1@0 k1@3 k1@0 k1@4 k1@0 k1@30',
    );
    expect(raw).toEqual([
      'k1@0-2: 1 @0',
      'k1@0-2: 2 @1',
      'k1@2-4: 1 @2',
      'k1@0-2: 3 @1',
      'k1@2-4: 2 @3',
      'k1@0-2: 4 @1',
      'k1@4-6: 1 @4',
      'k1@30-32: 1 @30',
    ]);
    expect(final).toEqual(['k1@0-2: 4 @1', 'k1@2-4: 2 @3', 'k1@4-6: 1 @4']);
  });

  test('of sessions: those that were joined are never sent', () => {
    const { final, raw } = played(
      (builder) =>
        builder.stream('in', texts).groupByKey().windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5)).count(),
      'k1@0 k1@5 k1@1 k2@11 k1@5 k1@30',
    );
    expect(raw).toEqual([
      'k1@0-0: 1 @0',
      'k1@0-0: - @0',
      'k1@0-5: 2 @5',
      'k1@0-5: - @5',
      'k1@0-5: 3 @5',
      'k2@11-11: 1 @11',
      'k1@30-30: 1 @30',
    ]);
    expect(final).toEqual(['k1@0-5: 3 @5', 'k2@11-11: 1 @11']);
  });

  test('of a session wait until nothing can join it any more', () => {
    // Kafka Streams sends it when the record at 10 comes, and again with the record that is still in time.
    const { final } = played(
      (builder) =>
        builder.stream('in', texts).groupByKey().windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5)).count(),
      'a@5 b@10 a@5 b@11',
    );
    expect(final).toEqual(['a@5-5: 2 @5']);
  });

  test('of what a filter and a mapping leave', () => {
    const { final } = played(
      (builder) =>
        builder
          .stream('in', texts)
          .groupByKey()
          .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
          .count()
          .filter((_key, count) => Number(count) < 3)
          .mapValues((count) => Number(count) * 10, { value: serdes.int64 }),
      'a@0 b@1 a@2 a@3 b@4 c@10',
    );
    expect(final).toEqual(['b@0-10: 20 @4']);
  });

  test('a window whose first records delete its group has no result, or that of the later ones', async () => {
    const builder = new StreamsBuilder();
    const summed = builder
      .stream('in', texts)
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 0))
      .aggregate<string>(
        () => '',
        (_key, value, sum) => (value === '-' ? null : sum + value),
        { value: string },
      );
    written(summed.suppress(untilWindowCloses(unbounded())), 'final');
    const topology = builder.build();
    const rows = [
      ['a', '-', 1],
      ['b', '-', 2],
      ['b', 'x', 3],
      ['c', 'x', 4],
      ['c', '-', 5],
      ['tick', '-', 30],
    ] as const;
    const log = await openLog('memory');
    await log.createTopic({ name: 'in', partitions: 1 });
    await log.createTopic({ name: 'final', partitions: 1 });
    const runtime = newRuntime(log);
    await runtime.start({ id: 'sums', topology });
    // Each record in a transaction of its own.
    for (const [key, value, timestamp] of rows) {
      await produce(log, 'in', 0, [{ key, value, timestamp }]);
      await runtime.awaitIdle();
    }
    expect(runtime.status('sums').state).toBe('running');
    expect((await consume(log, 'final')).map(({ key, value }) => `${key}: ${value}`)).toEqual(['b@0-10: x']);
    await runtime.close();
    const driver = new TopologyTestDriver(topology);
    driver.input('in', texts).pipeAll(rows.map(([key, value, timestamp]) => ({ key, value, timestamp })));
    expect(linesOf(driver, 'final')).toEqual(['b@0-10: x @3']);
  });

  test('of windows that never close, or of no windows, are refused', () => {
    const builder = new StreamsBuilder();
    const table = builder.stream('in', texts).groupByKey().count();
    // @ts-expect-error the keys of the table have no windows
    expect(() => table.suppress(untilWindowCloses(unbounded()))).toThrow('the windows of this table never close');
    // @ts-expect-error what goes early is not final
    expect(() => untilWindowCloses(maxRecords(10))).toThrow(
      'results that go early when a buffer is full are not final',
    );
    expectTypeOf(untilWindowCloses(maxRecords(10).shutDownWhenFull())).toEqualTypeOf<Suppressed<Windowed<unknown>>>();
  });
});

/** Published tests of buffers (SuppressedTest). */
test('a buffer has the limits and the policy that it was given last', () => {
  const { maxBytes } = BufferConfig;
  const long = unbounded().emitEarlyWhenFull().withMaxRecords(3).withMaxBytes(4).withMaxRecords(5).withMaxBytes(6);
  for (const [buffer, expected] of [
    [unbounded(), ['shut down', undefined, undefined]],
    [maxRecords(2), ['emit early', 2, undefined]],
    [maxBytes(2), ['emit early', undefined, 2]],
    [maxRecords(2).withMaxBytes(4), ['emit early', 2, 4]],
    [maxBytes(2).withMaxRecords(4).withNoBound(), ['shut down', undefined, undefined]],
    [maxRecords(2).shutDownWhenFull(), ['shut down', 2, undefined]],
    [maxBytes(2).shutDownWhenFull(), ['shut down', undefined, 2]],
    [long, ['emit early', 5, 6]],
    [long.shutDownWhenFull(), ['shut down', 5, 6]],
    [long.shutDownWhenFull().emitEarlyWhenFull(), ['emit early', 5, 6]],
  ] as const)
    expect([buffer.whenFull, buffer.maxRecords, buffer.maxBytes]).toEqual(expected);
  expect(untilTimeLimit(2, maxRecords(3)).withName('held')).toMatchObject({
    until: 'time limit',
    waitMs: 2,
    name: 'held',
    buffer: { whenFull: 'emit early', maxRecords: 3, maxBytes: undefined },
  });
  expect(untilWindowCloses(maxBytes(3).shutDownWhenFull()).withName('held')).toMatchObject({
    until: 'window closes',
    name: 'held',
    buffer: { whenFull: 'shut down', maxRecords: undefined, maxBytes: 3 },
  });
  const invalid = expect.objectContaining({ code: 'DSL_SUPPRESS_INVALID' });
  for (const limit of [-1, 0.5, Number.NaN]) expect(() => maxRecords(limit)).toThrow(invalid);
  expect(() => untilTimeLimit(-1, unbounded())).toThrow(invalid);
});

describe('a time limit', () => {
  test('before a join: the join sees the rows as they were before what is held back', () => {
    for (const side of ['left', 'right']) {
      const builder = new StreamsBuilder();
      const slow = builder.table('slow', texts).suppress(untilTimeLimit(10, unbounded()));
      const plain = builder.table('plain', texts);
      const pair = (a: string | null, b: string | null): string => `(${a},${b})`;
      const joined =
        side === 'right'
          ? plain.outerJoin(slow, pair, { value: string })
          : slow.outerJoin(plain, (a, b) => pair(b, a), { value: string });
      joined.toStream().to('out');
      const driver = new TopologyTestDriver(builder.build());
      const pipe = (topic: string, key: string, value: string, time: number): string[] => {
        driver.input(topic, texts).pipe(key, value, time);
        return linesOf(driver, 'out');
      };
      expect(pipe('slow', 'B', '1', 0)).toEqual([]);
      expect(pipe('slow', 'A', '1', 0)).toEqual([]);
      expect(pipe('slow', 'tick', 'tick', 10)).toEqual(['A: (null,1) @0', 'B: (null,1) @0']);
      expect(pipe('slow', 'A', '2', 11)).toEqual([]);
      expect(pipe('plain', 'A', 'a', 12)).toEqual(['A: (a,1) @12']);
      expect(pipe('plain', 'B', 'b', 12)).toEqual(['B: (b,1) @12']);
      expect(pipe('plain', 'A', 'b', 13)).toEqual(['A: (b,1) @13']);
      expect(pipe('slow', 'tick', 'tick1', 21)).toEqual(['tick: (null,tick1) @21', 'A: (b,2) @13']);
    }
  });

  test('keeps the headers of the last change', () => {
    const builder = new StreamsBuilder();
    builder.table('in', texts).suppress(untilTimeLimit(10, unbounded())).toStream().to('out');
    const driver = new TopologyTestDriver(builder.build());
    const header = (value: string) => [{ key: 'h', value: new TextEncoder().encode(value) }];
    driver.input('in', texts).pipeAll([
      { key: 'a', value: '1', timestamp: 0, headers: header('first') },
      { key: 'a', value: '2', timestamp: 1, headers: header('last') },
      { key: 'b', value: '1', timestamp: 2, headers: header('other') },
      { key: 'c', value: '1', timestamp: 12 },
    ]);
    const records = driver.output('out', texts).readAll();
    expect(
      records.map(
        ({ key, value, headers }) =>
          `${key}: ${value} ${headers.map((h) => new TextDecoder().decode(h.value ?? undefined)).join()}`,
      ),
    ).toEqual(['a: 2 last', 'b: 1 other']);
  });

  test('the nodes and stores have the names of Kafka Streams', () => {
    const builder = new StreamsBuilder();
    const table = builder.table('in', texts);
    table.suppress(untilTimeLimit(10, unbounded())).toStream().to('out');
    table.suppress(untilTimeLimit(10, unbounded()).withName('later')).toStream().to('other');
    const topology = builder.build();
    expect(topology.stores.map(({ name }) => name)).toEqual([
      'KTABLE-SUPPRESS-STATE-STORE-0000000004',
      'KTABLE-SUPPRESS-STATE-STORE-0000000004-by-time',
      'later-store',
      'later-store-by-time',
    ]);
    expect(topology.nodes.map(({ name }) => name)).toContain('KTABLE-SUPPRESS-0000000003');
  });
});

test('what is held back survives restarts, and goes when its time has come', async () => {
  const builder = new StreamsBuilder();
  const counts = builder
    .stream('in', texts)
    .groupByKey()
    .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
    .count({ store: 'counts' });
  written(counts.suppress(untilWindowCloses(unbounded().withMaxRecords(100)).withName('last')), 'final');
  const topology = builder.build();
  const log = await openLog('memory');
  for (const topic of ['in', 'final']) await log.createTopic({ name: topic, partitions: 1 });
  const results: string[][] = [];
  for (const times of [
    [1, 2, 11],
    [3, 15, 4],
    [24, 12],
    [25, 40],
  ]) {
    const runtime = newRuntime(log);
    await runtime.start({ id: 'q', topology });
    await produce(
      log,
      'in',
      0,
      times.map((timestamp) => ({ key: 'k', value: 'v', timestamp })),
    );
    await runtime.awaitIdle();
    await runtime.close();
    results.push((await consume(log, 'final')).map(({ key, value, timestamp }) => `${key}: ${value} @${timestamp}`));
  }
  const first = 'k@0-10: 3 @3';
  const second = 'k@10-20: 3 @15';
  expect(results).toEqual([[], [first], [first], [first, second, 'k@20-30: 2 @25']]);
  await log.close();
});

test.each([
  [TimeWindows.ofSizeAndGrace(10, 0), 'k@0-10: 3 @4'],
  [SessionWindows.ofInactivityGapAndGrace(10, 0), 'k@1-4: 3 @4'],
])(
  'added to a topology that has run: windows that are open give final results with their next record',
  async (windows, final) => {
    const topologyWith = (suppressed: boolean): Topology => {
      const builder = new StreamsBuilder();
      const stream = builder.stream('in', texts).groupByKey();
      const options = { name: 'count', store: 'counts' };
      const counts =
        windows instanceof TimeWindows
          ? stream.windowedBy(windows).count(options)
          : stream.windowedBy(windows as SessionWindows).count(options);
      if (suppressed) written(counts.suppress(untilWindowCloses(unbounded()).withName('held')), 'final');
      else written(counts, 'final');
      return builder.build();
    };
    const log = await openLog('memory');
    await log.createTopic({ name: 'in', partitions: 1 });
    await log.createTopic({ name: 'final', partitions: 1 });
    const send = async (suppressed: boolean, ...transactions: [key: string, time: number][][]): Promise<string[]> => {
      const runtime = newRuntime(log);
      await runtime.start({ id: 'q', topology: topologyWith(suppressed) });
      for (const records of transactions) {
        await produce(
          log,
          'in',
          0,
          records.map(([key, timestamp]) => ({ key, value: 'v', timestamp })),
        );
        await runtime.awaitIdle();
      }
      await runtime.close();
      return (await consume(log, 'final')).map(({ key, value, timestamp }) => `${key}: ${value} @${timestamp}`);
    };
    const before = await send(false, [
      ['k', 1],
      ['l', 1],
      ['m', 1],
      ['k', 2],
    ]);
    // The window of k changes in a transaction before it closes, that of l in the same one, that of m not at all.
    const all = await send(
      true,
      [['k', 4]],
      [
        ['l', 3],
        ['n', 30],
      ],
      [['n', 60]],
    );
    const [l, n] = windows instanceof TimeWindows ? ['l@0-10', 'n@30-40'] : ['l@1-3', 'n@30-30'];
    expect(all.slice(before.length).sort()).toEqual([final, `${l}: 2 @3`, `${n}: 1 @30`]);
    await log.close();
  },
);

test('a record on which the aggregator fails behind its change of the accumulator is in no final result', () => {
  const failing = (value: string | null): void => {
    if (value === 'bad') throw new Error('bad');
  };
  const builder = new StreamsBuilder();
  const windowed = builder.stream('in', texts).groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(10, 0));
  const lists = windowed.aggregate<string[]>(
    () => [],
    (_key, value, list) => {
      list.push(value ?? '');
      failing(value);
      return list;
    },
    { store: 'lists', value: serdes.json<string[]>() },
  );
  const sums = windowed.aggregate<number>(
    () => 0,
    (_key, value, sum) => {
      failing(value);
      return value === 'none' ? Number.NaN : sum + 1;
    },
    { store: 'sums', value: serdes.safeInt64 },
  );
  written(lists.suppress(untilWindowCloses(unbounded())), 'final');
  written(sums.suppress(untilWindowCloses(unbounded())), 'raw');
  const driver = new TopologyTestDriver(builder.build(), { onError: { processing: 'continue' } });
  const rows: [key: string, value: string, time: number][] = [
    ['a', 'bad', 1],
    ['a', 'x', 2],
    ['a', 'bad', 3],
    ['a', 'none', 4],
    ['b', 'bad', 5],
    ['a', 'y', 6],
    ['c', 'z', 30],
  ];
  for (const [key, value, time] of rows) driver.input('in', texts).pipe(key, value, time);
  expect(linesOf(driver, 'final')).toEqual(['a@0-10: x,none,y @6']);
  // The serde refuses NaN.
  expect(linesOf(driver, 'raw')).toEqual(['a@0-10: 2 @6']);
  driver.close();
});

test('a query whose buffer is full fails, whatever becomes of records that fail, and names the store', async () => {
  const builder = new StreamsBuilder();
  builder
    .table('in', texts)
    .suppress(untilTimeLimit(10, maxRecords(1).shutDownWhenFull()).withName('held'))
    .toStream()
    .to('out');
  const log = await openLog('memory');
  for (const topic of ['in', 'out']) await log.createTopic({ name: topic, partitions: 1 });
  const runtime = newRuntime(log);
  await runtime.start({ id: 'q', topology: builder.build(), onError: { processing: 'continue' } });
  await produce(log, 'in', 0, [
    { key: 'a', value: '1', timestamp: 1 },
    { key: 'b', value: '1', timestamp: 1 },
  ]);
  await runtime.awaitIdle().catch(() => undefined);
  await expect.poll(() => runtime.status('q').state).toBe('failed');
  expect(runtime.status('q').error).toMatchObject({ code: 'SUPPRESS_BUFFER_FULL' });
  expect(runtime.status('q').error?.message).toContain('the store "held-store" holds back more than it may: 2 records');
  await runtime.close();
  await log.close();
});
