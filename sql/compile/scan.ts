/**
 * The fused scan: a source together with the stateless steps right above it.
 *
 * A block's values are parsed into vectors, one per column, for all records at once. The vectors belong to the block:
 * every query of this thread that reads the topic in the same format shares them (`scan-view.ts`). What a query does
 * itself comes after that: a record is a row number, a predicate reads vectors, and a row of values is made only for
 * records that pass, if a step above reads rows. Where queries go on alike, they share that as well
 * (`shared-steps.ts`).
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
import type { Evaluate } from '../evaluate/closure.ts';
import { type Format, looksUpSchemas, scanned } from '../formats/format.ts';
import { formatNamed } from '../formats/index.ts';
import type { WriterSchemas } from '../formats/writer-schemas.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Row } from '../types/value.ts';
import { type AlikeSteps, allAlike } from './alike-steps.ts';
import { attempt, outcome, type Selection } from './block-steps.ts';
import type { RecordValue } from './reading.ts';
import { keyReading } from './scan-key.ts';
import { eventTime, timeOf } from './scan-time.ts';
import { type Pass, type ScanView, type SharedReading, scanValues } from './scan-view.ts';
import { ScanSteps } from './shared-steps.ts';
import { timestampReader } from './timestamps.ts';

/** What the steps fused into the scan do with a record whose envelope is set and whose value is the block's vectors
 *  (null: NULL record). */
export interface Fused {
  /** Slots of the source's value columns, or of their spans, that the fused steps, or what reads vectors behind them,
   *  ask for. */
  readonly slots: readonly number[];
  /** False: the record ends here. */
  readonly keeps: ((record: StreamRecord<RecordValue>, context: OperatorContext) => boolean) | undefined;
  /** What must all be true of a record, from left to right, where value columns are all that it takes; else none. */
  readonly conditions: readonly Evaluate[];
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
  (
    step: SourceStep,
    shared: SharedReading,
    { alike, makeFused }: { readonly alike: AlikeSteps; readonly makeFused: () => Fused },
  ): SourceSupplier<RecordValue> =>
  (context, forward): SourceOperator => {
    const fused = makeFused();
    const time = step.timestamp === undefined ? undefined : timestampReader(step.timestamp, step.schema);
    const timeAt = time === undefined ? undefined : eventTime(time, step, shared.schemas, alike.time);
    const slots = [...new Set([...fused.slots, ...(time?.from === 'value' ? [time.slot] : [])])].sort((a, b) => a - b);
    const values = scanValues(step, slots, shared);
    const steps =
      allAlike(alike).length === 0
        ? undefined
        : new ScanSteps(alike, {
            registry: shared.scans.steps,
            view: values.viewId,
            partition: context.partition,
            columns: values.slotCount,
            conditions: fused.conditions,
          });
    const viewOf = (block: Block): ScanView => {
      const view = values.viewOf(block);
      steps?.prepare(view);
      return view;
    };
    const readKey = keyReading(step, shared.schemas);
    const record = new StreamRecord<RecordValue>();

    return {
      close() {
        values.close();
        steps?.close();
      },
      ...prepareOf(formatNamed(step.valueFormat.name), formatNamed(step.keyFormat.name), shared.schemas),
      ...(time === undefined || timeAt === undefined
        ? {}
        : {
            timestampAt: (block: Block, row: number) =>
              timeOf(block, row, { view: viewOf(block), values, time, timeAt }),
          }),
      run(block, from, to) {
        const view = values.viewOf(block);
        const selection = steps?.prepare(view);
        const { columns, carriesTimes } = block;
        const { vectors, passes } = view;
        const { quick } = fused;
        const onlyPass = passes.length === 1 ? (passes[0] as Pass).vectors.status : undefined;
        record.partition = block.partition;
        record.headerBytes = columns.bytes;
        record.valueBytes = columns.bytes;
        // A table's rows that fail a condition go on, as deletions.
        const rows = fused.retracts ? undefined : selection?.rows;
        const outcomes = steps?.decides === true ? selection?.outcomes : undefined;
        const end = rows === undefined ? to : (selection as Selection).indexOf(to);
        for (let at = rows === undefined ? from : (selection as Selection).indexOf(from); at < end; at++) {
          const row = rows === undefined ? at : (rows[at] as number);
          let { keeps } = fused;
          const valueStart = columns.valueStart[row] as number;
          const found = outcomes === undefined ? outcome.undecided : (outcomes[row] as number);
          let untried = quick !== undefined && found === outcome.undecided;
          if (found !== outcome.undecided) keeps = found === outcome.passes ? fused.rest : keepsNone;
          else if (quick !== undefined) {
            if (valueStart < 0) continue;
            if (onlyPass !== undefined && onlyPass[row] === scanned.row) {
              untried = false;
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
                const fault = values.readAlone(view, row);
                if (fault !== undefined) {
                  context.drop('deserialization', record, fault);
                  record.index = -1;
                  break;
                }
              }
            }
            if (record.index < 0) continue;
            if (untried && quick !== undefined && record.value !== null) {
              const passed = attempt(quick, record);
              if (passed === false) continue;
              if (passed === true) keeps = fused.rest;
            }
          }
          if (record.keyStart >= 0) {
            const fault = readKey(record);
            if (fault !== undefined) {
              context.drop('deserialization', record, fault);
              continue;
            }
          }
          if (time !== undefined && timeAt !== undefined && record.value !== null) {
            const timestamp = timeAt(columns, vectors, row);
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

const keepsNone = (): boolean => false;

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
