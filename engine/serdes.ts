/**
 * Serdes for the usual things, in the forms of Kafka's own: numbers big-endian, text UTF-8, JSON, bytes, UUIDs, lists.
 *
 * Each refuses what does not have its form with a `SerdeError`: a number of another length, JSON that does not parse. A
 * null key or value never comes here.
 */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  type ByteWriter,
  copyOf,
  JsonReader,
  messageOf,
  readBigI64,
  readF32,
  readF64,
  readI16,
  readI32,
  readI64,
  readShortUtf8,
  readUtf8,
} from '../base/index.ts';
import { type Serde, SerdeError } from './serde.ts';

const sized = <T>(
  name: string,
  length: number,
  write: (value: T, out: ByteWriter) => void,
  read: (bytes: Uint8Array, start: number) => T,
): Serde<T> => ({
  name,
  length,
  write,
  read(bytes, start, end) {
    if (end - start !== length) throw new SerdeError(`${name} takes ${length} bytes, there are ${end - start}`);
    return read(bytes, start);
  },
});

const refused = (value: unknown, what: string): SerdeError => {
  // Null is a key, or a value, that is not there: types let it through where it was asserted away.
  const isShort = typeof value === 'bigint' || typeof value === 'number' || value === null;
  return new SerdeError(`${isShort ? String(value) : `a value of type ${typeof value}`} is not ${what}`);
};

/** A whole number of 16 bits; others are refused when written. */
export const int16: Serde<number> = sized(
  'int16',
  2,
  (value, out) => {
    if (value !== (value << 16) >> 16) throw refused(value, 'a 16-bit integer');
    out.i16(value);
  },
  readI16,
);

/** A whole number of 32 bits; others are refused when written. */
export const int32: Serde<number> = sized(
  'int32',
  4,
  (value, out) => {
    if (value !== (value | 0)) throw refused(value, 'a 32-bit integer');
    out.i32(value);
  },
  readI32,
);

const fitsInt64 = (value: bigint): boolean => BigInt.asIntN(64, value) === value;

/** A whole number of 64 bits, exact: read as a number while that is a safe integer, as a bigint beyond. */
export const int64: Serde<number | bigint> = sized(
  'int64',
  8,
  (value, out) => {
    const fits = typeof value === 'bigint' ? fitsInt64(value) : Number.isSafeInteger(value);
    if (!fits) throw refused(value, 'an exact 64-bit integer');
    out.i64(value);
  },
  (bytes, start) => {
    const value = readI64(bytes, start);
    return Number.isSafeInteger(value) ? value : readBigI64(bytes, start);
  },
);

/** The bytes of `int64`, for numbers only: what is not a safe integer is refused, written and read. */
export const safeInt64: Serde<number> = sized(
  'int64',
  8,
  (value, out) => {
    if (!Number.isSafeInteger(value)) throw refused(value, 'a safe integer');
    out.i64(value);
  },
  (bytes, start) => {
    const value = readI64(bytes, start);
    if (!Number.isSafeInteger(value))
      throw refused(readBigI64(bytes, start), 'a safe integer: read it with int64 or bigint');
    return value;
  },
);

/** The bytes of `int64`, always as a bigint. */
export const bigint: Serde<bigint> = sized(
  'int64',
  8,
  (value, out) => {
    if (typeof value !== 'bigint' || !fitsInt64(value)) throw refused(value, 'a bigint of 64 bits');
    out.i64(value);
  },
  readBigI64,
);

const writesNumbers =
  (write: (value: number, out: ByteWriter) => void) =>
  (value: number, out: ByteWriter): void => {
    if (typeof value !== 'number') throw refused(value, 'a number');
    write(value, out);
  };

/** A number rounded to 32 bits. */
export const float32: Serde<number> = sized(
  'float32',
  4,
  writesNumbers((value, out) => out.f32(value)),
  readF32,
);

export const float64: Serde<number> = sized(
  'float64',
  8,
  writesNumbers((value, out) => out.f64(value)),
  readF64,
);

/** One byte: 1 or 0. */
export const boolean: Serde<boolean> = sized(
  'boolean',
  1,
  (value, out) => {
    if (typeof value !== 'boolean') throw refused(value, 'a boolean');
    out.i8(value ? 1 : 0);
  },
  (bytes, start) => {
    const value = bytes[start] as number;
    if (value > 1) throw new SerdeError(`a boolean is the byte 0 or 1, not ${value}`);
    return value === 1;
  },
);

/** UTF-8. Malformed bytes read as U+FFFD. */
export const string: Serde<string> = {
  name: 'string',
  readsAll: true,
  keepsBytes: true,
  write(value, out) {
    if (typeof value !== 'string') throw refused(value, 'text');
    out.utf8(value);
  },
  read: readShortUtf8,
};

const uuidForm = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const uuidLength = 36;

/** A UUID as text, such as `crypto.randomUUID()` gives it; on the wire its 36 characters in lower case. */
export const uuid: Serde<string> = sized(
  'uuid',
  uuidLength,
  (value, out) => {
    if (typeof value !== 'string' || !uuidForm.test(value)) throw new SerdeError(`${String(value)} is not a UUID`);
    out.utf8(value.toLowerCase());
  },
  (bytes, start) => {
    const text = readUtf8(bytes, start, start + uuidLength);
    if (!uuidForm.test(text)) throw new SerdeError('the bytes are not the text of a UUID');
    return text.toLowerCase();
  },
);

