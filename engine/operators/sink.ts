/**
 * Sink: appends records to a topic. `key` bytes as they are, the value by a serde, timestamp and headers of the record.
 *
 * Partition: murmur2 of the key's bytes, as Kafka's clients pick it; of a windowed key only the key's own bytes, so
 * that all windows of a key lie together. Records without a key go to the partitions in round robin. A partitioner may
 * pick others: one, several, or none. State: none but the round robin. A null value is written as a tombstone. A value
 * that cannot be written, or is larger than the topic takes, drops the record (`serialization`).
 */

import type { OperatorSupplier } from '../operator.ts';
import { RecordWriter, type WrittenFields } from './record-writer.ts';

export interface SinkFields<V> extends WrittenFields<V> {
  readonly topic: string;
}

export const sink =
  <V>(fields: SinkFields<V>): OperatorSupplier<V, never> =>
  (context) => {
    const writer = new RecordWriter(fields, context.output(fields.topic), context);
    return {
      process: (record) => writer.write(record),
      flush: () => writer.flush(),
      rollback: () => writer.rollback(),
    };
  };
