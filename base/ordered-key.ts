/**
 * Keys whose byte order is the order of their values, so that a store sorted by bytes can be read in order of value.
 *
 *   i32, i64   big-endian with the sign bit flipped
 *   f64        big-endian IEEE; a negative number has all bits flipped, others the sign bit; -0 is written as 0, NaN sorts last
 *   bytes      each 00 as 00 FF, then 00 00: a prefix sorts before what it begins, and what follows the key cannot blur it
 *   text       as its UTF-8 bytes: the order of code points (UTF-16 units sort otherwise above U+FFFF)
 *
 * Values written one after the other sort by the first, then the second, and so on.
 */

import { type ByteWriter, type Cursor, readF64, readI32, readU32 } from './bytes.ts';
import { utf8Bytes, utf8Text } from './text.ts';

export const writeOrderedI32 = (out: ByteWriter, value: number): void => {
  out.i32(value ^ -0x8000_0000);
};

export const readOrderedI32 = (bytes: Uint8Array, at: number): number => readI32(bytes, at) ^ -0x8000_0000;

export const writeOrderedI64 = (out: ByteWriter, value: number | bigint): void => {
  out.i64(value);
  const first = out.length - 8;
  out.buffer[first] = (out.buffer[first] as number) ^ 0x80;
};

/** Exact while the value is a safe integer. */
export const readOrderedI64 = (bytes: Uint8Array, at: number): number =>
  readOrderedI32(bytes, at) * 0x1_0000_0000 + readU32(bytes, at + 4);

export const writeOrderedF64 = (out: ByteWriter, value: number): void => {
  out.f64(value === 0 ? 0 : value);
  const first = out.length - 8;
  const buffer = out.buffer;
  if (((buffer[first] as number) & 0x80) === 0) buffer[first] = (buffer[first] as number) | 0x80;
  else for (let i = first; i < first + 8; i++) buffer[i] = ~(buffer[i] as number);
};

const scratch = new Uint8Array(8);

export const readOrderedF64 = (bytes: Uint8Array, at: number): number => {
  const negative = ((bytes[at] as number) & 0x80) === 0;
  for (let i = 0; i < 8; i++) scratch[i] = negative ? ~(bytes[at + i] as number) : (bytes[at + i] as number);
  if (!negative) scratch[0] = (scratch[0] as number) & 0x7f;
  return readF64(scratch, 0);
};

export const writeOrderedBytes = (out: ByteWriter, bytes: Uint8Array, start = 0, end = bytes.length): void => {
  out.reserve((end - start) * 2 + 2);
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    out.i8(byte);
    if (byte === 0) out.i8(0xff);
  }
  out.i16(0);
};

/** Reads at `cursor.at` and moves it behind the value; undefined when the bytes are not what `writeOrderedBytes` wrote.
 *  */
export const readOrderedBytes = (bytes: Uint8Array, end: number, cursor: Cursor): Uint8Array | undefined => {
  const out: number[] = [];
  for (let at = cursor.at; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte !== 0) out.push(byte);
    else {
      at++;
      if (at >= end) return undefined;
      if (bytes[at] === 0) {
        cursor.at = at + 1;
        return Uint8Array.from(out);
      }
      if (bytes[at] !== 0xff) return undefined;
      out.push(0);
    }
  }
  return undefined;
};

export const writeOrderedText = (out: ByteWriter, text: string): void => writeOrderedBytes(out, utf8Bytes(text));

export const readOrderedText = (bytes: Uint8Array, end: number, cursor: Cursor): string | undefined => {
  const raw = readOrderedBytes(bytes, end, cursor);
  return raw === undefined ? undefined : utf8Text(raw);
};
