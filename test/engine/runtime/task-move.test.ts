/** A task moves to another thread under load: results stay exact, and no other task is opened again. */

import { expect, test } from 'vitest';
import { Random } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import type { Runtime, RuntimeEvent, Topology } from '../../../engine/index.ts';
import { StoreIds } from '../../../engine/runtime/store-ids.ts';
import { KvError, type OrderedKv } from '../../../engine/stores/ordered-kv.ts';
import type { DelayedLog, Log } from '../../../storage/index.ts';
import { type TestPlan, topologyOf } from './build-topology.ts';
import { consume, newRuntime, openLog, produce, type Row, Shards, slowHosts, soon, text, utf8 } from './support.ts';

/** Of the state directory. */
const shards = 8;
const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);

interface Bench {
  readonly log: Log;
  readonly runtime: Runtime;
  readonly shards: Shards;
  readonly events: RuntimeEvent[];
  /** Opens of each task since the start. */
  opens(): Record<string, number>;
  /** Ends a thread with the next message to it. */
  kill(thread: number): void;
  round(): Promise<void>;
}

interface BenchOptions {
  readonly kind?: 'memory' | 'delayed' | 'file';
  readonly plan?: TestPlan;
  readonly partitions?: number;
  readonly threads?: number;
  /** Whether this shard cannot be opened now. */
  readonly fails?: (shard: number) => boolean;
  /** Of the state directory. */
  readonly shards?: number;
  /** Passed before what a shard has of a store is deleted. */
  readonly beforeClear?: () => Promise<void>;
  /** How long a thread takes to build the topology: it may have to load modules of functions. */
  readonly buildMs?: number;
}

const keyed: TestPlan = { name: 'count', repartition: false };
const repartitioned: TestPlan = { name: 'count', repartition: true };

const bench = async (options: BenchOptions = {}): Promise<Bench> => {
  const {
    kind = 'memory',
    plan = keyed,
    partitions = 4,
    threads = 2,
    fails = () => false,
    beforeClear,
    buildMs = 0,
  } = options;
  const log = await openLog(kind);
  await log.createTopic({ name: 'words', partitions });
  await log.createTopic({ name: 'counted', partitions: 1 });
  const kvs = new Shards();
  const openShard = async (shard: number): Promise<OrderedKv> => {
    if (fails(shard)) throw new KvError('failed', 'the shard cannot be opened');
    const kv = await kvs.open(shard);
    return { ...kv, clear: (range, how) => Promise.resolve(beforeClear?.()).then(() => kv.clear(range, how)) };
  };
  const events: RuntimeEvent[] = [];
  const doomed = new Set<number>();
  const build = async (data: unknown): Promise<Topology> => {
    if (buildMs > 0) await pause(buildMs);
    return topologyOf(data as TestPlan);
  };
  const hosts = slowHosts({
    count: threads,
    log,
    clock: systemClock,
    timers: systemClock,
    random: new Random(3),
    soon,
    openShard,
    build,
    deaths: (thread) => (doomed.delete(thread) ? 1 : 0),
  });
  const runtime = newRuntime(log, {
    workers: hosts,
    openShard,
    onEvent: (event) => events.push(event),
    limits: { commitIntervalMs: 20, shards: options.shards ?? shards },
  });
  await runtime.start({ id: 'count', topology: topologyOf(plan), plan });
  return {
    log,
    runtime,
    shards: kvs,
    events,
    opens() {
      const opens: Record<string, number> = {};
      for (const event of events) {
        if (event.kind !== 'note' || event.note.about !== 'restored') continue;
        opens[event.note.taskId] = (opens[event.note.taskId] ?? 0) + 1;
      }
      return opens;
    },
    kill: (thread) => doomed.add(thread),
    /** One record for each key. */
    async round() {
      const by = Array.from({ length: partitions }, (): Row[] => []);
      for (const key of keys) by[Number(key.slice(1)) % partitions]?.push({ key, value: key });
      for (const [partition, rows] of by.entries()) await produce(log, 'words', partition, rows);
    },
  };
};

