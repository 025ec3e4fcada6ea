import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { utf8Bytes } from '../../base/index.ts';
import { nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';
import { type FileLog, openFileLog, openSharedReaders, type SharedReaders } from '../../storage/file-log/index.ts';
import { chunksOrThrow, encodeBatch, type Isolation, type Log } from '../../storage/index.ts';
import { batchOf, committed, failure, readAll, shown, uncommitted } from './conformance/log-suite.ts';

let directory: string;
let log: FileLog;
let shared: SharedReaders;
const t = { topic: 't', partition: 0 };

/** `readAll` asks for nothing but a reader. */
const through = (readers: SharedReaders): Log => readers as unknown as Log;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-shared-'));
  log = await openFileLog({
    directory,
    files: nodeFiles,
    clock: systemClock,
    timers: systemClock,
    random: systemRandom(),
  });
  await log.createTopic({ name: 't', partitions: 1, configs: { 'segment.bytes': '1024' } });
  shared = openSharedReaders(log.exportView(), nodeFiles);
});

afterEach(async () => {
  shared.close();
  await log.close();
  rmSync(directory, { recursive: true, force: true });
});

test('a shared reader is shown what a reader of the log is shown, over many segments, transactions and isolations', async () => {
  const producer = await log.producer({ transactionalId: 'id' });
  const other = await log.producer({ transactionalId: 'other' });
  const isolations: Isolation[] = [
    committed,
    uncommitted,
    ...[producer, other].map(({ producerId }) => ({ kind: 'own' as const, producerId })),
  ];
  for (let i = 0; i < 60; i++) {
    producer.begin();
    await producer.append(t, batchOf(`a${i}`, 'x'.repeat(50)), 'append');
    if (i % 7 === 0) {
      other.begin();
      await other.append(t, batchOf(`o${i}`), 'append');
    }
    if (i % 5 === 0) {
      for (const isolation of isolations) {
        expect(await readAll(through(shared), t, isolation)).toEqual(await readAll(log, t, isolation));
        expect(await readAll(through(shared), t, isolation, i)).toEqual(await readAll(log, t, isolation, i));
      }
    }
    await (i % 3 === 0 ? producer.abort() : producer.commit());
    if (i % 7 === 0) await (i % 2 === 0 ? other.abort() : other.commit());
  }
  for (const isolation of isolations) {
    for (const maxBytes of [1, 300, 1 << 20]) {
      expect(await readAll(through(shared), t, isolation, 0, maxBytes)).toEqual(await readAll(log, t, isolation));
    }
  }
  expect(await shared.offsets(t)).toEqual(await log.offsets(t));
});

test('a shared reader waits for records and for commits, and is woken', async () => {
  const reader = shared.reader();
  const options = { maxBytesPerPartition: 1000, maxWaitMs: 60_000 };
  const waiting = reader.fetch([{ ...t, offset: 0, isolation: committed }], options);
  const producer = await log.producer({ transactionalId: 'id' });
  producer.begin();
  await producer.append(t, batchOf('a'), 'append');
  await producer.commit();
  const [chunk] = chunksOrThrow(await waiting);
  expect(chunk === undefined ? [] : shown(chunk)).toEqual(['0:a']);
  const idle = reader.fetch([{ ...t, offset: 2, isolation: committed }], options);
  reader.wakeup();
  expect(await idle).toEqual({ chunks: [], failures: [] });
  const over = await reader.fetch([{ ...t, offset: 2, isolation: committed }], { ...options, maxWaitMs: 3 });
  expect(over).toEqual({ chunks: [], failures: [] });
  reader.close();
});

test('topics that are made or deleted after the export are known', async () => {
  await log.createTopic({ name: 'new', partitions: 2 });
  const producer = await log.producer();
  await producer.append({ topic: 'new', partition: 1 }, batchOf('n'), 'append');
  expect(await readAll(through(shared), { topic: 'new', partition: 1 })).toEqual(['0:n']);
  await log.deleteTopic('new');
  expect(await failure(readAll(through(shared), { topic: 'new', partition: 1 }))).toBe('refused/LOG_UNKNOWN_TOPIC');
  await log.createTopic({ name: 'new', partitions: 1 });
  expect(await readAll(through(shared), { topic: 'new', partition: 0 })).toEqual([]);
  expect(await failure(readAll(through(shared), { topic: 'never', partition: 0 }))).toBe('refused/LOG_UNKNOWN_TOPIC');
});

test('offsets below the start are refused as the log refuses them', async () => {
  const producer = await log.producer();
  for (let i = 0; i < 30; i++) await producer.append(t, batchOf('y'.repeat(100)), 'append');
  await log.deleteRecords(t, 20);
  expect(await failure(readAll(through(shared), t, committed, 19))).toBe('refused/LOG_OFFSET_OUT_OF_RANGE');
  expect(await readAll(through(shared), t, committed, 20)).toHaveLength(10);
});

test('a worker thread reads while the log is written to', async () => {
  const view = log.exportView();
  const worker = new Worker(new URL('./support/count-worker.ts', import.meta.url), {
    workerData: { view },
    transferList: [view.port],
    execArgv: ['--conditions=millrace-source'],
  });
  const done = new Promise<unknown>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  const producer = await log.producer({ transactionalId: 'id' });
  for (let i = 0; i < 200; i++) {
    producer.begin();
    await producer.append(t, batchOf(`v${i}`), 'append');
    await (i % 4 === 1 ? producer.abort() : producer.commit());
  }
  producer.begin();
  await producer.append(t, batchOf('end'), 'append');
  await producer.commit();
  const expected = Array.from({ length: 200 }, (_, i) => i)
    .filter((i) => i % 4 !== 1)
    .map((i) => `${i * 2}:v${i}`);
  expect(await done).toEqual([...expected, '400:end']);
  await worker.terminate();
});

test('a worker thread reads a table while its segments are compacted under its open files', async () => {
  const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '3000', 'min.cleanable.dirty.ratio': '0.01' };
  await log.deleteTopic('t');
  await log.createTopic({ name: 't', partitions: 1, configs });
  const producer = await log.producer();
  const writer = await log.producer({ transactionalId: 'id' });
  const put = (key: string, value: string) => encodeBatch([{ key: utf8Bytes(key), value: utf8Bytes(value) }]);
  const keys = 20;
  for (let i = 0; i < keys; i++) await producer.append(t, put(`k${i}`, '0'), 'append');
  const view = log.exportView();
  const worker = new Worker(new URL('./support/table-worker.ts', import.meta.url), {
    workerData: { view },
    transferList: [view.port],
    execArgv: ['--conditions=millrace-source'],
  });
  let result: { faults: string[]; passes: number } | undefined;
  const done = new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
    worker.once('message', (message: typeof result) => {
      result = message;
      resolve();
    });
  });
  done.catch(() => undefined);
  let runs = 0;
  for (let i = 1; i <= 2500 && result === undefined; i++) {
    const key = `k${i % keys}`;
    if (i % 5 === 0) {
      writer.begin();
      await writer.append(t, put(key, i % 2 === 0 ? `${i}` : 'aborted'), 'append');
      await (i % 2 === 0 ? writer.commit() : writer.abort());
    } else await producer.append(t, put(key, `${i}`), 'append');
    if (i % 20 === 0) {
      await log.housekeeping.run();
      runs = log.housekeeping.totals.runs;
    }
  }
  await producer.append(t, put('end', '1'), 'append');
  await done;
  expect(result?.faults).toEqual([]);
  expect(result?.passes).toBeGreaterThan(10);
  expect(runs).toBeGreaterThan(60);
  await worker.terminate();
}, 60_000);
