/**
 * Final results, suppressed tables and punctuators under faults. What is committed in the end is, result by result and
 * in order, what plain lists of the records give: each window once, each tick with what came before it.
 */

import { describe, expect } from 'vitest';
import { type Random, readI64 } from '../../../base/index.ts';
import type { Log } from '../../../storage/index.ts';
import {
  type Event,
  hoppingResults,
  type Result,
  type Results,
  sessionResults,
  slidingResults,
} from '../windows/oracle.ts';
import { type History, testWithFaults } from './fault-history.ts';
import { consume, produce, type Row, text } from './support.ts';

const partitions = 2;
const keysEach = 3;
const topics = ['clicks', 'hops', 'slides', 'tumbles', 'sessions', 'counts', 'ticks', 'beats'];

interface KeyedEvent extends Event {
  readonly key: string;
}

/** The last result of each window that closes `closesAfter` its end, by the time of the last event, in that order. */
const finalOf = ({ results }: Results, events: readonly Event[], closesAfter: number): string[] => {
  const last = new Map<string, Result>();
  for (const result of results) last.set(`${result.start}-${result.end}`, result);
  const time = Math.max(...events.map((event) => event.time));
  return [...last.values()]
    .filter(({ end, value }) => value !== null && end + closesAfter <= time)
    .sort((a, b) => a.end - b.end || a.start - b.start)
    .map(({ start, end, value }) => `${start}-${end}=${value}`);
};

/** Without what came before the last `m`; where nothing came behind it there is no result. */
const sinceDeleted = (results: readonly string[]): string[] =>
  results.map((result) => result.replace(/=.*m/, '=')).filter((result) => !result.endsWith('='));

/** Counts that are held back for 7 ms, two of them at most. */
const countsOf = (events: readonly KeyedEvent[]): string[] => {
  const counts = new Map<string, number>();
  const held = new Map<string, number>();
  const sent: string[] = [];
  let streamTime = Number.NEGATIVE_INFINITY;
  const latest = new Map<string, number>();
  for (const { key, time } of events) {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    // The time of a count is the largest of its records, and by that it is held.
    const own = Math.max(latest.get(key) ?? time, time);
    latest.set(key, own);
    streamTime = Math.max(streamTime, own);
    if (!held.has(key)) held.set(key, own);
    for (;;) {
      const [first] = [...held].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
      if (first === undefined || (first[1] + 7 > streamTime && held.size <= 2)) break;
      held.delete(first[0]);
      sent.push(`${first[0]}: ${counts.get(first[0])}`);
    }
  }
  return sent;
};

/** How many records came before each tick at a multiple of 10. */
const ticksOf = (events: readonly Event[]): string[] => {
  const ticks: string[] = [];
  let due = Number.NEGATIVE_INFINITY;
  let since = 0;
  for (const { time } of events) {
    since++;
    if (time < due) continue;
    ticks.push(String(since));
    since = 0;
    due = (Math.floor(time / 10) + 1) * 10;
  }
  return ticks;
};

const history = (): History => {
  /** By partition, as they came. */
  const clicks: KeyedEvent[][] = Array.from({ length: partitions }, () => []);
  let now = 100;
  let number = 0;
  const send = async (log: Log, random: Random): Promise<void> => {
    now += random.below(5);
    const partition = random.below(partitions);
    const key = `k${partition}${random.below(keysEach)}`;
    const time = random.chance(0.3) ? now - random.below(20) : now;
    const value = random.chance(0.1) ? 'm' : String.fromCharCode(97 + (number++ % 26));
    clicks[partition]?.push({ key, time, value });
    await produce(log, 'clicks', partition, [{ key, value, timestamp: time }]);
  };
  return {
    plans: { closing: { name: 'closing' } },
    rounds: 12,
    async prepare(log) {
      for (const name of topics) await log.createTopic({ name, partitions });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(_round, log, random) {
      for (let i = random.below(10); i >= 0; i--) await send(log, random);
    },
    async check(log, runtime) {
      const committed = new Map<string, readonly Row[]>();
      for (const name of topics) committed.set(name, await consume(log, name));
      const of = (topic: string, key: string): string[] =>
        (committed.get(topic) ?? []).filter((row) => row.key === key).map(({ value }) => value ?? '');
      for (const [partition, events] of clicks.entries()) {
        if (events.length === 0) continue;
        for (let i = 0; i < keysEach; i++) {
          const key = `k${partition}${i}`;
          const own = events.map((event) => ({ ...event, other: event.key !== key }));
          const hops = hoppingResults(own, { size: 10, advance: 4, grace: 5 });
          expect(of('hops', key), `hops of ${key}`).toEqual(finalOf(hops, events, 5));
          const tumbles = finalOf(hoppingResults(own, { size: 9, advance: 9, grace: 5 }), events, 5);
          expect(of('tumbles', key), `tumbles of ${key}`).toEqual(sinceDeleted(tumbles));
          const sessions = sessionResults(own, { gap: 3, grace: 5, retention: 8 });
          expect(of('sessions', key), `sessions of ${key}`).toEqual(finalOf(sessions, events, 9));
          const slides = slidingResults(own, { difference: 6, grace: 5 });
          expect(of('slides', key), `slides of ${key}`).toEqual(finalOf(slides, events, 6));
          const counts = countsOf(events).filter((line) => line.startsWith(key));
          expect(
            of('counts', key).map((count) => `${key}: ${count}`),
            `counts of ${key}`,
          ).toEqual(counts);
        }
        expect(of('ticks', `p${partition}`), `ticks of ${partition}`).toEqual(ticksOf(events));
      }
      // What has been sent is not held any more: each window that is, with its start behind the key, is still open.
      for (const [store, closesAfter] of [
        ['final-store', 6 + 6],
        ['tumbled-store', 9 + 5],
      ] as const) {
        for await (const page of runtime.scan('closing', store)) {
          for (const { key } of page) {
            const time = Math.max(...(clicks[Number(text(key).charAt(1))] ?? []).map((event) => event.time));
            expect(readI64(key, key.length - 8) + closesAfter, `${store} of ${text(key)}`).toBeGreaterThan(time);
          }
        }
      }
      // Beats come by the clock: what they have taken, and what waits, is what there was.
      let beats = 0;
      for (const { value } of committed.get('beats') ?? []) beats += Number(value);
      for await (const page of runtime.scan('closing', 'since-beats')) {
        for (const { value } of page) beats += value[0] as number;
      }
      expect(beats).toBe(clicks.flat().length);
    },
  };
};

describe('final results, suppressed tables and punctuators', () => {
  testWithFaults(history);
});
