import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random, utf8Bytes } from '../../base/index.ts';
import { nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';
import { type FileLog, openFileLog, openSharedReaders, type SharedReaders } from '../../storage/file-log/index.ts';
import type { FilePartition } from '../../storage/file-log/partition.ts';
import { SharedPublisher } from '../../storage/file-log/shared-publisher.ts';
import { changeCounter } from '../../storage/file-log/shared-view.ts';
import { Slots } from '../../storage/file-log/slots.ts';
import { chunksOrThrow, encodeBatch, type Isolation, type Log } from '../../storage/index.ts';
import { PartitionState } from '../../storage/partition-state.ts';
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
  const passes = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./support/table-worker.ts', import.meta.url), {
    workerData: { view, passes },
    transferList: [view.port],
    execArgv: ['--conditions=millrace-source'],
  });
  let ended = false;
  const done = new Promise<string[]>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
    worker.once('message', resolve);
  }).finally(() => {
    ended = true;
  });
  done.catch(() => undefined);
  let runs = 0;
  // Until the worker has read beside many runs of compaction, whichever of the two is slower.
  for (let i = 1; !ended && (i <= 2000 || runs <= 60 || Atomics.load(passes, 0) <= 10); i++) {
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
  expect(await done).toEqual([]);
  await worker.terminate();
});

test('slots of deleted topics are used again, and a reader that has not heard of it is never shown the other topic', async () => {
  const append = async (topic: string, value: string): Promise<void> => {
    const producer = await log.producer();
    await producer.append({ topic, partition: 1 }, batchOf(value), 'append');
    await producer.close();
  };
  for (let round = 0; round < 5; round++) {
    const [former, later] = [
      { topic: `former${round}`, partition: 1 },
      { topic: `later${round}`, partition: 1 },
    ];
    await log.createTopic({ name: former.topic, partitions: 3 });
    await append(former.topic, 'theirs');
    expect(await readAll(through(shared), former, uncommitted)).toEqual(await readAll(log, former, uncommitted));
    // No word of this reaches the reader before it asks.
    await log.deleteTopic(former.topic);
    await log.createTopic({ name: later.topic, partitions: 3 });
    await append(later.topic, 'ours');
    await append(later.topic, 'ours too');
    await expect(shared.offsets(former)).rejects.toMatchObject({ code: 'LOG_UNKNOWN_TOPIC' });
    await expect(readAll(through(shared), former, uncommitted)).rejects.toMatchObject({ code: 'LOG_UNKNOWN_TOPIC' });
    expect(await readAll(through(shared), later, uncommitted)).toEqual(await readAll(log, later, uncommitted));
    await log.deleteTopic(later.topic);
  }
});

test('topics may be made and deleted for ever; more partitions than a view holds are refused', () => {
  const view = new SharedPublisher('/data', 8);
  const add = (name: string, count: number): void => {
    view.checkRoom(name, count);
    const partitions = Array.from({ length: count }, () => ({ state: new PartitionState() }) as FilePartition);
    view.add({ name, id: name, partitions: count, configs: {} }, partitions);
  };
  for (let i = 0; i < 8; i++) {
    add('wide', 10_000);
    view.remove('wide');
  }
  for (let i = 0; i < 6; i++) add(`wide${i}`, 10_000);
  expect(() => add('one', 10_000)).toThrow('topic "one" has no room for its 10000 partitions');
  add('rest', 5536);
  view.close();
});

test('slots are what a plain list of free ones says', () => {
  const random = new Random(11);
  const slots = new Slots(200);
  const taken = new Map<number, number>();
  for (let step = 0; step < 3000; step++) {
    if (random.chance(0.55)) {
      const count = random.between(1, 20);
      const first = slots.allocate(count);
      const used = new Set([...taken].flatMap(([from, n]) => Array.from({ length: n }, (_, i) => from + i)));
      const fits = (from: number): boolean =>
        Array.from({ length: count }, (_, i) => from + i).every((slot) => !used.has(slot));
      const expected = Array.from({ length: 200 - count + 1 }, (_, i) => i).find(fits);
      expect(first).toBe(expected);
      if (first !== undefined) taken.set(first, count);
    } else if (taken.size > 0) {
      const [first, count] = random.pick([...taken]);
      taken.delete(first);
      slots.free(first, count);
    }
  }
});

test('open questions and waiting fetches fail when the thread that owns the log has gone', async () => {
  const { port1, port2 } = new MessageChannel();
  const readers = openSharedReaders({ ...log.exportView(), port: port2 }, nodeFiles);
  const question = failure(readers.deletionsKeptFrom(t));
  const reader = readers.reader();
  const waiting = failure(
    reader.fetch([{ ...t, offset: 0, isolation: committed }], { maxBytesPerPartition: 1000, maxWaitMs: 60_000 }),
  );
  await new Promise((resolve) => setTimeout(resolve, 10));
  port1.close();
  expect(await question).toBe('unavailable/LOG_CLOSED');
  expect(await waiting).toBe('unavailable/LOG_CLOSED');
  expect(await failure(readers.deletionsKeptFrom(t))).toBe('unavailable/LOG_CLOSED');
  readers.close();
});

test('a question about a topic is never answered with what is known of the topic that has its slot now', async () => {
  const producer = await log.producer({ transactionalId: 'id' });
  expect(await shared.deletionsKeptFrom(t)).toBe(0);
  const question = failure(shared.deletionsKeptFrom(t));
  // The question is on its way while the slot goes to another topic.
  await Promise.resolve();
  await Promise.resolve();
  const gone = log.deleteTopic('t');
  const made = log.createTopic({ name: 'u', partitions: 1 });
  expect(await question).toBe('refused/LOG_UNKNOWN_TOPIC');
  await Promise.all([gone, made, producer.close()]);
});

test('a fetch that found nothing leaves nothing behind that waits for a change', async () => {
  const view = log.exportView();
  const readers = openSharedReaders(view, nodeFiles);
  const reader = readers.reader();
  const request = [{ ...t, offset: 0, isolation: committed }];
  for (let i = 0; i < 20; i++) await reader.fetch(request, { maxBytesPerPartition: 1000, maxWaitMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(Atomics.notify(new Int32Array(view.shared), changeCounter)).toBe(0);
  readers.close();
});

test('a shared reader that names the id of its topic reads no other of its name', async () => {
  const { id: former = '' } = (await log.describeTopic('t')) ?? {};
  const writer = await log.producer();
  await writer.append(t, batchOf('former'), 'append');
  const reader = shared.reader();
  const read = async (topicId: string): Promise<readonly string[]> => {
    const request = { ...t, topicId, offset: 0, isolation: committed };
    const { chunks, failures } = await reader.fetch([request], { maxBytesPerPartition: 1000, maxWaitMs: 0 });
    return [...chunks.flatMap((chunk) => shown(chunk)), ...failures.map(({ error }) => error.code)];
  };
  expect(await read(former)).toEqual(['0:former']);
  await log.deleteTopic('t');
  const { id } = await log.createTopic({ name: 't', partitions: 1 });
  await writer.append(t, batchOf('new'), 'append');
  expect(await read(former)).toEqual(['LOG_TOPIC_REPLACED']);
  expect(await read(id)).toEqual(['0:new']);
  reader.close();
});