/** Writes rounds until it is stopped; answers their number. */
const load = ({ round }: Bench): { stop(): Promise<number> } => {
  let stopped = false;
  let rounds = 0;
  const writing = (async () => {
    while (!stopped) {
      await round();
      rounds++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await writing;
      return rounds;
    },
  };
};

const never = (): never => {
  throw new Error('there is no task');
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Every update of every key, in order, exactly once; and the state says the same. */
const expectExact = async ({ log, runtime }: Bench, rounds: number): Promise<void> => {
  await runtime.awaitIdle();
  const updates = new Map<string, number[]>(keys.map((key) => [key, []]));
  for (const { key, value } of await consume(log, 'counted')) updates.get(key ?? '')?.push(Number(value));
  const all = Array.from({ length: rounds }, (_, i) => i + 1);
  for (const key of keys) expect(updates.get(key), key).toEqual(all);
  const stored = new Map<string, number>();
  for await (const page of runtime.scan('count', 'counts')) {
    for (const { key } of page) stored.set(text(key), (stored.get(text(key)) ?? 0) + 1);
  }
  expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(keys.map((key) => [key, 1])));
  for (const key of keys) expect(await runtime.read('count', 'counts', utf8(key)), key).toHaveLength(1);
};

const stopAll = async ({ runtime, log }: Bench): Promise<void> => {
  await runtime.close();
  await log.close();
};

const threadOf = (runtime: Runtime, task: string): number => runtime.assignmentOf('count').get(task)?.thread ?? 0;
const otherThan = (thread: number): number => 3 - thread;

test.each([
  ['memory', '0_2', keyed],
  ['delayed', '0_1', keyed],
  ['file', '0_2', keyed],
  ['memory', '1_0', repartitioned],
  ['delayed', '1_3', repartitioned],
] as const)('on the %s log task %s moves there and back, and the others process on', async (kind, task, plan) => {
  const all = await bench({ kind, plan });
  const { runtime } = all;
  const opened = all.opens();
  const home = threadOf(runtime, task);
  const writing = load(all);
  await pause(150);
  await runtime.moveTask('count', task, otherThan(home));
  expect(threadOf(runtime, task)).toBe(otherThan(home));
  const before = runtime.counters('count').commits;
  await expect.poll(() => runtime.counters('count').commits).toBeGreaterThan(before);
  await runtime.moveTask('count', task, home);
  await pause(100);
  await expectExact(all, await writing.stop());
  expect(all.opens()).toEqual({ ...opened, [task]: (opened[task] ?? 0) + 2 });
  expect(runtime.counters('count')).toMatchObject({ restarts: 0, aborts: 0 });
  await stopAll(all);
});

test('a task that comes back while what it has left is still being deleted keeps its state', async () => {
  const deleting = Promise.withResolvers<void>();
  const mayDelete = Promise.withResolvers<void>();
  const beforeClear = (): Promise<void> => {
    deleting.resolve();
    return mayDelete.promise;
  };
  const all = await bench({ beforeClear, shards: 2 });
  const { runtime } = all;
  const restart = async (): Promise<void> => {
    await runtime.awaitIdle();
    await runtime.stop('count');
    await runtime.start({ id: 'count', topology: topologyOf(keyed), plan: keyed });
  };
  for (let i = 0; i < 3; i++) await all.round();
  // Its stores are checkpointed.
  await restart();
  const [[task, { thread }] = never()] = runtime.assignmentOf('count');
  await runtime.moveTask('count', task, otherThan(thread));
  await deleting.promise;
  const back = runtime.moveTask('count', task, thread);
  await pause(200);
  mayDelete.resolve();
  await back;
  await pause(50);
  await all.round();
  // What is in memory would hide what is not on the disk.
  await restart();
  await all.round();
  await expectExact(all, 5);
  expect(Object.values(await placesOf(all)).flat()).toHaveLength(4);
  for (const { note } of all.events.filter((event) => event.kind === 'note')) expect(note.about).toBe('restored');
  await stopAll(all);
});

test('all tasks of a thread move away one after the other; a restart finds them and their checkpoints', async () => {
  const all = await bench();
  const { runtime, log, shards: kvs } = all;
  const writing = load(all);
  for (const [task, { thread }] of runtime.assignmentOf('count')) {
    if (thread === 1) await runtime.moveTask('count', task, 2);
  }
  await expectExact(all, await writing.stop());
  const assignment = runtime.assignmentOf('count');
  expect([...assignment.values()].map(({ thread }) => thread)).toEqual([2, 2, 2, 2]);
  await runtime.close();
  const events: RuntimeEvent[] = [];
  const second = newRuntime(log, {
    workers: slowHosts({
      count: 2,
      log,
      clock: systemClock,
      timers: systemClock,
      random: new Random(4),
      soon,
      openShard: kvs.open,
      build: (plan) => topologyOf(plan as TestPlan),
      deaths: () => 0,
    }),
    openShard: kvs.open,
    onEvent: (event) => events.push(event),
    limits: { shards },
  });
  await second.start({ id: 'count', topology: topologyOf(keyed), plan: keyed });
  expect(second.assignmentOf('count')).toEqual(assignment);
  const replayed = events.flatMap((event) =>
    event.kind === 'note' && event.note.about === 'restored' ? [event.note.replayed] : [],
  );
  expect(replayed).toEqual([0, 0, 0, 0]);
  await second.stop('count', { forget: true });
  await second.close();
  await log.close();
});

test('state is readable while a task moves: each key is there once', async () => {
  const all = await bench();
  const { runtime } = all;
  await all.round();
  await runtime.awaitIdle();
  const task = '0_1';
  const key = utf8('k1');
  let moving = true;
  const move = runtime.moveTask('count', task, otherThan(threadOf(runtime, task))).finally(() => {
    moving = false;
  });
  let reads = 0;
  while (moving) {
    expect(await runtime.read('count', 'counts', key)).toHaveLength(1);
    reads++;
  }
  await move;
  expect(reads).toBeGreaterThan(0);
  expect(await runtime.read('count', 'counts', key)).toHaveLength(1);
  await stopAll(all);
});

test('a task that cannot be opened on the other thread runs on where it was', async () => {
  let failing = false;
  const all = await bench({ fails: () => failing });
  const { runtime, log } = all;
  const opened = all.opens();
  const writing = load(all);
  await pause(50);
  failing = true;
  const used = new Set([...runtime.assignmentOf('count').values()].map(({ shard }) => shard));
  const refused: string[] = [];
  for (const [task, { thread }] of runtime.assignmentOf('count')) {
    const move = runtime.moveTask('count', task, otherThan(thread));
    await move.catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'TASK_NOT_MOVED' });
      expect((error as Error).message).toContain('the shard cannot be opened');
      refused.push(task);
      expect(threadOf(runtime, task)).toBe(thread);
    });
  }
  expect(used.size).toBe(4);
  expect(refused.length).toBeGreaterThan(0);
  failing = false;
  for (const task of refused) await runtime.moveTask('count', task, otherThan(threadOf(runtime, task)));
  await expectExact(all, await writing.stop());
  expect(runtime.counters('count')).toMatchObject({ restarts: 0, aborts: 0 });
  expect(Object.keys(all.opens())).toEqual(Object.keys(opened));
  for (const opens of Object.values(all.opens())) expect(opens).toBe(2);
  expect(log.damage).toEqual([]);
  await stopAll(all);
});

