/**
 * Sink: appends records to a topic. `key` bytes as they are, the value by a serde, timestamp and headers of the record.
 *
 * Partition: murmur2 of the key's bytes, as Kafka's clients pick it; of a windowed key only the key's own bytes, so
 * that all windows of a key lie together. Records without a key go round the partitions in turn. State: none but that
 * turn, which is no more than a spread. A null value is written as a tombstone. A value that cannot be written, or is
 * larger than the topic takes, drops the record (`serialization`).
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
    const turn = new Turn(writer.partitions);
    return {
      process(record) {
        writeRecord(record, fields, writer, out, turn, context);
      },
      flush() {
        turn.keep();
      },
      rollback() {
        turn.goBack();
      },
    };
  };

/** Partitions in turn, for records without a key. Starts again where the transaction began when that is rolled back. */
export class Turn {
  readonly #partitions: number;
  #next = 0;
  #kept = 0;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  next(): number {
    const partition = this.#next;
    this.#next = partition + 1 === this.#partitions ? 0 : partition + 1;
    return partition;
  }

  keep(): void {
    this.#kept = this.#next;
  }

  goBack(): void {
    this.#next = this.#kept;
  }
}

const nothing = new Uint8Array(0);

/** Appends one record, or reports why it could not. */
export const writeRecord = <V>(
  record: StreamRecord<V>,
  { value, windowBytes = 0, partitioner }: Omit<SinkFields<V>, 'topic'>,
  writer: TopicWriter,
  out: ByteWriter,
  turn: Turn,
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
    if (keyStart < 0) partition = turn.next();
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
