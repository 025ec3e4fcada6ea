import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Serde, serdes } from '../../../engine/index.ts';
import {
  JoinWindows,
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  sessionWindowed,
  TimeWindows,
  timeWindowed,
  UnlimitedWindows,
  type Windowed,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { string } = serdes;
const texts = { key: string, value: string };

/** Pipes `key: value @time` lines to the topic `in` of the topology that ends in a table; prints the table's
 *  changes. */
const play = <V>(
  table: (builder: StreamsBuilder) => KTable<Windowed<string>, V>,
  forms: { readonly key: Serde<Windowed<string>>; readonly value: Serde<V> },
  lines: string,
): string => {
  const builder = new StreamsBuilder();
  table(builder).toStream().to('out', { value: forms.value });
  const driver = new TopologyTestDriver(builder.build());
  const input = driver.input('in', texts);
  for (const line of lines.split('\n')) {
    if (line.trim() === '') continue;
    const [, key = '', value = '', time = '0'] = /^ *(\S+): (.*?)(?: @(\d+))?$/.exec(line) ?? [];
    input.pipe(key === '-' ? null : key, value === '-' ? null : value, Number(time));
  }
  const written = driver
    .output('out', forms)
    .readAll()
    .map(({ key, value, timestamp }) => `    ${key?.key}@${key?.start}-${key?.end}: ${value ?? '-'} @${timestamp}`);
  driver.close();
  return `\n${written.join('\n')}`;
};

const joined = (a: string, b: string): string => `${a}+${b}`;

describe('reduce', () => {
  test('joins the values of a key; a record without a value is left out, null deletes the row', () => {
    const builder = new StreamsBuilder();
    const table = builder
      .stream('in', texts)
      .groupByKey()
      .reduce((a, b) => (b === 'end' ? null : joined(a, b)), { store: 'reduced' });
    expectTypeOf(table).toEqualTypeOf<KTable<string, string>>();
    table.toStream().to('out');
    const driver = new TopologyTestDriver(builder.build());
    const input = driver.input('in', texts);
    for (const [value, time] of [
      ['x', 3],
      [null, 9],
      ['y', 2],
      ['end', 5],
      ['z', 4],
    ] as const)
      input.pipe('a', value, time);
    expect(
      driver
        .output('out', texts)
        .readAll()
        .map(({ value, timestamp }) => [value, timestamp]),
    ).toEqual([
      ['x', 3],
      ['x+y', 3],
      [null, 5],
      ['z', 4],
    ]);
    expect(driver.drops.map(({ reason }) => reason)).toEqual(['null-value']);
    expect(driver.keyValueStore('reduced', texts).get('a')).toEqual({ value: 'z', timestamp: 4 });
    driver.close();
  });

  test('names nodes and stores as Kafka does', () => {
    const builder = new StreamsBuilder();
    const grouped = builder.stream('in', texts).groupByKey();
    grouped.reduce(joined);
    grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(5)).reduce(joined);
    grouped.windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5)).reduce(joined);
    grouped.windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5)).count();
    const topology = builder.build();
    expect(topology.nodes.slice(1).map(({ name }) => name)).toEqual([
      'KSTREAM-REDUCE-0000000002',
      'KSTREAM-REDUCE-0000000004',
      'KSTREAM-REDUCE-0000000006',
      'KSTREAM-AGGREGATE-0000000008',
    ]);
    expect(topology.stores.map(({ name }) => name)).toEqual([
      'KSTREAM-REDUCE-STATE-STORE-0000000001',
      'KSTREAM-REDUCE-STATE-STORE-0000000003',
      'KSTREAM-REDUCE-STATE-STORE-0000000005',
      'KSTREAM-AGGREGATE-STATE-STORE-0000000007',
    ]);
  });
});

test('hopping windows overlap; a record may be late for some of its windows and not for others', () => {
  const windows = TimeWindows.ofSizeAndGrace(10, 2).advanceBy(5);
  expect(
    play(
      (builder) => builder.stream('in', texts).groupByKey().windowedBy(windows).reduce(joined),
      { key: timeWindowed(string, 10), value: string },
      `
    a: 1 @3
    a: 2 @7
    a: 3 @13
    a: 4 @9
    a: - @14
    a: 5 @12`,
    ),
  ).toBe(`
    a@0-10: 1 @3
    a@0-10: 1+2 @7
    a@5-15: 2 @7
    a@5-15: 2+3 @13
    a@10-20: 3 @13
    a@5-15: 2+3+4 @13
    a@5-15: 2+3+4+5 @13
    a@10-20: 3+5 @13`);
});

