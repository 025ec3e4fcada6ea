/**
 * Exactly once, whatever the log answers: under a bad network, lost answers, refusals and crashes the committed output is that of a plain
 * recomputation, each update once and in order, and state and offsets agree with it. Every run follows from its seed.
 */

import { describe, expect, test } from 'vitest';
import { ManualClock, partitionOfKey, Random, type Timers } from '../../../base/index.ts';
import type { Runtime } from '../../../engine/index.ts';
import {
  type DelayedLog,
  type DelayedLogFaults,
  type Log,
  openDelayedLog,
  openMemoryLog,
} from '../../../storage/index.ts';
import { type TestPlan, topologyOf } from './build-topology.ts';
import { consume, lastOf, newRuntime, produce, type Row, Shards, slowHosts, utf8 } from './support.ts';

/** Lets the promise come true, moving the clock on whenever nothing else can happen. */
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

/** Every update of every key, in order, exactly once. */
const expectEveryUpdateOnce = (rows: readonly Row[], expected: ReadonlyMap<string, number>): void => {
  const seen = new Map<string, number>();
  for (const { key, value } of rows) {
    expect(Number(value), `update of ${key}`).toBe((seen.get(key ?? '') ?? 0) + 1);
    seen.set(key ?? '', Number(value));
  }
  expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected));
};

const plans: Record<string, TestPlan> = {
  count: { name: 'count', repartition: true },
  sums: { name: 'sums', graceMs: 10_000 },
  explain: { name: 'explained' },
};

const start = (runtime: Runtime, id: string): Promise<void> => {
  const plan = plans[id] as TestPlan;
  return runtime.start({ id, topology: topologyOf(plan), plan });
};

