/**
 * Exactly once, whatever the log answers: under a bad network, lost answers, refusals and crashes the committed output
 * is that of a plain recomputation, each update once and in order, and state and offsets agree with it. Every run
 * follows from its seed.
 */

import { describe, expect, test } from 'vitest';
import { partitionOfKey } from '../../../base/index.ts';
import type { DelayedLogFaults } from '../../../storage/index.ts';
import { type History, runHistory, type Scenario, seedsOf } from './fault-history.ts';
import { consume, lastOf, produce, type Row, utf8 } from './support.ts';

const keys = ['a', 'b', 'c', 'd', 'e'];

/** Every update of every key, in order, exactly once. */
const expectEveryUpdateOnce = (rows: readonly Row[], expected: ReadonlyMap<string, number>): void => {
  const seen = new Map<string, number>();
  for (const { key, value } of rows) {
    expect(Number(value), `update of ${key}`).toBe((seen.get(key ?? '') ?? 0) + 1);
    seen.set(key ?? '', Number(value));
  }
  expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected));
};

/** Words that are counted and explained, amounts that are summed. `damage`: from some round on a batch of `amounts`
 *  cannot be read (without crashes only). */
const words = (damage: boolean): History => {
  const wordsBy = new Map<string, number>();
  const sumsBy = new Map<string, number>();
  let late = 0;
  let minute = 0;
  return {
    plans: {
      count: { name: 'count', repartition: true },
      sums: { name: 'sums', graceMs: 10_000 },
      explain: { name: 'explained' },
    },
    rounds: 12,
    async prepare(log) {
      for (const name of ['words', 'counted', 'meanings', 'explained']) await log.createTopic({ name, partitions: 2 });
      for (const name of ['amounts', 'sums', 'problems']) await log.createTopic({ name, partitions: 1 });
      for (const key of keys) {
        const partition = partitionOfKey(utf8(key), 0, 1, 2);
        await produce(log, 'meanings', partition, [{ key, value: `m-${key}`, timestamp: 0 }]);
      }
    },
    async round(round, log, random, network) {
      if (damage && round === 6) {
        const amounts = { topic: 'amounts', partition: 0 };
        network.makeUnreadable(amounts, (await log.offsets(amounts)).end);
      }
      for (const partition of [0, 1]) {
        const rows: Row[] = Array.from({ length: random.below(6) + 1 }, () => ({
          key: null,
          value: random.pick(keys),
          timestamp: 1 + round,
        }));
        await produce(log, 'words', partition, rows);
        for (const { value } of rows) wordsBy.set(value ?? '', (wordsBy.get(value ?? '') ?? 0) + 1);
      }
      minute += random.below(2);
      const amounts: Row[] = [{ key: 'k', value: '1', timestamp: minute * 60_000 + 30_000 }];
      sumsBy.set(`k@${minute}`, (sumsBy.get(`k@${minute}`) ?? 0) + 1);
      if (minute >= 2) {
        amounts.push({ key: 'k', value: '1', timestamp: (minute - 2) * 60_000 });
        late++;
      }
      await produce(log, 'amounts', 0, amounts);
    },
    async beforeTheEnd(runtime, settle) {
      if (!damage) return;
      // What reads the damaged batch has failed and says where; everything else comes to rest beside it.
      await settle(['sums']);
      const sums = runtime.status('sums');
      expect(sums).toMatchObject({ state: 'failed', error: { code: 'LOG_CORRUPT_BATCH' } });
      expect(sums.error?.message).toMatch(/^the batch at offset \d+ of amounts\/0 is damaged/);
    },
    async check(log, runtime) {
      expectEveryUpdateOnce(await consume(log, 'counted'), wordsBy);
      const explanations = new Map<string, number>();
      for (const { key, value } of await consume(log, 'explained')) {
        expect(value).toBe(`${key}=m-${key}`);
        explanations.set(key ?? '', (explanations.get(key ?? '') ?? 0) + 1);
      }
      expect(Object.fromEntries(explanations)).toEqual(Object.fromEntries(wordsBy));
      const sums = await consume(log, 'sums');
      expect(lastOf(sums)).toEqual(Object.fromEntries([...sumsBy].map(([key, sum]) => [key, String(sum)])));
      expect((await consume(log, 'problems')).length).toBe(late);
      const stored: Record<string, number> = {};
      for await (const page of runtime.scan('count', 'counts')) {
        for (const { key } of page) stored[new TextDecoder().decode(key)] = 1;
      }
      expect(new Set(Object.keys(stored))).toEqual(new Set(wordsBy.keys()));
    },
  };
};

const scenario = (
  seed: number,
  faults: DelayedLogFaults,
  { damage = false, ...options }: Scenario & { readonly damage?: boolean } = {},
): Promise<void> => runHistory(seed, faults, words(damage), options);

describe('exactly once', () => {
  const seeds = seedsOf(12);

  test.each(seeds)('with lost answers, seed %i', async (seed) => {
    await scenario(seed, { appendUnknown: 0.05, commitUnknown: 0.2, abortUnknown: 0.1 });
  });

  test.each(seeds)('with a log that is full now and then, seed %i', async (seed) => {
    await scenario(100 + seed, { unavailable: 0.2 });
  });

  test.each(seeds)('with producers that are fenced, seed %i', async (seed) => {
    await scenario(200 + seed, { fenced: 0.05, commitUnknown: 0.1 });
  });

  test.each(seeds)('with crashes, seed %i', async (seed) => {
    await scenario(300 + seed, { appendUnknown: 0.02, commitUnknown: 0.1, unavailable: 0.05 }, { crashes: 4 });
  });

  test.each(seeds)('with tasks spread over hosts that answer late, seed %i', async (seed) => {
    await scenario(
      400 + seed,
      { appendUnknown: 0.03, commitUnknown: 0.1, unavailable: 0.1, fenced: 0.01 },
      { crashes: 1, hosts: 2 },
    );
  });

  test.each(seeds)('with reads that fail now and then, seed %i', async (seed) => {
    await scenario(600 + seed, { readUnavailable: 0.2, commitUnknown: 0.1 }, { crashes: 2 });
  });

  test.each(seeds)('with a batch that cannot be read, seed %i', async (seed) => {
    await scenario(700 + seed, { readUnavailable: 0.05, unavailable: 0.05 }, { hosts: seed % 3, damage: true });
  });

  test.each(seeds)('with a disk that is full now and then under the checkpoints, seed %i', async (seed) => {
    await scenario(800 + seed, { commitUnknown: 0.05 }, { crashes: 3, diskFull: 0.1 });
  });

  test.each(seeds)('with hosts that die, seed %i', async (seed) => {
    await scenario(500 + seed, { commitUnknown: 0.1, unavailable: 0.05 }, { crashes: 1, hosts: 2, deaths: 0.01 });
  });

  test.each(seeds)('with tasks that move between hosts, seed %i', async (seed) => {
    await scenario(900 + seed, { commitUnknown: 0.1, unavailable: 0.05 }, { crashes: 1, hosts: 3, moves: 0.05 });
  });

  test.each(seeds)('with tasks that move between hosts that die, seed %i', async (seed) => {
    await scenario(1000 + seed, { commitUnknown: 0.05 }, { crashes: 1, hosts: 3, moves: 0.05, deaths: 0.01 });
  });
});
