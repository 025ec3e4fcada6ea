/**
 * Records between the text of a case and their bytes: a topic's records are written and read with its own formats.
 *
 * JSON goes as it stands in the case, so that oddities of the input (missing fields, numbers as text) reach the reader
 * under test; other formats are written by the project's own writers, from the values that our JSON reads there.
 * Outputs in JSON are read by JavaScript's parser, not by ours; others by our readers, and compared as JSON.
 */

import { ByteWriter, readI64 } from '../../base/index.ts';
import { type FormatChoice } from '../../sql/formats/choices.ts';
import type { FormatOptions, Side } from '../../sql/formats/format.ts';
import { formatOf } from '../../sql/formats/index.ts';
import { json } from '../../sql/formats/json.ts';
import type { WriterSchemas } from '../../sql/formats/writer-schemas.ts';
import { type Column, type Row, type Source, windowBytesOf } from '../../sql/index.ts';
import { type CaseRecord, type CaseWindow, type Json, readJson, writeJson } from './cases.ts';

/** How the records of a topic are read and written: what a source over it, or a sink into it, says. */
export type Forms = Pick<Source, 'schema' | 'keyFormat' | 'valueFormat'>;

export interface WrittenRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

/** A record read back, to be compared with what a case expects. */
export interface ReadRecord {
  readonly key: Json;
  readonly value: Json;
  readonly timestamp: number;
  readonly window: Omit<CaseWindow, 'type'> | undefined;
  readonly headers: readonly { readonly KEY: string; readonly VALUE: string | null }[];
}

export const encodeRecord = (input: CaseRecord, forms: Forms): WrittenRecord => ({
  key: keyBytes(input, forms),
  value: valueBytes(input.value ?? null, forms),
  timestamp: input.timestamp ?? 0,
  headers: (input.headers ?? []).map(({ KEY, VALUE }) => ({
    key: KEY,
    value: VALUE === null ? null : Buffer.from(VALUE, 'base64'),
  })),
});

export const decodeRecord = (record: WrittenRecord, forms: Forms, schemas: WriterSchemas): ReadRecord => {
  const { schema, keyFormat, valueFormat } = forms;
  const { key, value, timestamp, headers } = record;
  const windowBytes = windowBytesOf(schema.windowed);
  return {
    key:
      key === null ? null : readPart(key.subarray(0, key.length - windowBytes), schema.key, keyFormat, 'key', schemas),
    value: value === null ? null : readPart(value, schema.value, valueFormat, 'value', schemas),
    timestamp,
    window: key === null || windowBytes === 0 ? undefined : windowOf(key, schema.windowed?.sizeMs),
    headers: headers.map((header) => ({
      KEY: header.key,
      VALUE: header.value === null ? null : Buffer.from(header.value).toString('base64'),
    })),
  };
};

const keyBytes = ({ key, window }: CaseRecord, { schema, keyFormat }: Forms): Uint8Array | null => {
  if (key === null || key === undefined) return null;
  const out = new ByteWriter(64);
  const bytes =
    schema.key.length === 0
      ? new TextEncoder().encode(typeof key === 'string' ? key : writeJson(key))
      : partBytes(key, schema.key, keyFormat, 'key');
  if (bytes === null) return null;
  out.bytes(bytes);
  if (window !== undefined) {
    if (window.type === 'session') out.i64(window.end);
    out.i64(window.start);
  }
  return out.slice();
};

const valueBytes = (value: Json, { schema, valueFormat }: Forms): Uint8Array | null =>
  value === null ? null : partBytes(value, schema.value, valueFormat, 'value');

const partBytes = (value: Json, columns: readonly Column[], choice: FormatChoice, side: Side): Uint8Array | null => {
  if (choice.name === 'JSON') return new TextEncoder().encode(writeJson(value));
  if (isLine(choice)) return new TextEncoder().encode(typeof value === 'string' ? value : writeJson(value));
  const { format, options } = formatOf(choice, columns, side);
  const out = new ByteWriter(64);
  const row = rowOf(format.columns === 'one' ? bare(value) : value, columns, { ...options, properties: undefined });
  // An object of a case is a message, with its one field or without. Our writer writes none for a key that is NULL.
  const written = choice.name === 'PROTOBUF' ? { ...options, side: 'value' as const } : options;
  return format.writer(columns, written).write(row, out) ? out.slice() : null;
};

/** A line of fields stands in a case as it is. */
const isLine = ({ name }: FormatChoice): boolean => name === 'DELIMITED';

/** For formats of one column: the value itself, or the one within an object. */
const bare = (value: Json): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (Object.values(value)[0] ?? null) : value;

/** The values of a row as they stand in a case are those of our JSON. A case may spell the fields of a schema in upper
 *  case. */
const rowOf = (value: Json, columns: readonly Column[], options: FormatOptions): Row => {
  const row: Row = columns.map(() => null);
  const text = new TextEncoder().encode(writeJson(value));
  json.reader(columns.map(inUpperCase), options).read(text, 0, text.length, row);
  return row;
};

const inUpperCase = ({ name, type }: Column): Column => ({
  name: name.toUpperCase(),
  type: type.kind === 'STRUCT' ? { ...type, fields: type.fields.map(inUpperCase) } : type,
});

const readPart = (
  bytes: Uint8Array,
  columns: readonly Column[],
  choice: FormatChoice,
  side: Side,
  schemas: WriterSchemas | undefined,
): Json => {
  if (choice.name === 'JSON') return readJson(new TextDecoder().decode(bytes));
  if (columns.length === 0 || isLine(choice)) return new TextDecoder().decode(bytes);
  const { format, options } = formatOf(choice, columns, side, schemas);
  const row: Row = columns.map(() => null);
  if (!format.reader(columns, options).read(bytes, 0, bytes.length, row)) return null;
  const out = new ByteWriter(64);
  json.writer(columns, { side, wrapped: options.wrapped }).write(row, out);
  return readJson(new TextDecoder().decode(out.slice()));
};

/** Windows of fixed size keep their start behind the key, sessions their end and their start. */
const windowOf = (key: Uint8Array, sizeMs: number | undefined): Omit<CaseWindow, 'type'> => {
  const start = readI64(key, key.length - 8);
  const end = sizeMs === undefined ? readI64(key, key.length - 16) : Number(start) + sizeMs;
  return { start: Number(start), end: Number(end) };
};
