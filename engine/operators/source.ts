/**
 * Source: the records of a topic, values (and keys, to see that they are sound) read by serdes.
 *
 * State: none. Nulls: a null key or value passes as it is. A key or value that its serde cannot read drops the record
 * (`deserialization`), and so does a negative timestamp (`invalid-timestamp`). The key is forwarded as the bytes in
 * the batch.
 */

import type { ProcessorContext, SourceProcessor, SourceSupplier } from '../processor.ts';
import { StreamRecord } from '../record.ts';
import { type Serde, SerdeError } from '../serde.ts';

export interface SourceFields<V> {
  readonly value: Pick<Serde<V>, 'read'>;
  /** When given, a key that it cannot read drops the record. */
  readonly key?: Pick<Serde<unknown>, 'read'>;
}

export const source =
  <V>(fields: SourceFields<V>): SourceSupplier<V> =>
  (context, forward): SourceProcessor => {
    const record = new StreamRecord<V>();
    return {
      run(block, from, to) {
        const { columns, carriesTimes } = block;
        record.partition = block.partition;
        record.headerBytes = columns.bytes;
        for (let row = from; row < to; row++) {
          const headersAt = columns.headersAt[row] as number;
          if (carriesTimes) context.takeHeaders(record, columns.bytes, headersAt);
          else record.headersAt = headersAt;
          if (readRecord(record, columns, row, fields, context)) forward(record);
        }
      },
    };
  };

type Columns = Parameters<SourceProcessor['run']>[0]['columns'];

/** Fills key, value, time and offset from a row; false: it was dropped. Partition and headers are the caller's. */
const readRecord = <V>(
  record: StreamRecord<V>,
  columns: Columns,
  row: number,
  { key, value }: SourceFields<V>,
  context: ProcessorContext,
): boolean => {
  const { bytes } = columns;
  const keyStart = columns.keyStart[row] as number;
  const valueStart = columns.valueStart[row] as number;
  record.keyBytes = bytes;
  record.keyStart = keyStart;
  record.keyEnd = columns.keyEnd[row] as number;
  record.timestamp = columns.timestamp[row] as number;
  record.offset = columns.offset[row] as number;
  record.index = row;
  record.value = null;
  if (record.timestamp < 0) {
    context.drop('invalid-timestamp', record, `the timestamp ${record.timestamp} is negative`);
    return false;
  }
  try {
    if (key !== undefined && keyStart >= 0) key.read(bytes, keyStart, record.keyEnd);
    if (valueStart >= 0) record.value = value.read(bytes, valueStart, columns.valueEnd[row] as number);
    return true;
  } catch (error) {
    if (!(error instanceof SerdeError)) throw error;
    context.drop('deserialization', record, error.message);
    return false;
  }
};
