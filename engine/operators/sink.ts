/**
 * Sink: appends records to a topic. `key` bytes as they are, the value by a serde, timestamp and headers of the record.
 *
 * Partition: murmur2 of the key's bytes, as Kafka's clients pick it; of a windowed key only the key's own bytes, so
 * that all windows of a key lie together. Records without a key go to the partitions in round robin. State: none but
 * that. A null value is written as a tombstone. A value that cannot be written, or is larger than the topic takes, drops
 * the record (`serialization`).
 */

import { type ByteWriter, partitionOfKey } from '../../base/index.ts';
import type { ProcessorContext, ProcessorSupplier, TopicWriter } from '../processor.ts';
import type { StreamRecord } from '../record.ts';
import { type Serde, SerdeError } from '../serde.ts';

/** Picks the partition of a record; `undefined` leaves it to the default. */
export type Partitioner<V> = (record: StreamRecord<V>, partitions: number) => number | undefined;

export interface SinkFields<V> {
  readonly topic: string;
  readonly value: Pick<Serde<V>, 'write'>;
  /** Bytes of a window behind the key's own: 8 for time windows, 16 for sessions. Default 0. */
  readonly windowBytes?: number;
  readonly partitioner?: Partitioner<V>;
}

export const sink =
  <V>(fields: SinkFields<V>): ProcessorSupplier<V, never> =>
  (context) => {
    const writer = context.output(fields.topic);
    const out = context.scratch();
    const roundRobin = new RoundRobin(writer.partitions);
    return {
      process(record) {
        writeRecord(record, fields, writer, out, roundRobin, context);
      },
      flush() {
        roundRobin.mark();
      },
      rollback() {
        roundRobin.rollback();
      },
    };
  };

/** Partitions in round robin, for records without a key. A rollback takes it back to the last flush. */
export class RoundRobin {
  readonly #partitions: number;
  #next = 0;
  #marked = 0;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  next(): number {
    const partition = this.#next;
    this.#next = partition + 1 === this.#partitions ? 0 : partition + 1;
    return partition;
  }

  mark(): void {
    this.#marked = this.#next;
  }

  rollback(): void {
    this.#next = this.#marked;
  }
}

const nothing = new Uint8Array(0);

/** Appends one record, or reports why it could not. */
export const writeRecord = <V>(
  record: StreamRecord<V>,
  { value, windowBytes = 0, partitioner }: Omit<SinkFields<V>, 'topic'>,
  writer: TopicWriter,
  out: ByteWriter,
  roundRobin: RoundRobin,
  context: ProcessorContext,
): void => {
  const { keyBytes, keyStart, keyEnd } = record;
  let valueStart = -1;
  out.reset();
  if (record.value !== null) {
    try {
      value.write(record.value, out);
    } catch (error) {
      if (!(error instanceof SerdeError)) throw error;
      context.drop('serialization', record, error.message);
      return;
    }
    valueStart = 0;
  }
  const { partitions } = writer;
  let partition = partitioner?.(record, partitions);
  if (partition === undefined) {
    if (keyStart < 0) partition = roundRobin.next();
    else partition = partitions === 1 ? 0 : partitionOfKey(keyBytes, keyStart, keyEnd - windowBytes, partitions);
  }
  const valueBytes = valueStart < 0 ? nothing : out.buffer;
  const { timestamp, headerBytes, headersAt } = record;
  if (
    writer.append(
      partition,
      keyBytes,
      keyStart,
      keyEnd,
      valueBytes,
      valueStart,
      out.length,
      timestamp,
      headerBytes,
      headersAt,
    )
  )
    return;
  context.drop(
    'serialization',
    record,
    `the record is too large for the topic ${writer.topic}: its value takes ${out.length} bytes`,
  );
};
