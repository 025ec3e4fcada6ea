/**
 * Keys: between their columns and their bytes.
 *
 * A key's bytes are its columns in the key format, then, for windowed keys, the window: its start (i64, big-endian) for
 * windows of fixed size, end and start for sessions. Columns are decoded when an expression asks for one, never before;
 * a key whose format stays the same passes as the bytes that it came as.
 */

import { type ByteWriter, readI64 } from '../../base/index.ts';
import { type OperatorContext, SerdeError, type StreamRecord } from '../../engine/index.ts';
import type { FormatChoice } from '../formats/choices.ts';
import type { RowReader, RowWriter } from '../formats/format.ts';
import { formatOf } from '../formats/index.ts';
import type { WriterSchemas } from '../formats/writer-schemas.ts';
import type { Column, Schema, WindowedKey } from '../types/schema.ts';
import type { Row, Value } from '../types/value.ts';

/** Bytes of the window behind a key's own. */
export const windowBytesOf = (windowed: WindowedKey | undefined): number =>
  windowed === undefined ? 0 : windowed.type === 'SESSION' ? 16 : 8;

/** Without columns there is no key, and no schema for one. */
export const keyWriter = (columns: readonly Column[], choice: FormatChoice): RowWriter => {
  if (columns.length === 0) return { write: () => false };
  const { format, options } = formatOf(choice, columns, 'key');
  return format.writer(columns, options);
};

/** `schemas`: for keys that others may have written. */
export const keyReader = (columns: readonly Column[], choice: FormatChoice, schemas?: WriterSchemas): RowReader => {
  const { format, options } = formatOf(choice, columns, 'key', schemas);
  return format.reader(columns, options);
};

/** Reads the key columns of records of one schema. Not for two callers at once. */
export class KeyColumns {
  readonly #reader: RowReader;
  readonly #windowBytes: number;
  readonly #sizeMs: number;
  readonly #row: Row;

  constructor(schema: Schema, choice: FormatChoice) {
    this.#reader = keyReader(schema.key, choice);
    this.#windowBytes = windowBytesOf(schema.windowed);
    this.#sizeMs = schema.windowed?.sizeMs ?? 0;
    this.#row = new Array<Value>(schema.key.length).fill(null);
  }

  /** All key columns; valid until the next call. A null key has NULL columns. Raises `SerdeError` on bytes that are
   *  not such a key. */
  columns(record: StreamRecord<unknown>): Row {
    const row = this.#row;
    const { keyStart } = record;
    if (keyStart < 0) row.fill(null);
    else {
      const end = record.keyEnd - this.#windowBytes;
      if (end < keyStart) throw new SerdeError('the key is too short to hold a window');
      this.#reader.read(record.keyBytes, keyStart, end, row);
    }
    return row;
  }

  column(record: StreamRecord<unknown>, index: number): Value {
    return this.columns(record)[index] as Value;
  }

  windowStart(record: StreamRecord<unknown>): Value {
    return record.keyStart < 0 ? null : readI64(record.keyBytes, record.keyEnd - 8);
  }

  windowEnd(record: StreamRecord<unknown>): Value {
    if (record.keyStart < 0) return null;
    return this.#windowBytes === 16
      ? readI64(record.keyBytes, record.keyEnd - 16)
      : readI64(record.keyBytes, record.keyEnd - 8) + this.#sizeMs;
  }
}

/** Whether no column of a record's key is NULL, as groups need it. Drops the other records, and notes them. Not for two
 *  callers at once. */
export const wholeKeys = (
  schema: Schema,
  choice: FormatChoice,
): ((record: StreamRecord<unknown>, context: OperatorContext) => boolean) => {
  const keys = new KeyColumns(schema, choice);
  return (record, context) => {
    if (!keys.columns(record).includes(null)) return true;
    context.drop('null-key', record, 'a grouping expression is NULL');
    return false;
  };
};

/** Writes a record's key in another format; false for a null key. */
export const keyRecoder = (
  schema: Schema,
  from: FormatChoice,
  to: FormatChoice,
): ((record: StreamRecord<unknown>, out: ByteWriter) => boolean) => {
  const columns = new KeyColumns(schema, from);
  const writer = keyWriter(schema.key, to);
  const windowBytes = windowBytesOf(schema.windowed);
  return (record, out) => {
    if (record.keyStart < 0 || !writer.write(columns.columns(record), out)) return false;
    if (windowBytes > 0) out.bytes(record.keyBytes, record.keyEnd - windowBytes, record.keyEnd);
    return true;
  };
};
