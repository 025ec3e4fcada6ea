/**
 * Updates that are merged between commits, under faults: each commit has one update of a key at most, the last one is
 * that of a plain recomputation, and an aggregate behind it, which takes back the row that was sent before, agrees.
 */

import { describe, expect } from 'vitest';
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

describe('merged updates', () => {
  testWithFaults(history);
});
