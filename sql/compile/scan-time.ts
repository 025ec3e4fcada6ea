/** The event time of a scanned record where it is a column of the source: from the column's vector, or from the key. */

import type { Block } from '../../engine/index.ts';
import { SerdeError } from '../../engine/index.ts';
import { scanned } from '../formats/format.ts';
import type { WriterSchemas } from '../formats/writer-schemas.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Row, Value } from '../types/value.ts';
import type { AlikeValues } from './alike-steps.ts';
import { keyReader, windowBytesOf } from './keys.ts';
import type { RecordColumns, ScannedValues, ScanView } from './scan-view.ts';
import { shareTime } from './shared-steps.ts';
import type { NoTimestamp, TimestampReader } from './timestamps.ts';

type Vectors = ScanView['vectors'];

export type EventTime = (columns: RecordColumns, vectors: Vectors, row: number) => number | NoTimestamp;

/** `shared`: where queries share the times. */
export const eventTime = (
  time: TimestampReader,
  step: SourceStep,
  schemas: WriterSchemas | undefined,
  shared: AlikeValues | undefined,
): EventTime => {
  const timeAt = timeValue(time, step, schemas);
  const read: EventTime = (columns, vectors, row) => time.read(timeAt(columns, vectors, row));
  return shared === undefined ? read : shareTime(shared, read);
};

/** The value of the timestamp column: from its vector, or from the key, where NULL also stands for a key that cannot be
 *  read. */
const timeValue = (
  { from, slot }: TimestampReader,
  { schema, keyFormat }: SourceStep,
  schemas: WriterSchemas | undefined,
): ((columns: RecordColumns, vectors: Vectors, row: number) => Value) => {
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

/** For the choice between inputs: a record that will be dropped, for its time or for its columns, counts with the
 *  record's own time. */
export const timeOf = (
  block: Block,
  row: number,
  {
    view,
    values,
    time,
    timeAt,
  }: {
    readonly view: ScanView;
    readonly values: ScannedValues;
    readonly time: TimestampReader;
    readonly timeAt: EventTime;
  },
): number => {
  const { columns } = block;
  const recorded = columns.timestamp[row] as number;
  if ((columns.valueStart[row] as number) < 0) return recorded;
  if (time.from === 'value') {
    const status = view.passOf(time.slot).vectors.status[row];
    if (status === scanned.nullRecord) return recorded;
    if (status !== scanned.row && values.readAlone(view, row) !== undefined) return recorded;
  }
  const timestamp = timeAt(columns, view.vectors, row);
  return typeof timestamp === 'number' ? timestamp : recorded;
};
