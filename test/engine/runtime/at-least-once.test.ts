/**
 * At least once, whatever the log answers: under lost answers, refusals and crashes nothing is lost. Every word comes
 * out, its last count is not below the true one, and what no failure has interrupted comes out once. Every run follows
 * from its seed.
 */

import { describe, expect, test } from 'vitest';
import { ManualClock, Random, type Timers } from '../../../base/index.ts';
import type { Runtime } from '../../../engine/index.ts';
import { type DelayedLogFaults, openDelayedLog, openMemoryLog } from '../../../storage/index.ts';
import { type TestPlan, topologyOf } from './build-topology.ts';
import { consume, newRuntime, produce, type Row, Shards, slowHosts } from './support.ts';

const drive = async <T>(clock: ManualClock, promise: Promise<T>): Promise<T> => {
  let settled = false;
  const marked = promise.finally(() => {
    settled = true;
  });
  marked.catch(() => undefined);
  for (let steps = 0; !settled; steps++) {
    if (steps > 20_000) throw new Error('it does not come to rest');
    await new Promise((resolve) => setImmediate(resolve));
    if (!settled) clock.advanceToNext();
  }
  return marked;
};

const keys = ['a', 'b', 'c', 'd', 'e'];
const plan: TestPlan = { name: 'count', repartition: true };
const guarantee = 'at least once';

interface Scenario {
  readonly crashes?: number;
  readonly hosts?: number;
  readonly deaths?: number;
  readonly moves?: number;
  /** No fault at all, and a graceful end: each result comes once. */
  readonly exact?: boolean;
}

const scenario = async (seed: number, faults: DelayedLogFaults, options: Scenario = {}): Promise<void> => {
  const { crashes = 0, hosts = 0, deaths = 0, moves = 0, exact = false } = options;
  const random = new Random(seed);
  const clock = new ManualClock(1_000_000);
  const inner = await openMemoryLog({ clock, timers: clock });
  for (const name of ['words', 'counted']) await inner.createTopic({ name, partitions: 2 });
  const shards = new Shards();
  let alive = { process: true };

  const open = async (): Promise<Runtime> => {
    alive.process = false;
    const life = { process: true };
    alive = life;
    const timers: Timers = { after: (ms, run) => clock.after(ms, () => life.process && run()) };
    const log = await openDelayedLog({ clock, timers, seed: random.u32(), maxDelayMs: 5, log: inner });
    log.setFaults(faults);
    const soon = (run: () => void): void => {
      setImmediate(() => life.process && run());
    };
    const build = (data: unknown) => topologyOf(data as TestPlan);
    const messages = new Random(random.u32());
    const workers = slowHosts({
      count: hosts,
      deaths,
      log,
      clock,
      timers,
      random: messages,
      soon,
      openShard: shards.open,
      build,
    });
    const runtime = newRuntime(log, {
      clock,
      timers,
      soon,
      ...(hosts > 0 && { workers }),
      openShard: shards.open,
      limits: { commitIntervalMs: 20 },
    });
    void runtime.start({ id: 'count', topology: topologyOf(plan), plan, guarantee }).catch(() => undefined);
    return runtime;
  };

  let runtime = await open();
  const sent = new Map<string, number>();
  const rounds = 12;
  for (let round = 0; round < rounds; round++) {
    for (const partition of [0, 1]) {
      const rows: Row[] = Array.from({ length: random.below(6) + 1 }, () => ({ key: null, value: random.pick(keys) }));
      await produce(inner, 'words', partition, rows);
      for (const { value } of rows) sent.set(value ?? '', (sent.get(value ?? '') ?? 0) + 1);
    }
    for (let i = random.below(hosts > 0 ? 800 : 60); i > 0; i--) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advanceToNext();
      const { state } = runtime.status('count');
      if (state === 'failed') {
        void runtime.start({ id: 'count', topology: topologyOf(plan), plan, guarantee }).catch(() => undefined);
      }
      if (random.chance(moves)) {
        const tasks = [...runtime.assignmentOf('count').keys()];
        if (tasks.length > 0)
          runtime.moveTask('count', random.pick(tasks), 1 + random.below(hosts)).catch(() => undefined);
      }
    }
    if (random.chance(crashes / rounds)) {
      shards.crash(random);
      runtime = await open();
    }
  }
  if (exact) await drive(clock, runtime.close());
  alive.process = false;
  if (!exact) shards.crash(random);
  const mended = newRuntime(inner, { clock, timers: clock, openShard: shards.open, limits: { commitIntervalMs: 20 } });
  await drive(clock, mended.start({ id: 'count', topology: topologyOf(plan), guarantee }));
  await drive(clock, mended.awaitIdle());

  const last = new Map<string, number>();
  const seen = new Map<string, Set<number>>();
  let results = 0;
  for (const { key, value } of await consume(inner, 'counted')) {
    last.set(key ?? '', Number(value));
    seen.set(key ?? '', (seen.get(key ?? '') ?? new Set()).add(Number(value)));
    results++;
  }
  for (const [key, count] of sent) {
    expect(last.get(key), `the last count of ${key}`).toBeGreaterThanOrEqual(count);
    // One result for each record at least.
    expect(seen.get(key)?.size, `counts of ${key}`).toBeGreaterThanOrEqual(count);
  }
  const all = [...sent.values()].reduce((sum, count) => sum + count, 0);
  if (exact) expect(results).toBe(all);
  // The state is what was written last.
  const stored: Record<string, string> = {};
  for await (const page of mended.scan('count', 'counts')) {
    for (const { key, value } of page)
      stored[new TextDecoder().decode(key)] = String(
        new DataView(value.buffer, value.byteOffset).getBigInt64(value.length - 8),
      );
  }
  expect(stored).toEqual(Object.fromEntries([...last].map(([key, count]) => [key, String(count)])));
  await drive(clock, mended.close());
};

describe('at least once', () => {
  const seeds = Array.from({ length: 12 }, (_, i) => i + 1);

  test.each(seeds)('without faults each result comes once, seed %i', async (seed) => {
    await scenario(seed, {}, { exact: true });
  });

  test.each(seeds)('with lost answers, seed %i', async (seed) => {
    await scenario(100 + seed, { appendUnknown: 0.1, unavailable: 0.1 });
  });

  test.each(seeds)('with crashes, seed %i', async (seed) => {
    await scenario(200 + seed, { appendUnknown: 0.02, unavailable: 0.05 }, { crashes: 5 });
  });

  test.each(seeds)('with hosts that die, and tasks that move between them, seed %i', async (seed) => {
    await scenario(300 + seed, { unavailable: 0.05 }, { crashes: 1, hosts: 3, deaths: 0.01, moves: 0.05 });
  });
});
