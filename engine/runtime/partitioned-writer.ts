/**
 * Builds the batches of one output topic: one builder per partition, handed over as they fill and at each flush.
 *
 * It also writes what is known of the origins of the records (`../origin-time.ts`): a header before a record's
 * own, on the first record of each batch and on those that are not in order. The topic is written so where several
 * tasks write it, or where what they write came so.
 */

import { assert, type BufferPool, ByteWriter } from '../../base/index.ts';
import { BatchBuilder, forEachHeader } from '../../storage/index.ts';
import type { TopicWriter } from '../operator.ts';
import { OriginHeaders, type RecordOrigin } from '../origin-time.ts';

/** Batches leave when they reach this size. */
export const batchTargetBytes = 128 * 1024;

/** Takes finished batches. The bytes belong to the taker; they come from the task's buffer pool where it has one. */
export interface Outbox {
  batch(topic: string, partition: number, bytes: Uint8Array): void;
}

/** What a task must know of a topic that it writes. */
export interface OutputTopic {
  readonly partitions: number;
  /** Largest batch that the topic takes. */
  readonly maxBatchBytes: number;
}

export interface WriterOptions {
  readonly topic: string;
  readonly output: OutputTopic;
  readonly outbox: Outbox;
  /** Where batches are built; without it each batch gets a buffer of its own. */
  readonly buffers: BufferPool | undefined;
  /** What is known of the records' origins; undefined: nothing is written of them (changelogs). */
  readonly origins?: WriterOrigins | undefined;
}

export interface WriterOrigins {
  /** The origin of the record in hand. */
  readonly current: RecordOrigin;
  /** Tasks of the sub-topology. With one of them records without an origin time are written without. */
  readonly tasks: number;
  /** Its records' timestamps are not those of what they were made of. */
  readonly ownTime: boolean;
  readonly repartition: boolean;
}

export class PartitionedWriter implements TopicWriter {
  readonly topic: string;
  readonly partitions: number;
  /** Appended since the last commit, and in those before it. */
  records = 0;
  committedRecords = 0;
  readonly #outbox: Outbox;
  readonly #buffers: BufferPool | undefined;
  readonly #target: number;
  readonly #limit: number;
  readonly #builders: (BatchBuilder | undefined)[];
  readonly #origins: WriterOrigins | undefined;
  readonly #headers = new OriginHeaders(new ByteWriter(64));
  /** By partition: 1 where the batch begun has origin times. */
  readonly #carries: Uint8Array;
  /** The low watermark that batches name. */
  low = Number.NEGATIVE_INFINITY;
  /** The largest timestamp written that counts as this task's own order, and that of the last commit. */
  #latest = Number.NEGATIVE_INFINITY;
  #committedLatest = Number.NEGATIVE_INFINITY;

  constructor({ topic, output, outbox, buffers, origins }: WriterOptions) {
    const { partitions, maxBatchBytes } = output;
    this.topic = topic;
    this.partitions = partitions;
    this.#outbox = outbox;
    this.#buffers = buffers;
    this.#limit = maxBatchBytes;
    this.#target = Math.min(batchTargetBytes, maxBatchBytes);
    this.#builders = Array.from({ length: partitions }, () => undefined);
    this.#carries = new Uint8Array(partitions);
    this.#origins = origins;
  }

  append(
    partition: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    timestamp: number,
    headers: Uint8Array = noBytes,
    headersAt = 0,
    view?: DataView,
  ): boolean {
    const builder = this.#builders[partition] ?? this.#open(partition);
    const origins = this.#origins;
    const carries = origins !== undefined && (origins.tasks > 1 || origins.current.carried) ? 1 : 0;
    if (builder.count > 0 && carries !== this.#carries[partition]) this.#hand(partition, builder);

    let headerBytes = headersAt === 0 ? 0 : headerLength(headers, headersAt);
    if (carries === 1) headerBytes += this.#headers.bytes;
    if (builder.count > 0 && builder.sizeWith(keyEnd - keyStart, valueEnd - valueStart, headerBytes) > this.#target) {
      this.#hand(partition, builder);
    }
    const first = builder.count === 0;
    if (first && builder.sizeWith(keyEnd - keyStart, valueEnd - valueStart, headerBytes) > this.#limit) return false;
    const time = origins === undefined ? timestamp : this.#originTime(origins, timestamp);
    if (carries === 1) {
      this.#carries[partition] = 1;
      if (first || time > timestamp) {
        headers = first
          ? this.#headers.first(time, this.low, headers, headersAt)
          : this.#headers.other(time, headers, headersAt);
        headersAt = 1;
      }
    } else if (first) this.#carries[partition] = 0;
    builder.append(key, keyStart, keyEnd, value, valueStart, valueEnd, timestamp, headers, headersAt, view);
    this.records++;
    return true;
  }

  /** An origin time that was carried along is passed on. A record without one is the next in this task's own order. */
  #originTime({ current, ownTime }: WriterOrigins, timestamp: number): number {
    if (current.carried && !ownTime) return Math.max(timestamp, current.time);
    if (timestamp > this.#latest) this.#latest = timestamp;
    // On a timeline of its own nothing is known of the order of records whose origins are mixed: none of them is late.
    return current.carried ? timestamp : this.#latest;
  }

  #open(partition: number): BatchBuilder {
    assert(partition >= 0 && partition < this.partitions, `${this.topic} has no partition ${partition}`);
    const builder = new BatchBuilder(this.#buffers === undefined ? {} : { pool: this.#buffers });
    this.#builders[partition] = builder;
    return builder;
  }

  #hand(partition: number, builder: BatchBuilder): void {
    this.#outbox.batch(this.topic, partition, builder.finish());
  }

  get repartition(): boolean {
    return this.#origins?.repartition === true;
  }

  get ownTime(): boolean {
    return this.#origins?.ownTime === true;
  }

  get latest(): number {
    return this.#latest;
  }

  /** Continues from the largest timestamp that a former run of the task has written. */
  start(latest: number): void {
    this.#latest = latest;
    this.#committedLatest = latest;
  }

  commit(): void {
    this.committedRecords += this.records;
    this.records = 0;
    this.#committedLatest = this.#latest;
  }

  handOver(): void {
    for (let partition = 0; partition < this.partitions; partition++) {
      const builder = this.#builders[partition];
      if (builder !== undefined && builder.count > 0) this.#hand(partition, builder);
    }
  }

  discard(): void {
    this.records = 0;
    this.#latest = this.#committedLatest;
    for (const builder of this.#builders) builder?.reset();
  }
}

const noBytes = new Uint8Array(0);

const headerLength = (headers: Uint8Array, headersAt: number): number =>
  forEachHeader(headers, headersAt, headers.length, undefined) - headersAt;
