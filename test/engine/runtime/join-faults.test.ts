/**
 * Joins of two streams, of a stream with itself, and with a versioned table after a grace, under faults. What is
 * committed in the end is, result by result and in the order of each key, what is worked out from all records
 * (`../stream-join-oracle.ts`).
 */

import { describe, expect } from 'vitest';
import type { Random } from '../../../base/index.ts';
import type { Log } from '../../../storage/index.ts';
import { type Event, joinResults } from '../stream-join-oracle.ts';
import { type History, testWithFaults } from './fault-history.ts';
import { consume, produce } from './support.ts';
import { eventGraceMs, eventWindows } from './topologies.ts';

/** With several, windows close by the low watermark, which a task that has just started does not know: a record that
 *  comes out alone would come later among the others. */
const partitions = 1;
const keysEach = 4;
const outputs = ['inner', 'left', 'outer', 'self', 'looked'] as const;

/** A stream with itself is an inner join of two streams that get each record one after the other. */
const selfResults = (events: readonly Event[]): string[] => {
  const both = events.flatMap((event) => [event, { ...event, side: 'R' as const }]);
  return joinResults('inner', eventWindows, both);
};

/** Each left record with the last right one of its time or before, when its grace has passed. */
const lookedResults = (events: readonly Event[]): string[] => {
  const out: string[] = [];
  const rows: Event[] = [];
  let waiting: Event[] = [];
  let time = Number.NEGATIVE_INFINITY;
  const show = (event: Event): void => {
    const found = rows.filter((row) => row.key === event.key && row.time <= event.time);
    const row = found.reduce<Event | undefined>((a, b) => (a === undefined || b.time >= a.time ? b : a), undefined);
    out.push(`${event.id}+${row?.id ?? '-'}@${event.time}`);
  };
  for (const event of events) {
    if (event.side === 'R') {
      rows.push(event);
      continue;
    }
    time = Math.max(time, event.time);
    const due = waiting.filter((one) => one.time + eventGraceMs <= time).sort((a, b) => a.time - b.time);
    waiting = waiting.filter((one) => !due.includes(one));
    for (const one of due) show(one);
    if (event.time + eventGraceMs <= time) show(event);
    else waiting.push(event);
  }
  return out;
};

const history = (): History => {
  /** By partition, as they came. */
  const events: Event[][] = Array.from({ length: partitions }, () => []);
  let now = 100;
  let number = 0;
  let others = 0;
  const send = async (log: Log, random: Random): Promise<void> => {
    now += random.below(4);
    const partition = random.below(partitions);
    const key = `k${partition}${random.below(keysEach)}`;
    const time = random.chance(0.3) ? now - random.below(25) : now;
    const side = random.chance(0.5) ? 'L' : 'R';
    const id = `${side}${number++}`;
    events[partition]?.push({ side, key, time, id });
    await produce(log, 'events', partition, [{ key, value: id, timestamp: time }]);
  };
  return {
    plans: { joins: { name: 'joins' } },
    rounds: 12,
    async prepare(log) {
      for (const name of ['events', ...outputs]) await log.createTopic({ name, partitions });
      for (const name of ['others', 'copied']) await log.createTopic({ name, partitions: 3 });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(_round, log, random) {
      for (let i = random.below(12); i >= 0; i--) {
        await send(log, random);
        await produce(log, 'others', random.below(3), [{ key: null, value: `${others++}`, timestamp: now }]);
      }
    },
    async check(log) {
      const copied = (await consume(log, 'copied')).map(({ value }) => Number(value));
      expect(copied.sort((a, b) => a - b)).toEqual(Array.from({ length: others }, (_, i) => i));
      const results: Readonly<Record<(typeof outputs)[number], (of: readonly Event[]) => string[]>> = {
        inner: (of) => joinResults('inner', eventWindows, of),
        left: (of) => joinResults('left', eventWindows, of),
        outer: (of) => joinResults('outer', eventWindows, of),
        self: (of) => selfResults(of.filter(({ side }) => side === 'L')),
        looked: lookedResults,
      };
      for (const topic of outputs) {
        const rows = await consume(log, topic);
        for (const [partition, own] of events.entries()) {
          const expected = results[topic](own);
          for (let i = 0; i < keysEach; i++) {
            const key = `k${partition}${i}`;
            const ids = new Set(own.filter((event) => event.key === key).map(({ id }) => id));
            const isOfKey = (text: string): boolean => text.split(/[+@]/).some((id) => ids.has(id));
            const found = rows.filter((row) => row.key === key).map(({ value, timestamp }) => `${value}@${timestamp}`);
            expect(found, `${topic} of ${key}`).toEqual(expected.filter(isOfKey));
          }
        }
      }
    },
  };
};

describe('joins', () => {
  testWithFaults(history);
});
