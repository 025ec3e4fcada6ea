/** Numbers as the bytes of binary formats: whole ones of any size, big-endian, as decimals are; and floats. */

import { type ByteWriter, readBigI64, writeViewF32, writeViewF64 } from '../../base/index.ts';

const wide = new Uint8Array(8);

/** The signed whole number that big-endian bytes stand for. */
export const bigintOfBytes = (bytes: Uint8Array, start: number, end: number): bigint => {
  const length = end - start;
  if (length === 0) return 0n;
  if (length <= 8) {
    wide.fill((bytes[start] as number) >= 0x80 ? 0xff : 0);
    for (let i = 0; i < length; i++) wide[8 - length + i] = bytes[start + i] as number;
    return BigInt.asIntN(64, readBigI64(wide, 0));
  }
  let hex = '';
  for (let i = start; i < end; i++) hex += (bytes[i] as number).toString(16).padStart(2, '0');
  return BigInt.asIntN(length * 8, BigInt(`0x${hex}`));
};

/** The fewest big-endian bytes that stand for a signed whole number, as Java has them. */
export const bytesOfBigint = (value: bigint): Uint8Array => {
  let length = 1;
  for (let rest = value < 0n ? ~value : value; rest >= 0x80n; rest >>= 8n) length++;
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
};

const float = new DataView(new ArrayBuffer(8));
const floatBytes = new Uint8Array(float.buffer);

/** A number as little-endian bytes, four of a float or eight of a double. */
export const writeFloat = (value: number, size: 4 | 8, out: ByteWriter): void => {
  if (size === 4) writeViewF32(float, 0, value, true);
  else writeViewF64(float, 0, value, true);
  out.bytes(floatBytes, 0, size);
};
