/** Joins of windowed tables: by the key and its window. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serdes } from '../../../engine/index.ts';
import {
  BufferConfig,
  type KGroupedStream,
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  Suppressed,
  sessionWindowed,
  TimeWindows,
  timeWindowed,
  type Windowed,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { string } = serdes;
const texts = { key: string, value: string };
type Counts = KTable<Windowed<string>, number | bigint>;
type Joined = (left: Counts, right: Counts) => KTable<Windowed<string>, string>;

const text = (left: number | bigint | null, right: number | bigint | null): string => `${left ?? '-'}+${right ?? '-'}`;
const store = 'joined';

const joins: Readonly<Record<string, Joined>> = {
  inner: (left, right) => left.join(right, text, { value: string, store }),
  left: (left, right) => left.leftJoin(right, text, { value: string, store }),
  outer: (left, right) => left.outerJoin(right, text, { value: string, store }),
};

/** A row is found as long as its window is kept, whatever the time of the other side. */
const kept = { retentionMs: 1000 };

const windows: Readonly<Record<string, (grouped: KGroupedStream<string, string>) => Counts>> = {
  tumbling: (grouped) => grouped.windowedBy(TimeWindows.ofSizeAndGrace(10, 20)).count(kept),
  hopping: (grouped) => grouped.windowedBy(TimeWindows.ofSizeAndGrace(10, 20).advanceBy(4)).count(kept),
  sliding: (grouped) => grouped.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(5, 20)).count(kept),
  session: (grouped) => grouped.windowedBy(SessionWindows.ofInactivityGapAndGrace(4, 20)).count(kept),
};

const cases = Object.entries(windows).flatMap(([kind, count]) =>
  Object.entries(joins).map(([join, joined]) => ({ kind, join, count, joined })),
);

describe.each(cases)('an $join join over $kind windows', ({ kind, count, joined }) => {
  const key = kind === 'session' ? sessionWindowed(string) : timeWindowed(string, kind === 'sliding' ? 5 : 10);

  const played = (events: readonly Event[], asTable: (counts: Counts) => Counts): readonly unknown[] => {
    const builder = new StreamsBuilder();
    const counted = (topic: string): Counts => asTable(count(builder.stream(topic, texts).groupByKey()));
    joined(counted('left'), counted('right')).toStream().to('out');
    const driver = new TopologyTestDriver(builder.build());
    for (const { topic, of, time } of events) driver.input(topic, texts).pipe(of, 'x', time);
    return driver.output('out', { key, value: string }).readAll();
  };

  test('gives what the join of the tables of their changes gives', () => {
    const event = fc.record({
      topic: fc.constantFrom('left', 'right'),
      of: fc.constantFrom('a', 'b'),
      time: fc.constantFrom(0, 3, 9, 12, 25),
    });
    let rows = 0;
    fc.assert(
      fc.property(fc.array(event, { minLength: 6, maxLength: 14 }), (events) => {
        const results = played(events, (counts) => counts);
        rows += results.length;
        expect(results).toEqual(played(events, (counts) => counts.toStream().toTable()));
      }),
      { numRuns: 40 },
    );
    expect(rows).toBeGreaterThan(0);
  });
});

interface Event {
  readonly topic: string;
  readonly of: string;
  readonly time: number;
}

test('results that are sent when windows close are joined as a table of them, or suppressed', () => {
  const builder = new StreamsBuilder();
  const windowed = builder.stream('in', texts).groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(10));
  const closed = windowed.emitStrategy('on window close').count();
  expect(() => closed.join(closed, text)).toThrow(expect.objectContaining({ code: 'DSL_JOIN_INVALID' }));
  const final = windowed.count({ store: 'counts' }).suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()));
  const table = closed.toStream().toTable();
  final.join(table, text, { value: string, store }).toStream().to('out');
  const driver = new TopologyTestDriver(builder.build());
  for (const time of [1, 2, 13, 25]) driver.input('in', texts).pipe('a', '', time);
  const out = driver.output('out', { key: timeWindowed(string, 10), value: string });
  const last = new Map(out.readAll().map(({ key, value }) => [key?.start, value]));
  expect([...last]).toEqual([
    [0, '2+2'],
    [10, '1+1'],
  ]);
});
