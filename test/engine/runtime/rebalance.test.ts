/** Which task moves to which thread, and which threads and shards applications have. */

import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import { serdes } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import { AppThreads, mostAppThreads } from '../../../engine/runtime/app-threads.ts';
import { ManagedQuery } from '../../../engine/runtime/managed-query.ts';
import type { QueryRun } from '../../../engine/runtime/query-run.ts';
import { nextMove } from '../../../engine/runtime/rebalance.ts';
import { ThreadChanges, type ThreadChangesOptions } from '../../../engine/runtime/thread-changes.ts';

/** Makes all moves; answers the threads of the tasks, and the number of moves. */
const settle = (
  tasks: Readonly<Record<string, number>>,
  threads: readonly number[],
  leaving: ReadonlySet<number> = new Set(),
): { readonly placed: Record<string, number>; readonly moves: number } => {
  const assignment = new Map(Object.entries(tasks).map(([id, thread]) => [id, { thread, shard: 0 }]));
  for (let moves = 0; ; moves++) {
    expect(moves).toBeLessThan(1000);
    const move = nextMove(assignment, threads, leaving);
    if (move === undefined)
      return { placed: Object.fromEntries([...assignment].map(([id, { thread }]) => [id, thread])), moves };
    expect(assignment.get(move.task)?.thread).toBe(move.from);
    expect(threads.filter((thread) => !leaving.has(thread))).toContain(move.to);
    assignment.set(move.task, { thread: move.to, shard: 0 });
  }
};

test('a new thread gets its share, of each sub-topology, in as few moves as possible', () => {
  const tasks = { '0_0': 1, '0_1': 1, '0_2': 1, '0_3': 1, '1_0': 1, '1_1': 1, '1_2': 1, '1_3': 1 };
  expect(settle(tasks, [1, 2])).toEqual({
    placed: { '0_0': 2, '0_1': 2, '0_2': 1, '0_3': 1, '1_0': 2, '1_1': 2, '1_2': 1, '1_3': 1 },
    moves: 4,
  });
});

test('what is balanced stays as it is, and a thread without others keeps its tasks', () => {
  expect(settle({ '0_0': 1, '0_1': 2, '0_2': 1 }, [1, 2]).moves).toBe(0);
  expect(settle({ '0_0': 1, '0_1': 1 }, [1]).moves).toBe(0);
  expect(settle({ '0_0': 1 }, [1], new Set([1])).moves).toBe(0);
});

test('any assignment comes to rest balanced, and a thread that leaves has nothing then', () => {
  const random = new Random(1);
  for (let round = 0; round < 300; round++) {
    const threads = Array.from({ length: 1 + random.below(5) }, (_, i) => 10 + i);
    const leaving = new Set(threads.length > 1 && random.chance(0.5) ? [random.pick(threads)] : []);
    const tasks: Record<string, number> = {};
    // Some of them on a thread that is not there any more.
    for (let i = random.below(20); i > 0; i--) tasks[`${random.below(3)}_${i}`] = random.pick([...threads, 99]);
    const { placed } = settle(tasks, threads, leaving);
    const staying = threads.filter((thread) => !leaving.has(thread));
    const held = staying.map((thread) => Object.values(placed).filter((one) => one === thread).length);
    expect(held.reduce((sum, count) => sum + count, 0)).toBe(Object.keys(tasks).length);
    expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
  }
});

test('each application has threads and shards of its own; shards that hold state come back', () => {
  const apps = new AppThreads({ firstThread: 9, firstShard: 13 });
  const none = new Set<number>();
  expect(apps.begin('a', 2, [], none)).toEqual([
    { thread: 9, shards: [13] },
    { thread: 10, shards: [14] },
  ]);
  // 15 holds state of an application that does not run.
  expect(apps.begin('b', 1, [], new Set([15]))).toEqual([{ thread: 11, shards: [16] }]);
  expect(apps.add('a', new Set([15]))).toBe(12);
  expect(apps.threadsOf('a')).toEqual([
    { thread: 9, shards: [13] },
    { thread: 10, shards: [14] },
    { thread: 12, shards: [17] },
  ]);
  apps.remove('a', 10);
  // A shard without an owner goes to a thread at the next start of a run; those that run keep theirs.
  expect(apps.begin('a', 5, [13, 14, 17], none)).toEqual([
    { thread: 9, shards: [13, 14] },
    { thread: 12, shards: [17] },
  ]);
  apps.end('a');
  expect(apps.begin('a', 1, [13, 14, 17], none)).toEqual([{ thread: 9, shards: [13, 14, 17] }]);
  // Shards from before it had threads of its own are not used.
  expect(apps.begin('c', 1, [2], none)).toEqual([{ thread: 10, shards: [14 + 1] }]);
});

