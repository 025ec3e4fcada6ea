/**
 * A processor of a user's under faults, with stores of three kinds, with punctuators by both times, and with state in
 * memory that is made of a store: what is committed in the end is, result by result and in order, what a plain replay
 * of the records gives.
 */

import { describe, expect, test } from 'vitest';
import { type Random, readUtf8 } from '../../../base/index.ts';
import { type History, testWithFaults } from './fault-history.ts';
import { consume, produce } from './support.ts';

const partitions = 2;
const keysEach = 3;

interface Tap {
  readonly key: string;
  readonly time: number;
  readonly value: string;
}

/** What the topology `taps` writes to `tapped` of the records of one partition, by key. */
const replay = (records: readonly Tap[]): ReadonlyMap<string, readonly string[]> => {
  const results = new Map<string, string[]>();
  const counts = new Map<string, number>();
  const kept = new Map<string, Map<number, string>>();
  let streamTime = -Infinity;
  let due = -Infinity;
  const send = (key: string, text: string): void => void results.set(key, [...(results.get(key) ?? []), text]);
  for (const { key, time, value } of records) {
    streamTime = Math.max(streamTime, time);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const values = kept.get(key) ?? new Map<number, string>();
    kept.set(key, values);
    const lives = (at: number): boolean => at > streamTime - 20;
    if (lives(time)) values.set(time, value);
    const last = [...values].filter(([at]) => lives(at) && at >= time - 10 && at <= time).sort(([a], [b]) => a - b);
    send(key, `${count} ${last.map(([, text]) => text).join('')}`);
    if (streamTime < due) continue;
    due = (Math.floor(streamTime / 10) + 1) * 10;
    for (const [each, all] of counts) send(each, `tick ${streamTime} ${all}`);
  }
  return results;
};

/** By the wall clock, over all histories. */
let countedInAll = 0;

const history = (): History => {
  const records: Tap[][] = Array.from({ length: partitions }, () => []);
  let now = 100;
  return {
    plans: { taps: { name: 'taps' } },
    rounds: 12,
    async prepare(log) {
      for (const name of ['taps', 'tapped', 'walls']) await log.createTopic({ name, partitions });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(_round, log, random: Random) {
      for (let i = random.below(10); i >= 0; i--) {
        now += random.below(5);
        const partition = random.below(partitions);
        const key = `k${partition}${random.below(keysEach)}`;
        const time = random.chance(0.3) ? now - random.below(25) : now;
        const value = random.pick(['a', 'b', 'c']);
        records[partition]?.push({ key, time, value });
        await produce(log, 'taps', partition, [{ key, value, timestamp: time }]);
      }
    },
    async check(log, runtime) {
      const tapped = await consume(log, 'tapped');
      for (const own of records) {
        for (const [key, expected] of replay(own)) {
          expect(
            tapped.filter((row) => row.key === key).map(({ value }) => value),
            key,
          ).toEqual(expected);
        }
      }
      // What the wall clock has counted, and what it has not yet, are all records, each once.
      const walls = await consume(log, 'walls');
      let fresh = 0;
      for await (const page of runtime.scan('taps', 'since')) {
        for (const { value } of page) fresh += Number(readUtf8(value, 0, value.length));
      }
      const counted = walls.reduce((sum, { value }) => sum + Number(value), 0);
      expect(counted + fresh).toBe(records.flat().length);
      countedInAll += counted;
      expect(await consume(log, 'problems')).toEqual([]);
    },
  };
};

describe('a processor with stores and punctuators', () => {
  testWithFaults(history);

  test('the wall clock has ticked in some of them', () => {
    expect(countedInAll).toBeGreaterThan(0);
  });
});
