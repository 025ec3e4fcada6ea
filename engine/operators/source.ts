/**
 * Source: the records of a topic, values (and keys, to see that they are sound) read by serdes.
 *
 * Values that no child reads are not read where they cannot fail either (`Serde.readsAll`).
 *
 * State: none. Nulls: a null key or value passes as it is. A key or value that its serde cannot read drops the record
 * (`deserialization`). The key is forwarded as the bytes in the batch. The time is that of the record; a negative one
 * drops it (`invalid-timestamp`). With `time` it is worked out, and `invalidTime` is what becomes of a record for which
 * that cannot be done (`source-times.ts`).
 */

import type { UserError } from '../../base/index.ts';
import { isEventTime } from '../../storage/index.ts';
import type { Block } from '../block.ts';
import { ProcessorMisuse } from '../misuse.ts';
import type { OperatorContext, SourceOperator, SourceSupplier } from '../operator.ts';
import { ReadValue, StreamRecord } from '../record.ts';
import { type Serde, SerdeError } from '../serde.ts';
import { type InvalidTime, type RowFault, type SourceTime, SourceTimes } from './source-times.ts';
import { ValuesAhead } from './values-ahead.ts';

export interface SourceFields<V> {
  readonly value: Pick<Serde<V>, 'read' | 'readsAll' | 'keepsBytes' | 'lends' | 'prepare'>;
  /** When given, a key that it cannot read drops the record. */
  readonly key?: Pick<Serde<unknown>, 'read' | 'prepare'>;
  /** The event time of a record, where it is not the record's own. */
  readonly time?: SourceTime<V>;
  /** Default: skip. */
  readonly invalidTime?: InvalidTime;
}

export const source =
  <V>(fields: SourceFields<V>): SourceSupplier<V> =>
  (context, forward): SourceOperator => {
    const { time, invalidTime = 'skip' } = fields;
    const record = new StreamRecord<V>();
    if (fields.value.keepsBytes === true) record.read = new ReadValue(fields.value);
    const takeRow = (block: Block, row: number): void => {
      const { columns } = block;
      const headersAt = columns.headersAt[row] as number;
      record.partition = block.partition;
      record.headerBytes = columns.bytes;
      if (block.carriesTimes) context.takeHeaders(record, columns.bytes, headersAt);
      else record.headersAt = headersAt;
    };
    if (time === undefined && invalidTime === 'skip') {
      const read = context.readsValues || fields.value.readsAll !== true ? fields : { ...fields, value: unread<V>() };
      const ahead = new ValuesAhead<V>(read);
      return {
        ...prepareOf(fields),
        run(block, from, to) {
          ahead.open(block, from);
          for (let row = from; row < to; row++) {
            takeRow(block, row);
            const unreadable = takeValue(record, block, row, ahead);
            if (!isEventTime(record.timestamp))
              context.drop(
                'invalid-timestamp',
                record,
                `the timestamp ${record.timestamp} is not one that a record may have`,
              );
            else if (unreadable !== undefined) context.drop('deserialization', record, unreadable);
            else forward(record);
          }
        },
      };
    }
    const ahead = new ValuesAhead<V>(fields);
    const readWhole = (into: StreamRecord<V>, block: Block, row: number): string | undefined => {
      into.partition = block.partition;
      into.headerBytes = block.columns.bytes;
      into.headersAt = block.columns.headersAt[row] as number;
      ahead.open(block, row);
      return takeValue(into, block, row, ahead);
    };
    const times = new SourceTimes<V>(time ?? ownTime, invalidTime, readWhole, context);
    return {
      ...prepareOf(fields),
      timestampAt: (block, row) => times.at(block, row).time,
      start: (partitionTime) => times.start(partitionTime),
      partitionTime: () => times.partitionTime,
      run(block, from, to) {
        for (let row = from; row < to; row++) {
          const read = times.take(block, row);
          takeRow(block, row);
          setPlace(record, block, row);
          record.value = read.value;
          if (read.fault !== undefined) leaveOut(record, read.fault, invalidTime, context);
          else {
            record.timestamp = read.time;
            forward(record);
          }
        }
      },
    };
  };

/** In the place of values that nothing reads. */
const unread = <V>(): Pick<Serde<V>, 'read'> => ({ read: () => true as V });

/** Where a serde has to fetch something before it can read. */
const prepareOf = <V>({ key, value }: SourceFields<V>): Pick<SourceOperator, 'prepare'> => {
  if (key?.prepare === undefined && value.prepare === undefined) return {};
  return {
    prepare({ columns }, from) {
      const { bytes, count, keyStart, keyEnd, valueStart, valueEnd } = columns;
      const keys = key?.prepare?.(bytes, keyStart, keyEnd, from, count);
      const values = value.prepare?.(bytes, valueStart, valueEnd, from, count);
      return keys === undefined || values === undefined ? (keys ?? values) : Promise.all([keys, values]).then(() => {});
    },
  };
};

const ownTime = ({ timestamp }: StreamRecord<unknown>): number => timestamp;

const leaveOut = (
  record: StreamRecord<unknown>,
  fault: RowFault,
  invalidTime: InvalidTime,
  context: OperatorContext,
): void => {
  if (fault.kind === 'unreadable') context.drop('deserialization', record, fault.why);
  else if (fault.kind === 'failed') context.failed(record, fault.error);
  else if (invalidTime === 'fail') context.failed(record, invalidTimestamp(fault.why));
  else context.drop('invalid-timestamp', record, fault.why);
};

const invalidTimestamp = (why: string): UserError =>
  new ProcessorMisuse('PROCESSING_TIMESTAMP_INVALID', why, {
    hint: 'Give the source { invalidTimestamp: "skip" } or "partition time", or correct the records.',
  });

/** Key, own time and offset of a row. */
const setPlace = (record: StreamRecord<unknown>, { columns }: Block, row: number): void => {
  record.keyBytes = columns.bytes;
  record.keyStart = columns.keyStart[row] as number;
  record.keyEnd = columns.keyEnd[row] as number;
  record.timestamp = columns.timestamp[row] as number;
  record.offset = columns.offset[row] as number;
  record.index = row;
};

/** Fills key, value, time and offset from a row; answers why it cannot be read. Partition and headers are the
 *  caller's. */
const takeValue = <V>(
  record: StreamRecord<V>,
  block: Block,
  row: number,
  values: ValuesAhead<V>,
): string | undefined => {
  setPlace(record, block, row);
  record.value = null;
  try {
    const value = values.take(block, row);
    record.value = value;
    const { read } = record;
    if (read !== undefined && value !== null) {
      const { bytes, valueStart, valueEnd } = block.columns;
      read.value = value;
      read.bytes = bytes;
      read.start = valueStart[row] as number;
      read.end = valueEnd[row] as number;
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof SerdeError)) throw error;
    return error.message;
  }
};
