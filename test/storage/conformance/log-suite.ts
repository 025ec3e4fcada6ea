/**
 * One suite for every log. A subject opens a fresh log; one that can be closed and opened again on the same data offers
 * `reopen`, and what must outlast that is tested as well.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8Bytes, utf8Text } from '../../../base/index.ts';
import {
  type Chunk,
  chunksOrThrow,
  decodeBatch,
  encodeBatch,
  type Isolation,
  type Log,
  LogError,
  type Producer,
  RecordColumns,
  type TopicPartition,
} from '../../../storage/index.ts';

export interface OpenSubject {
  readonly log: Log;
  /** Closes the log, if it is open, and opens it again on the same data. */
  readonly reopen?: () => Promise<Log>;
  readonly dispose?: () => Promise<void>;
}

export const committed: Isolation = { kind: 'committed' };
export const uncommitted: Isolation = { kind: 'uncommitted' };

export const batchOf = (...values: readonly string[]): Uint8Array =>
  encodeBatch(values.map((value) => ({ key: utf8Bytes(`k-${value}`), value: utf8Bytes(value), timestamp: 1000 })));

/** The records of a chunk as `offset:value`; the chunk is released. */
export const shown = (chunk: Chunk, from = 0): string[] => {
  const columns = new RecordColumns(4);
  columns.reset(chunk.bytes);
  for (const at of chunk.batches) expect(decodeBatch(chunk.bytes, at, columns, from)).toBeGreaterThan(0);
  const rows = Array.from({ length: columns.count }, (_, i) => {
    const { offset, value } = columns.record(i);
    return `${offset}:${value === null ? null : utf8Text(value)}`;
  });
  chunk.release();
  return rows;
};

/** Everything a reader is shown from an offset on, in as many fetches as it takes. */
export const readAll = async (
  log: Log,
  target: TopicPartition,
  isolation: Isolation = committed,
  from = 0,
  maxBytesPerPartition = 1 << 20,
): Promise<string[]> => {
  const reader = log.reader();
  const rows: string[] = [];
  let offset = from;
  for (;;) {
    const fetched = await reader.fetch([{ ...target, offset, isolation }], { maxBytesPerPartition, maxWaitMs: 0 });
    const [chunk] = chunksOrThrow(fetched);
    if (chunk === undefined) break;
    expect(chunk.nextOffset).toBeGreaterThan(offset);
    const next = chunk.nextOffset;
    rows.push(...shown(chunk, offset));
    offset = next;
  }
  reader.close();
  return rows;
};

/** The error a promise rejects with, as `kind/code`, or "fine". */
export const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'fine',
    (error: unknown) => {
      if (error instanceof LogError) return `${error.kind}/${error.code}`;
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    },
  );

const nothing = { chunks: [], failures: [] };

const t0 = { topic: 't', partition: 0 };
const t1 = { topic: 't', partition: 1 };

