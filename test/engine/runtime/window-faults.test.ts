/**
 * Windows of every kind under faults: hopping and sliding windows, sessions, and streams cogrouped by sessions. What is
 * committed in the end is, result by result and in order, what plain lists of the records give
 * (`../windows/oracle.ts`).
 */

import { describe, expect } from 'vitest';
import type { Random } from '../../../base/index.ts';
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
import { consume, produce } from './support.ts';

const partitions = 2;
const keysEach = 3;
const topics = ['clicks', 'views', 'hops', 'slides', 'sessions', 'visits'];

interface KeyedEvent extends Event {
  readonly key: string;
}

const textOf = ({ start, end, value }: Result): string => `${start}-${end}=${value ?? '-'}`;

/** Windows that a record updates are emitted the latest one first; here all of a key are compared in order of time. */
const sorted = (texts: readonly string[]): readonly string[] =>
  texts.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));

const history = (): History => {
  /** By partition, as they came. */
  const clicks: KeyedEvent[][] = Array.from({ length: partitions }, () => []);
  const views: KeyedEvent[][] = Array.from({ length: partitions }, () => []);
  let now = 100;
  let number = 0;
  const send = async (log: Log, random: Random): Promise<void> => {
    now += random.below(4);
    const partition = random.below(partitions);
    const key = `k${partition}${random.below(keysEach)}`;
    const time = random.chance(0.3) ? now - random.below(20) : now;
    const value = `${String.fromCharCode(97 + (number++ % 26))}`;
    const isView = random.chance(0.3);
    (isView ? views : clicks)[partition]?.push({ key, time, value });
    await produce(log, isView ? 'views' : 'clicks', partition, [{ key, value, timestamp: time }]);
  };
  return {
    plans: { clicks: { name: 'clicks' } },
    rounds: 12,
    async prepare(log) {
      for (const name of topics) await log.createTopic({ name, partitions });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(_round, log, random) {
      for (let i = random.below(10); i >= 0; i--) await send(log, random);
    },
    async check(log) {
      let late = 0;
      const committed = {
        hops: await consume(log, 'hops'),
        slides: await consume(log, 'slides'),
        sessions: await consume(log, 'sessions'),
        visits: await consume(log, 'visits'),
      };
      const of = (topic: keyof typeof committed, key: string): string[] =>
        committed[topic].filter((row) => row.key === key).map(({ value }) => value ?? '');
      for (const [partition, events] of clicks.entries()) {
        for (let i = 0; i < keysEach; i++) {
          const key = `k${partition}${i}`;
          const own = events.map((event) => ({ ...event, other: event.key !== key }));
          const expected: Readonly<Record<'hops' | 'slides' | 'sessions', Results>> = {
            hops: hoppingResults(own, { size: 10, advance: 4, grace: 5 }),
            slides: slidingResults(own, { difference: 6, grace: 5 }),
            sessions: sessionResults(own, { gap: 3, grace: 5, retention: 8 }),
          };
          for (const one of Object.values(expected)) late += one.late;
          expect(of('hops', key), `hops of ${key}`).toEqual(expected.hops.results.map(textOf));
          expect(of('sessions', key), `sessions of ${key}`).toEqual(expected.sessions.results.map(textOf));
          expect(sorted(of('slides', key)), `slides of ${key}`).toEqual(sorted(expected.slides.results.map(textOf)));

          const both = [...own, ...(views[partition] ?? [])].filter((event) => event.key === key);
          const { sessions } = sessionResults(both, { gap: 3, grace: 1_000_000, retention: 1_000_003 });
          const visits = new Map<string, string>();
          for (const text of of('visits', key)) {
            const [session = '', count = ''] = text.split('=');
            if (count === '-') visits.delete(session);
            else visits.set(session, count);
          }
          expect(Object.fromEntries(visits), `visits of ${key}`).toEqual(
            Object.fromEntries(sessions.map(({ start, end, events: all }) => [`${start}-${end}`, `${all.length}`])),
          );
        }
      }
      expect((await consume(log, 'problems')).length).toBe(late);
    },
  };
};

describe('windows', () => {
  testWithFaults(history);
});