test('a task moves to a thread that takes its time to build the topology', async () => {
  const all = await bench({ partitions: 2, threads: 3, buildMs: 50 });
  const { runtime } = all;
  const used = new Set([...runtime.assignmentOf('count').values()].map(({ thread }) => thread));
  const [free = 0] = [1, 2, 3].filter((thread) => !used.has(thread));
  const writing = load(all);
  await pause(50);
  await runtime.moveTask('count', '0_0', free);
  expect(threadOf(runtime, '0_0')).toBe(free);
  await pause(50);
  await expectExact(all, await writing.stop());
  expect(all.opens()).toEqual({ '0_0': 2, '0_1': 1 });
  await stopAll(all);
});

test('a thread that ends while a task is opened on it: the task runs on where it was', async () => {
  const all = await bench({ partitions: 2, threads: 3 });
  const { runtime } = all;
  const used = new Set([...runtime.assignmentOf('count').values()].map(({ thread }) => thread));
  const [free] = [1, 2, 3].filter((thread) => !used.has(thread));
  const home = threadOf(runtime, '0_0');
  const writing = load(all);
  await pause(50);
  all.kill(free ?? 0);
  await expect(runtime.moveTask('count', '0_0', free ?? 0)).rejects.toMatchObject({ code: 'TASK_NOT_MOVED' });
  expect(threadOf(runtime, '0_0')).toBe(home);
  await pause(50);
  expect(all.opens()).toEqual({ '0_0': 1, '0_1': 1 });
  await runtime.moveTask('count', '0_0', free ?? 0);
  await pause(50);
  await expectExact(all, await writing.stop());
  expect(all.opens()).toEqual({ '0_0': 2, '0_1': 1 });
  expect(runtime.counters('count')).toMatchObject({ restarts: 0, aborts: 0 });
  await stopAll(all);
});