export const logSuite = (name: string, open: () => Promise<OpenSubject>): void => {
  describe(`the ${name} log`, () => {
    let subject: OpenSubject;
    let log: Log;

    beforeEach(async () => {
      subject = await open();
      log = subject.log;
      await log.createTopic({ name: 't', partitions: 2 });
    });

    afterEach(async () => {
      await log.close();
      await subject.dispose?.();
    });

    /** A restart, where the subject has one. */
    const restart = async (): Promise<void> => {
      if (subject.reopen !== undefined) log = await subject.reopen();
    };

    const transactional = (id = 'id'): Promise<Producer> => log.producer({ transactionalId: id });

    test('keeps the batches of a partition in order and gives each record the next offset', async () => {
      const producer = await log.producer();
      expect(await producer.append(t0, batchOf('a', 'b'), 'append')).toEqual({ baseOffset: 0, nextOffset: 2 });
      expect(await producer.append(t0, batchOf('c'), 'durable')).toEqual({ baseOffset: 2, nextOffset: 3 });
      expect(await producer.append(t1, batchOf('x'), 'none')).toEqual({ baseOffset: 0, nextOffset: 1 });
      expect(await readAll(log, t0)).toEqual(['0:a', '1:b', '2:c']);
      expect(await readAll(log, t1)).toEqual(['0:x']);
      expect(await log.offsets(t0)).toEqual({ start: 0, stable: 3, end: 3 });
    });

    test('counts the bytes of the batches that a partition has', async () => {
      const producer = await log.producer();
      expect(await log.sizeBytes(t0)).toBe(0);
      const batches = [batchOf('a', 'b'), batchOf('c')];
      const sizes = batches.map(({ length }) => length);
      for (const batch of batches) await producer.append(t0, batch, 'durable');
      expect(await log.sizeBytes(t0)).toBe(sizes.reduce((sum, size) => sum + size, 0));
      expect(await log.sizeBytes(t1)).toBe(0);
      expect(await failure(log.sizeBytes({ topic: 'nowhere', partition: 0 }))).toBe('refused/LOG_UNKNOWN_TOPIC');
      await restart();
      expect(await log.sizeBytes(t0)).toBe(sizes.reduce((sum, size) => sum + size, 0));
    });

    test('keeps the order of appends that overlap', async () => {
      const producer = await log.producer();
      const values = Array.from({ length: 50 }, (_, i) => `v${i}`);
      const appended = await Promise.all(values.map((value) => producer.append(t0, batchOf(value), 'durable')));
      expect(appended.map((a) => a.baseOffset)).toEqual(values.map((_, i) => i));
      expect(await readAll(log, t0)).toEqual(values.map((value, i) => `${i}:${value}`));
    });

    test('reads from any offset, batch by batch when the reader takes few bytes', async () => {
      const producer = await log.producer();
      for (const batch of [batchOf('a', 'b', 'c'), batchOf('d'), batchOf('e', 'f')]) {
        await producer.append(t0, batch, 'append');
      }
      const all = ['0:a', '1:b', '2:c', '3:d', '4:e', '5:f'];
      for (let from = 0; from <= 6; from++) {
        expect(await readAll(log, t0, committed, from)).toEqual(all.slice(from));
        expect(await readAll(log, t0, uncommitted, from, 1)).toEqual(all.slice(from));
      }
    });

    test('refuses to read outside of what the partition holds', async () => {
      const producer = await log.producer();
      await producer.append(t0, batchOf('a'), 'append');
      expect(await failure(readAll(log, t0, committed, 2))).toBe('refused/LOG_OFFSET_OUT_OF_RANGE');
      expect(await failure(readAll(log, { topic: 't', partition: 7 }))).toBe('refused/LOG_UNKNOWN_PARTITION');
      expect(await failure(readAll(log, { topic: 'nowhere', partition: 0 }))).toBe('refused/LOG_UNKNOWN_TOPIC');
    });

    test('a waiting fetch answers as soon as a record comes, and when it is woken', async () => {
      const producer = await log.producer();
      const reader = log.reader();
      const options = { maxBytesPerPartition: 1000, maxWaitMs: 60_000 };
      const waiting = reader.fetch([{ ...t0, offset: 0, isolation: committed }], options);
      await producer.append(t0, batchOf('a'), 'append');
      const [chunk] = chunksOrThrow(await waiting);
      expect(chunk === undefined ? [] : shown(chunk)).toEqual(['0:a']);
      const idle = reader.fetch([{ ...t0, offset: 1, isolation: committed }], options);
      reader.wakeup();
      expect(await idle).toEqual(nothing);
      reader.close();
    });

    test('a fetch that finds nothing gives up after its time', async () => {
      const reader = log.reader();
      const request = { ...t0, offset: 0, isolation: committed };
      expect(await reader.fetch([request], { maxBytesPerPartition: 1000, maxWaitMs: 5 })).toEqual(nothing);
      expect(await reader.fetch([request], { maxBytesPerPartition: 1000, maxWaitMs: 0 })).toEqual(nothing);
      reader.close();
    });

    test('answers with a chunk for each partition that has something', async () => {
      const producer = await log.producer();
      await producer.append(t0, batchOf('a'), 'append');
      await producer.append(t1, batchOf('b'), 'append');
      const reader = log.reader();
      const requests = [t0, t1].map((target) => ({ ...target, offset: 0, isolation: committed }));
      const fetched = await reader.fetch(requests, { maxBytesPerPartition: 1000, maxWaitMs: 0 });
      expect(chunksOrThrow(fetched).map((chunk) => [chunk.partition, ...shown(chunk)])).toEqual([
        [0, '0:a'],
        [1, '0:b'],
      ]);
      reader.close();
    });

    test('a partition that cannot be read is reported beside the chunks of the others', async () => {
      const producer = await log.producer();
      await producer.append(t0, batchOf('a'), 'append');
      await producer.append(t1, batchOf('b'), 'append');
      const reader = log.reader();
      const requests = [
        { ...t0, offset: 9, isolation: committed },
        { ...t1, offset: 0, isolation: committed },
        { topic: 'nowhere', partition: 0, offset: 3, isolation: uncommitted },
      ];
      const { chunks, failures } = await reader.fetch(requests, { maxBytesPerPartition: 1000, maxWaitMs: 60_000 });
      expect(chunks.map((chunk) => [chunk.partition, ...shown(chunk)])).toEqual([[1, '0:b']]);
      expect(failures.map(({ error, ...request }) => [request, error.code])).toEqual([
        [requests[0], 'LOG_OFFSET_OUT_OF_RANGE'],
        [requests[2], 'LOG_UNKNOWN_TOPIC'],
      ]);
      reader.close();
    });

    test('a record larger than the topic allows is refused, and nothing else stops', async () => {
      await log.createTopic({ name: 'small', partitions: 1, configs: { 'max.message.bytes': '200' } });
      const producer = await log.producer();
      const target = { topic: 'small', partition: 0 };
      const large = producer.append(target, batchOf('x'.repeat(200)), 'append');
      expect(await failure(large)).toBe('refused/LOG_RECORD_TOO_LARGE');
      expect(await producer.append(target, batchOf('fine'), 'append')).toEqual({ baseOffset: 0, nextOffset: 1 });
    });

    test('bytes that are no batch are refused', async () => {
      const producer = await log.producer();
      expect(await failure(producer.append(t0, new Uint8Array(10), 'append'))).toBe('refused/LOG_BAD_BATCH');
      const damaged = batchOf('a');
      damaged[57] = 9;
      expect(await failure(producer.append(t0, damaged, 'append'))).toBe('refused/LOG_BAD_BATCH');
      expect(await log.offsets(t0)).toEqual({ start: 0, stable: 0, end: 0 });
    });

    test.each([
      ['', 'TOPIC_NAME_INVALID'],
      ['..', 'TOPIC_NAME_INVALID'],
      ['a/b', 'TOPIC_NAME_INVALID'],
      ['a\0b', 'TOPIC_NAME_INVALID'],
      ['x'.repeat(250), 'TOPIC_NAME_INVALID'],
      ['__consumer_offsets', 'TOPIC_NAME_INVALID'],
      ['t', 'TOPIC_EXISTS'],
    ])('refuses the topic name %j', async (topic, code) => {
      expect(await failure(log.createTopic({ name: topic, partitions: 1 }))).toBe(code);
    });

    test('refuses impossible partitions and configurations with a hint', async () => {
      expect(await failure(log.createTopic({ name: 'n', partitions: 0 }))).toBe('TOPIC_PARTITIONS_INVALID');
      const unknown = log.createTopic({ name: 'n', partitions: 1, configs: { 'retention.m': '5' } });
      await expect(unknown).rejects.toMatchObject({
        code: 'TOPIC_CONFIG_INVALID',
        hint: 'Did you mean "retention.ms"?',
      });
      const wrong = log.createTopic({ name: 'n', partitions: 1, configs: { 'retention.ms': 'soon' } });
      expect(await failure(wrong)).toBe('TOPIC_CONFIG_INVALID');
      expect(await log.describeTopic('n')).toBeUndefined();
    });

    test('describes topics with their configurations, also after a restart', async () => {
      const made = await log.createTopic({ name: 'c', partitions: 3, configs: { 'cleanup.policy': 'compact' } });
      expect(made.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(made.configs).toMatchObject({ 'cleanup.policy': 'compact', 'max.message.bytes': '1048588' });
      await restart();
      expect(await log.describeTopic('c')).toEqual(made);
      expect((await log.describeTopics()).map((topic) => [topic.name, topic.partitions])).toEqual([
        ['c', 3],
        ['t', 2],
      ]);
    });

    test('a deleted topic is gone with its records and committed offsets; its name may be used again', async () => {
      const producer = await log.producer();
      await producer.append(t0, batchOf('a'), 'append');
      await log.commitOffsets('g', [{ ...t0, offset: 1 }]);
      await log.deleteTopic('t');
      expect(await failure(log.offsets(t0))).toBe('refused/LOG_UNKNOWN_TOPIC');
      expect(await failure(log.deleteTopic('t'))).toBe('refused/LOG_UNKNOWN_TOPIC');
      expect(await log.committed('g')).toEqual([]);
      await log.createTopic({ name: 't', partitions: 1 });
      expect(await log.offsets(t0)).toEqual({ start: 0, stable: 0, end: 0 });
      await restart();
      expect(await readAll(log, t0)).toEqual([]);
      expect(await log.committed('g')).toEqual([]);
      const next = await log.producer();
      expect(await next.append(t0, batchOf('b'), 'append')).toEqual({ baseOffset: 0, nextOffset: 1 });
    });

    test('a fetch that names the id of its topic reads no other of its name', async () => {
      const former = (await log.describeTopic('t'))?.id ?? '';
      const read = async (topicId: string): Promise<readonly string[]> => {
        const request = { ...t0, topicId, offset: 0, isolation: committed };
        const { chunks, failures } = await reader.fetch([request], { maxBytesPerPartition: 1000, maxWaitMs: 0 });
        return [...chunks.flatMap((chunk) => shown(chunk)), ...failures.map(({ error }) => error.code)];
      };
      const reader = log.reader();
      const writer = await log.producer();
      await writer.append(t0, batchOf('former'), 'append');
      expect(await read(former)).toEqual(['0:former']);
      await log.deleteTopic('t');
      expect(await read(former)).toEqual(['LOG_UNKNOWN_TOPIC']);
      const { id } = await log.createTopic({ name: 't', partitions: 1 });
      await writer.append(t0, batchOf('new'), 'append');
      expect(await read(former)).toEqual(['LOG_TOPIC_REPLACED']);
      expect(await read(id)).toEqual(['0:new']);
      reader.close();
    });

    test('an offset that names the id of its topic is committed in no other of its name', async () => {
      const former = (await log.describeTopic('t'))?.id ?? '';
      const producer = await transactional();
      const commitBoth = async (topicId: string): Promise<readonly string[]> => {
        producer.begin();
        const offsets = [{ ...t0, topicId, offset: 0 }];
        const found = [
          await failure(log.commitOffsets('g', offsets)),
          await failure(producer.sendOffsets('h', offsets)),
        ];
        await producer.commit();
        return found;
      };
      expect(await commitBoth(former)).toEqual(['fine', 'fine']);
      await log.deleteTopic('t');
      const { id } = await log.createTopic({ name: 't', partitions: 1 });
      expect(await commitBoth(former)).toEqual(['refused/LOG_TOPIC_REPLACED', 'refused/LOG_TOPIC_REPLACED']);
      expect([await log.committed('g'), await log.committed('h')]).toEqual([[], []]);
      expect(await commitBoth(id)).toEqual(['fine', 'fine']);
      expect([await log.committed('g'), await log.committed('h')]).toEqual([
        [{ ...t0, offset: 0 }],
        [{ ...t0, offset: 0 }],
      ]);
    });

    test('offsets of a transaction are not those of a topic that takes the place of theirs before its end', async () => {
      const producer = await transactional();
      producer.begin();
      await producer.sendOffsets('g', [{ ...t0, offset: 0 }]);
      await log.deleteTopic('t');
      await log.createTopic({ name: 't', partitions: 1 });
      await producer.commit();
      expect(await log.committed('g')).toEqual([]);
      await restart();
      expect(await log.committed('g')).toEqual([]);
    });

    test('deleting records raises the start offset', async () => {
      const producer = await log.producer();
      for (const value of ['a', 'b', 'c']) await producer.append(t0, batchOf(value), 'append');
      await log.deleteRecords(t0, 2);
      expect(await log.offsets(t0)).toEqual({ start: 2, stable: 3, end: 3 });
      expect(await failure(readAll(log, t0, committed, 1))).toBe('refused/LOG_OFFSET_OUT_OF_RANGE');
      expect(await failure(log.deleteRecords(t0, 4))).toBe('refused/LOG_OFFSET_OUT_OF_RANGE');
      await restart();
      expect(await log.offsets(t0)).toEqual({ start: 2, stable: 3, end: 3 });
      expect(await readAll(log, t0, committed, 2)).toEqual(['2:c']);
    });

    test('finds the first committed record at or after a time', async () => {
      const producer = await log.producer();
      const writer = await transactional();
      const at = (...timestamps: readonly number[]) => encodeBatch(timestamps.map((timestamp) => ({ timestamp })));
      expect(await log.offsetForTime(t0, 0)).toBeUndefined();
      await producer.append(t0, at(100, 300, 200), 'append');
      writer.begin();
      await writer.append(t0, at(400), 'append');
      await writer.abort();
      await producer.append(t0, at(150, 500), 'append');
      const check = async (): Promise<void> => {
        expect(await log.offsetForTime(t0, -5)).toEqual({ offset: 0, timestamp: 100 });
        expect(await log.offsetForTime(t0, 100)).toEqual({ offset: 0, timestamp: 100 });
        expect(await log.offsetForTime(t0, 101)).toEqual({ offset: 1, timestamp: 300 });
        // 400 was aborted; the marker behind it has an offset as well.
        expect(await log.offsetForTime(t0, 301)).toEqual({ offset: 6, timestamp: 500 });
        expect(await log.offsetForTime(t0, 501)).toBeUndefined();
      };
      await check();
      await restart();
      await check();
      const again = await transactional();
      again.begin();
      await again.append(t0, at(900), 'append');
      expect(await log.offsetForTime(t0, 600)).toBeUndefined();
      await again.commit();
      expect(await log.offsetForTime(t0, 600)).toEqual({ offset: 7, timestamp: 900 });
      await log.deleteRecords(t0, 2);
      expect(await log.offsetForTime(t0, 0)).toEqual({ offset: 2, timestamp: 200 });
      expect(await failure(log.offsetForTime({ topic: 'none', partition: 0 }, 0))).toBe('refused/LOG_UNKNOWN_TOPIC');
    });

    test('tombstones are released for a partition that exists', async () => {
      await log.releaseTombstones(t0, 0);
      expect(await failure(log.releaseTombstones({ topic: 'none', partition: 0 }, 1))).toBe(
        'refused/LOG_UNKNOWN_TOPIC',
      );
    });

    test('records and offsets outlast a restart', async () => {
      const producer = await log.producer();
      await producer.append(t0, batchOf('a', 'b'), 'append');
      await log.commitOffsets('g', [{ ...t0, offset: 2, metadata: 'who' }]);
      await restart();
      expect(await readAll(log, t0)).toEqual(['0:a', '1:b']);
      expect(await log.committed('g')).toEqual([{ ...t0, offset: 2, metadata: 'who' }]);
      const next = await log.producer();
      expect(await next.append(t0, batchOf('c'), 'append')).toEqual({ baseOffset: 2, nextOffset: 3 });
    });

    test('committed offsets: the last one counts, groups are listed and deleted', async () => {
      await log.commitOffsets('b', [{ ...t1, offset: 0 }]);
      await log.commitOffsets('a', [
        { ...t1, offset: 5 },
        { ...t0, offset: 3 },
      ]);
      await log.commitOffsets('a', [{ ...t1, offset: 4 }]);
      expect(await log.groups()).toEqual(['a', 'b']);
      expect(await log.committed('a')).toEqual([
        { ...t0, offset: 3 },
        { ...t1, offset: 4 },
      ]);
      await log.deleteGroup('b');
      await restart();
      expect(await log.groups()).toEqual(['a']);
      expect(await log.committed('b')).toEqual([]);
    });

    test('refuses offsets that nobody can have', async () => {
      expect(await failure(log.commitOffsets('g', [{ ...t0, offset: -1 }]))).toBe('refused/LOG_BAD_OFFSET');
      const stranger = { topic: 'nowhere', partition: 0, offset: 0 };
      expect(await failure(log.commitOffsets('g', [stranger]))).toBe('refused/LOG_UNKNOWN_TOPIC');
      const long = { ...t0, offset: 0, metadata: 'x'.repeat(4097) };
      expect(await failure(log.commitOffsets('g', [long]))).toBe('refused/LOG_METADATA_TOO_LARGE');
      expect(await log.groups()).toEqual([]);
    });

    test('a transaction is seen as a whole, after its commit', async () => {
      const producer = await transactional();
      producer.begin();
      await producer.append(t0, batchOf('a'), 'append');
      await producer.append(t1, batchOf('b'), 'append');
      await producer.sendOffsets('g', [{ ...t0, offset: 9 }]);
      expect(await log.offsets(t0)).toEqual({ start: 0, stable: 0, end: 1 });
      expect(await readAll(log, t0)).toEqual([]);
      expect(await readAll(log, t0, uncommitted)).toEqual(['0:a']);
      expect(await log.committed('g')).toEqual([]);
      await producer.commit();
      expect(await log.offsets(t0)).toEqual({ start: 0, stable: 2, end: 2 });
      expect(await readAll(log, t0)).toEqual(['0:a']);
      expect(await readAll(log, t1)).toEqual(['0:b']);
      expect(await log.committed('g')).toEqual([{ ...t0, offset: 9 }]);
      await restart();
      expect(await readAll(log, t0)).toEqual(['0:a']);
      expect(await log.committed('g')).toEqual([{ ...t0, offset: 9 }]);
    });

    test('an aborted transaction is never seen by readers of committed records', async () => {
      const producer = await transactional();
      producer.begin();
      await producer.append(t0, batchOf('a', 'b'), 'append');
      await producer.sendOffsets('g', [{ ...t0, offset: 9 }]);
      expect(await producer.abort()).toBe('aborted');
      producer.begin();
      await producer.append(t0, batchOf('c'), 'append');
      await producer.commit();
      for (let i = 0; i < 2; i++) {
        expect(await readAll(log, t0)).toEqual(['3:c']);
        expect(await readAll(log, t0, uncommitted)).toEqual(['0:a', '1:b', '3:c']);
        expect(await readAll(log, t0, committed, 1)).toEqual(['3:c']);
        expect(await log.offsets(t0)).toEqual({ start: 0, stable: 5, end: 5 });
        expect(await log.committed('g')).toEqual([]);
        await restart();
      }
    });

    test('a transaction without records or offsets may be committed and aborted', async () => {
      const producer = await transactional();
      producer.begin();
      await producer.commit();
      producer.begin();
      expect(await producer.abort()).toBe('aborted');
      expect(await log.offsets(t0)).toEqual({ start: 0, stable: 0, end: 0 });
    });

    test('many transactions of one producer follow each other, each with its own end', async () => {
      const producer = await transactional();
      const expected: string[] = [];
      let offset = 0;
      for (let i = 0; i < 40; i++) {
        producer.begin();
        await producer.append(t0, batchOf(`v${i}`), 'append');
        if (i % 3 === 0) await producer.abort();
        else {
          await producer.commit();
          expected.push(`${offset}:v${i}`);
        }
        offset += 2;
      }
      expect(await readAll(log, t0)).toEqual(expected);
      await restart();
      expect(await readAll(log, t0)).toEqual(expected);
      expect(await readAll(log, t0, committed, 0, 1)).toEqual(expected);
    });

    test('an open transaction holds readers of committed records before it, also of what others commit behind it', async () => {
      const slow = await transactional('slow');
      const quick = await transactional('quick');
      slow.begin();
      await slow.append(t0, batchOf('s'), 'append');
      quick.begin();
      await quick.append(t0, batchOf('q'), 'append');
      await quick.commit();
      const plain = await log.producer();
      await plain.append(t0, batchOf('p'), 'append');
      expect(await readAll(log, t0)).toEqual([]);
      await slow.abort();
      expect(await readAll(log, t0)).toEqual(['1:q', '3:p']);
    });

    test('a reader with own isolation sees the open transaction of its producer and of nobody else', async () => {
      const mine = await transactional('mine');
      const other = await transactional('other');
      const own: Isolation = { kind: 'own', producerId: mine.producerId };
      mine.begin();
      await mine.append(t0, batchOf('m1'), 'append');
      expect(await readAll(log, t0, own)).toEqual(['0:m1']);
      other.begin();
      await other.append(t0, batchOf('o'), 'append');
      await mine.append(t0, batchOf('m2'), 'append');
      expect(await readAll(log, t0, own)).toEqual(['0:m1']);
      expect(await readAll(log, t0, { kind: 'own', producerId: other.producerId })).toEqual([]);
      await other.abort();
      expect(await readAll(log, t0, own)).toEqual(['0:m1', '2:m2']);
      await mine.abort();
      expect(await readAll(log, t0, own)).toEqual([]);
      expect((await log.offsets(t0)).stable).toBe(5);
    });

    test('opening a producer with the same transactional id fences the former one and aborts what it left open', async () => {
      const old = await transactional();
      old.begin();
      await old.append(t0, batchOf('lost'), 'append');
      const young = await transactional();
      expect([young.producerId, young.epoch]).toEqual([old.producerId, old.epoch + 1]);
      expect((await log.offsets(t0)).stable).toBe(2);
      expect(await failure(old.append(t0, batchOf('x'), 'append'))).toBe('fenced/LOG_PRODUCER_FENCED');
      expect(await failure(old.commit())).toBe('fenced/LOG_PRODUCER_FENCED');
      expect(await failure(old.abort())).toBe('fenced/LOG_PRODUCER_FENCED');
      young.begin();
      await young.append(t0, batchOf('kept'), 'append');
      await young.commit();
      expect(await readAll(log, t0)).toEqual(['2:kept']);
    });

    test('what a transaction left open at the end of the log is aborted when it is opened again', async () => {
      const producer = await transactional();
      producer.begin();
      await producer.append(t0, batchOf('lost'), 'append');
      await producer.sendOffsets('g', [{ ...t0, offset: 3 }]);
      await restart();
      const next = await transactional();
      next.begin();
      await next.append(t0, batchOf('kept'), 'append');
      await next.commit();
      expect((await readAll(log, t0)).map((row) => row.split(':')[1])).toEqual(['kept']);
      expect(await log.committed('g')).toEqual([]);
    });

    test('a transactional producer takes nothing outside of a transaction', async () => {
      const producer = await transactional();
      expect(await failure(producer.append(t0, batchOf('a'), 'append'))).toBe('refused/LOG_NO_TRANSACTION');
      expect(await failure(producer.commit())).toBe('refused/LOG_NO_TRANSACTION');
      expect(await failure(producer.sendOffsets('g', []))).toBe('refused/LOG_NO_TRANSACTION');
      expect(await producer.abort()).toBe('aborted');
    });

    test('a refused append leaves its transaction whole', async () => {
      const producer = await transactional();
      producer.begin();
      await producer.append(t0, batchOf('a'), 'append');
      const nowhere = producer.append({ topic: 'nowhere', partition: 0 }, batchOf('x'), 'append');
      expect(await failure(nowhere)).toBe('refused/LOG_UNKNOWN_TOPIC');
      await producer.commit();
      expect(await readAll(log, t0)).toEqual(['0:a']);
    });

    test('a commit wakes a reader that waits for committed records', async () => {
      const producer = await transactional();
      producer.begin();
      await producer.append(t0, batchOf('a'), 'append');
      const reader = log.reader();
      const waiting = reader.fetch([{ ...t0, offset: 0, isolation: committed }], {
        maxBytesPerPartition: 1000,
        maxWaitMs: 60_000,
      });
      await producer.commit();
      const [chunk] = chunksOrThrow(await waiting);
      expect(chunk === undefined ? [] : shown(chunk)).toEqual(['0:a']);
      reader.close();
    });

    test('a topic that is deleted within an open transaction leaves the rest of it whole', async () => {
      await log.createTopic({ name: 'gone', partitions: 1 });
      const producer = await transactional();
      producer.begin();
      await producer.append({ topic: 'gone', partition: 0 }, batchOf('x'), 'append');
      await producer.append(t0, batchOf('a'), 'append');
      await log.deleteTopic('gone');
      await producer.commit();
      expect(await readAll(log, t0)).toEqual(['0:a']);
    });

    test('everything is refused once the log is closed', async () => {
      const producer = await log.producer();
      await log.close();
      expect(await failure(log.describeTopics())).toBe('unavailable/LOG_CLOSED');
      expect(await failure(producer.append(t0, batchOf('a'), 'append'))).toBe('unavailable/LOG_CLOSED');
    });
  });
};
