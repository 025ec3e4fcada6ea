/**
 * Builds the batches of one output topic: one builder per partition, handed over as they fill and at each flush.
 *
 * The first record of each batch of a repartition topic carries the writer's name (`../writers.ts`), before its own headers.
 */

import { assert, type BufferPool, ByteWriter } from '../../base/index.ts';
import { BatchBuilder, forEachHeader } from '../../storage/index.ts';
import type { TopicWriter } from '../processor.ts';
import { withWriter } from '../writers.ts';

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
  /** Headers that the first record of each batch gets. */
  readonly firstHeaders?: Uint8Array | undefined;
}

export class PartitionedWriter implements TopicWriter {
  readonly topic: string;
  readonly partitions: number;
  /** Appended since the last commit. */
  records = 0;
  readonly #outbox: Outbox;
  readonly #buffers: BufferPool | undefined;
  readonly #target: number;
  readonly #limit: number;
  readonly #builders: (BatchBuilder | undefined)[];
  /** Headers that the first record of each batch gets: a repartition's writer. */
  readonly #firstHeaders: Uint8Array | undefined;
  readonly #headerScratch = new ByteWriter(64);

  constructor({ topic, output, outbox, buffers, firstHeaders }: WriterOptions) {
    const { partitions, maxBatchBytes } = output;
    this.topic = topic;
    this.partitions = partitions;
    this.#outbox = outbox;
    this.#buffers = buffers;
    this.#limit = maxBatchBytes;
    this.#target = Math.min(batchTargetBytes, maxBatchBytes);
    this.#builders = Array.from({ length: partitions }, () => undefined);
    this.#firstHeaders = firstHeaders;
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
  ): boolean {
    const builder = this.#builders[partition] ?? this.#open(partition);

    const headerBytes = headersAt === 0 ? 0 : headerLength(headers, headersAt);
    if (builder.count > 0 && builder.sizeWith(keyEnd - keyStart, valueEnd - valueStart, headerBytes) > this.#target) {
      this.#hand(partition, builder);
    }
    if (builder.count === 0) {
      const own = this.#firstHeaders === undefined ? 0 : this.#firstHeaders.length;
      if (builder.sizeWith(keyEnd - keyStart, valueEnd - valueStart, headerBytes + own) > this.#limit) return false;
      if (this.#firstHeaders !== undefined) {
        if (headersAt === 0) headers = this.#firstHeaders;
        else {
          withWriter(this.#firstHeaders, headers, headersAt, this.#headerScratch);
          headers = this.#headerScratch.bytesView();
        }
        headersAt = 1;
      }
    }
    builder.append(key, keyStart, keyEnd, value, valueStart, valueEnd, timestamp, headers, headersAt);
    this.records++;
    return true;
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
    return this.#firstHeaders !== undefined;
  }

  handOver(): void {
    for (let partition = 0; partition < this.partitions; partition++) {
      const builder = this.#builders[partition];
      if (builder !== undefined && builder.count > 0) this.#hand(partition, builder);
    }
  }

  discard(): void {
    this.records = 0;
    for (const builder of this.#builders) builder?.reset();
  }
}

const noBytes = new Uint8Array(0);

const headerLength = (headers: Uint8Array, headersAt: number): number =>
  forEachHeader(headers, headersAt, headers.length, undefined) - headersAt;