test('a thread that ends while a task leaves it: the query starts again, and results stay exact', async () => {
  const all = await bench();
  const { runtime } = all;
  const home = threadOf(runtime, '0_0');
  const writing = load(all);
  await pause(50);
  all.kill(home);
  await expect(runtime.moveTask('count', '0_0', otherThan(home))).rejects.toMatchObject({ code: 'TASK_NOT_MOVED' });
  await expect.poll(() => runtime.status('count').state).toBe('running');
  await pause(50);
  await expectExact(all, await writing.stop());
  expect(runtime.counters('count').restarts).toBe(1);
  await stopAll(all);
});

test('what cannot be moved is refused, and nothing happens', async () => {
  const all = await bench();
  const { runtime } = all;
  for (const [task, thread] of [
    ['7_0', 1],
    ['0_0', 9],
    ['0_0', 0],
  ] as const) {
    await expect(runtime.moveTask('count', task, thread)).rejects.toMatchObject({ code: 'TASK_NOT_MOVABLE' });
  }
  const thread = threadOf(runtime, '0_0');
  await runtime.moveTask('count', '0_0', thread);
  const first = runtime.moveTask('count', '0_0', otherThan(thread));
  await expect(runtime.moveTask('count', '0_1', 1)).rejects.toMatchObject({ code: 'TASK_NOT_MOVABLE' });
  await first;
  expect(Object.values(all.opens()).toSorted()).toEqual([1, 1, 1, 2]);
  await stopAll(all);
});

test.each([0, 15, 30, 40, 50, 60, 75, 90, 120])(
  'a query that is dropped %i ms after a move began leaves nothing in any shard',
  async (afterMs) => {
    const all = await bench({ threads: 3 });
    const { runtime, shards: kvs } = all;
    for (let i = 0; i < 5; i++) await all.round();
    await runtime.awaitIdle();
    const [[task, { thread }] = never()] = runtime.assignmentOf('count');
    const move = runtime.moveTask('count', task, 1 + (thread % 3)).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'TASK_NOT_MOVED' });
    });
    await pause(afterMs);
    // Twice, the second time in a hurry: what a host takes down already is not taken down again.
    const stopped = runtime.stop('count', { forget: true });
    runtime.hurry('count', 0);
    await Promise.all([stopped, move]);
    // The counter of store numbers is all that a shard keeps.
    for (const [shard, { size }] of kvs.kvs) expect(size, `shard ${shard}`).toBeLessThanOrEqual(1);
    await stopAll(all);
  },
);

/** The shards that hold stores of each task. */
const placesOf = async ({ shards: kvs }: Bench): Promise<Record<string, number[]>> => {
  const places: Record<string, number[]> = {};
  for (const [shard, kv] of kvs.kvs)
    for (const { taskId } of (await StoreIds.load(kv)).storesOf('count')) (places[taskId] ??= []).push(shard);
  return places;
};

test.each([0, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75])(
  'a query that is stopped %i ms after a move began has the state of each task in one shard',
  async (afterMs) => {
    const all = await bench({ threads: 3 });
    const { runtime } = all;
    for (let i = 0; i < 5; i++) await all.round();
    await runtime.awaitIdle();
    const [[task, { thread }] = never()] = runtime.assignmentOf('count');
    const move = runtime.moveTask('count', task, 1 + (thread % 3)).catch(() => undefined);
    await pause(afterMs);
    await runtime.stop('count');
    await move;
    const places = await placesOf(all);
    expect(Object.keys(places)).toHaveLength(4);
    for (const [id, shardsOf] of Object.entries(places)) expect(shardsOf, id).toHaveLength(1);
    await runtime.start({ id: 'count', topology: topologyOf(keyed), plan: keyed });
    expect(await placesOf(all)).toEqual(places);
    await expectExact(all, 5);
    await stopAll(all);
  },
);

test('a move that fails while the stores are restored leaves nothing in the other shard', async () => {
  const all = await bench({ kind: 'delayed' });
  const { runtime, log } = all;
  await all.round();
  await runtime.awaitIdle();
  const before = await placesOf(all);
  const [[task, { thread }] = never()] = runtime.assignmentOf('count');
  const partition = Number(task.split('_')[1]);
  (log as DelayedLog).makeUnreadable({ topic: 'count-counts-changelog', partition }, 0);
  await expect(runtime.moveTask('count', task, otherThan(thread))).rejects.toMatchObject({ code: 'TASK_NOT_MOVED' });
  await expect.poll(() => placesOf(all)).toEqual(before);
  await all.round();
  await expectExact(all, 2);
  await stopAll(all);
});