/**
 * JSON as text. `json<T>()` trusts it to be a T: nothing but its syntax is checked. `json(schema)` checks what is read
 * by a Standard Schema (zod, valibot, arktype …) and answers what the schema makes of it; the schema must not be
 * asynchronous. What is written is not checked by it: the compiler has.
 */
export function json<T>(): Serde<T>;
export function json<S extends StandardSchemaV1>(schema: S): Serde<StandardSchemaV1.InferOutput<S>>;
export function json(schema?: StandardSchemaV1): Serde<unknown> {
  const reader = new JsonReader();
  return {
    name: 'json',
    write: writeJson,
    read(bytes, start, end) {
      const value = readJson(reader, bytes, start, end);
      return schema === undefined ? value : validated(schema, value);
    },
  };
}

const writeJson = (value: unknown, out: ByteWriter): void => {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new SerdeError(`the value has no JSON form: ${messageOf(cause)}`, { cause });
  }
  if (text === undefined) throw new SerdeError(`a value of type ${typeof value} has no JSON form`);
  out.utf8(text);
};

const readJson = (reader: JsonReader, bytes: Uint8Array, start: number, end: number): unknown => {
  try {
    return reader.read(bytes, start, end);
  } catch (cause) {
    throw new SerdeError(`not valid JSON: ${messageOf(cause)}`, { cause });
  }
};

const validated = (schema: StandardSchemaV1, value: unknown): unknown => {
  let result: ReturnType<StandardSchemaV1['~standard']['validate']>;
  try {
    result = schema['~standard'].validate(value);
  } catch (cause) {
    throw new SerdeError(`the schema failed on the value: ${messageOf(cause)}`, { cause });
  }
  if (result instanceof Promise)
    throw new SerdeError('the schema answers asynchronously, which a serde cannot wait for');
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message, path = [] }) => {
    const place = path.map((part) => (typeof part === 'object' ? String(part.key) : String(part))).join('.');
    return place === '' ? message : `${place}: ${message}`;
  });
  throw new SerdeError(`the value does not fit its schema: ${issues.join('; ')}`);
};

/** Bytes as they are; what is read is a copy, which may share its `buffer` with others: mind `byteOffset`. */
export const bytes: Serde<Uint8Array> = {
  name: 'bytes',
  readsAll: true,
  write(value, out) {
    if (!(value instanceof Uint8Array)) throw refused(value, 'a Uint8Array');
    out.bytes(value);
  },
  read: copyOf,
};

const constantSize = 0;
const variableSize = 1;

/**
 * A list of values, any of which may be null. As Kafka's: a byte for the form; of values of one length the number of
 * nulls and their places (i32 each), the number of values (i32), their bytes; of others the number of values, then each
 * behind its length (i32, −1: null).
 */
export const list = <T>(inner: Serde<T>): Serde<readonly (T | null)[]> => ({
  name: `list of ${inner.name}`,
  write(values, out) {
    if (!Array.isArray(values)) throw refused(values, 'an array');
    const constant = inner.length !== undefined;
    out.i8(constant ? constantSize : variableSize);
    if (constant) {
      const nulls = values.flatMap((value, index) => (value === null ? [index] : []));
      out.i32(nulls.length);
      for (const index of nulls) out.i32(index);
    }
    out.i32(values.length);
    for (const value of values as readonly (T | null)[]) {
      if (value === null) {
        if (!constant) out.i32(-1);
        continue;
      }
      const lengthAt = out.length;
      if (!constant) out.i32(0);
      const valueAt = out.length;
      inner.write(value, out);
      if (!constant) out.view().setInt32(lengthAt, out.length - valueAt);
    }
  },
  read(from, start, end) {
    let at = start;
    const i32 = (what: string): number => {
      if (at + 4 > end) throw new SerdeError(`the list ends within ${what}`);
      at += 4;
      return readI32(from, at - 4);
    };
    const count = (what: string): number => {
      const value = i32(what);
      if (value < 0) throw new SerdeError(`${what} of the list is ${value}`);
      return value;
    };
    const form = start < end ? from[at++] : -1;
    if (form !== constantSize && form !== variableSize) throw new SerdeError('the bytes are not a list');
    if ((form === constantSize) !== (inner.length !== undefined)) {
      throw new SerdeError(`the list does not hold values of the serde ${inner.name}`);
    }
    const nulls = new Set<number>();
    if (form === constantSize)
      for (let left = count('the number of nulls'); left > 0; left--) nulls.add(i32('its nulls'));
    const size = count('the number of values');
    const values: (T | null)[] = [];
    for (let index = 0; index < size; index++) {
      let length = inner.length ?? 0;
      if (form === variableSize) length = i32('the length of a value');
      if (form === variableSize ? length === -1 : nulls.has(index)) {
        values.push(null);
        continue;
      }
      if (length < 0 || at + length > end) throw new SerdeError('the list ends within a value');
      values.push(inner.read(from, at, (at += length)));
    }
    if (at !== end) throw new SerdeError(`${end - at} bytes are left behind the list`);
    return values;
  },
});
