/**
 * Repartition: out through an internal topic and in again, so that records with equal keys meet in one task.
 *
 * `repartitionSink` writes, `repartitionSource` reads; the topology joins them (`Topology.addRepartition`). State: none. A record without a key
 * is dropped before the topic (`null-key`) unless `nullKeys` says `keep`, for a left join or a plain re-keying; it then goes to the partitions in turn. Headers
 * and timestamps pass through; the header that names the writer of a batch (`../writers.ts`) is taken off on the way in.
 */

import { ByteWriter } from '../../base/index.ts';
import type { ProcessorSupplier, SourceProcessor, SourceSupplier } from '../processor.ts';
import { StreamRecord } from '../record.ts';
import { repartitionTopic } from '../topology.ts';
import { takeHeaders } from '../writers.ts';
import { type SinkFields, Turn, writeRecord } from './sink.ts';
import { readRecord, type SourceFields } from './source.ts';

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
    const turn = new Turn(writer.partitions);
    const keepsNullKeys = fields.nullKeys === 'keep';
    return {
      process(record) {
        if (record.keyStart < 0 && !keepsNullKeys) {
          context.drop('null-key', record, 'the record has no key to be grouped or joined by');
          return;
        }
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

export const repartitionSource =
  <V>(fields: SourceFields<V>): SourceSupplier<V> =>
  (context, forward): SourceProcessor => {
    const record = new StreamRecord<V>();
    const headers = new ByteWriter(64);
    return {
      run(block, from, to) {
        const { columns } = block;
        record.partition = block.partition;
        for (let row = from; row < to; row++) {
          const headersAt = columns.headersAt[row] as number;
          if (headersAt === 0) record.headersAt = 0;
          else takeHeaders(record, columns.bytes, headersAt, headers);
          if (readRecord(record, columns, row, fields, context)) forward(record);
        }
      },
    };
  };
