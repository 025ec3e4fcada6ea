/**
 * Dead letters: records that an application could not read, process or write, kept in a topic as they were.
 *
 * A dead letter has the key, the value and the headers of the record, byte for byte, and its timestamp (where that is
 * negative: the time of the error). Headers behind the record's own say where it was and what happened; their names are
 * those of Kafka Streams, their values text:
 *
 *   __streams.errors.topic, .partition, .offset   where the record was read; left out where that is not known
 *   __streams.errors.exception                    name of the error, or the reason for which the record was left out
 *   __streams.errors.message, .stacktrace         as far as there is one
 *   __streams.errors.timestamp                    of the record
 *   __streams.errors.kind, .node, .task           deserialization, processing or production; where it was met
 *
 * They are written in the query's own transaction: a letter is there once for each record left out. Those of a
 * partition keep their order.
 *
 * `replayDeadLetters` produces the originals again, each once: what it has replayed is committed in the transactions
 * that write it, so it goes on where it stood, however it ended.
 */

import { partitionOfKey, readUtf8, UserError, utf8Bytes } from '../../base/index.ts';
import {
  BatchBuilder,
  batchLimitOf,
  type ConsumedRecord,
  chunksOrThrow,
  decodeChunk,
  encodeHeaders,
  type Log,
  type Producer,
  RecordColumns,
  type RecordHeader,
  type TopicDescription,
} from '../../storage/index.ts';
import { withoutOriginTime } from '../origin-time.ts';
import { batchTargetBytes } from './partitioned-writer.ts';
import type { AssignedOutput } from './protocol.ts';
import type { RecordError } from './record-errors.ts';

const prefix = '__streams.errors.';

/** A stack trace and a message are cut to these numbers of characters, then left out where a letter would be larger
 *  than its topic takes. */
const longestText = 8192;

/** Collects the dead letters of one query on one host. */
export class DeadLetterWriter {
  readonly #output: AssignedOutput;
  readonly #now: () => number;
  readonly #hand: (partition: number, bytes: Uint8Array) => void;
  readonly #builders: (BatchBuilder | undefined)[] = [];

  constructor(output: AssignedOutput, now: () => number, hand: (partition: number, bytes: Uint8Array) => void) {
    this.#output = output;
    this.#now = now;
    this.#hand = hand;
  }

