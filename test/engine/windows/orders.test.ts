/**
 * Windows of every kind against plain lists of records (`oracle.ts`): six records in all of their orders, which has all
 * orders of fewer in it, over a grid of sizes, gaps and graces. Each order is a history of its own key, later by far
 * than the one before, so that one topology takes them all; what is late is decided within each.
 *
 * Each grid point runs twice: with all records in one transaction, and, for a sample of the orders, with a commit after
 * each.
 */

import { describe, expect, test } from 'vitest';
import { type Serde, serdes } from '../../../engine/index.ts';
import {
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
import {
  type Event,
  hoppingResults,
  type Result,
  type Results,
  sessionResults,
  slidingResults,
  slidingWindows,
} from './oracle.ts';

const { string } = serdes;

/** Further than any window and grace of the grids, and a multiple of every advance. */
const apart = 27_720;

const orders = <T>(of: readonly T[]): T[][] =>
  of.length === 0 ? [[]] : of.flatMap((one, i) => orders(of.toSpliced(i, 1)).map((rest) => [one, ...rest]));

/** Times in all of their orders; equal ones are told apart by their values. */
const historiesOf = (times: readonly number[]): readonly (readonly Event[])[] =>
  orders(times.map((time, i) => ({ time, value: String.fromCharCode(97 + i) })));

const timesWithin = [
  [0, 1, 3, 4, 8, 13],
  [0, 0, 5, 5, 6, 12],
];

type Windows = (builder: StreamsBuilder) => KTable<Windowed<string>, string>;

/** What the topology makes of the histories, each shifted by `first` and its number. */
const run = (
  windows: Windows,
  key: Serde<Windowed<string>>,
  histories: readonly (readonly Event[])[],
  commits: 'one' | 'each',
  first = 1,
): Results[] => {
  const builder = new StreamsBuilder();
  windows(builder).toStream().to('out');
  const driver = new TopologyTestDriver(builder.build());
  const input = driver.input('in', { key: string, value: string });
  const records = histories.flatMap((events, i) =>
    events.map(({ time, value }) => ({ key: `${i}`, value, timestamp: time + (first + i) * apart })),
  );
  if (commits === 'one') input.pipeAll(records);
  else for (const { key: name, value, timestamp } of records) input.pipe(name, value, timestamp);
  const results: { results: Result[]; late: number }[] = histories.map(() => ({ results: [], late: 0 }));
  for (const { key: window, value, timestamp } of driver.output('out', { key, value: string }).readAll()) {
    const number = Number(window?.key);
    const shift = (first + number) * apart;
    const { start = 0, end = 0 } = window ?? {};
    results[number]?.results.push({ start: start - shift, end: end - shift, value, time: timestamp - shift });
  }
  for (const { reason, timestamp } of driver.drops) {
    expect(reason).toBe('late');
    const one = results[Math.floor(timestamp / apart) - first];
    if (one !== undefined) one.late++;
  }
  driver.close();
  return results;
};

const grouped = (
  builder: StreamsBuilder,
): ReturnType<ReturnType<typeof builder.stream<string, string>>['groupByKey']> =>
  builder.stream('in', { key: string, value: string }).groupByKey();

const joined = (a: string, b: string): string => a + b;

/** All windows of all histories at once; a difference shows the history. */
const expectSame = (
  actual: readonly Results[],
  expected: readonly Results[],
  histories: readonly (readonly Event[])[],
): void => {
  for (const [i, one] of actual.entries()) {
    const { results, late } = expected[i] as Results;
    if (JSON.stringify(one) === JSON.stringify({ results, late })) continue;
    const history = histories[i]?.map(({ time, value }) => `${value}@${time}`).join(' ');
    expect({ history, results: one.results, late: one.late }).toEqual({ history, results, late });
  }
};

describe.each(timesWithin.map((times) => ({ times })))('all orders of $times:', ({ times }) => {
  const histories = historiesOf(times);
  const sample = histories.filter((_, i) => i % 7 === 0);

  test.each(
    [3, 10].flatMap((size) => [1, 2, size].flatMap((advance) => [0, 2, 5].map((grace) => ({ size, advance, grace })))),
  )('hopping windows of $size by $advance with a grace of $grace', ({ size, advance, grace }) => {
    // The window that holds the start of the history begins before it: shifted by a multiple of the advance.
    const shift = apart;
    const expectedOf = (events: readonly Event[]): Results => {
      const { results, late } = hoppingResults(
        events.map(({ time, value }) => ({ time: time + shift, value })),
        { size, advance, grace },
      );
      return {
        results: results.map((one) => ({
          ...one,
          start: one.start - shift,
          end: one.end - shift,
          time: one.time - shift,
        })),
        late,
      };
    };
    const windows = TimeWindows.ofSizeAndGrace(size, grace).advanceBy(advance);
    for (const commits of ['one', 'each'] as const) {
      const some = commits === 'one' ? histories : sample;
      const actual = run(
        (builder) => grouped(builder).windowedBy(windows).reduce(joined),
        timeWindowed(string, size),
        some,
        commits,
      );
      expectSame(actual, some.map(expectedOf), some);
    }
  });

  test.each(
    [1, 2, 5].flatMap((gap) =>
      [0, 2, 7].flatMap((grace) => [0, 6, 1000].map((more) => ({ gap, grace, retention: gap + grace + more }))),
    ),
  )('sessions with a gap of $gap, a grace of $grace and a retention of $retention', ({ gap, grace, retention }) => {
    const windows = SessionWindows.ofInactivityGapAndGrace(gap, grace);
    for (const commits of ['one', 'each'] as const) {
      const some = commits === 'one' ? histories : sample;
      const actual = run(
        (builder) => grouped(builder).windowedBy(windows).reduce(joined, { retentionMs: retention }),
        sessionWindowed(string),
        some,
        commits,
      );
      const expected = some.map((events) => sessionResults(events, { gap, grace, retention }));
      expectSame(actual, expected, some);
    }
  });

  test.each([0, 1, 4, 10])('sliding windows of %i that nothing is too late for', (difference) => {
    const windows = SlidingWindows.ofTimeDifferenceAndGrace(difference, 20);
    for (const commits of ['one', 'each'] as const) {
      const some = commits === 'one' ? histories : sample;
      const actual = run(
        (builder) => grouped(builder).windowedBy(windows).reduce(joined),
        timeWindowed(string, difference),
        some,
        commits,
      );
      for (const [i, events] of some.entries()) {
        const shifted = events.map(({ time, value }) => ({ time: time + apart, value }));
        const expected = [...slidingWindows(shifted, difference)].map(([start, value]) => [start - apart, value]);
        const last = new Map(actual[i]?.results.map(({ start, value }) => [start, value && inOrder(value)]));
        const sorted = expected.map(([start, value]) => [start, inOrder(value as string)]);
        expect({ events, windows: byStart(last) }).toEqual({ events, windows: byStart(sorted) });
        expect(actual[i]?.late).toBe(0);
      }
    }
  });

  test.each([1, 4, 10].flatMap((difference) => [0, 1, 4].map((grace) => ({ difference, grace }))))(
    'sliding windows of $difference with a grace of $grace',
    ({ difference, grace }) => {
      const windows = SlidingWindows.ofTimeDifferenceAndGrace(difference, grace);
      const sorted = ({ results, late }: Results): Results => ({
        results: results.toSorted((a, b) => a.start - b.start || (a.value ?? '').length - (b.value ?? '').length),
        late,
      });
      for (const commits of ['one', 'each'] as const) {
        const some = commits === 'one' ? histories : sample;
        const actual = run(
          (builder) => grouped(builder).windowedBy(windows).reduce(joined),
          timeWindowed(string, difference),
          some,
          commits,
        );
        const expected = some.map((events) => slidingResults(events, { difference, grace }));
        expectSame(actual.map(sorted), expected.map(sorted), some);
      }
    },
  );

  test('sessions that nothing is too late for are the groups of records within the gap', () => {
    for (const gap of [1, 2, 5]) {
      for (const events of histories) {
        const { sessions } = sessionResults(events, { gap, grace: 100, retention: 1000 });
        const sorted = events.toSorted((a, b) => a.time - b.time);
        const groups: Event[][] = [];
        for (const event of sorted) {
          const last = groups.at(-1);
          if (last !== undefined && event.time - (last.at(-1)?.time ?? 0) <= gap) last.push(event);
          else groups.push([event]);
        }
        expect(sessions.map(({ start, end }) => [start, end]).sort(([a = 0], [b = 0]) => a - b)).toEqual(
          groups.map((group) => [group[0]?.time, group.at(-1)?.time]),
        );
      }
    }
  });
});

const byStart = (windows: Iterable<readonly unknown[]>): string =>
  JSON.stringify([...windows].sort(([a], [b]) => Number(a) - Number(b)));

const inOrder = (value: string): string => Array.from(value).sort().join('');

test('hopping windows begin at 0 at the earliest', () => {
  const events = [0, 2, 5, 1].map((time, i) => ({ time, value: `${i}` }));
  for (const advance of [2, 3]) {
    const windows = TimeWindows.ofSizeAndGrace(6, 3).advanceBy(advance);
    const [actual] = run(
      (builder) => grouped(builder).windowedBy(windows).reduce(joined),
      timeWindowed(string, 6),
      [events],
      'each',
      0,
    );
    expect(actual).toEqual(hoppingResults(events, { size: 6, advance, grace: 3 }));
  }
});
