/**
 * Records between the text of a case and their bytes: a topic's records are written and read with its own formats.
 *
 * JSON goes as it stands in the case, so that oddities of the input (missing fields, numbers as text) reach the reader
 * under test; other formats are written by the project's own writers. Outputs in JSON are read by JavaScript's parser,
 * not by ours.
 */

import { ByteWriter, readI64 } from '../../base/index.ts';
import {
  type Column,
  keyReader,
  keyWriter,
  type Row,
  type Source,
  type SqlType,
  type Value,
  windowBytesOf,
} from '../../sql/index.ts';
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

export const decodeRecord = (record: WrittenRecord, forms: Forms): ReadRecord => {
  const { schema, keyFormat, valueFormat } = forms;
  const { key, value, timestamp, headers } = record;
  const windowBytes = windowBytesOf(schema.windowed);
  return {
    key: key === null ? null : readPart(key.subarray(0, key.length - windowBytes), schema.key, keyFormat),
    value: value === null ? null : readPart(value, schema.value, valueFormat),
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
  if (keyFormat.name === 'JSON') out.utf8(writeJson(key));
  else if (schema.key.length === 0 || keyFormat.name === 'NONE')
    out.utf8(typeof key === 'string' ? key : writeJson(key));
  else keyWriter(schema.key, keyFormat).write(rowOf(key, schema.key), out);
  if (window !== undefined) {
    if (window.type === 'session') out.i64(window.end);
    out.i64(window.start);
  }
  return out.slice();
};

const valueBytes = (value: Json, { schema, valueFormat }: Forms): Uint8Array | null => {
  if (value === null) return null;
  if (valueFormat.name === 'JSON') return new TextEncoder().encode(writeJson(value));
  const out = new ByteWriter(64);
  return keyWriter(schema.value, valueFormat).write(rowOf(value, schema.value), out) ? out.slice() : null;
};

/** For formats of one column: the value itself, or an object that holds it. */
const rowOf = (value: Json, columns: readonly Column[]): Row =>
  columns.map(({ type }) => {
    const bare = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value)[0] : value;
    return valueOf((bare ?? null) as Json, type);
  });

const valueOf = (value: Json, type: SqlType): Value => {
  if (value === null) return null;
  if (type.kind === 'STRING') return typeof value === 'string' ? value : writeJson(value);
  return typeof value === 'string' ? Number(value) : (value as Value);
};

const readPart = (bytes: Uint8Array, columns: readonly Column[], format: Forms['keyFormat']): Json => {
  if (format.name === 'JSON') return readJson(new TextDecoder().decode(bytes));
  if (columns.length === 0) return new TextDecoder().decode(bytes);
  const row: Row = columns.map(() => null);
  keyReader(columns, format).read(bytes, 0, bytes.length, row);
  return row[0] as Json;
};

/** Windows of fixed size keep their start behind the key, sessions their end and their start. */
const windowOf = (key: Uint8Array, sizeMs: number | undefined): Omit<CaseWindow, 'type'> => {
  const start = readI64(key, key.length - 8);
  const end = sizeMs === undefined ? readI64(key, key.length - 16) : Number(start) + sizeMs;
  return { start: Number(start), end: Number(end) };
};
