/**
 * Appends records to one output topic: the value by a serde, the key's bytes as they are or in another form, each to
 * the partition of its key, or to those that a partitioner picks.
 *
 * A value that cannot be written, or a record that is larger than the topic takes, is dropped (`serialization`).
 */

import { type ByteWriter, partitionOfKey } from '../../base/index.ts';
import { ProcessorMisuse } from '../misuse.ts';
import type { OperatorContext, TopicWriter } from '../operator.ts';
import { bytesOfValue, type StreamRecord } from '../record.ts';
import { type Serde, SerdeError } from '../serde.ts';
import type { KeyWriter } from './functions.ts';

/** Picks the partition of a record, or several; none of them: the record is not written. `undefined` leaves it to the
 *  default: murmur2 of the key's own bytes, in round robin without a key. */
export type Partitioner<V> = (record: StreamRecord<V>, partitions: number) => number | readonly number[] | undefined;

export interface WrittenFields<V> {
  readonly value: Pick<Serde<V>, 'write'>;
  /** Writes the key in another form; left out: its bytes as they are. The default partition is that of these bytes. */
  readonly key?: KeyWriter<V>;
  /** Bytes of a window behind the key's own: 8 for time windows, 16 for sessions. Default 0. */
  readonly windowBytes?: number;
  readonly partitioner?: Partitioner<V>;
}

const nothing: Uint8Array = new Uint8Array(0);

export class RecordWriter<V> {
  readonly #fields: WrittenFields<V>;
  readonly #writer: TopicWriter;
  readonly #context: OperatorContext;
  readonly #value: ByteWriter;
  readonly #key: ByteWriter | undefined;
  readonly #roundRobin: RoundRobin;

  constructor(fields: WrittenFields<V>, writer: TopicWriter, context: OperatorContext) {
    this.#fields = fields;
    this.#writer = writer;
    this.#context = context;
    this.#value = context.scratch();
    this.#key = fields.key && context.scratch();
    this.#roundRobin = new RoundRobin(writer.partitions);
  }

  /** Appends one record, or reports why it could not. */
  write(record: StreamRecord<V>): void {
    const { value, key, windowBytes = 0, partitioner } = this.#fields;
    const out = this.#value;
    let { keyBytes, keyStart, keyEnd } = record;
    let valueBytes = nothing;
    let valueStart = -1;
    let valueEnd = -1;
    out.reset();
    try {
      if (record.value !== null) {
        const read = bytesOfValue(record, record.value, value);
        if (read === undefined) {
          value.write(record.value, out);
          valueBytes = out.buffer;
          valueStart = 0;
          valueEnd = out.length;
        } else {
          valueBytes = read.bytes;
          valueStart = read.start;
          valueEnd = read.end;
        }
      }
      if (key !== undefined && this.#key !== undefined && keyStart >= 0) {
        this.#key.reset();
        keyStart = key(record, this.#key, this.#context) ? 0 : -1;
        keyBytes = this.#key.buffer;
        keyEnd = this.#key.length;
      }
    } catch (error) {
      if (!(error instanceof SerdeError)) throw error;
      this.#context.drop('serialization', record, error.message);
      return;
    }
    const { partitions } = this.#writer;
    const picked = partitioner?.(record, partitions);
    if (picked === undefined) {
      let partition = 0;
      if (keyStart < 0) partition = this.#roundRobin.next();
      else if (partitions > 1) partition = partitionOfKey(keyBytes, keyStart, keyEnd - windowBytes, partitions);
      this.#append(record, partition, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd);
    } else if (typeof picked === 'number') {
      this.#check(picked);
      this.#append(record, picked, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd);
    } else {
      for (const each of picked) this.#check(each);
      for (const each of new Set(picked))
        this.#append(record, each, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd);
    }
  }

  #check(partition: number): void {
    const { topic, partitions } = this.#writer;
    if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return;
    throw new ProcessorMisuse(
      'PROCESSING_PARTITION_INVALID',
      `the partitioner picked the partition ${partition} of ${topic}, which has ${partitions}`,
    );
  }

  #append(
    record: StreamRecord<V>,
    partition: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const { timestamp, headerBytes, headersAt } = record;
    const writer = this.#writer;
    if (
      writer.append(
        partition,
        keyBytes,
        keyStart,
        keyEnd,
        valueBytes,
        valueStart,
        valueEnd,
        timestamp,
        headerBytes,
        headersAt,
      )
    )
      return;
    this.#context.drop(
      'serialization',
      record,
      `the record is too large for the topic ${writer.topic}: its value takes ${valueEnd - valueStart} bytes`,
    );
  }

  flush(): void {
    this.#roundRobin.mark();
  }

  rollback(): void {
    this.#roundRobin.rollback();
  }
}

/** Partitions in round robin, for records without a key. A rollback takes it back to the last flush. */
class RoundRobin {
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
