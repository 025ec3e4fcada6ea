/** The event time of a scanned record where it is a column of the source: from the column's vector, or from the key. */

import type { Block } from '../../engine/index.ts';
import { SerdeError } from '../../engine/index.ts';
import { scanned } from '../formats/format.ts';
import type { WriterSchemas } from '../formats/writer-schemas.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Row, Value } from '../types/value.ts';
import { keyReader, windowBytesOf } from './keys.ts';
import type { RecordColumns, ScanView } from './scan-view.ts';
import type { TimestampReader } from './timestamps.ts';

export type TimeValue = (columns: RecordColumns, vectors: readonly Value[][], row: number) => Value;

/** The value of the timestamp column: from its vector, or from the key, where NULL also stands for a key that cannot be
 *  read. */
export const timeValue = (
  { from, slot }: TimestampReader,
  { schema, keyFormat }: SourceStep,
  schemas: WriterSchemas | undefined,
): TimeValue => {
  if (from === 'value') return (_columns, vectors, row) => (vectors[slot] as Value[])[row] as Value;
  const reader = keyReader(schema.key, keyFormat, schemas);
  const key: Row = new Array<Value>(schema.key.length).fill(null);
  const windowBytes = windowBytesOf(schema.windowed);
  return ({ bytes, keyStart, keyEnd }, _vectors, row) => {
    const start = keyStart[row] as number;
    const end = (keyEnd[row] as number) - windowBytes;
    if (start < 0 || end < start) return null;
    try {
      return reader.read(bytes, start, end, key) ? (key[slot] as Value) : null;
    } catch (error) {
      if (!(error instanceof SerdeError)) throw error;
      return null;
    }
  };
};

/** For the choice between inputs: a record that will be dropped for its time counts with the record's own. */
export const timeOf = (block: Block, row: number, view: ScanView, time: TimestampReader, timeAt: TimeValue): number => {
  const recorded = block.columns.timestamp[row] as number;
  if ((block.columns.valueStart[row] as number) < 0) return recorded;
  if (time.from === 'value' && view.passOf(time.slot).vectors.status[row] !== scanned.row) return recorded;
  const timestamp = time.read(timeAt(block.columns, view.vectors, row));
  return typeof timestamp === 'number' ? timestamp : recorded;
};