test('the unlimited window takes all records from its start on, however late', () => {
  expect(
    play(
      (builder) => builder.stream('in', texts).groupByKey().windowedBy(UnlimitedWindows.of().startOn(5)).reduce(joined),
      { key: timeWindowed(string, Number.POSITIVE_INFINITY), value: string },
      `
    a: 1 @4
    a: 2 @5
    a: 3 @100000000000
    a: 4 @6`,
    ),
  ).toBe(`
    a@5-Infinity: 2 @5
    a@5-Infinity: 2+3 @100000000000
    a@5-Infinity: 2+3+4 @100000000000`);
});

test('sliding windows hold records within a time difference of each other', () => {
  expect(
    play(
      (builder) =>
        builder
          .stream('in', texts)
          .groupByKey()
          .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 50))
          .reduce(joined),
      { key: timeWindowed(string, 10), value: string },
      `
    a: 1 @20
    a: 2 @25
    a: - @26
    a: 3 @22`,
    ),
  ).toBe(`
    a@10-20: 1 @20
    a@21-31: 2 @25
    a@15-25: 1+2 @25
    a@21-31: 2+3 @25
    a@15-25: 1+2+3 @25
    a@12-22: 1+3 @22
    a@23-33: 2 @25`);
});

describe('sessions', () => {
  const forms = { key: sessionWindowed(string), value: string };
  const windows = SessionWindows.ofInactivityGapAndGrace(5, 20);
  const lines = `
    a: 1 @0
    a: 2 @10
    b: 9 @10
    a: 3 @5
    a: 4 @3`;

  test('are counted, reduced and aggregated, and retracted when they are joined', () => {
    const reduced = play(
      (builder) => builder.stream('in', texts).groupByKey().windowedBy(windows).reduce(joined),
      forms,
      lines,
    );
    expect(reduced).toBe(`
    a@0-0: 1 @0
    a@10-10: 2 @10
    b@10-10: 9 @10
    a@0-0: - @0
    a@10-10: - @10
    a@0-10: 1+2+3 @10
    a@0-10: - @10
    a@0-10: 1+2+3+4 @10`);
    expect(
      play(
        (builder) =>
          builder
            .stream('in', texts)
            .groupByKey()
            .windowedBy(windows)
            .aggregate(
              () => '0',
              (key, value, all) => `${all}+${key}${value}`,
              (_key, all, other) => `${all}|${other}`,
              { value: string },
            ),
        forms,
        lines,
      ),
    ).toBe(`
    a@0-0: 0+a1 @0
    a@10-10: 0+a2 @10
    b@10-10: 0+b9 @10
    a@0-0: - @0
    a@10-10: - @10
    a@0-10: 0|0+a1|0+a2+a3 @10
    a@0-10: - @10
    a@0-10: 0|0|0+a1|0+a2+a3+a4 @10`);
    const counted = play(
      (builder) => builder.stream('in', texts).groupByKey().windowedBy(windows).count(),
      { key: forms.key, value: serdes.int64 },
      lines,
    );
    expect(counted.split('\n').at(-1)).toBe('    a@0-10: 4 @10');
  });
});

test('a store of sessions can be read in a test', () => {
  const builder = new StreamsBuilder();
  const windows = SessionWindows.ofInactivityGapWithNoGrace(5);
  builder.stream('in', texts).groupByKey().windowedBy(windows).reduce(joined, { store: 'sessions', retentionMs: 100 });
  const driver = new TopologyTestDriver(builder.build(), { partitions: 2 });
  const input = driver.input('in', texts);
  for (const time of [0, 3, 20, 40, 38]) input.pipe('a', `${time}`, time);
  input.pipe('b', '41', 41);
  const sessions = driver.sessionStore('sessions', texts);
  expect(sessions.fetch('a')).toEqual([
    { start: 0, end: 3, value: '0+3' },
    { start: 20, end: 20, value: '20' },
    { start: 38, end: 40, value: '40+38' },
  ]);
  expect(sessions.fetch('b')).toEqual([{ start: 41, end: 41, value: '41' }]);
  expect(sessions.fetch('c')).toEqual([]);
  driver.close();
});

