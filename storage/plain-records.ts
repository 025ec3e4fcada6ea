/**
 * Records one by one, for callers outside of the engine: plain objects in, plain objects out.
 *
 * `produceRecords` spreads records over partitions as Kafka's default partitioner does (murmur2 of the key; without a
 * key round robin), fills batches, and answers when all are acknowledged. `consumeRecords` follows a topic as an async
 * iterator: it reads ahead no more than one fetch, so a slow consumer slows nobody else.
 */

import { itemAt, partitionOfKey, UserError, utf8Bytes } from '../base/index.ts';
import { BatchBuilder } from './batch-builder.ts';
import { chunksOrThrow, decodeChunk } from './fetched.ts';
import { type Acks, type CommittedOffset, type FetchRequest, type Log, LogError, type Producer } from './log.ts';
import { latestTimestamp } from './record-batch.ts';
import { RecordColumns } from './record-columns.ts';
import { encodeHeaders, type RecordHeader } from './record-headers.ts';
import { batchLimitOf } from './topic-rules.ts';

export interface ProducedRecord {
  /** Text is written as UTF-8. */
  readonly key?: Uint8Array | string | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | string | null;
  /** Epoch milliseconds; `now` of the call when left out. */
  readonly timestamp?: number;
  readonly partition?: number;
  readonly headers?: readonly RecordHeader[];
}

export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

const targetBatchBytes = 128 * 1024;
const noBytes = new Uint8Array(0);

export interface ProduceOptions {
  readonly acks: Acks;
  /** Timestamp of records that bring none. */
  readonly now: number;
}

/** Answers the position behind the last record in each partition that got any. Rejects with TOPIC_UNKNOWN,
 *  PARTITION_UNKNOWN or RECORD_INVALID, or with the log's own error; what was appended
 *  before that stays. */
export const produceRecords = async (
  log: Log,
  producer: Producer,
  topic: string,
  records: Iterable<ProducedRecord>,
  { acks, now }: ProduceOptions,
): Promise<readonly CommittedOffset[]> => {
  const description = await log.describeTopic(topic);
  if (description === undefined) throw unknownTopic(topic);
  const { partitions } = description;
  const batchBytes = Math.min(targetBatchBytes, batchLimitOf(description.configs));
  const builders: (BatchBuilder | undefined)[] = [];
  const appended: Promise<CommittedOffset>[] = [];
  const send = (partition: number, builder: BatchBuilder): void => {
    const done = producer.append({ topic, partition }, builder.finish(), acks);
    const position = done.then(({ nextOffset }) => ({ topic, partition, offset: nextOffset }));
    position.catch(() => {});
    appended.push(position);
  };
  let roundRobin = 0;
  for (const { key, value, timestamp, partition, headers } of records) {
    const keyBytes = bytesOf(key ?? null, 'key');
    const valueBytes = bytesOf(value, 'value');
    if (timestamp !== undefined && !(Number.isInteger(timestamp) && Math.abs(timestamp) <= latestTimestamp))
      throw new UserError('RECORD_INVALID', `the timestamp of a record is ${timestamp}`, {
        hint: `Give milliseconds since 1970 as a whole number, at most ${latestTimestamp}.`,
      });
    const target =
      partition ??
      (keyBytes === null ? roundRobin++ % partitions : partitionOfKey(keyBytes, 0, keyBytes.length, partitions));
    if (!Number.isInteger(target) || target < 0 || target >= partitions) {
      throw new UserError(
        'PARTITION_UNKNOWN',
        `topic "${topic}" has no partition ${target}; it has ${partitions}, counted from 0`,
      );
    }
    const headerBytes = headers === undefined || headers.length === 0 ? noBytes : encodeHeaders(headers);
    let builder = builders[target];
    if (builder === undefined) {
      builder = new BatchBuilder();
      builders[target] = builder;
    }
    const keyLength = keyBytes?.length ?? 0;
    const valueLength = valueBytes?.length ?? 0;
    if (builder.count > 0 && builder.sizeWith(keyLength, valueLength, headerBytes.length) > batchBytes)
      send(target, builder);
    builder.append(
      keyBytes ?? noBytes,
      keyBytes === null ? -1 : 0,
      keyLength,
      valueBytes ?? noBytes,
      valueBytes === null ? -1 : 0,
      valueLength,
      timestamp ?? now,
      headerBytes,
      headerBytes.length === 0 ? 0 : 1,
    );
  }
  for (const [partition, builder] of builders.entries())
    if (builder !== undefined && builder.count > 0) send(partition, builder);
  const last = new Map<number, CommittedOffset>();
  for (const position of await Promise.all(appended)) last.set(position.partition, position);
  return [...last.values()];
};