test('a thread that ends has nothing any more, and nobody gets its number or its shards before it has ended', () => {
  const apps = new AppThreads({ firstThread: 9, firstShard: 13 });
  const none = new Set<number>();
  apps.begin('a', 2, [], none);
  apps.ends('a', 10);
  expect(apps.threadsOf('a')).toEqual([{ thread: 9, shards: [13] }]);
  expect(apps.begin('a', 2, [13, 14], none)).toEqual([{ thread: 9, shards: [13] }]);
  expect(apps.begin('b', 1, [], none)).toEqual([{ thread: 11, shards: [15] }]);
  apps.remove('a', 10);
  expect(apps.begin('a', 2, [13, 14], none)).toEqual([{ thread: 9, shards: [13, 14] }]);
  expect(apps.add('b', none)).toBe(10);
});

/** A query with two tasks on the first of its threads, and the changes of its threads. */
const changing = (options: Partial<ThreadChangesOptions>) => {
  const apps = new AppThreads({ firstThread: 9, firstShard: 13 });
  const changes = new ThreadChanges({
    apps,
    timers: new ManualClock(),
    move: async () => {},
    release: () => {},
    end: async () => {},
    change: async () => {},
    othersShards: async () => new Set(),
    notSpread: () => {},
    ...options,
  });
  const builder = new StreamsBuilder();
  builder.stream('in', { key: serdes.string, value: serdes.string }).to('out');
  const query = new ManagedQuery({ id: 'q', topology: builder.build() }, 0);
  query.state = 'running';
  const place = { thread: 9, shard: 13 };
  query.run = { assignment: new Map(['0_0', '0_1'].map((id) => [id, place])) } as unknown as QueryRun;
  return { apps, changes, query };
};

test('a run that begins while a removed thread ends gets no tasks there', async () => {
  const begun: number[] = [];
  const { apps, changes, query } = changing({
    move: async () => query.run?.assignment.clear(),
    end: async () => {
      begun.push(...apps.begin('q', 2, [], new Set()).map(({ thread }) => thread));
    },
  });
  apps.begin('q', 2, [], new Set());
  expect(await changes.remove(query, undefined)).toBe(10);
  expect(begun).toEqual([9]);
  expect(apps.threadsOf('q')).toEqual([{ thread: 9, shards: [13] }]);
});

test('a thread of an application that ends meanwhile is not answered', async () => {
  const { apps, changes, query } = changing({
    move: async () => {
      query.state = 'stopped';
      throw new Error('the query has ended');
    },
  });
  apps.begin('q', 1, [], new Set());
  await expect(changes.add(query)).rejects.toMatchObject({ code: 'QUERY_NOT_RUNNING' });
});

test('tasks that cannot be spread behind a start are reported with the cause', async () => {
  const clock = new ManualClock();
  const reported: string[] = [];
  const { apps, changes, query } = changing({
    timers: clock,
    move: async () => {
      throw new Error('the disk is full');
    },
    notSpread: ({ spec }, error) => reported.push(`${spec.id}: ${error.message}`),
  });
  apps.begin('q', 2, [], new Set());
  changes.balance(query);
  for (let i = 0; i < 100; i++) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(reported).toEqual(['q: the disk is full']);
});

test('threads are limited in number, and what could not begin holds none', () => {
  const apps = new AppThreads({ firstThread: 9, firstShard: 13 });
  const none = new Set<number>();
  apps.begin('a', mostAppThreads - 1, [], none);
  expect(() => apps.begin('b', 2, [], none)).toThrow('32 threads');
  expect(apps.threadsOf('b')).toEqual([]);
  expect(apps.begin('b', 1, [], none)).toHaveLength(1);
  expect(() => apps.add('b', none)).toThrow('32 threads');
});
