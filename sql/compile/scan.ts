/**
 * The fused scan: a source together with the stateless steps right above it.
 *
 * A block's values are parsed into vectors, one per column, for all records at once. The vectors belong to the block:
 * every query of this thread that reads the topic in the same format shares them (`scan-view.ts`). What a query does
 * itself comes after that: a record is a row number, a predicate reads vectors, and a row of values is made only for
 * records that pass, if a step above reads rows.
 *
 * A query checks only the columns that it reads: where a shared pass found a bad record, the query reads that record
 * again by itself, so that the neighbours' columns never decide what it drops. Bad records are dropped and noted
 * (`deserialization`); so are those whose key is not a key of the format, and those without a usable event time
 * (`invalid-timestamp`).
 */

import {
  type Block,
  type OperatorContext,
  type SourceOperator,
  type SourceSupplier,
  StreamRecord,
} from '../../engine/index.ts';
import { isEventTime } from '../../storage/index.ts';
import { takePartFaults } from '../evaluate/part-faults.ts';
import { type Format, looksUpSchemas, scanned } from '../formats/format.ts';
import { formatNamed } from '../formats/index.ts';
import type { WriterSchemas } from '../formats/writer-schemas.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Row, Value } from '../types/value.ts';
import type { RecordValue } from './reading.ts';
import { keyReading } from './scan-key.ts';
import { timeOf, timeValue } from './scan-time.ts';
import { type Pass, type SharedReading, scanValues } from './scan-view.ts';
import { timestampReader } from './timestamps.ts';

/** What the steps fused into the scan do with a record whose envelope is set and whose value is the block's vectors
 *  (null: NULL record). */
export interface Fused {
  /** Slots of the source's value columns that the fused steps, or what reads vectors behind them, ask for. */
  readonly slots: readonly number[];
  /** False: the record ends here. */
  readonly keeps: ((record: StreamRecord<RecordValue>, context: OperatorContext) => boolean) | undefined;
  /** The part of `keeps` that needs nothing but value columns of a record that is not NULL, tried before anything else
   *  is looked at: most records of a filter that passes little end here. It raises what its expressions raise; `keeps`
   *  then decides again, and logs why. Where there is such a part, NULL records are not kept. */
  readonly quick: ((record: StreamRecord<RecordValue>) => boolean) | undefined;
  /** What is left of `keeps` behind `quick`. */
  readonly rest: Fused['keeps'];
  /** The row that goes on, lent until the next call; left out: vectors go on. */
  readonly row: ((record: StreamRecord<RecordValue>, context: OperatorContext) => Row | null) | undefined;
  /** A record that is not kept goes on as a deletion: tables. */
  readonly retracts: boolean;
}

