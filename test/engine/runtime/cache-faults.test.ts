/**
 * Updates that are merged between commits, under faults: each commit has one update of a key at most, the last one is
 * that of a plain recomputation, and an aggregate behind it, which takes back the row that was sent before, agrees.
 */

import { describe, expect } from 'vitest';
import type { Log } from '../../../storage/index.ts';
import { type History, testWithFaults } from './fault-history.ts';
import { consume, lastOf, produce, type Row } from './support.ts';

const partitions = 2;

const history = (): History => {
  const counts = new Map<string, number>();
  /** By key and window of 4 rounds. */
  const tallies = new Map<string, number>();
  /** Every count that a key has had, or a key and window; 0: none. */
  const had = new Map<string, Set<number>>();
  let clicks = 0;
  const click = (of: Map<string, number>, key: string, isMore: boolean): void => {
    const count = isMore ? (of.get(key) ?? 0) + 1 : 0;
    of.set(key, count);
    had.set(key, (had.get(key) ?? new Set([0])).add(count));
  };
  /** Each update is a count that the key has had, none is deleted twice, and there are fewer than clicks. */
  const checkUpdates = (updates: readonly Row[], counts: ReadonlyMap<string, number>): void => {
    const former = new Map<string, string>();
    for (const { key, value } of updates) {
      const text = value ?? '0';
      expect(had.get(key ?? ''), `update of ${key}`).toContain(Number(text));
      if (text === '0') expect(former.get(key ?? '') ?? '0', `${key} is deleted twice`).not.toBe('0');
      former.set(key ?? '', text);
    }
    expect(updates.length).toBeLessThan(clicks);
    expect(Object.fromEntries([...former].filter(([, text]) => text !== '0'))).toEqual(
      Object.fromEntries([...counts].filter(([, count]) => count > 0).map(([key, count]) => [key, String(count)])),
    );
  };
  return {
    plans: { merged: { name: 'merged' } },
    rounds: 12,
    async prepare(log) {
      for (const name of ['clicks', 'counted', 'tallied', 'sizes']) await log.createTopic({ name, partitions });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(round, log, random) {
      const partition = random.below(partitions);
      const rows: Row[] = Array.from({ length: 1 + random.below(12) }, () => {
        const key = `k${partition}${random.below(3)}`;
        const value = random.chance(0.2) ? '-' : '+';
        click(counts, key, value === '+');
        click(tallies, `${key}@${round - (round % 4)}`, value === '+');
        clicks++;
        return { key, value, timestamp: round };
      });
      await produce(log, 'clicks', partition, rows);
    },
    async check(log) {
      checkUpdates(await consume(log, 'counted'), counts);
      checkUpdates(await consume(log, 'tallied'), tallies);
      const present = [...counts].filter(([, count]) => count > 0);
      const sizes = new Map<string, string>();
      for (const [, count] of present) sizes.set(String(count), String(Number(sizes.get(String(count)) ?? 0) + 1));
      const found = Object.entries(lastOf(await consume(log, 'sizes'))).filter(([, size]) => size !== '0');
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(sizes));
    },
  };
};

const windowsHistory = (): History => {
  const rows = new Map<string, string>();
  const times = new Map<string, number[]>();
  return {
    plans: { merged: { name: 'merged windows' } },
    rounds: 12,
    async prepare(log) {
      for (const name of ['events', 'windows', 'sessions', 'rows', 'sizes'])
        await log.createTopic({ name, partitions });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(round, log, random) {
      const partition = random.below(partitions);
      const records: Row[] = Array.from({ length: 1 + random.below(8) }, () => {
        const key = `k${partition}${random.below(3)}`;
        const value = random.chance(0.5) ? 'on' : 'off';
        const timestamp = round * 10 + random.below(30);
        rows.set(key, value);
        times.set(key, [...(times.get(key) ?? []), timestamp]);
        return { key, value, timestamp };
      });
      await produce(log, 'events', partition, records);
    },
    async check(log) {
      const windows: Record<string, string> = {};
      const sessions: Record<string, string> = {};
      for (const [key, all] of times) {
        let [start, end, count] = [0, Number.NEGATIVE_INFINITY, 0];
        for (const time of all.toSorted((a, b) => a - b)) {
          const window = `${key}@${time - (time % 10)}`;
          windows[window] = String(Number(windows[window] ?? 0) + 1);
          if (time - end > 5) [start, count] = [time, 0];
          else delete sessions[`${key}@${start}-${end}`];
          end = time;
          sessions[`${key}@${start}-${end}`] = String(++count);
        }
      }
      expect(await lastRows(log, 'windows')).toEqual(windows);
      expect(await lastRows(log, 'sessions')).toEqual(sessions);
      expect(await lastRows(log, 'rows')).toEqual(Object.fromEntries(rows));
      const sizes: Record<string, string> = {};
      for (const value of rows.values()) sizes[value] = String(Number(sizes[value] ?? 0) + 1);
      const found = Object.entries(await lastRows(log, 'sizes')).filter(([, size]) => size !== '0');
      expect(Object.fromEntries(found)).toEqual(sizes);
    },
  };
};

/** What there is of each key in the end. Nothing is deleted that is not there. */
const lastRows = async (log: Log, topic: string): Promise<Record<string, string>> => {
  const rows: Record<string, string> = {};
  for (const { key, value } of await consume(log, topic)) {
    const name = key ?? '';
    if (value === null || value === undefined) {
      expect(rows[name], `${topic}: ${name} is deleted, and was not sent`).toBeDefined();
      delete rows[name];
    } else rows[name] = value;
  }
  return rows;
};

describe('merged updates', () => {
  testWithFaults(history);
});

describe('merged updates of windows, sessions and tables', () => {
  testWithFaults(windowsHistory);
});
