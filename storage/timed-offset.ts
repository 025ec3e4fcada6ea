/** Finding a record by its timestamp within a batch. */

import { assert, itemAt } from '../base/index.ts';
import type { TimedOffset } from './log.ts';
import { maxTimestampOf } from './record-batch.ts';
import { decodeBatch, RecordColumns } from './record-columns.ts';

/** The first record of the batch at `position`, at or behind offset `from`, whose timestamp is at least `timestamp`. */
export const firstAtOrAfter = (
  bytes: Uint8Array,
  position: number,
  timestamp: number,
  from: number,
): TimedOffset | undefined => {
  if (maxTimestampOf(bytes, position) < timestamp) return undefined;
  const columns = new RecordColumns(64);
  columns.reset(bytes);
  assert(decodeBatch(bytes, position, columns, from) > 0, 'a batch whose checksum is right decodes');
  for (let row = 0; row < columns.count; row++) {
    const found = itemAt(columns.timestamp, row);
    if (found >= timestamp) return { offset: itemAt(columns.offset, row), timestamp: found };
  }
  return undefined;
};
