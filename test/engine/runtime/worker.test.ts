/** Tasks in worker threads: the same results as on one thread, whatever the number of partitions and threads. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Random } from '../../../base/index.ts';
import { nodeFiles, systemClock } from '../../../base/node/index.ts';
import type { Runtime, RuntimeEvent } from '../../../engine/index.ts';
import { LaunchedThreads, workerThreads } from '../../../engine/runtime/worker.ts';
import { openLevelKv } from '../../../engine/stores/level-store.ts';
import { type FileLog, openFileLog } from '../../../storage/file-log/index.ts';
import { type TestPlan, topologyOf } from './build-topology.ts';
import { consume, lastOf, newRuntime, produce, type Row, utf8 } from './support.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Place {
  readonly log: FileLog;
  readonly runtime: (
    threads: number,
    onEvent?: (event: RuntimeEvent) => void,
    heapMb?: number,
    launched?: LaunchedThreads,
  ) => Runtime;
}

const builder = import.meta.resolve('./build-topology.ts');

const place = async (topics: Record<string, number>): Promise<Place> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-worker-'));
  closing.push(async () => rmSync(directory, { recursive: true, force: true }));
  const random = new Random(1);
  const log = await openFileLog({
    directory: join(directory, 'log'),
    files: nodeFiles,
    clock: systemClock,
    timers: systemClock,
    random,
  });
  closing.push(() => log.close());
  const state = join(directory, 'state');
  mkdirSync(state);
  for (const [name, partitions] of Object.entries(topics)) await log.createTopic({ name, partitions });
  return {
    log,
    runtime(threads, onEvent, heapMb, launched) {
      const runtime = newRuntime(log, {
        openShard: (shard) => openLevelKv(join(state, `shard-${shard}`)),
        processingLog: 'problems',
        ...(threads > 0 && {
          workers: workerThreads({
            count: threads,
            log,
            state,
            builder,
            ...(heapMb !== undefined && { heapMb }),
            ...(launched !== undefined && { launched }),
          }),
        }),
        ...(onEvent !== undefined && { onEvent }),
      });
      closing.push(() => runtime.close());
      return runtime;
    },
  };
};

const start = (runtime: Runtime, id: string, plan: TestPlan): Promise<void> =>
  runtime.start({ id, topology: topologyOf(plan), plan });

/** Rows of both topics: a few hundred words, and amounts of which some are clearly late. */
const words = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ key: `k${i % 13}`, value: `w${(i * 7) % 29}`, timestamp: i }));

const amounts = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({
    key: `k${i % 5}`,
    value: '1',
    timestamp: i % 50 === 49 ? 0 : 600_000 + i * 1000,
  }));

const produceAll = async (log: FileLog, topic: string, partitions: number, rows: readonly Row[]): Promise<void> => {
  for (let from = 0; from < rows.length; from += 40) {
    const by = Array.from({ length: partitions }, (): Row[] => []);
    for (const row of rows.slice(from, from + 40)) by[Number(row.key?.slice(1)) % partitions]?.push(row);
    for (const [partition, some] of by.entries()) if (some.length > 0) await produce(log, topic, partition, some);
  }
};

/** How many records a topic has got. */
const recordsOf = async (log: FileLog, topic: string, partitions: number): Promise<number> => {
  let records = 0;
  for (let partition = 0; partition < partitions; partition++) {
    records += (await log.offsets({ topic, partition })).end;
  }
  return records;
};

interface Outcome {
  readonly counts: Record<string, string>;
  readonly sums: Record<string, string>;
  readonly late: number;
}

const outcome = async (partitions: number, threads: number): Promise<Outcome> => {
  const { log, runtime: open } = await place({
    words: partitions,
    counted: partitions,
    amounts: partitions,
    sums: partitions,
    problems: 1,
  });
  const runtime = open(threads);
  await start(runtime, 'count', { name: 'count', repartition: true });
  await start(runtime, 'sums', { name: 'sums', graceMs: 10_000 });
  await produceAll(log, 'words', partitions, words(400));
  await produceAll(log, 'amounts', partitions, amounts(300));
  await runtime.awaitIdle();
  if (threads > 0) expect(runtime.status('count').threads).not.toContain(0);
  const found = {
    counts: lastOf(await consume(log, 'counted')),
    sums: lastOf(await consume(log, 'sums')),
    late: (await consume(log, 'problems')).length,
  };
  for (const [key, value] of Object.entries(found.counts)) {
    expect((await runtime.read('count', 'counts', utf8(key))).length, `${key} ${value}`).toBe(1);
  }
  return found;
};

