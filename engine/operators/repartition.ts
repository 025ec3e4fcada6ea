/**
 * Repartition: out through an internal topic and in again, so that records with equal keys meet in one task.
 *
 * `repartitionSink` writes, `repartitionSource` reads; the topology joins them (`Topology.addRepartition`). State:
 * none. A record without a key is dropped before the topic (`null-key`) unless `nullKeys` says `keep`, for a left join
 * or a plain re-keying; it then goes to the partitions in round robin. Headers and timestamps pass through.
 */

import type { ProcessorSupplier } from '../processor.ts';
import { repartitionTopic } from '../topology-nodes.ts';
import { RoundRobin, type SinkFields, writeRecord } from './sink.ts';
import { source } from './source.ts';

export interface RepartitionFields<V> extends Omit<SinkFields<V>, 'topic'> {
  /** The repartition's name, as the topology has it. */
  readonly name: string;
  readonly nullKeys?: 'drop' | 'keep';
}

export const repartitionSink =
  <V>(fields: RepartitionFields<V>): ProcessorSupplier<V, never> =>
  (context) => {
    const writer = context.output(repartitionTopic(fields.name));
    const out = context.scratch();
    const roundRobin = new RoundRobin(writer.partitions);
    const keepsNullKeys = fields.nullKeys === 'keep';
    return {
      process(record) {
        if (record.keyStart < 0 && !keepsNullKeys) {
          context.drop('null-key', record, 'the record has no key to be grouped or joined by');
          return;
        }
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

/** An internal topic is read like any other. */
export const repartitionSource = source;
