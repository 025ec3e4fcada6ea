/**
 * Repartition: out through an internal topic and in again, so that records with equal keys meet in one task.
 *
 * `repartitionSink` writes, `repartitionSource` reads; the topology joins them (`Topology.addRepartition`). State:
 * none. A record without a key is dropped before the topic (`null-key`) unless `nullKeys` is `keep`, for a left join
 * or a plain re-keying; it then goes to the partitions in round robin. Headers and timestamps pass through.
 */

import type { OperatorSupplier } from '../operator.ts';
import { repartitionTopic } from '../topology-nodes.ts';
import { RecordWriter, type WrittenFields } from './record-writer.ts';
import { source } from './source.ts';

export interface RepartitionFields<V> extends WrittenFields<V> {
  /** The repartition's name, as the topology has it. */
  readonly name: string;
  readonly nullKeys?: 'drop' | 'keep';
}

export const repartitionSink =
  <V>(fields: RepartitionFields<V>): OperatorSupplier<V, never> =>
  (context) => {
    const writer = new RecordWriter(fields, context.output(repartitionTopic(fields.name)), context);
    const keepsNullKeys = fields.nullKeys === 'keep';
    return {
      process(record) {
        if (record.keyStart < 0 && !keepsNullKeys) {
          context.drop('null-key', record, 'the record has no key to be grouped or joined by');
          return;
        }
        writer.write(record);
      },
      flush: () => writer.flush(),
      rollback: () => writer.rollback(),
    };
  };

/** An internal topic is read like any other. */
export const repartitionSource = source;