test('windows that cannot be are refused', () => {
  const hopping = TimeWindows.ofSizeAndGrace(10, 0);
  expect(() => hopping.advanceBy(0)).toThrow('windows of 10 ms cannot advance by 0 ms');
  expect(() => hopping.advanceBy(11)).toThrow('windows of 10 ms cannot advance by 11 ms');
  const day = TimeWindows.ofSizeAndGrace(86_400_000, 0);
  expect(day.advanceBy(864).starts.advanceMs).toBe(864);
  expect(() => day.advanceBy(863)).toThrow('would put each record into more than 100000 windows');
  expect(() => SessionWindows.ofInactivityGapAndGrace(0, 1)).toThrow('a window cannot have a gap of 0 ms');
  expect(() => SessionWindows.ofInactivityGapAndGrace(1, -1)).toThrow('a window cannot have a grace of -1 ms');
  expect(() => UnlimitedWindows.of().startOn(-1)).toThrow('a window cannot have the start -1 ms');
  expect(() => SlidingWindows.ofTimeDifferenceAndGrace(-1, 0)).toThrow(
    'a window cannot have a time difference of -1 ms',
  );
  const slides = new StreamsBuilder()
    .stream('in', texts)
    .groupByKey()
    .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 5));
  expect(() => slides.count({ retentionMs: 24 })).toThrow(
    'a retention of 24 ms is shorter than twice the time difference and the grace, 25 ms',
  );
  const sessions = new StreamsBuilder()
    .stream('in', texts)
    .groupByKey()
    .windowedBy(SessionWindows.ofInactivityGapAndGrace(10, 5));
  expect(() => sessions.count({ retentionMs: 14 })).toThrow(
    'a retention of 14 ms is shorter than the gap of the sessions and their grace, 15 ms',
  );
  for (const retentionMs of [Number.POSITIVE_INFINITY, 20.5])
    expect(() => sessions.count({ retentionMs })).toThrow(`a window cannot have a retention of ${retentionMs} ms`);
});

/** Published tests of what windows are made of: TimeWindowsTest, SlidingWindowsTest, SessionWindowsTest,
 *  UnlimitedWindowsTest and JoinWindowsTest. */
