/**
 * The fused scan: a source together with the stateless steps right above it.
 *
 * A block's values are parsed into vectors, one per column, for all records at once. The vectors belong to the block:
 * every query of this thread that reads the topic in the same format shares them (`ScanRegistry` knows which columns
 * any of them needs, so that one pass over a record's bytes parses them all). What a query does itself starts behind
 * that: a record is a row number, a predicate reads vectors, and a row of values is made only for records that pass, if
 * a step above reads rows.
 *
 * A query checks only the columns that it reads: where a shared pass found a bad record, the query reads that record
 * again by itself, so that the neighbours' columns never decide what it drops. Bad records are dropped and noted
 * (`deserialization`); so are those whose key is not a key of the format, and those without a usable event time
 * (`invalid-timestamp`).
 */

import { ByteWriter } from '../../base/index.ts';
import {
  type Block,
  type ProcessorContext,
  SerdeError,
  type SourceProcessor,
  type SourceSupplier,
  StreamRecord,
} from '../../engine/index.ts';
import { takePartFaults } from '../evaluate/part-faults.ts';
import { type FormatChoice, printProperties } from '../formats/choices.ts';
import { type Format, type RowReader, type Scanner, ScanVectors, scanned } from '../formats/format.ts';
import { formatNamed, formatOf } from '../formats/index.ts';
import { keyColumnsOf } from '../plan/plan.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Schema } from '../types/schema.ts';
import { printType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import { keyReader, keyWriter, windowBytesOf } from './keys.ts';
import type { RecordValue } from './reading.ts';
import { type TimestampReader, timestampReader } from './timestamps.ts';

/** Which columns are parsed, and how often; shared by all queries of one thread. */
export class ScanRegistry {
  /** View id -> slot -> how many scans read it. */
  readonly #wanted = new Map<string, Map<number, number>>();
  readonly counters = { passes: 0, columnsParsed: 0, recordsScanned: 0 };

  /** A scan reads these slots, each once, from now on; the returned function ends that. */
  want(view: string, slots: readonly number[]): () => void {
    const wanted = this.#wanted.get(view) ?? new Map<number, number>();
    this.#wanted.set(view, wanted);
    for (const slot of slots) wanted.set(slot, (wanted.get(slot) ?? 0) + 1);
    return () => {
      for (const slot of slots) {
        const others = (wanted.get(slot) as number) - 1;
        if (others > 0) wanted.set(slot, others);
        else wanted.delete(slot);
      }
      if (wanted.size === 0 && this.#wanted.get(view) === wanted) this.#wanted.delete(view);
    };
  }

  /** Slots that some scan reads. */
  wanted(view: string): Iterable<number> {
    return this.#wanted.get(view)?.keys() ?? [];
  }

  /** Views of which some scan reads a column. */
  get size(): number {
    return this.#wanted.size;
  }
}

/** One pass over a block: some columns of all its records. */
interface Pass {
  readonly scanner: Scanner;
  readonly vectors: ScanVectors;
}

type RecordColumns = Block['columns'];

/** The columns that the queries of a thread read of a block: vectors by slot. */
class ScanView {
  readonly id: string;
  /** `vectors[slot][row]`; valid for the slots that were asked for by `ensure`. */
  readonly vectors: Value[][];
  /** Passes that were made for this block, in order; and those of former blocks, whose memory is used again. */
  passes: Pass[] = [];
  #spare: Pass[] = [];
  #passOf: (Pass | undefined)[];
  #columns: RecordColumns | undefined;

  constructor(id: string, columnCount: number) {
    this.id = id;
    this.vectors = Array.from({ length: columnCount }, () => []);
    this.#passOf = new Array<Pass | undefined>(columnCount).fill(undefined);
  }

  renew(columns: RecordColumns): void {
    this.#columns = columns;
    this.#spare.push(...this.passes);
    this.passes = [];
    this.#passOf.fill(undefined);
  }

  passOf(slot: number): Pass {
    return this.#passOf[slot] as Pass;
  }

  /** Parses the slots that are not there yet, together with those that other queries read. */
  ensure(slots: readonly number[], registry: ScanRegistry, make: (wanted: readonly number[]) => Scanner): void {
    // Also for a query that reads no column: the pass finds the records that are NULL records or bad.
    if (this.passes.length > 0 && slots.every((slot) => this.#passOf[slot] !== undefined)) return;
    const missing = new Set(slots);
    for (const slot of registry.wanted(this.id)) missing.add(slot);
    const wanted = [...missing].filter((slot) => this.#passOf[slot] === undefined).sort((a, b) => a - b);
    const key = wanted.join();
    const columns = this.#columns as RecordColumns;
    const spare = this.#spare.findIndex((pass) => pass.scanner.wanted.join() === key);
    const pass =
      spare >= 0
        ? (this.#spare.splice(spare, 1)[0] as Pass)
        : { scanner: make(wanted), vectors: new ScanVectors(this.vectors.length, wanted) };
    if (this.#spare.length > 4) this.#spare.length = 0;
    pass.vectors.reset(columns.count);
    pass.scanner.scan(columns.bytes, columns.valueStart, columns.valueEnd, 0, columns.count, pass.vectors);
    registry.counters.passes++;
    registry.counters.columnsParsed += wanted.length;
    registry.counters.recordsScanned += columns.count;
    this.passes.push(pass);
    for (const slot of wanted) {
      this.#passOf[slot] = pass;
      this.vectors[slot] = pass.vectors.vectors[slot] as Value[];
    }
  }
}

/** What the steps fused into the scan do with a record whose envelope is set and whose value is the block's vectors
 *  (null: NULL record). */
export interface Fused {
  /** Slots of the source's value columns that the fused steps, or what reads vectors behind them, ask for. */
  readonly slots: readonly number[];
  /** False: the record ends here. */
  readonly keeps: ((record: StreamRecord<RecordValue>, context: ProcessorContext) => boolean) | undefined;
  /** The part of `keeps` that needs nothing but value columns of a record that is not NULL, tried before anything else
   *  is looked at: most records of a filter that passes little end here. It raises what its expressions raise; `keeps`
   *  then decides again, and logs why. Where there is such a part, NULL records are not kept. */
  readonly quick: ((record: StreamRecord<RecordValue>) => boolean) | undefined;
  /** What is left of `keeps` behind `quick`. */
  readonly rest: Fused['keeps'];
  /** The row that goes on, lent until the next call; left out: vectors go on. */
  readonly row: ((record: StreamRecord<RecordValue>, context: ProcessorContext) => Row | null) | undefined;
  /** A record that is not kept goes on as a deletion: tables. */
  readonly retracts: boolean;
}

/** Fused parts hold scratch space, so they are made for each task. */
export const scanSource =
  (step: SourceStep, registry: ScanRegistry, makeFused: () => Fused): SourceSupplier<RecordValue> =>
  (context, forward): SourceProcessor => {
    const { schema } = step;
    const fused = makeFused();
    const time = step.timestamp === undefined ? undefined : timestampReader(step.timestamp, schema);
    const timeAt = time === undefined ? undefined : timeValue(time, step);
    const slots = [...new Set([...fused.slots, ...(time?.from === 'value' ? [time.slot] : [])])].sort((a, b) => a - b);
    const { format, options } = formatOf(step.valueFormat, schema.value, 'value');
    const id = `${step.topic}/${step.valueFormat.name}/${printProperties(step.valueFormat)}/${options.wrapped ? 'w' : 'u'}/${schema.value.map((column) => `${column.name} ${printType(column.type)}`).join(',')}`;
    const forget = registry.want(id, slots);
    const makeScanner = (wanted: readonly number[]): Scanner => format.scanner(schema.value, options, wanted);
    const viewOf = (block: Block): ScanView => {
      const view = block.view<ScanView>(id, (columns, recycled) => {
        const made = recycled ?? new ScanView(id, schema.value.length);
        made.renew(columns);
        return made;
      });
      view.ensure(slots, registry, makeScanner);
      return view;
    };
    const checkKey = keyCheck(schema, step.keyFormat);
    const keyFormat = formatNamed(step.keyFormat.name);
    const recode = keyFormat.canonical ? undefined : keyWriter(keyColumnsOf(step), step.keyFormat);
    const keyBytes = new ByteWriter(64);
    const windowBytes = windowBytesOf(schema.windowed);
    const own: { reader: RowReader | undefined; row: Row } = {
      reader: undefined,
      row: new Array<Value>(schema.value.length).fill(null),
    };
    /** Why this query cannot use the record, by the columns that it reads; undefined when it can. */
    const faultOf = (columns: RecordColumns, row: number): string | undefined => {
      own.reader ??= format.reader(schema.value, options, slots);
      try {
        own.reader.read(columns.bytes, columns.valueStart[row] as number, columns.valueEnd[row] as number, own.row);
        return undefined;
      } catch (error) {
        if (!(error instanceof SerdeError)) throw error;
        return error.message;
      }
    };
    const record = new StreamRecord<RecordValue>();

    return {
      close: forget,
      ...prepareOf(format, keyFormat),
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
                const fault = faultOf(columns, row);
                if (fault !== undefined) {
                  context.drop('deserialization', record, fault);
                  record.index = -1;
                  break;
                }
                // A neighbour's column is bad, ours are not: put them where they would be.
                for (const slot of slots) (vectors[slot] as Value[])[row] = own.row[slot] as Value;
              }
            }
            if (record.index < 0) continue;
          }
          if (record.keyStart >= 0) {
            const fault = checkKey(columns.bytes, record.keyStart, record.keyEnd);
            if (typeof fault === 'string') {
              context.drop('deserialization', record, fault);
              continue;
            }
            if (recode !== undefined) {
              // The format has several ways to write one key; equal keys must have equal bytes from here on.
              keyBytes.reset();
              const present = recode.write(fault, keyBytes);
              if (windowBytes > 0) keyBytes.bytes(columns.bytes, record.keyEnd - windowBytes, record.keyEnd);
              record.keyBytes = keyBytes.buffer;
              record.keyStart = present ? 0 : -1;
              record.keyEnd = present ? keyBytes.length : -1;
            }
          }
          if (time !== undefined && timeAt !== undefined && record.value !== null) {
            const timestamp = time.read(timeAt(columns, vectors, row));
            if (typeof timestamp !== 'number') {
              if (time.drops(timestamp)) context.drop('invalid-timestamp', record, timestamp.fault);
              continue;
            }
            record.timestamp = timestamp;
          } else if (record.timestamp < 0) {
            context.drop('invalid-timestamp', record, `the timestamp ${record.timestamp} is negative`);
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
const prepareOf = (value: Format, key: Format): Pick<SourceProcessor, 'prepare'> => {
  if (value.prepare === undefined && key.prepare === undefined) return {};
  return {
    prepare({ columns }, from) {
      const { bytes, count, keyStart, keyEnd, valueStart, valueEnd } = columns;
      const keys = key.prepare?.(bytes, keyStart, keyEnd, from, count);
      const values = value.prepare?.(bytes, valueStart, valueEnd, from, count);
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

type TimeValue = (columns: RecordColumns, vectors: readonly Value[][], row: number) => Value;

/** The value of the timestamp column: from its vector, or from the key, where NULL also stands for a key that cannot be
 *  read. */
const timeValue = ({ from, slot }: TimestampReader, { schema, keyFormat }: SourceStep): TimeValue => {
  if (from === 'value') return (_columns, vectors, row) => (vectors[slot] as Value[])[row] as Value;
  const reader = keyReader(schema.key, keyFormat);
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
const timeOf = (block: Block, row: number, view: ScanView, time: TimestampReader, timeAt: TimeValue): number => {
  const recorded = block.columns.timestamp[row] as number;
  if ((block.columns.valueStart[row] as number) < 0) return recorded;
  if (time.from === 'value' && view.passOf(time.slot).vectors.status[row] !== scanned.row) return recorded;
  const timestamp = time.read(timeAt(block.columns, view.vectors, row));
  return typeof timestamp === 'number' ? timestamp : recorded;
};

/** Checks a key's bytes: a fault as text, or the columns (only where they had to be decoded for it). */
const keyCheck = (
  schema: Schema,
  choice: FormatChoice,
): ((bytes: Uint8Array, start: number, end: number) => string | Row) => {
  const row: Row = new Array<Value>(schema.key.length).fill(null);
  const windowBytes = windowBytesOf(schema.windowed);
  if (schema.key.length === 0) return () => row;
  const { format, options } = formatOf(choice, schema.key, 'key');
  // A key that is written again has to be read for it.
  const check = format.canonical && windowBytes === 0 ? format.checker?.(schema.key, options) : undefined;
  if (check !== undefined) {
    return (bytes, start, end) => {
      const fault = check(bytes, start, end);
      return fault === undefined ? row : `the key ${fault}`;
    };
  }
  const reader = format.reader(schema.key, options);
  return (bytes, start, end) => {
    const keyEnd = end - windowBytes;
    if (keyEnd < start) return 'the key is too short to hold a window';
    try {
      if (!reader.read(bytes, start, keyEnd, row)) row.fill(null);
      return row;
    } catch (error) {
      if (!(error instanceof SerdeError)) throw error;
      return `the key cannot be read: ${error.message}`;
    }
  };
};
