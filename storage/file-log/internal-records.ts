/**
 * The records of the log's own partitions: key and value are JSON, the key a list. What comes back from the disk is
 * checked field by field; a record that does not fit keeps the log from opening, with an error that names directory,
 * offset and field.
 */

import { assert, isCount, JsonFault, parseJson, UserError, utf8Bytes, utf8Text } from '../../base/index.ts';
import { encodeBatch, type PlainRecord } from '../batch-builder.ts';
import { stampBatch } from '../record-batch.ts';
import { decodeBatch, RecordColumns } from '../record-columns.ts';
import type { FilePartition } from './partition.ts';

export interface InternalRecord {
  readonly key: readonly unknown[];
  readonly value: unknown;
  /** Epoch milliseconds. */
  readonly timestamp: number;
}

/** Whose transaction a record is part of. */
export interface RecordProducer {
  readonly producerId: number;
  readonly epoch: number;
}

/** A record as it is written; without `timestampMs` it gets the time of writing. */
export const internalRecord = (key: readonly unknown[], value: unknown, timestampMs?: number): PlainRecord => ({
  key: utf8Bytes(JSON.stringify(key)),
  value: utf8Bytes(JSON.stringify(value)),
  ...(timestampMs !== undefined && { timestamp: timestampMs }),
});

/** Appends records as one batch, into the open transaction of a producer or for good. */
export const appendRecords = (
  partition: FilePartition,
  records: readonly PlainRecord[],
  nowMs: number,
  producer?: RecordProducer,
): void => {
  assert(records.length > 0, 'a batch holds at least one record');
  partition.checkWritable();
  const batch = encodeBatch(records.map((record) => ({ timestamp: nowMs, ...record })));
  stampBatch(batch, {
    baseOffset: partition.state.end,
    producerId: producer?.producerId ?? -1,
    epoch: producer?.epoch ?? -1,
    baseSequence: -1,
    transactional: producer !== undefined,
  });
  partition.append(batch);
};

/** Visits the records of a batch whose checksum is right. A `JsonFault`, of the text or thrown by `visit`, becomes an
 *  error for the user. */
export const readRecords = (
  { directory }: FilePartition,
  bytes: Uint8Array,
  at: number,
  visit: (record: InternalRecord) => void,
): void => {
  const columns = new RecordColumns(16);
  columns.reset(bytes);
  assert(decodeBatch(bytes, at, columns, 0) > 0, 'a batch whose checksum is right decodes');
  for (let i = 0; i < columns.count; i++) {
    const { key, value, timestamp, offset } = columns.record(i);
    try {
      const parts = key === null ? undefined : parseJson(utf8Text(key));
      if (!Array.isArray(parts)) throw new JsonFault('its key must be a list');
      visit({ key: parts, value: value === null ? null : parseJson(utf8Text(value)), timestamp });
    } catch (cause) {
      if (!(cause instanceof JsonFault)) throw cause;
      throw new UserError(
        'DATA_DIR_UNREADABLE',
        `the record at offset ${offset} of ${directory} cannot be read: ${cause.message}`,
        { hint: 'Restore the data directory from a backup, or use the version of Millrace that wrote it.', cause },
      );
    }
  }
};

/** The text at a position of a key. */
export const keyText = (key: readonly unknown[], index: number): string => {
  const part = key[index];
  if (typeof part !== 'string') throw new JsonFault(`part ${index + 1} of its key must be a text`);
  return part;
};

/** The whole number at a position of a key. */
export const keyCount = (key: readonly unknown[], index: number): number => {
  const part = key[index];
  if (!isCount(part)) throw new JsonFault(`part ${index + 1} of its key must be a whole number of at least 0`);
  return part;
};