describe('worker threads', () => {
  test('one partition or four, no thread, one or two: the same tables at the end', async () => {
    const expected = await outcome(1, 0);
    expect(Object.values(expected.counts).reduce((sum, count) => sum + Number(count), 0)).toBe(400);
    expect(expected.late).toBe(6);
    for (const [partitions, threads] of [
      [4, 0],
      [4, 1],
      [4, 2],
      [1, 2],
    ] as const) {
      expect(await outcome(partitions, threads), `${partitions} partitions, ${threads} threads`).toEqual(expected);
    }
  });

  test('threads that were launched early are used first; the others end', async () => {
    const launched = new LaunchedThreads(builder, 2);
    closing.push(() => launched.end());
    const { log, runtime: open } = await place({ words: 1, counted: 1, problems: 1 });
    const runtime = open(1, undefined, undefined, launched);
    await start(runtime, 'count', { name: 'count', repartition: true });
    await produceAll(log, 'words', 1, words(40));
    await runtime.awaitIdle();
    expect(Object.keys(lastOf(await consume(log, 'counted'))).length).toBeGreaterThan(0);
    const other = launched.take();
    expect(other).toBeDefined();
    expect(launched.take()).toBeUndefined();
    await other?.terminate();
  });

  test('a thread that was launched early and failed is replaced', async () => {
    const launched = new LaunchedThreads('file:///no/such/module.ts', 1);
    while (launched.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { log, runtime: open } = await place({ words: 1, counted: 1, problems: 1 });
    const runtime = open(1, undefined, undefined, launched);
    await start(runtime, 'count', { name: 'count', repartition: true });
    await produceAll(log, 'words', 1, words(40));
    await runtime.awaitIdle();
    expect(Object.keys(lastOf(await consume(log, 'counted'))).length).toBeGreaterThan(0);
  });

  test('a query goes on after a restart with its state from LevelDB, in other threads', async () => {
    const { log, runtime: open } = await place({ words: 2, counted: 2, problems: 1 });
    const first = open(2);
    await start(first, 'count', { name: 'count', repartition: true });
    await produceAll(log, 'words', 2, words(200));
    await first.awaitIdle();
    const scanned: number[] = [];
    for await (const page of first.scan('count', 'counts')) scanned.push(page.length);
    expect(scanned.reduce((sum, length) => sum + length, 0)).toBe(29);
    await first.close();
    const second = open(1);
    await start(second, 'count', { name: 'count', repartition: true });
    expect(second.counters('count').replayed).toBe(0);
    await produceAll(log, 'words', 2, words(200));
    await second.awaitIdle();
    const counts = lastOf(await consume(log, 'counted'));
    expect(Object.values(counts).reduce((sum, count) => sum + Number(count), 0)).toBe(400);
  });

  test('a query whose thread dies says so, and goes on in a new one', async () => {
    const { log, runtime: open } = await place({ words: 2, counted: 2, problems: 1 });
    const events: RuntimeEvent[] = [];
    const runtime = open(2, (event) => events.push(event));
    await start(runtime, 'count', { name: 'count', repartition: true });
    await produceAll(log, 'words', 2, words(200));
    await runtime.awaitIdle();
    const once = new Int32Array(new SharedArrayBuffer(4));
    await runtime.start({
      id: 'killer',
      topology: topologyOf({ name: 'count', repartition: false }),
      plan: { name: 'exit', once } satisfies TestPlan,
    });
    expect(once[0]).toBeGreaterThan(1);
    await produceAll(log, 'words', 2, words(200));
    await runtime.awaitIdle();
    expect(events.filter(({ kind }) => kind === 'thread died')).toHaveLength(1);
    const counted = (await consume(log, 'counted')).filter(({ key }) => key?.startsWith('w') === true);
    expect(Object.values(lastOf(counted)).reduce((sum, count) => sum + Number(count), 0)).toBe(400);
  });

  test('a query that exhausts its thread again and again runs alone, then fails; its neighbour resumes', async () => {
    const { log, runtime: open } = await place({ words: 2, counted: 2, lines: 1, hoarded: 1, problems: 1 });
    const events: RuntimeEvent[] = [];
    const runtime = open(1, (event) => events.push(event), 48);
    await start(runtime, 'count', { name: 'count', repartition: true });
    await start(runtime, 'hoard', { name: 'hoard' });
    await produceAll(log, 'words', 2, words(200));
    await produce(log, 'lines', 0, [
      { key: 'k', value: 'fine' },
      { key: 'k', value: 'boom' },
    ]);
    while (runtime.status('hoard').state !== 'failed') {
      await produceAll(log, 'words', 2, words(10));
      await new Promise((wake) => setTimeout(wake, 50));
    }
    const { error } = runtime.status('hoard');
    expect(error?.code).toBe('QUERY_ENDS_ITS_THREAD');
    expect(error?.message).toMatch(
      /^the query "hoard" has ended the thread it runs in 4 times, the last time alone.*memory/,
    );
    const died = events.flatMap((event) => (event.kind === 'thread died' ? [event.thread] : []));
    expect(died).toEqual([1, 1, 1, 2]);
    expect(events.filter(({ kind }) => kind === 'isolated')).toMatchObject([{ queryId: 'hoard', deaths: 3 }]);
    await runtime.awaitIdle();
    expect(runtime.status('count').state).toBe('running');
    expect(runtime.counters('count').restarts).toBe(3);
    const counts = lastOf(await consume(log, 'counted'));
    expect(Object.values(counts).reduce((sum, count) => sum + Number(count), 0)).toBe(await recordsOf(log, 'words', 2));
  });

  test('a suspect that does no harm alone goes on alone, with its state, until it is stopped', async () => {
    const { log, runtime: open } = await place({ words: 2, counted: 2, problems: 1 });
    const events: RuntimeEvent[] = [];
    const runtime = open(1, (event) => events.push(event));
    const once = new Int32Array(new SharedArrayBuffer(4));
    const plan: TestPlan = { name: 'exit', once, times: 3 };
    await runtime.start({ id: 'count', topology: topologyOf({ name: 'count', repartition: false }), plan });
    expect(runtime.status('count')).toMatchObject({ state: 'running', threads: [2] });
    await produceAll(log, 'words', 2, words(200));
    await runtime.awaitIdle();
    const counts = lastOf(await consume(log, 'counted'));
    expect(Object.values(counts).reduce((sum, count) => sum + Number(count), 0)).toBe(200);
    await runtime.stop('count');
    await runtime.start({ id: 'count', topology: topologyOf({ name: 'count', repartition: false }), plan });
    expect(runtime.status('count')).toMatchObject({ state: 'running', threads: [1] });
    await produceAll(log, 'words', 2, words(200));
    await runtime.awaitIdle();
    const again = lastOf(await consume(log, 'counted'));
    expect(Object.values(again).reduce((sum, count) => sum + Number(count), 0)).toBe(400);
    expect(events.filter(({ kind }) => kind === 'thread died')).toHaveLength(3);
  });
});

test('a task moves from one worker to another under load; counts are exact, and the other tasks are not opened again', async () => {
  const { log, runtime: open } = await place({ words: 4, counted: 4, problems: 1 });
  const restored: string[] = [];
  const runtime = open(2, (event) => {
    if (event.kind === 'note' && event.note.about === 'restored') restored.push(event.note.taskId);
  });
  await start(runtime, 'count', { name: 'count', repartition: false });
  const rows = words(1300);
  const writing = produceAll(log, 'words', 4, rows);
  const from = runtime.assignmentOf('count').get('0_1')?.thread ?? 0;
  await runtime.moveTask('count', '0_1', 3 - from);
  await writing;
  await runtime.moveTask('count', '0_1', from);
  await runtime.awaitIdle();
  const expected: Record<string, string> = {};
  for (const { key } of rows) expected[key ?? ''] = String(Number(expected[key ?? ''] ?? 0) + 1);
  expect(lastOf(await consume(log, 'counted'))).toEqual(expected);
  expect(await recordsOf(log, 'words', 4)).toBe(1300);
  expect(restored.toSorted()).toEqual(['0_0', '0_1', '0_1', '0_1', '0_2', '0_3']);
  const [entry] = await runtime.read('count', 'counts', utf8('k1'));
  expect(entry).toBeDefined();
});