  add(error: RecordError): void {
    const { partitions, maxBatchBytes, topic } = this.#output;
    const partition = Math.max(0, error.partition) % partitions;
    const builder = (this.#builders[partition] ??= new BatchBuilder({ capacity: 1024 }));
    let headers = lettered(error, longestText);
    const size = (): number => builder.sizeWith(error.key?.length ?? 0, error.value?.length ?? 0, headers.length);
    if (builder.count > 0 && size() > Math.min(batchTargetBytes, maxBatchBytes)) this.#handOver(partition, builder);
    if (size() > maxBatchBytes) headers = lettered(error, 100);
    if (size() > maxBatchBytes) {
      // Without a letter the record would be lost.
      throw new UserError('DEAD_LETTER_TOO_LARGE', `a dead letter is larger than the topic "${topic}" takes`, {
        hint: 'Give the topic a larger max.message.bytes than the topics have that the application reads.',
      });
    }
    const { key, value, timestamp } = error;
    builder.append(
      key ?? noBytes,
      key === null ? -1 : 0,
      key?.length ?? 0,
      value ?? noBytes,
      value === null ? -1 : 0,
      value?.length ?? 0,
      timestamp >= 0 ? timestamp : Math.floor(this.#now()),
      headers,
      1,
    );
  }

  #handOver(partition: number, builder: BatchBuilder): void {
    this.#hand(partition, builder.finish());
  }

  /** Hands over what was collected. */
  flush(): void {
    for (const [partition, builder] of this.#builders.entries())
      if (builder !== undefined && builder.count > 0) this.#handOver(partition, builder);
  }

  discard(): void {
    for (const builder of this.#builders) builder?.reset();
  }
}

const noBytes = new Uint8Array(0);

const lettered = (error: RecordError, mostCharacters: number): Uint8Array => {
  const { kind, node, taskId, topic, partition, offset, timestamp, message, cause } = error;
  const headers = [...withoutOriginTime(error.headers)];
  const add = (name: string, text: string): void => {
    headers.push({ key: prefix + name, value: utf8Bytes(text.slice(0, mostCharacters)) });
  };
  add('exception', cause instanceof Error ? cause.name : kind);
  add('message', message);
  if (cause instanceof Error && cause.stack !== undefined) add('stacktrace', cause.stack);
  if (topic !== '') {
    add('topic', topic);
    add('partition', String(partition));
    add('offset', String(offset));
  }
  add('timestamp', String(timestamp));
  add('kind', kind);
  add('node', node);
  add('task', taskId);
  return encodeHeaders(headers);
};

/** A dead letter, read. */
export interface DeadLetter {
  /** The record as it was. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly timestamp: number;
  /** Where it was read; undefined where that is not known. */
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  readonly offset: number | undefined;
  readonly kind: string;
  readonly node: string;
  readonly task: string;
  readonly exception: string;
  readonly message: string;
  readonly stacktrace: string | undefined;
}

const isAdded = ({ key, value }: RecordHeader): boolean => key.startsWith(prefix) && value !== null;

/** Reads a record of a topic of dead letters; undefined: it is none. */
export const deadLetterOf = (
  record: Pick<ConsumedRecord, 'key' | 'value' | 'headers' | 'timestamp'>,
): DeadLetter | undefined => {
  const own: RecordHeader[] = [];
  const found = new Map<string, string>();
  const { headers } = record;
  // Those before it may be of the record itself, which may be a dead letter of another application.
  const last = headers.findLastIndex(({ key }) => key === `${prefix}exception`);
  const added = last > 0 && headers.slice(last).every(isAdded) ? last : 0;
  for (const [index, header] of headers.entries()) {
    const { key, value } = header;
    if (index < added || !isAdded(header)) own.push(header);
    else if (value !== null) found.set(key.slice(prefix.length), readUtf8(value, 0, value.length));
  }
  const exception = found.get('exception');
  if (exception === undefined) return undefined;
  const number = (name: string): number | undefined => {
    const text = found.get(name);
    return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
  };
  return {
    key: record.key,
    value: record.value,
    headers: own,
    timestamp: number('timestamp') ?? record.timestamp,
    topic: found.get('topic'),
    partition: number('partition'),
    offset: number('offset'),
    kind: found.get('kind') ?? '',
    node: found.get('node') ?? '',
    task: found.get('task') ?? '',
    exception,
    message: found.get('message') ?? '',
    stacktrace: found.get('stacktrace'),
  };
};

export interface ReplayOptions {
  /** The topic to produce to, for all letters, or letter by letter; undefined leaves that letter out. Default: the
   *  topic that the record was read from. */
  readonly to?: string | ((letter: DeadLetter) => string | undefined);
  /** Names how far the letters were replayed. Default: the topic's name and `-replay`. Of two replays under one name
   *  that run at the same time, the later one ends the earlier. */
  readonly group?: string;
}

export interface Replayed {
  /** Records produced. */
  readonly replayed: number;
  /** Records passed over: those that are no dead letters, that have no topic, or that `to` has left out. */
  readonly skipped: number;
}

/** Replays the dead letters from where the last replay stood to the end as of this call. A record goes to the partition
 *  that it was in where it goes to its own topic, else to that of its key. Rejects with TOPIC_UNKNOWN at the first
 *  letter whose topic does not exist; those before it are replayed. */
export const replayDeadLetters = async (
  log: Log,
  topic: string,
  { to, group = `${topic}-replay` }: ReplayOptions = {},
): Promise<Replayed> => {
  const { partitions } = await topicOrThrow(log, topic);
  const producer = await log.producer({ transactionalId: group });
  const replay = new Replay(log, producer, group, to);
  try {
    const committed = await log.committed(group);
    for (let partition = 0; partition < partitions; partition++) {
      const known = committed.find((at) => at.topic === topic && at.partition === partition)?.offset;
      await replay.partition(topic, partition, known);
    }
    return replay;
  } finally {
    await producer.close().catch(() => undefined);
  }
};

const topicOrThrow = async (log: Log, topic: string): Promise<TopicDescription> => {
  const found = await log.describeTopic(topic);
  if (found !== undefined) return found;
  throw new UserError('TOPIC_UNKNOWN', `there is no topic "${topic}"`, { hint: 'Create the topic first.' });
};

const fetchBytes = 1 << 20;

class Replay implements Replayed {
  replayed = 0;
  skipped = 0;
  readonly #log: Log;
  readonly #producer: Producer;
  readonly #group: string;
  readonly #to: ReplayOptions['to'];
  readonly #targets = new Map<string, TopicDescription>();
  #roundRobin = 0;

  constructor(log: Log, producer: Producer, group: string, to: ReplayOptions['to']) {
    this.#log = log;
    this.#producer = producer;
    this.#group = group;
    this.#to = to;
  }

  /** One transaction for each chunk that is read. */
  async partition(topic: string, partition: number, from: number | undefined): Promise<void> {
    const { start, stable } = await this.#log.offsets({ topic, partition });
    let at = Math.max(start, from ?? start);
    const reader = this.#log.reader();
    const columns = new RecordColumns();
    try {
      while (at < stable) {
        const request = { topic, partition, offset: at, isolation: { kind: 'committed' } } as const;
        const fetched = await reader.fetch([request], { maxBytesPerPartition: fetchBytes, maxWaitMs: 100 });
        for (const chunk of chunksOrThrow(fetched)) {
          const unreadable = decodeChunk(chunk, columns, at);
          if (unreadable !== undefined) throw unreadable;
          const records = Array.from({ length: columns.count }, (_, row) => columns.record(row)).filter(
            ({ offset }) => offset < stable,
          );
          at = Math.min(chunk.nextOffset, stable);
          chunk.release();
          await this.#transaction(records, { topic, partition, offset: at });
        }
      }
    } finally {
      reader.close();
    }
  }

  async #transaction(
    records: readonly ReturnType<RecordColumns['record']>[],
    position: { readonly topic: string; readonly partition: number; readonly offset: number },
  ): Promise<void> {
    const producer = this.#producer;
    let failure: { readonly error: unknown } | undefined;
    let { offset } = position;
    let [replayed, skipped] = [0, 0];
    producer.begin();
    try {
      const batches = new Batches(producer);
      for (const record of records) {
        const letter = deadLetterOf(record);
        const to = letter && (typeof this.#to === 'function' ? this.#to(letter) : (this.#to ?? letter.topic));
        if (letter === undefined || to === undefined) {
          skipped++;
          continue;
        }
        try {
          batches.add(await this.#target(to), this.#partitionOf(letter, await this.#target(to)), letter);
          replayed++;
        } catch (error) {
          // Those before it are replayed.
          failure = { error };
          ({ offset } = record);
          break;
        }
      }
      await batches.done();
      await producer.sendOffsets(this.#group, [{ ...position, offset }]);
      await producer.commit();
    } catch (error) {
      const outcome = await producer.abort();
      if (outcome !== 'committed') throw error;
    }
    this.replayed += replayed;
    this.skipped += skipped;
    if (failure !== undefined) throw failure.error;
  }

  async #target(topic: string): Promise<TopicDescription> {
    const known = this.#targets.get(topic) ?? (await topicOrThrow(this.#log, topic));
    this.#targets.set(topic, known);
    return known;
  }

  #partitionOf({ topic, partition, key }: DeadLetter, { name, partitions }: TopicDescription): number {
    if (name === topic && partition !== undefined && partition < partitions) return partition;
    return key === null ? this.#roundRobin++ % partitions : partitionOfKey(key, 0, key.length, partitions);
  }
}

/** The batches of one transaction. */
class Batches {
  readonly #producer: Producer;
  readonly #open = new Map<string, { readonly topic: string; readonly partition: number; builder: BatchBuilder }>();
  readonly #appended: Promise<unknown>[] = [];

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  add({ name: topic, configs }: TopicDescription, partition: number, letter: DeadLetter): void {
    const { key, value, timestamp } = letter;
    const headers = letter.headers.length === 0 ? noBytes : encodeHeaders(letter.headers);
    const at = `${topic}/${partition}`;
    const batch = this.#open.get(at) ?? { topic, partition, builder: new BatchBuilder() };
    this.#open.set(at, batch);
    const { builder } = batch;
    const size = builder.sizeWith(key?.length ?? 0, value?.length ?? 0, headers.length);
    if (builder.count > 0 && size > Math.min(batchTargetBytes, batchLimitOf(configs))) this.#append(batch);
    builder.append(
      key ?? noBytes,
      key === null ? -1 : 0,
      key?.length ?? 0,
      value ?? noBytes,
      value === null ? -1 : 0,
      value?.length ?? 0,
      timestamp,
      headers,
      headers.length === 0 ? 0 : 1,
    );
  }

  #append({
    topic,
    partition,
    builder,
  }: {
    readonly topic: string;
    readonly partition: number;
    readonly builder: BatchBuilder;
  }): void {
    const appended = this.#producer.append({ topic, partition }, builder.finish(), 'append');
    appended.catch(() => undefined);
    this.#appended.push(appended);
  }

  async done(): Promise<void> {
    for (const batch of this.#open.values()) if (batch.builder.count > 0) this.#append(batch);
    await Promise.all(this.#appended);
  }
}
