/**
 * Formats: how the columns of one side of a record, its key or its value, lie in bytes.
 *
 * A format is one file with one object; `index.ts` lists them. Writers and readers are made once per schema and used
 * for millions of records; they keep scratch state, so each is for one thread and one caller at a time. Three shapes of
 * one job:
 *
 * - a writer appends a row to a `ByteWriter`;
 * - a reader fills a row from bytes;
 * - a scanner reads some columns of many records at once into vectors, one per column.
 *
 * Laws:
 *
 * - bytes that cannot be read raise `SerdeError` with the place and the fault, and nothing else ever; a scanner notes
 *   the fault for its row and goes on;
 * - a column that is not wanted is skipped, not checked: a wrong value in it is no fault of the record for this reader
 *   (bytes that are no text of the format at all are, wherever they stand);
 * - a record without columns of its own (bytes absent, or the format's literal null) is the NULL record: `read` and
 *   `write` say false.
 *
 * *Wrapped* means that the columns lie in an envelope that names them, as a JSON object does. A single key column never is, a single
 * value column is unless WRAP_SINGLE_VALUE says otherwise. Without an envelope, a NULL column and a NULL record are the
 * same thing.
 */

import { type ByteWriter, UserError } from '../../base/index.ts';
import { SerdeError } from '../../engine/index.ts';
import type { Column } from '../types/schema.ts';
import { printType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';

export { SerdeError };

export type Side = 'key' | 'value';

export interface FormatOptions {
  readonly side: Side;
  readonly wrapped: boolean;
}

export interface RowWriter {
  /** Appends the row; false (and nothing appended) when it means the NULL record. Raises `SerdeError` on what the
   *  format cannot hold. */
  write(row: readonly Value[], out: ByteWriter): boolean;
}

export interface RowReader {
  /** Fills `into` by slot, wanted columns only; false when the bytes mean the NULL record (`into` is then all NULL). */
  read(bytes: Uint8Array, start: number, end: number, into: Row): boolean;
}

/** What a scan says of one record. */
export const scanned = { row: 0, nullRecord: 1, bad: 2 } as const;

/** The result of a scan: vectors by column slot, rows by record index. Grows as asked and is used again. */
export class ScanVectors {
  /** `vectors[slot][row]`; the vectors of columns that are not wanted stay empty. */
  readonly vectors: Value[][];
  /** For each row one of `scanned`. */
  status: Uint8Array = new Uint8Array(0);
  /** The fault of each bad row. */
  readonly errors = new Map<number, string>();
  readonly #wanted: readonly number[];

  constructor(columnCount: number, wanted: readonly number[]) {
    this.vectors = Array.from({ length: columnCount }, () => []);
    this.#wanted = wanted;
  }

  /** Makes room for rows `[0, rows)` and forgets former faults. */
  reset(rows: number): void {
    this.errors.clear();
    if (this.status.length >= rows) return;
    const capacity = Math.max(rows, this.status.length * 2, 1024);
    this.status = new Uint8Array(capacity);
    for (const slot of this.#wanted) {
      const vector = this.vectors[slot] as Value[];
      for (let row = vector.length; row < capacity; row++) vector.push(null);
    }
  }
}

export interface Scanner {
  /** The slots that are read. */
  readonly wanted: readonly number[];
  /** Reads records `[from, to)`; record `i` is `bytes[starts[i], ends[i])`, a negative start means no bytes. The caller
   *  has called `into.reset(to)`. */
  scan(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, from: number, to: number, into: ScanVectors): void;
}

export interface Format {
  /** In upper case, as in FORMAT, KEY_FORMAT and VALUE_FORMAT. */
  readonly name: string;
  readonly doc: string;
  readonly sides: readonly Side[];
  /** Whether a single value column can lie in an envelope, and whether it can do without. */
  readonly canWrap: boolean;
  readonly canUnwrap: boolean;
  /** How many columns it can hold on one side: none, exactly one, or any number. */
  readonly columns: 'none' | 'one' | 'many';
  /** The first fault of these columns as a sentence, or none. Side and number of columns are checked by `checkColumns`.
   *  */
  unsupported(columns: readonly Column[]): string | undefined;
  writer(columns: readonly Column[], options: FormatOptions): RowWriter;
  /** `wanted`: the slots to read; all when absent. */
  reader(columns: readonly Column[], options: FormatOptions, wanted?: readonly number[]): RowReader;
  scanner(columns: readonly Column[], options: FormatOptions, wanted: readonly number[]): Scanner;
}

/** Raises a `UserError` unless the format can hold these columns on this side. */
export const checkColumns = (format: Format, columns: readonly Column[], side: Side): void => {
  if (!format.sides.includes(side)) {
    throw new UserError('SQL_FORMAT_SIDE', `the format ${format.name} cannot be used for the ${side} of a record`, {
      hint: `Set ${side === 'key' ? 'KEY_FORMAT' : 'VALUE_FORMAT'} to another format, such as JSON.`,
    });
  }
  if (format.columns === 'none' && columns.length > 0) {
    throw new UserError(
      'SQL_FORMAT_COLUMNS',
      `the format ${format.name} holds no columns, but "${columns[0]?.name}" is a ${side} column`,
      { hint: `Set ${side === 'key' ? 'KEY_FORMAT' : 'VALUE_FORMAT'} to another format, such as JSON.` },
    );
  }
  if (format.columns === 'one' && columns.length !== 1 && !(side === 'key' && columns.length === 0)) {
    throw new UserError(
      'SQL_FORMAT_COLUMNS',
      `the format ${format.name} holds exactly one column, but there are ${columns.length} ${side} columns`,
      { hint: `Set ${side === 'key' ? 'KEY_FORMAT' : 'VALUE_FORMAT'} to a format with names, such as JSON.` },
    );
  }
  const fault = format.unsupported(columns);
  if (fault !== undefined) throw new UserError('SQL_FORMAT_TYPE', fault);
};

/** Whether the columns of one side lie in an envelope. `wrapSingle` is the value of WRAP_SINGLE_VALUE, if given. */
export const isWrapped = (
  format: Format,
  columns: readonly Column[],
  side: Side,
  wrapSingle: boolean | undefined,
): boolean => {
  if (columns.length !== 1) {
    if (side === 'value' && wrapSingle !== undefined) {
      throw new UserError('SQL_WRAP_SINGLE_VALUE', 'WRAP_SINGLE_VALUE is only for sources with one value column', {
        hint: `There are ${columns.length} value columns: leave the property out.`,
      });
    }
    return format.columns === 'many';
  }
  if (side === 'key') return !format.canUnwrap;
  if (wrapSingle === undefined) return format.canWrap;
  if (wrapSingle ? !format.canWrap : !format.canUnwrap) {
    throw new UserError(
      'SQL_WRAP_SINGLE_VALUE',
      `the format ${format.name} cannot ${wrapSingle ? 'wrap' : 'unwrap'} a single value`,
      { hint: 'Leave WRAP_SINGLE_VALUE out.' },
    );
  }
  return wrapSingle;
};

/** A scanner that reads record by record: the plain form behind any reader. */
export const scannerOf = (reader: RowReader, columnCount: number, wanted: readonly number[]): Scanner => {
  const row: Row = new Array<Value>(columnCount).fill(null);
  return {
    wanted,
    scan(bytes, starts, ends, from, to, into) {
      for (let i = from; i < to; i++) {
        scanOne(reader, bytes, starts[i] as number, ends[i] as number, i, wanted, row, into);
      }
    },
  };
};

/** Reads one record into the vectors through a reader. */
export const scanOne = (
  reader: RowReader,
  bytes: Uint8Array,
  start: number,
  end: number,
  index: number,
  wanted: readonly number[],
  row: Row,
  into: ScanVectors,
): void => {
  if (start < 0) {
    into.status[index] = scanned.nullRecord;
    for (const slot of wanted) (into.vectors[slot] as Value[])[index] = null;
    return;
  }
  try {
    into.status[index] = reader.read(bytes, start, end, row) ? scanned.row : scanned.nullRecord;
    for (const slot of wanted) (into.vectors[slot] as Value[])[index] = row[slot] as Value;
  } catch (error) {
    if (!(error instanceof SerdeError)) throw error;
    into.status[index] = scanned.bad;
    into.errors.set(index, error.message);
    for (const slot of wanted) (into.vectors[slot] as Value[])[index] = null;
  }
};

/** `column "V" of type MAP<…>`, for messages of formats. */
export const describeColumn = (column: Column): string => `column "${column.name}" of type ${printType(column.type)}`;
