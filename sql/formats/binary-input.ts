/**
 * Binary data of a record at a position, read in the plain form: what the formats share whose numbers are groups of
 * seven bits, and whose texts and bytes lie behind their length.
 *
 * Nothing is read behind the end of a record, and no memory is asked for beyond what the record's own bytes could fill:
 * a length is compared with what is left before anything is made of it.
 */

import { readUtf8 } from '../../base/index.ts';
import { SerdeError } from './format.ts';

const scratch = new DataView(new ArrayBuffer(8));

export abstract class BinaryInput {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  /** Of the record, or of the part of it that is read. */
  end = 0;
  readonly #format: string;
  #start = 0;

  constructor(format: string) {
    this.#format = format;
  }

  /** Stands at `at`, in the record `bytes[start, end)`. */
  open(bytes: Uint8Array, start: number, end: number, at = start): void {
    this.bytes = bytes;
    this.#start = start;
    this.at = at;
    this.end = end;
  }

  fail(what: string, at = this.at): never {
    throw new SerdeError(`not readable as ${this.#format}: ${what} at byte ${at - this.#start}`);
  }

  /** Steps over a number of bytes, which have to be there, and answers where they began. */
  take(count: number): number {
    const { at } = this;
    if (count > this.end - at) this.fail('the data ends too early');
    this.at = at + count;
    return at;
  }

  /** The groups of seven bits of a number, which may lose its low bits when it is large. */
  varint(most: number): number {
    const { bytes, end, at } = this;
    let value = 0;
    let scale = 1;
    for (let i = at; i < at + most; i++) {
      if (i >= end) this.fail('the data ends within a number');
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

  /** The groups of seven bits from `start` to here, exactly. */
  exactVarint(start: number): bigint {
    let value = 0n;
    for (let i = start, shift = 0n; i < this.at; i++, shift += 7n)
      value |= BigInt((this.bytes[i] as number) & 0x7f) << shift;
    return value;
  }

  /** The next bytes, at the start of a view that is used again. */
  view(count: number): DataView {
    const at = this.take(count);
    for (let i = 0; i < count; i++) scratch.setUint8(i, this.bytes[at + i] as number);
    return scratch;
  }

  float(): number {
    return this.view(4).getFloat32(0, true);
  }

  double(): number {
    return this.view(8).getFloat64(0, true);
  }

  /** A length that is within what is left. */
  abstract length(): number;

  text(): string {
    const length = this.length();
    const at = this.take(length);
    return readUtf8(this.bytes, at, at + length);
  }

  /** Bytes of their own. */
  slice(length = this.length()): Uint8Array {
    const at = this.take(length);
    // `slice` of a Buffer would share its memory.
    return new Uint8Array(this.bytes.subarray(at, at + length));
  }
}