export interface ConsumeOptions {
  /** Where to begin in partitions without a committed offset. Default `earliest`. */
  readonly from?: 'earliest' | 'latest';
  /** Offsets are committed under this name: a record counts as consumed when the next one is asked for. */
  readonly group?: string;
  /** Ends instead of waiting at the end of the topic. */
  readonly untilEnd?: boolean;
  readonly signal?: AbortSignal;
}

const fetchBytes = 1 << 20;
const fetchWaitMs = 500;

/** Committed records of all partitions, each partition in order. Ends when the signal is given, or with `untilEnd`
 *  at the end as of the call. Throws LOG_BATCH_UNREADABLE behind the last record before a batch that cannot be read,
 *  and LOG_TOPIC_REPLACED when the topic was deleted and created again meanwhile. */
export async function* consumeRecords(
  log: Log,
  topic: string,
  { from = 'earliest', group, untilEnd = false, signal }: ConsumeOptions = {},
): AsyncGenerator<ConsumedRecord, void, undefined> {
  const description = await log.describeTopic(topic);
  if (description === undefined) throw unknownTopic(topic);
  const { id: topicId } = description;
  const committed = group === undefined ? [] : await log.committed(group);
  const positions: number[] = [];
  const ends: number[] = [];
  for (let partition = 0; partition < description.partitions; partition++) {
    const { start, stable } = await log.offsets({ topic, partition });
    const known = committed.find((offset) => offset.topic === topic && offset.partition === partition)?.offset;
    positions.push(Math.max(start, known ?? (from === 'earliest' ? start : stable)));
    ends.push(stable);
  }
  const reader = log.reader();
  const wake = (): void => reader.wakeup();
  signal?.addEventListener('abort', wake);
  const columns = new RecordColumns();
  const commit = async (): Promise<void> => {
    if (group === undefined) return;
    await log.commitOffsets(
      group,
      positions.map((offset, partition) => ({ topic, topicId, partition, offset })),
    );
  };
  try {
    while (signal?.aborted !== true) {
      const requests: FetchRequest[] = [];
      for (const [partition, offset] of positions.entries()) {
        if (untilEnd && offset >= itemAt(ends, partition)) continue;
        requests.push({ topic, topicId, partition, offset, isolation: { kind: 'committed' } });
      }
      if (requests.length === 0) return;
      const options = { maxBytesPerPartition: fetchBytes, maxWaitMs: fetchWaitMs };
      const chunks = chunksOrThrow(await reader.fetch(requests, options));
      for (const chunk of chunks) {
        const { partition } = chunk;
        const found: ConsumedRecord[] = [];
        const unreadable = decodeChunk(chunk, columns, itemAt(positions, partition));
        for (let i = 0; i < columns.count; i++) {
          const record = columns.record(i);
          if (untilEnd && record.offset >= itemAt(ends, partition)) break;
          found.push({ topic, partition, ...record });
        }
        chunk.release();
        for (const record of found) {
          yield record;
          positions[partition] = record.offset + 1;
        }
        const atEnd = untilEnd && itemAt(positions, partition) >= itemAt(ends, partition);
        if (unreadable !== undefined && !atEnd) throw unreadable;
        positions[partition] = chunk.nextOffset;
      }
      if (chunks.length > 0) await commit();
    }
  } finally {
    signal?.removeEventListener('abort', wake);
    await commit().catch((error: unknown) => {
      if (!(error instanceof LogError)) throw error;
    });
    reader.close();
  }
}

/** Types are not there at run time: what a plain JavaScript program hands in is checked. */
const bytesOf = (given: Uint8Array | string | null, what: 'key' | 'value'): Uint8Array | null => {
  if (typeof given === 'string') return utf8Bytes(given);
  if (given === null || given instanceof Uint8Array) return given;
  throw new UserError(
    'RECORD_INVALID',
    `the ${what} of a record is neither text nor bytes, but of type ${typeof given}`,
    {
      hint: 'Write JSON.stringify(…) for an object or a number, and null for a record without one.',
    },
  );
};

const unknownTopic = (topic: string): UserError =>
  new UserError('TOPIC_UNKNOWN', `there is no topic "${topic}"`, {
    hint: 'SHOW TOPICS; lists them. CREATE STREAM or CREATE TABLE makes one.',
  });
