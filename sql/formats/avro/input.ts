/**
 * Data of Avro at a position, read in the plain form: the reference that generated code is held to.
 *
 * Nothing is read behind the end of a record, and no memory is asked for beyond what the record's own bytes could fill:
 * a length is compared with what is left before anything is made of it.
 */

import { readBigI64, readUtf8 } from '../../../base/index.ts';
import { normalizeBigint } from '../../types/value.ts';
import { SerdeError } from '../format.ts';

/** Items that take no bytes, such as nulls, are not bounded by the bytes of their record. */
const mostEmptyItems = 65_536;

const float = new DataView(new ArrayBuffer(8));
const wide = new Uint8Array(8);

export class AvroInput {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  /** How deep the part lies that is skipped, where a type contains itself. */
  depth = 0;
  #start = 0;

  open(bytes: Uint8Array, start: number, end: number, at = start): void {
    this.bytes = bytes;
    this.#start = start;
    this.at = at;
    this.end = end;
    this.depth = 0;
  }

  fail(what: string, at = this.at): never {
    throw new SerdeError(`not readable as AVRO: ${what} at byte ${at - this.#start}`);
  }

  /** Steps over a number of bytes, which have to be there, and answers where they began. */
  take(count: number): number {
    const { at } = this;
    if (count > this.end - at) this.fail('the record ends too early');
    this.at = at + count;
    return at;
  }

  boolean(): boolean {
    const at = this.take(1);
    const byte = this.bytes[at] as number;
    return byte > 1 ? this.fail(`a boolean is 0 or 1, not ${byte},`, at) : byte === 1;
  }

  int(): number {
    const { at } = this;
    const value = this.#varint(5);
    if (value > 0xffff_ffff) this.fail('an int is larger than 32 bits', at);
    return (value >>> 1) ^ -(value & 1);
  }

  long(): number | bigint {
    const { at } = this;
    const value = this.#varint(10);
    if (value <= Number.MAX_SAFE_INTEGER) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    // Its digits do not fit a number: again, exactly.
    let exact = 0n;
    for (let i = at, shift = 0n; i < this.at; i++, shift += 7n)
      exact |= BigInt((this.bytes[i] as number) & 0x7f) << shift;
    exact = BigInt.asUintN(64, exact);
    return normalizeBigint((exact >> 1n) ^ -(exact & 1n));
  }

  /** The groups of seven bits of a number, which may lose its low bits when it is large. */
  #varint(most: number): number {
    const { bytes, end, at } = this;
    let value = 0;
    let scale = 1;
    for (let i = at; i < at + most; i++) {
      if (i >= end) this.fail('the record ends within a number');
      const byte = bytes[i] as number;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        this.at = i + 1;
        return value;
      }
    }
    return this.fail('a number has too many bytes');
  }

  /** A length that is within what is left. */
  length(): number {
    const { at } = this;
    const length = this.long();
    if (typeof length === 'bigint' || length < 0 || length > this.end - this.at) {
      this.fail(`a length of ${length} is not within the record,`, at);
    }
    return length;
  }

  float(): number {
    const at = this.take(4);
    for (let i = 0; i < 4; i++) float.setUint8(i, this.bytes[at + i] as number);
    return float.getFloat32(0, true);
  }

  double(): number {
    const at = this.take(8);
    for (let i = 0; i < 8; i++) float.setUint8(i, this.bytes[at + i] as number);
    return float.getFloat64(0, true);
  }

  text(): string {
    const length = this.length();
    const at = this.take(length);
    return readUtf8(this.bytes, at, at + length);
  }

  /** Bytes of their own. */
  slice(length: number): Uint8Array {
    const at = this.take(length);
    // `slice` of a Buffer would share its memory.
    return new Uint8Array(this.bytes.subarray(at, at + length));
  }

  /** The place of a symbol or branch, which is one of so many. */
  index(count: number, what: string): number {
    const { at } = this;
    const index = this.int();
    return index < 0 || index >= count ? this.fail(`there is no ${what} ${index}`, at) : index;
  }

  /** How many items the next block of an array or a map has: none at its end. `least` is how many bytes an item takes
   *  at least, `before` how many items there were. */
  block(least: number, before: number): number {
    const { at } = this;
    let count = this.long();
    if (typeof count === 'number' && count < 0) {
      count = -count;
      // The size of the block, for those who skip it.
      this.length();
    }
    const room = least > 0 ? Math.floor((this.end - this.at) / least) : mostEmptyItems - before;
    return count > room ? this.fail(`${count} items are not within the record,`, at) : Number(count);
  }

  /** Where an item lies that contains others of its kind. */
  descend(most: number): void {
    if (++this.depth > most) this.fail(`the data is more than ${most} levels deep`);
  }
}

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
