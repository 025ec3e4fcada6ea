/**
 * Whole numbers of 64 bits as bytes whose order is the order of the numbers: big-endian, the sign bit flipped. So a
 * store that is sorted by bytes can be read in order of time, before 1970 as well.
 */

import { readI32, readU32 } from './bytes.ts';

const two32 = 0x1_0000_0000;

/** Writes a safe integer into `bytes[at, at + 8)`. */
export const writeOrderedI64 = (bytes: Uint8Array, at: number, value: number): void => {
  const high = Math.floor(value / two32);
  const low = value - high * two32;
  bytes[at] = (high >> 24) ^ 0x80;
  bytes[at + 1] = high >> 16;
  bytes[at + 2] = high >> 8;
  bytes[at + 3] = high;
  bytes[at + 4] = low >>> 24;
  bytes[at + 5] = low >>> 16;
  bytes[at + 6] = low >>> 8;
  bytes[at + 7] = low;
};

/** Exact while the value is a safe integer. */
export const readOrderedI64 = (bytes: Uint8Array, at: number): number =>
  (readI32(bytes, at) ^ -0x8000_0000) * two32 + readU32(bytes, at + 4);

/** The same of a view: two loads of four bytes and not eight of one. */
export const readViewOrderedI64 = (view: DataView, at: number): number =>
  (view.getInt32(at) ^ -0x8000_0000) * two32 + view.getUint32(at + 4);
