/**
 * Joins of two streams against a plain recomputation: for all orders of up to six records over a grid of windows and
 * graces, cut into transactions in several ways, the results are those of a few lines that look at all pairs.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serdes, type Topology } from '../../engine/index.ts';
import { JoinWindows, StreamsBuilder } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';
import { type Event, joinResults, type Kind, kinds } from './stream-join-oracle.ts';

const { string } = serdes;
const texts = { key: string, value: string };

/** Both streams come from one topic, in the order in which they are piped. */
const topologyOf = (kind: Kind, windows: JoinWindows): Topology => {
  const builder = new StreamsBuilder();
  const all = builder.stream('in', texts);
  const left = all.filter((_key, value) => value?.startsWith('L') === true);
  const right = all.filter((_key, value) => value?.startsWith('R') === true);
  const shown = (l: string | null, r: string | null): string => `${l ?? '-'}+${r ?? '-'}`;
  const options = { value: string };
  const joined =
    kind === 'inner'
      ? left.join(right, shown, windows, options)
      : kind === 'left'
        ? left.leftJoin(right, shown, windows, options)
        : left.outerJoin(right, shown, windows, options);
  joined.to('out');
  return builder.build();
};

/** What comes out, in order, when a transaction ends behind each of these positions and at the end. */
const results = (topology: Topology, events: readonly Event[], cuts: readonly number[]): string[] => {
  const driver = new TopologyTestDriver(topology);
  const input = driver.input('in', texts);
  let from = 0;
  for (const to of [...cuts, events.length]) {
    if (to > from) {
      const records = events.slice(from, to).map(({ key, id, time }) => ({ key, value: id, timestamp: time }));
      input.pipeAll(records);
    }
    from = Math.max(from, to);
  }
  const found = driver
    .output('out', texts)
    .readAll()
    .map(({ value, timestamp }) => `${value}@${timestamp}`);
  driver.close();
  return found;
};

const permutations = <T>(items: readonly T[]): T[][] =>
  items.length <= 1
    ? [[...items]]
    : items.flatMap((item, i) =>
        permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
      );

/** `L3 R5` and so on; a letter behind the time is the key. */
const eventsOf = (text: string): Event[] =>
  text.split(' ').map((word, i) => {
    const [, side = 'L', time = '0', key = ''] = /^([LR])(\d+)(\w?)$/.exec(word) ?? [];
    return { side: side as Event['side'], time: Number(time), key: key === '' ? 'k' : key, id: `${word}#${i}` };
  });

const windowsOf = ([before, after]: readonly [number, number], grace: number): JoinWindows =>
  JoinWindows.ofTimeDifferenceAndGrace(before + 100, grace)
    .after(after)
    .before(before);

const spans = [
  [0, 0],
  [5, 5],
  [10, 10],
  [0, 10],
  [10, 0],
  [3, 12],
  [-3, 8],
  [8, -3],
] as const;
const graces = [0, 4, 20];

describe.each(kinds)('%s', (kind) => {
  const grid = spans.flatMap((span) => graces.map((grace) => windowsOf(span, grace)));

  test.each(grid.map((windows, i) => ({ windows, i })))('all orders of some records: $windows', ({ windows, i }) => {
    const topology = topologyOf(kind, windows);
    const sets = ['L10 R12 L20 R25', 'L10 R10 R10 L14', 'L5 R20 L21 R0a L40', 'L10 R5 L12 R18 R30'];
    for (const set of [sets[i % 2], sets[2 + (i % 2)]] as string[]) {
      for (const order of permutations(eventsOf(set))) {
        const wanted = joinResults(kind, windows, order);
        const each = order.map((_, i) => i + 1);
        expect(results(topology, order, each), order.map(({ id }) => id).join(' ')).toEqual(wanted);
        expect(results(topology, order, []), `in one: ${order.map(({ id }) => id).join(' ')}`).toEqual(wanted);
      }
    }
  });

  test.each([windowsOf([10, 10], 5), windowsOf([2, 9], 0)])('all orders of six records: %j', (windows) => {
    const topology = topologyOf(kind, windows);
    for (const order of permutations(eventsOf('L10 R15 L18 R27 R4 L60b'))) {
      expect(results(topology, order, [3]), order.map(({ id }) => id).join(' ')).toEqual(
        joinResults(kind, windows, order),
      );
    }
  });

  const event = fc.record({
    side: fc.constantFrom('L' as const, 'R' as const),
    key: fc.constantFrom('a', 'a', 'b'),
    time: fc.integer({ min: 0, max: 60 }),
  });
  const history = fc.record({
    events: fc.array(event, { minLength: 1, maxLength: 40 }),
    span: fc.constantFrom(...spans),
    grace: fc.constantFrom(...graces),
    cuts: fc.array(fc.nat(40), { maxLength: 5 }),
  });

  test('long histories, cut anywhere', () => {
    fc.assert(
      fc.property(history, ({ events, span, grace, cuts }) => {
        const windows = windowsOf(span, grace);
        const named = events.map((one, i) => ({ ...one, id: `${one.side}${one.time}#${i}` }));
        const ordered = cuts.map((cut) => Math.min(cut, named.length)).sort((a, b) => a - b);
        expect(results(topologyOf(kind, windows), named, ordered)).toEqual(joinResults(kind, windows, named));
      }),
      { numRuns: 200 },
    );
  });

  test('where no record is later than the grace, they are the join of the two sets', () => {
    fc.assert(
      fc.property(history, ({ events, span, grace, cuts }) => {
        const windows = windowsOf(span, grace);
        const { beforeMs, afterMs } = windows;
        let time = 0;
        const inTime: Event[] = [];
        events.forEach((one, i) => {
          time = Math.max(time, one.time);
          const late = Math.max(one.time, time - grace);
          inTime.push({ ...one, time: late, id: `${one.side}${late}#${i}` });
        });
        const pairs = inTime.flatMap((l) =>
          inTime
            .filter((r) => l.side === 'L' && r.side === 'R' && l.key === r.key)
            .filter((r) => r.time - l.time >= -beforeMs && r.time - l.time <= afterMs)
            .map((r) => [l, r] as const),
        );
        const set = pairs.map(([l, r]) => `${l.id}+${r.id}@${Math.max(l.time, r.time)}`);
        const matched = new Set(pairs.flat());
        for (const one of inTime) {
          if (matched.has(one)) continue;
          if (one.side === 'L' && kind !== 'inner') set.push(`${one.id}+-@${one.time}`);
          if (one.side === 'R' && kind === 'outer') set.push(`-+${one.id}@${one.time}`);
        }
        // A record of another key, much later, closes all windows.
        const last = { side: 'R', key: 'z', time: 10_000, id: 'R-last' } as const;
        const ordered = cuts.map((cut) => Math.min(cut, inTime.length)).sort((a, b) => a - b);
        const found = results(topologyOf(kind, windows), [...inTime, last], ordered);
        expect(found.filter((one) => !one.includes(last.id)).sort()).toEqual(set.sort());
      }),
      { numRuns: 200 },
    );
  });
});
