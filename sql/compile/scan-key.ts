/**
 * The keys of scanned records: bytes that are not a key of the source's format are a fault, and keys of a format that
 * has several ways to write one key are written again, since equal keys must have equal bytes from here on.
 */

import { ByteWriter } from '../../base/index.ts';
import { SerdeError, type StreamRecord } from '../../engine/index.ts';
import type { FormatChoice } from '../formats/choices.ts';
import { formatNamed, formatOf } from '../formats/index.ts';
import type { WriterSchemas } from '../formats/writer-schemas.ts';
import { keyColumnsOf } from '../plan/plan.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import type { Schema } from '../types/schema.ts';
import type { Row, Value } from '../types/value.ts';
import { keyWriter, windowBytesOf } from './keys.ts';

/** Checks the key of a record that has one, and writes it again where that is needed. Answers with the fault. */
export const keyReading = (
  step: SourceStep,
  schemas: WriterSchemas | undefined,
): ((record: StreamRecord<unknown>) => string | undefined) => {
  const { schema } = step;
  const check = keyCheck(schema, step.keyFormat, schemas);
  if (formatNamed(step.keyFormat.name).canonical) {
    return ({ keyBytes, keyStart, keyEnd }) => {
      const fault = check(keyBytes, keyStart, keyEnd);
      return typeof fault === 'string' ? fault : undefined;
    };
  }
  const writer = keyWriter(keyColumnsOf(step), step.keyFormat);
  const windowBytes = windowBytesOf(schema.windowed);
  const out = new ByteWriter(64);
  return (record) => {
    const { keyBytes, keyStart, keyEnd } = record;
    const key = check(keyBytes, keyStart, keyEnd);
    if (typeof key === 'string') return key;
    out.reset();
    const present = writer.write(key, out);
    if (windowBytes > 0) out.bytes(keyBytes, keyEnd - windowBytes, keyEnd);
    record.keyBytes = out.buffer;
    record.keyStart = present ? 0 : -1;
    record.keyEnd = present ? out.length : -1;
    return undefined;
  };
};

/** Checks a key's bytes: a fault as text, or the columns (only where they had to be decoded for it). */
const keyCheck = (
  schema: Schema,
  choice: FormatChoice,
  schemas: WriterSchemas | undefined,
): ((bytes: Uint8Array, start: number, end: number) => string | Row) => {
  const row: Row = new Array<Value>(schema.key.length).fill(null);
  const windowBytes = windowBytesOf(schema.windowed);
  if (schema.key.length === 0) return () => row;
  const { format, options } = formatOf(choice, schema.key, 'key', schemas);
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
