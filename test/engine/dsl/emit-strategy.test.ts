/** Results of windows that are sent when they close: once each. */

import { describe, expect, test } from 'vitest';
import { serdes } from '../../../engine/index.ts';
import {
  type EmitStrategy,
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  TimeWindows,
  UnlimitedWindows,
  type Windowed,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { consume, newRuntime, openLog, produce } from '../runtime/support.ts';

const { string } = serdes;
const texts = { key: string, value: string };

const written = <V>(table: KTable<Windowed<string>, V>, topic: string): void =>
  table
    .toStream()
    .map((key, value) => [`${key?.key}@${key?.start}-${key?.end}`, value === null ? null : String(value)], {
      key: string,
      value: string,
    })
    .to(topic);

/** Pipes `key@time` words and prints the table's changes. */
const play = <V>(table: (builder: StreamsBuilder) => KTable<Windowed<string>, V>, words: string): string[] => {
  const builder = new StreamsBuilder();
  written(table(builder), 'out');
  const driver = new TopologyTestDriver(builder.build());
  for (const word of words.trim().split(/\s+/)) {
    const [key = '', time = ''] = word.split('@');
    driver.input('in', texts).pipe(key, time, Number(time));
  }
  return driver
    .output('out', texts)
    .readAll()
    .map(({ key, value, timestamp }) => `${key}: ${value ?? '-'} @${timestamp}`);
};

const counted =
  (windows: TimeWindows, emit: EmitStrategy) =>
  (builder: StreamsBuilder): KTable<Windowed<string>, number | bigint> =>
    builder.stream('in', texts).groupByKey().windowedBy(windows).emitStrategy(emit).count();

const sessions =
  (windows: SessionWindows, emit: EmitStrategy) =>
  (builder: StreamsBuilder): KTable<Windowed<string>, number | bigint> =>
    builder.stream('in', texts).groupByKey().windowedBy(windows).emitStrategy(emit).count();

describe('time windows', () => {
  test('go once, when their end and the grace have come', () => {
    const words = '1@10 1@15 1@500 2@550 2@500 2@1000';
    expect(play(counted(TimeWindows.ofSizeWithNoGrace(500), 'on window close'), words)).toEqual([
      '1@0-500: 2 @15',
      '1@500-1000: 1 @500',
      '2@500-1000: 2 @550',
    ]);
    expect(play(counted(TimeWindows.ofSizeWithNoGrace(500), 'on window update'), words).length).toBe(6);
  });

  test('that overlap go each by itself', () => {
    const windows = TimeWindows.ofSizeAndGrace(10, 5).advanceBy(5);
    expect(play(counted(windows, 'on window close'), 'A@0 B@1 A@7 A@19 A@9 A@20 B@31')).toEqual([
      'A@0-10: 2 @7',
      'B@0-10: 1 @1',
      'A@5-15: 2 @9',
      'A@10-20: 1 @19',
      'A@15-25: 2 @20',
    ]);
  });

  test('of which the row was deleted do not go', () => {
    const sum = (builder: StreamsBuilder) =>
      builder
        .stream('in', texts)
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
        .emitStrategy('on window close')
        .aggregate<string>(
          () => '',
          (_key, value, all) => (value === '3' || value === '6' ? null : `${all}+${value}`),
          { value: string },
        );
    expect(play(sum, 'a@1 a@3 b@1 b@3 b@4 c@5 c@6 c@7 d@10')).toEqual(['b@0-10: +4 @4', 'c@0-10: +7 @7']);
  });

  test('that never end cannot go when they close', () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', texts).groupByKey().windowedBy(UnlimitedWindows.of());
    expect(() => stream.emitStrategy('on window close').count()).toThrow('an unlimited window never closes');
  });
});

test('sliding windows go once, when a record that comes just at their end and the grace is late', () => {
  const windows = SlidingWindows.ofTimeDifferenceAndGrace(100, 50);
  const table = (builder: StreamsBuilder) =>
    builder.stream('in', texts).groupByKey().windowedBy(windows).emitStrategy('on window close').count();
  expect(play(table, '1@100 1@150 1@500 2@200 2@150')).toEqual([
    '1@0-100: 1 @100',
    '1@50-150: 2 @150',
    '1@101-201: 1 @150',
  ]);
  expect(play(table, '1@500 1@550 2@550 2@350 1@700')).toEqual([
    '1@400-500: 1 @500',
    '1@450-550: 2 @550',
    '2@450-550: 1 @550',
    '1@501-601: 1 @550',
  ]);
});

describe('sessions', () => {
  test('go once, when nothing can join them any more', () => {
    const windows = SessionWindows.ofInactivityGapWithNoGrace(500);
    expect(play(sessions(windows, 'on window close'), '1@10 1@15 1@600 2@600 2@599')).toEqual(['1@10-15: 2 @15']);
    expect(play(sessions(windows, 'on window close'), '1@10 2@510 1@10 2@511 1@20')).toEqual(['1@10-10: 2 @10']);
  });

  test('are joined before they go', () => {
    const windows = SessionWindows.ofInactivityGapAndGrace(5, 10);
    expect(play(sessions(windows, 'on window close'), 'a@0 a@9 b@12 a@5 b@25 b@60')).toEqual([
      'a@0-9: 3 @9',
      'b@12-12: 1 @12',
      'b@25-25: 1 @25',
    ]);
  });

  test('that have gone are not joined any more, however long they are kept', () => {
    const kept = (builder: StreamsBuilder) =>
      builder
        .stream('in', texts)
        .groupByKey()
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10))
        .emitStrategy('on window close')
        .count({ retentionMs: 1000 });
    // Closed at 30; the record at 22 is in time.
    expect(play(kept, 'a@19 b@30 a@22 b@99')).toEqual(['a@19-19: 1 @19', 'a@22-22: 1 @22', 'b@30-30: 1 @30']);
  });
});

test.each(['time', 'session'] as const)(
  '%s windows that are open survive restarts, and none goes twice',
  async (kind) => {
    const builder = new StreamsBuilder();
    const table =
      kind === 'time'
        ? counted(TimeWindows.ofSizeAndGrace(10, 5), 'on window close')
        : sessions(SessionWindows.ofInactivityGapAndGrace(5, 5), 'on window close');
    written(table(builder), 'out');
    const topology = builder.build();
    const log = await openLog('memory');
    for (const topic of ['in', 'out']) await log.createTopic({ name: topic, partitions: 1 });
    const times = [1, 2, 11, 3, 15, 4, 24, 12, 25, 40, 20];
    for (const timestamp of times) {
      const runtime = newRuntime(log);
      await runtime.start({ id: 'q', topology });
      await produce(log, 'in', 0, [{ key: 'k', value: 'v', timestamp }]);
      await runtime.awaitIdle();
      await runtime.close();
    }
    const rows = (await consume(log, 'out')).map(({ key, value, timestamp }) => `${key}: ${value} @${timestamp}`);
    expect(rows).toEqual(play(table, times.map((time) => `k@${time}`).join(' ')));
    expect(rows.length).toBeGreaterThan(1);
    await log.close();
  },
);