/** Answers when the queries of the words have committed all there is. The fenced are started again. */
const caughtUp = async (runtime: Runtime, revive: (runtime: Runtime) => void): Promise<void> => {
  for (const id of ['count', 'explain', 'sums']) {
    const done = async (): Promise<boolean> =>
      id === 'sums' ? runtime.status(id).state === 'failed' : (await runtime.lag(id)) === 0;
    for (let tries = 0; !(await done()); tries++) {
      if (tries > 2_000) throw new Error(`${id} stands still: ${JSON.stringify(runtime.status(id))}`);
      if (id !== 'sums') revive(runtime);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
};

interface Scenario {
  /** How many crashes to expect in all rounds. */
  readonly crashes?: number;
  /** 0 runs the tasks beside the coordinator, else they are spread over hosts whose messages take their time. */
  readonly hosts?: number;
  /** Probability that a host ends with a message to it. */
  readonly deaths?: number;
  /** From some round on a batch of `amounts` cannot be read (without crashes only). */
  readonly damage?: boolean;
  /** The probability that a write of a checkpoint fails; there is little memory then, so that checkpoints are written and
   *  read all the time. */
  readonly diskFull?: number;
  /** Probability, at each step, that some task is moved to another host. */
  readonly moves?: number;
}

const scenario = async (seed: number, faults: DelayedLogFaults, options: Scenario = {}): Promise<void> => {
  const { crashes = 0, hosts = 0, deaths = 0, damage = false, diskFull = 0, moves = 0 } = options;
  const random = new Random(seed);
  const clock = new ManualClock(1_000_000);
  const inner: Log = await openMemoryLog({ clock, timers: clock });
  for (const name of ['words', 'counted', 'meanings', 'explained']) await inner.createTopic({ name, partitions: 2 });
  await inner.createTopic({ name: 'amounts', partitions: 1 });
  await inner.createTopic({ name: 'sums', partitions: 1 });
  await inner.createTopic({ name: 'problems', partitions: 1 });
  for (const key of keys) {
    await produce(inner, 'meanings', partitionOfKey(utf8(key), 0, 1, 2), [{ key, value: `m-${key}`, timestamp: 0 }]);
  }
  const shards = new Shards();
  const disk = new Random(seed + 1);
  if (diskFull > 0) shards.failing = () => disk.chance(diskFull);
  const wordsBy = new Map<string, number>();
  const sumsBy = new Map<string, number>();
  let late = 0;
  const rebuilt: string[] = [];

  let alive = { process: true };
  let network: DelayedLog | undefined;

  const open = async (): Promise<Runtime> => {
    // A process that is gone hears of no timer and no turn any more, and so no call of its own is ever answered.
    alive.process = false;
    const life = { process: true };
    alive = life;
    const timers: Timers = {
      after: (ms, run) =>
        clock.after(ms, () => {
          if (life.process) run();
        }),
    };
    const log = await openDelayedLog({ clock, timers, seed: random.u32(), maxDelayMs: 5, log: inner });
    log.setFaults(faults);
    network = log;
    const soon = (run: () => void): void => {
      setImmediate(() => life.process && run());
    };
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
      build: (plan) => topologyOf(plan as TestPlan),
    });
    const runtime = newRuntime(log, {
      clock,
      timers,
      soon,
      ...(hosts > 0 && { workers }),
      openShard: shards.open,
      processingLog: 'problems',
      onEvent: (event) => {
        if (event.kind === 'note' && event.note.about === 'rebuilt') rebuilt.push(event.note.why);
      },
      limits: { commitIntervalMs: 20, ...(diskFull > 0 && { stateBytes: 2_000 }) },
    });
    for (const id of Object.keys(plans)) void start(runtime, id).catch(() => undefined);
    return runtime;
  };

  /** The fenced and the failed are started again, as an operator would. */
  const revive = (runtime: Runtime): void => {
    for (const { queryId, state } of runtime.queries()) {
      if (state !== 'fenced' && state !== 'failed') continue;
      void start(runtime, queryId).catch(() => undefined);
    }
  };

  let moved = 0;
  const move = (runtime: Runtime): void => {
    const { queryId } = random.pick(runtime.queries());
    const tasks = [...runtime.assignmentOf(queryId).keys()];
    if (tasks.length === 0) return;
    runtime.moveTask(queryId, random.pick(tasks), 1 + random.below(hosts)).then(
      () => moved++,
      () => undefined,
    );
  };

  let runtime = await open();
  let minute = 0;
  const rounds = 12;
  for (let round = 0; round < rounds; round++) {
    if (damage && round === 6) {
      const amounts = { topic: 'amounts', partition: 0 };
      network?.makeUnreadable(amounts, (await inner.offsets(amounts)).end);
    }
    for (const partition of [0, 1]) {
      const rows: Row[] = Array.from({ length: random.below(6) + 1 }, () => ({
        key: null,
        value: random.pick(keys),
        timestamp: 1 + round,
      }));
      await produce(inner, 'words', partition, rows);
      for (const { value } of rows) wordsBy.set(value ?? '', (wordsBy.get(value ?? '') ?? 0) + 1);
    }
    minute += random.below(2);
    const amounts: Row[] = [{ key: 'k', value: '1', timestamp: minute * 60_000 + 30_000 }];
    sumsBy.set(`k@${minute}`, (sumsBy.get(`k@${minute}`) ?? 0) + 1);
    if (minute >= 2) {
      amounts.push({ key: 'k', value: '1', timestamp: (minute - 2) * 60_000 });
      late++;
    }
    await produce(inner, 'amounts', 0, amounts);
    // Some steps of everything that goes on.
    for (let i = random.below(hosts > 0 || diskFull > 0 ? 800 : 60); i > 0; i--) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advanceToNext();
      if (random.chance(0.1)) revive(runtime);
      if (random.chance(moves)) move(runtime);
    }
    if (random.chance(crashes / rounds)) {
      // The process is gone: what it held is never heard of again.
      shards.crash(random);
      runtime = await open();
    }
  }
  if (damage) {
    // What reads the damaged batch has failed and says where; everything else comes to rest beside it.
    network?.setFaults({});
    await drive(clock, caughtUp(runtime, revive));
    const sums = runtime.status('sums');
    expect(sums).toMatchObject({ state: 'failed', error: { code: 'LOG_CORRUPT_BATCH' } });
    expect(sums.error?.message).toMatch(/^the batch at offset \d+ of amounts\/0 is damaged/);
  }
  if (moves > 0) expect(moved).toBeGreaterThan(0);
  // The network mends; everything comes to rest.
  alive.process = false;
  shards.crash(random);
  shards.failing = () => false;
  if (diskFull > 0) expect(shards.failures).toBeGreaterThan(0);
  const mended = newRuntime(inner, {
    clock,
    timers: clock,
    openShard: shards.open,
    processingLog: 'problems',
    limits: { commitIntervalMs: 20 },
  });
  for (const id of Object.keys(plans)) await drive(clock, start(mended, id));
  await drive(clock, mended.awaitIdle());

  expectEveryUpdateOnce(await consume(inner, 'counted'), wordsBy);
  const explanations = new Map<string, number>();
  for (const { key, value } of await consume(inner, 'explained')) {
    expect(value).toBe(`${key}=m-${key}`);
    explanations.set(key ?? '', (explanations.get(key ?? '') ?? 0) + 1);
  }
  expect(Object.fromEntries(explanations)).toEqual(Object.fromEntries(wordsBy));
  const sums = await consume(inner, 'sums');
  expect(lastOf(sums)).toEqual(Object.fromEntries([...sumsBy].map(([key, sum]) => [key, String(sum)])));
  expect((await consume(inner, 'problems')).length).toBe(late);
  const stored: Record<string, number> = {};
  for await (const page of mended.scan('count', 'counts')) {
    for (const { key } of page) stored[new TextDecoder().decode(key)] = 1;
  }
  expect(new Set(Object.keys(stored))).toEqual(new Set(wordsBy.keys()));
  await drive(clock, mended.close());
  // A failed write, a crash: none of them is damage.
  expect(rebuilt).toEqual([]);
};

describe('exactly once', () => {
  const seeds = Array.from({ length: 12 }, (_, i) => i + 1);

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
