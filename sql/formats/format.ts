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
 * - bytes that cannot be read raise `SerdeError` with the place and the fault, and no other error; a scanner notes the
 *   fault for its row and goes on;
 * - a column that is not requested is skipped, not checked: a wrong value in it is not a fault of the record for this
 *   reader (bytes that are not of the format at all are a fault, wherever they stand);
 * - a record without columns of its own (bytes absent, or the format's literal null) is the NULL record: `read` and
 *   `write` return false.
 *
 * *Wrapped* means that the columns lie in an envelope that names them, as a JSON object does. A single key column is
 * not wrapped where the format can do without; a single value column is where the format can, unless WRAP_SINGLE_VALUE
 * is false. Without an envelope, a NULL column and a NULL record are the same thing.
 */

import { type ByteWriter, UserError } from '../../base/index.ts';
import { SerdeError } from '../../engine/index.ts';
import type { KnownSchema, ResolvedSchema, SchemaType } from '../registry/schema.ts';
import type { Column } from '../types/schema.ts';
import { printType, type SqlType, structOf } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import { columnOfSlot, hasSpans, spanText } from './text-span.ts';
import type { WriterSchemas } from './writer-schemas.ts';

export { SerdeError };

export type Side = 'key' | 'value';

export interface FormatOptions {
  readonly side: Side;
  readonly wrapped: boolean;
  /** The format's own properties that were given in WITH, by name (`FormatProperty`). */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** For writers: texts of the rows may be spans (`text-span.ts`). Only for formats that know them. */
  readonly spans?: boolean;
  /** For formats with a schema registry: the schema that rows are written with, under its id. Its fields are found by
   *  the names of the columns: the same name first, then without regard to case. Readers know it without asking. */
  readonly schema?: KnownSchema | undefined;
  /** For readers of such formats: other schemas that records may name. All of a block have been looked up before the
   *  block is read; a record whose schema is not there has a fault. Left out: records are written with `schema`. */
  readonly writers?: WriterSchemas | undefined;
}

export interface RowWriter {
  /** Appends the row; false (and nothing appended) when it means the NULL record. Raises `SerdeError` on what the
   *  format cannot hold. `bytes`: those that spans in the row refer to. */
  write(row: readonly Value[], out: ByteWriter, bytes?: Uint8Array): boolean;
}

export interface RowReader {
  /** Fills `into` by slot, wanted columns only; false when the bytes mean the NULL record (`into` is then all NULL). */
  read(bytes: Uint8Array, start: number, end: number, into: Row): boolean;
}

/** What a scan found one record to be. */
export const scanned = { row: 0, nullRecord: 1, bad: 2 } as const;

/** The result of a scan: vectors by slot, rows by record index. The slots are those of the columns, and behind them
 *  their span slots, where a format has such (`text-span.ts`). Grows as asked and is used again. */
export class ScanVectors {
  /** `vectors[slot][row]`; the vectors of slots that are not wanted stay empty. */
  readonly vectors: Value[][];
  /** For each row one of `scanned`. */
  status: Uint8Array = new Uint8Array(0);
  /** The fault of each bad row. */
  readonly errors = new Map<number, string>();
  readonly #wanted: readonly number[];

  constructor(columnCount: number, wanted: readonly number[]) {
    const slots = wanted.reduce((most, slot) => Math.max(most, slot + 1), columnCount);
    this.vectors = Array.from({ length: slots }, () => []);
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

/**
 * A property of WITH that belongs to formats: `DELIMITER` is given as KEY_DELIMITER or VALUE_DELIMITER. A format lists
 * those that it takes; their values are kept as text, with the choice of the format.
 */
export interface FormatProperty {
  /** Without KEY_ or VALUE_. */
  readonly name: string;
  /** What it means, as one sentence. */
  readonly doc: string;
  /** Whether a sink whose format is that of the query's source takes it over from there; by default it does. */
  readonly inherited?: false;
  /** What is wrong with a value, as the end of "the property … takes": "one character, SPACE or TAB". */
  fault(text: string): string | undefined;
}

/**
 * What a format can do is data, so that no other code has to know a format by its name: which columns it holds on which
 * side, how its bytes compare, which properties it takes.
 */
export interface Format {
  /** In upper case, as in FORMAT, KEY_FORMAT and VALUE_FORMAT. */
  readonly name: string;
  readonly doc: string;
  readonly sides: readonly Side[];
  /** How many columns it can hold on one side: none, exactly one, or any number. */
  readonly columns: 'none' | 'one' | 'many';
  /** Whether its bytes hold the names of columns (JSON), or columns are told apart by their order only (a delimited
   *  line). */
  readonly named: boolean;
  /** Whether a single column lies in an envelope: always, never, or as WRAP_SINGLE_VALUE is set. */
  readonly wrapping: 'always' | 'never' | 'either';
  /** Whether equal rows have equal bytes, no matter which program wrote them. Where a format allows several spellings
   *  of one row, keys that come from a topic are written again by our own writer, which always uses the same one,
   *  before they are compared. */
  readonly canonical: boolean;
  /** Whether the bytes of single columns of this type, compared byte by byte, lie in the order of the values. Left out:
   *  for no type. Only a `canonical` format has it. */
  sorts?(type: SqlType): boolean;
  /** The properties of WITH that it takes. */
  readonly properties: readonly FormatProperty[];
  /** Its scanners know span slots, and its writers spans (`text-span.ts`). */
  readonly spans?: true;
  /** For formats with a schema registry, whose records are framed with the id of the schema that they were written
   *  with: how schemas and columns follow from each other. */
  readonly schemas?: SchemaTranslation;
  /** The first fault of these columns as a sentence, or none. Side and number of columns are checked by
   *  `checkColumns`. */
  unsupported(columns: readonly Column[]): string | undefined;
  writer(columns: readonly Column[], options: FormatOptions): RowWriter;
  /** `wanted`: the slots to read; all when absent. */
  reader(columns: readonly Column[], options: FormatOptions, wanted?: readonly number[]): RowReader;
  scanner(columns: readonly Column[], options: FormatOptions, wanted: readonly number[]): Scanner;
  /** A check of one side's bytes that costs less than reading them: what is wrong with them as the end of "the key …",
   *  or undefined. Left out: they have to be read. */
  checker?(columns: readonly Column[], options: FormatOptions): BytesCheck | undefined;
}

/** How the columns of a schema are named: unquoted names of SQL are in upper case, and what a statement takes from a
 *  schema by its id keeps the names that it has there. */
export type ColumnNames = 'upper-case' | 'as-written';

export interface InferenceOptions extends FormatOptions {
  readonly names: ColumnNames;
}

/**
 * Between the columns of a side and the text of a schema in a registry: pure functions.
 *
 * `FormatOptions.wrapped` tells whether a single column lies in an envelope. Without one the schema is that of the bare
 * value; the column that is inferred from it is called `ROWKEY` or `ROWVAL` (`bareColumnName`).
 */
export interface SchemaTranslation {
  /** As the registry calls schemas of this format. */
  readonly type: SchemaType;
  /** Whether a record can only be read with the schema that it names: those of a block are then looked up before it is
   *  read. */
  readonly neededToRead: boolean;
  /** Loads what these functions, readers and writers need besides (a parser of schemas); fulfilled before any of them
   *  is called. Left out: nothing. */
  load?(): Promise<void>;
  /** The schema with which rows of these columns are written, where the statement names none. The same columns give the
   *  same text, in every version of Millrace: it is registered. `source` is the stream or table, after which the record
   *  of its key may be called. */
  schemaOf(columns: readonly Column[], options: FormatOptions & { readonly source: string }): string;
  /** The columns of a schema. A field that SQL has no type for is left out. Raises a `UserError` for a text that is no
   *  schema, and for one that cannot be read as columns at all. */
  columnsOf(schema: ResolvedSchema, options: InferenceOptions): readonly Column[];
  /** The first reason, as a sentence, why rows of these columns cannot be written with a schema that
   *  was named by its id; undefined: they can. */
  misfit(columns: readonly Column[], schema: ResolvedSchema, options: FormatOptions): string | undefined;
  /** The names of the definitions that the text makes, from which SCHEMA_FULL_NAME chooses; left out: it makes one. */
  fullNames?(schema: ResolvedSchema): readonly string[];
}

/** What a single column is called that is inferred from the schema of a bare value. */
export const bareColumnName = (side: Side): string => (side === 'key' ? 'ROWKEY' : 'ROWVAL');

export type BytesCheck = (bytes: Uint8Array, start: number, end: number) => string | undefined;

/** Why the format cannot hold these columns on this side: an error to throw, or undefined. */
const columnsFault = (format: Format, columns: readonly Column[], side: Side): UserError | undefined => {
  const hint = `Set ${side === 'key' ? 'KEY_FORMAT' : 'VALUE_FORMAT'} to another format, such as JSON.`;
  if (!format.sides.includes(side)) {
    const sentence = `the format ${format.name} cannot be used for the ${side} of a record`;
    return new UserError('SQL_FORMAT_SIDE', sentence, { hint });
  }
  if (format.columns === 'none' && columns.length > 0) {
    const sentence = `the format ${format.name} holds no columns, but "${columns[0]?.name}" is a ${side} column`;
    return new UserError('SQL_FORMAT_COLUMNS', sentence, { hint });
  }
  if (format.columns === 'one' && columns.length !== 1 && !(side === 'key' && columns.length === 0)) {
    return new UserError(
      'SQL_FORMAT_COLUMNS',
      `the format ${format.name} holds exactly one column, but there are ${columns.length} ${side} columns`,
      { hint: `Set ${side === 'key' ? 'KEY_FORMAT' : 'VALUE_FORMAT'} to a format with names, such as JSON.` },
    );
  }
  const fault = format.unsupported(columns);
  return fault === undefined ? undefined : new UserError('SQL_FORMAT_TYPE', fault);
};

/** Raises a `UserError` unless the format can hold these columns on this side. */
export const checkColumns = (format: Format, columns: readonly Column[], side: Side): void => {
  // Together they are no larger than a type may be.
  structOf(columns);
  const fault = columnsFault(format, columns, side);
  if (fault !== undefined) throw fault;
};

/** Whether the format can hold these columns on this side. */
export const holdsColumns = (format: Format, columns: readonly Column[], side: Side): boolean =>
  columnsFault(format, columns, side) === undefined;

/** Whether its bytes can be read without a registry, as those of a query's internal topics have to be. */
export const isSelfContained = ({ schemas }: Format): boolean => schemas === undefined;

/** Whether the schemas that records name have to be looked up before they are read. */
export const looksUpSchemas = ({ schemas }: Format): boolean => schemas?.neededToRead === true;

/** Whether a single value column can lie in an envelope (`wrapSingle`), or without one. */
export const canWrapAs = ({ wrapping }: Format, wrapSingle: boolean): boolean =>
  wrapping === 'either' || (wrapping === 'always') === wrapSingle;

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
  if (side === 'key') return format.wrapping === 'always';
  if (wrapSingle === undefined) return format.wrapping !== 'never';
  if (!canWrapAs(format, wrapSingle)) {
    throw new UserError(
      'SQL_WRAP_SINGLE_VALUE',
      `the format ${format.name} cannot ${wrapSingle ? 'wrap' : 'unwrap'} a single value`,
      { hint: 'Leave WRAP_SINGLE_VALUE out.' },
    );
  }
  return wrapSingle;
};

/** A scanner that reads record by record: the plain form behind any reader, which has to read the columns of the
 *  wanted slots. Its span slots hold texts. */
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

/** Reads one record into the vectors through a reader; `row` has as many places as there are columns. */
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
    for (const slot of wanted) (into.vectors[slot] as Value[])[index] = row[columnOfSlot(row.length, slot)] as Value;
  } catch (error) {
    if (!(error instanceof SerdeError)) throw error;
    into.status[index] = scanned.bad;
    into.errors.set(index, error.message);
    for (const slot of wanted) (into.vectors[slot] as Value[])[index] = null;
  }
};

/** A writer of rows with spans that has a writer of texts do the work. */
export const readingSpans = (columns: readonly Column[], { write }: RowWriter): RowWriter => {
  const texts = columns.map(hasSpans);
  const row: Row = new Array<Value>(columns.length).fill(null);
  return {
    write(given, out, bytes) {
      for (let i = 0; i < row.length; i++) {
        const value = given[i] as Value;
        row[i] = bytes !== undefined && texts[i] === true && typeof value === 'number' ? spanText(bytes, value) : value;
      }
      return write(row, out);
    },
  };
};

/** `column "V" of type MAP<…>`, for messages of formats. */
export const describeColumn = (column: Column): string => `column "${column.name}" of type ${printType(column.type)}`;