/** Fused parts hold scratch space, so they are made for each task. */
export const scanSource =
  (step: SourceStep, shared: SharedReading, makeFused: () => Fused): SourceSupplier<RecordValue> =>
  (context, forward): SourceOperator => {
    const fused = makeFused();
    const time = step.timestamp === undefined ? undefined : timestampReader(step.timestamp, step.schema);
    const timeAt = time === undefined ? undefined : timeValue(time, step, shared.schemas);
    const slots = [...new Set([...fused.slots, ...(time?.from === 'value' ? [time.slot] : [])])].sort((a, b) => a - b);
    const values = scanValues(step, slots, shared);
    const { viewOf } = values;
    const readKey = keyReading(step, shared.schemas);
    const record = new StreamRecord<RecordValue>();

    return {
      close: values.close,
      ...prepareOf(formatNamed(step.valueFormat.name), formatNamed(step.keyFormat.name), shared.schemas),
      ...(time === undefined || timeAt === undefined
        ? {}
        : { timestampAt: (block: Block, row: number) => timeOf(block, row, viewOf(block), time, timeAt) }),
      run(block, from, to) {
        const view = viewOf(block);
        const { columns, carriesTimes } = block;
        const { vectors, passes } = view;
        const { quick } = fused;
        const onlyPass = passes.length === 1 ? (passes[0] as Pass).vectors.status : undefined;
        record.partition = block.partition;
        record.headerBytes = columns.bytes;
        for (let row = from; row < to; row++) {
          let { keeps } = fused;
          const valueStart = columns.valueStart[row] as number;
          if (quick !== undefined) {
            if (valueStart < 0) continue;
            if (onlyPass !== undefined && onlyPass[row] === scanned.row) {
              record.index = row;
              record.value = vectors;
              const passed = attempt(quick, record);
              if (passed === false) continue;
              if (passed === true) keeps = fused.rest;
            }
          }
          record.keyBytes = columns.bytes;
          record.keyStart = columns.keyStart[row] as number;
          record.keyEnd = columns.keyEnd[row] as number;
          record.offset = columns.offset[row] as number;
          record.timestamp = columns.timestamp[row] as number;
          if (carriesTimes) context.takeHeaders(record, columns.bytes, columns.headersAt[row] as number);
          else record.headersAt = columns.headersAt[row] as number;
          record.index = row;
          // What is not NULL is the vectors, in the place of a row (see reading.ts).
          record.value = valueStart < 0 ? null : vectors;
          if (valueStart >= 0) {
            for (let i = 0; i < passes.length; i++) {
              const status = (passes[i] as Pass).vectors.status[row] as number;
              if (status === scanned.row) continue;
              if (status === scanned.nullRecord) record.value = null;
              else {
                const fault = values.faultOf(columns, row);
                if (fault !== undefined) {
                  context.drop('deserialization', record, fault);
                  record.index = -1;
                  break;
                }
                // A neighbour's column is bad, ours are not: put them where they would be.
                for (const slot of slots) (vectors[slot] as Value[])[row] = values.row[slot] as Value;
              }
            }
            if (record.index < 0) continue;
          }
          if (record.keyStart >= 0) {
            const fault = readKey(record);
            if (fault !== undefined) {
              context.drop('deserialization', record, fault);
              continue;
            }
          }
          if (time !== undefined && timeAt !== undefined && record.value !== null) {
            const timestamp = time.read(timeAt(columns, vectors, row));
            if (typeof timestamp !== 'number') {
              if (time.drops(timestamp)) context.drop('invalid-timestamp', record, timestamp.fault);
              continue;
            }
            record.timestamp = timestamp;
          } else if (!isEventTime(record.timestamp)) {
            context.drop(
              'invalid-timestamp',
              record,
              `the timestamp ${record.timestamp} is not one that a record may have`,
            );
            continue;
          }
          if (keeps !== undefined && !keeps(record, context)) {
            if (!fused.retracts) continue;
            record.value = null;
          } else if (fused.row !== undefined && record.value !== null) record.value = fused.row(record, context);
          forward(record);
        }
      },
    };
  };

/** Where one of the formats has to know schemas that records name: they are looked up when a block comes. */
const prepareOf = (value: Format, key: Format, schemas: WriterSchemas | undefined): Pick<SourceOperator, 'prepare'> => {
  if (schemas === undefined || !(looksUpSchemas(value) || looksUpSchemas(key))) return {};
  return {
    prepare({ columns }, from) {
      const { bytes, count, keyStart, keyEnd, valueStart, valueEnd } = columns;
      const keys = looksUpSchemas(key) ? schemas.prepare(bytes, keyStart, keyEnd, from, count) : undefined;
      const values = looksUpSchemas(value) ? schemas.prepare(bytes, valueStart, valueEnd, from, count) : undefined;
      return keys === undefined || values === undefined ? (keys ?? values) : Promise.all([keys, values]).then(() => {});
    },
  };
};

/** The result of the test; undefined where it, or a part of it, fails: the test that logs failures is then run. */
const attempt = (
  test: (record: StreamRecord<RecordValue>) => boolean,
  record: StreamRecord<RecordValue>,
): boolean | undefined => {
  try {
    const passed = test(record);
    return takePartFaults().length === 0 ? passed : undefined;
  } catch {
    takePartFaults();
    return undefined;
  }
};
