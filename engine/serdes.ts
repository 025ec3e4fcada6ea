/**
 * Serdes for the usual things: text, JSON, numbers and bytes, in the forms of Kafka's own (numbers big-endian, text
 * UTF-8).
 *
 * Each refuses what is not its form with a `SerdeError`: a number of another length, JSON that does not parse. A null
 * key or value never comes here.
 */

import { type ByteWriter, messageOf, readBigI64, readF64, readI32, readI64, readUtf8 } from '../base/index.ts';
import { type Serde, SerdeError } from './serde.ts';

const sized = <T>(
  name: string,
  length: number,
  write: (value: T, out: ByteWriter) => void,
  read: (bytes: Uint8Array, start: number) => T,
): Serde<T> => ({
  name,
  write,
  read(bytes, start, end) {
    if (end - start !== length) throw new SerdeError(`${name} takes ${length} bytes, there are ${end - start}`);
    return read(bytes, start);
  },
});

/** A whole number of 32 bits; others are refused when written. */
export const int32: Serde<number> = sized(
  'int32',
  4,
  (value, out) => {
    if (!Number.isInteger(value) || value !== (value | 0)) throw new SerdeError(`${value} is not a 32-bit integer`);
    out.i32(value);
  },
  readI32,
);

/** A whole number of 64 bits, exact: read as a number while that is a safe integer, as a bigint beyond. */
export const int64: Serde<number | bigint> = sized(
  'int64',
  8,
  (value, out) => {
    const fits = typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
    if (!fits) throw new SerdeError(`${value} is not an exact 64-bit integer`);
    out.i64(value);
  },
  (bytes, start) => {
    const value = readI64(bytes, start);
    return Number.isSafeInteger(value) ? value : readBigI64(bytes, start);
  },
);

export const float64: Serde<number> = sized('float64', 8, (value, out) => out.f64(value), readF64);

/** UTF-8. Malformed bytes read as U+FFFD. */
export const string: Serde<string> = {
  name: 'string',
  write(value, out) {
    out.utf8(value);
  },
  read: readUtf8,
};

/** JSON as text, trusted to be a T: nothing but its syntax is checked. */
export const json = <T>(): Serde<T> => ({
  name: 'json',
  write(value, out) {
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch (cause) {
      throw new SerdeError(`no JSON form: ${messageOf(cause)}`, { cause });
    }
    if (text === undefined) throw new SerdeError(`a value of type ${typeof value} has no JSON form`);
    out.utf8(text);
  },
  read(bytes, start, end) {
    try {
      return JSON.parse(readUtf8(bytes, start, end)) as T;
    } catch (cause) {
      throw new SerdeError(`no JSON: ${messageOf(cause)}`, { cause });
    }
  },
});

/** Bytes as they are; what is read is a copy. */
export const bytes: Serde<Uint8Array> = {
  name: 'bytes',
  write(value, out) {
    out.bytes(value);
  },
  read: (from, start, end) => from.slice(start, end),
};
