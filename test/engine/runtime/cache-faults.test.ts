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
  /** Every count that a key has had; 0: none. */
  const had = new Map<string, Set<number>>();
  let clicks = 0;
  return {
    plans: { merged: { name: 'merged' } },
    rounds: 12,
    async prepare(log) {
      for (const name of ['clicks', 'counted', 'sizes']) await log.createTopic({ name, partitions });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(round, log, random) {
      const partition = random.below(partitions);
      const rows: Row[] = Array.from({ length: 1 + random.below(12) }, () => {
        const key = `k${partition}${random.below(3)}`;
        const value = random.chance(0.2) ? '-' : '+';
        counts.set(key, value === '+' ? (counts.get(key) ?? 0) + 1 : 0);
        const all = had.get(key) ?? new Set([0]);
        had.set(key, all.add(counts.get(key) ?? 0));
        clicks++;
        return { key, value, timestamp: round };
      });
      await produce(log, 'clicks', partition, rows);
    },
    async check(log) {
      const counted = await consume(log, 'counted');
      const former = new Map<string, string>();
      for (const { key, value } of counted) {
        const text = value ?? '0';
        expect(had.get(key ?? ''), `update of ${key}`).toContain(Number(text));
        if (text === '0') expect(former.get(key ?? '') ?? '0', `${key} is deleted twice`).not.toBe('0');
        former.set(key ?? '', text);
      }
      expect(counted.length).toBeLessThan(clicks);
      const present = [...counts].filter(([, count]) => count > 0);
      expect(Object.fromEntries([...former].filter(([, text]) => text !== '0'))).toEqual(
        Object.fromEntries(present.map(([key, count]) => [key, String(count)])),
      );
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