describe('definitions', () => {
  test('have the times that they were given, and no grace unless it is given', () => {
    const { ofSizeAndGrace, ofSizeWithNoGrace } = TimeWindows;
    expect(ofSizeWithNoGrace(30)).toMatchObject({ sizeMs: 30, advanceMs: 30, graceMs: 0 });
    expect(ofSizeAndGrace(30, 7)).toMatchObject({ sizeMs: 30, advanceMs: 30, graceMs: 7 });
    expect(ofSizeAndGrace(30, 7).advanceBy(4)).toMatchObject({ sizeMs: 30, advanceMs: 4, graceMs: 7 });
    expect(SlidingWindows.ofTimeDifferenceWithNoGrace(30)).toMatchObject({ differenceMs: 30, graceMs: 0 });
    expect(SlidingWindows.ofTimeDifferenceAndGrace(0, 7)).toMatchObject({ differenceMs: 0, graceMs: 7 });
    expect(SessionWindows.ofInactivityGapWithNoGrace(30)).toMatchObject({ gapMs: 30, graceMs: 0 });
    expect(SessionWindows.ofInactivityGapAndGrace(30, 7)).toMatchObject({ gapMs: 30, graceMs: 7 });
    expect(UnlimitedWindows.of()).toMatchObject({ startMs: 0, graceMs: 0 });
    expect(UnlimitedWindows.of().startOn(30)).toMatchObject({ startMs: 30, graceMs: 0 });
    expect(JoinWindows.ofTimeDifferenceWithNoGrace(30)).toMatchObject({ beforeMs: 30, afterMs: 30, graceMs: 0 });
    expect(JoinWindows.ofTimeDifferenceAndGrace(30, 7)).toMatchObject({ beforeMs: 30, afterMs: 30, graceMs: 7 });
  });

  const { ofTimeDifferenceAndGrace } = JoinWindows;
  const wide = ofTimeDifferenceAndGrace(30, 7);
  test.each([
    ['before 9', wide.before(9), [9, 30]],
    ['after 9', wide.after(9), [30, 9]],
    ['before and after', wide.before(1).after(2), [1, 2]],
    ['not before', wide.before(0), [0, 30]],
    ['only after', wide.before(-9), [-9, 30]],
    ['only before', wide.after(-9), [30, -9]],
    ['one moment after', wide.before(-30), [-30, 30]],
    ['one moment before', wide.after(-30), [30, -30]],
  ] as const)('of joins, %s: the grace stays', (_which, { beforeMs, afterMs, graceMs }, times) => {
    expect([beforeMs, afterMs, graceMs]).toEqual([...times, 7]);
  });

  test.each([
    ['a size of 0', () => TimeWindows.ofSizeWithNoGrace(0)],
    ['a size below 0', () => TimeWindows.ofSizeAndGrace(-1, 5)],
    ['a part of a millisecond', () => TimeWindows.ofSizeWithNoGrace(0.5)],
    ['no size at all', () => TimeWindows.ofSizeWithNoGrace(undefined as never)],
    ['a grace below 0', () => TimeWindows.ofSizeAndGrace(3, -1)],
    ['an advance of 0', () => TimeWindows.ofSizeWithNoGrace(30).advanceBy(0)],
    ['an advance below 0', () => TimeWindows.ofSizeWithNoGrace(30).advanceBy(-1)],
    ['an advance beyond the size', () => TimeWindows.ofSizeWithNoGrace(30).advanceBy(31)],
    ['a time difference below 0', () => SlidingWindows.ofTimeDifferenceWithNoGrace(-1)],
    ['a grace of sliding windows below 0', () => SlidingWindows.ofTimeDifferenceAndGrace(3, -1)],
    ['a gap of 0', () => SessionWindows.ofInactivityGapWithNoGrace(0)],
    ['a gap below 0', () => SessionWindows.ofInactivityGapWithNoGrace(-1)],
    ['a grace of sessions below 0', () => SessionWindows.ofInactivityGapAndGrace(3, -1)],
    ['a start before 1970', () => UnlimitedWindows.of().startOn(-1)],
    ['a time difference of a join below 0', () => JoinWindows.ofTimeDifferenceWithNoGrace(-1)],
    ['the same with a grace', () => ofTimeDifferenceAndGrace(-1, 5)],
    ['a grace of a join below 0', () => ofTimeDifferenceAndGrace(3, -1)],
    ['a join that ends before it begins', () => wide.after(-31)],
    ['a join that begins after its end', () => wide.before(-31)],
    ['a join of no time at all', () => wide.before(undefined as never)],
  ])('%s is refused', (_what, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'DSL_WINDOW_INVALID' }));
  });

  const startsAt = (windows: TimeWindows, time: number): number[] => {
    const starts: number[] = [];
    for (let start = windows.starts.first(time); start <= time; start += windows.advanceMs) starts.push(start);
    return starts;
  };
  test.each([
    ['tumbling', TimeWindows.ofSizeWithNoGrace(9), 17, [9]],
    ['tumbling, on a boundary', TimeWindows.ofSizeWithNoGrace(9), 18, [18]],
    ['hopping', TimeWindows.ofSizeWithNoGrace(9).advanceBy(4), 17, [12, 16]],
    ['hopping, on a boundary', TimeWindows.ofSizeWithNoGrace(9).advanceBy(4), 16, [8, 12, 16]],
    ['hopping, none begins before 1970', TimeWindows.ofSizeWithNoGrace(9).advanceBy(4), 5, [0, 4]],
    ['hopping, hardly overlapping', TimeWindows.ofSizeWithNoGrace(7).advanceBy(6), 8, [6]],
    ['hopping, where those overlap', TimeWindows.ofSizeWithNoGrace(7).advanceBy(6), 6, [0, 6]],
  ] as const)('windows of a time, in order: %s', (_which, windows, time, starts) => {
    expect(startsAt(windows, time)).toEqual(starts);
  });
});
