/**
 * Data of Protocol Buffers at a position, read in the plain form: the reference that generated code is held to. Nothing
 * is read behind the end of a record or of the message within it.
 */

import { readUtf8 } from '../../../base/index.ts';
import { normalizeBigint } from '../../types/value.ts';
import { SerdeError } from '../format.ts';
import { wire } from './schema.ts';

/** How deep groups may lie, which are skipped. */
const mostGroups = 100;

const number = new DataView(new ArrayBuffer(8));

export class ProtoInput {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  /** Of the message that is read. */
  end = 0;
  #start = 0;

  open(bytes: Uint8Array, start: number, end: number, at = start): void {
    this.bytes = bytes;
    this.#start = start;
    this.at = at;
    this.end = end;
  }

  fail(what: string, at = this.at): never {
    throw new SerdeError(`not readable as PROTOBUF: ${what} at byte ${at - this.#start}`);
  }

  take(count: number): number {
    const { at } = this;
    if (count > this.end - at) this.fail('the data ends too early');
    this.at = at + count;
    return at;
  }

  /** The number of a field with its wire type. */
  tag(): number {
    const { at } = this;
    const tag = this.#varint(5);
    if (tag > 0xffff_ffff || tag < 8) this.fail(`${tag} is not the tag of a field`, at);
    return tag;
  }

  /** A whole number of 32 bits; what is beyond them is cut off. */
  int32(): number {
    const value = this.int64();
    return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
  }

  /** A whole number of 64 bits with its sign. */
  int64(): number | bigint {
    const { at } = this;
    const value = this.#varint(10);
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    let exact = 0n;
    for (let i = at, shift = 0n; i < this.at; i++, shift += 7n)
      exact |= BigInt((this.bytes[i] as number) & 0x7f) << shift;
    return normalizeBigint(exact);
  }

  bool(): boolean {
    return this.#varint(10) !== 0;
  }

  /** The groups of seven bits of a number, which may lose its low bits when it is large. */
  #varint(most: number): number {
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

  #copy(count: number): DataView {
    const at = this.take(count);
    for (let i = 0; i < count; i++) number.setUint8(i, this.bytes[at + i] as number);
    return number;
  }

  fixed32(): number {
    return this.#copy(4).getInt32(0, true);
  }

  fixed64(): number | bigint {
    return normalizeBigint(this.#copy(8).getBigInt64(0, true));
  }

  float(): number {
    return this.#copy(4).getFloat32(0, true);
  }

  double(): number {
    return this.#copy(8).getFloat64(0, true);
  }

  /** A length that is within what is left. */
  length(): number {
    const { at } = this;
    const length = this.#varint(10);
    if (length > this.end - this.at) this.fail(`a length of ${length} is not within the data,`, at);
    return length;
  }

  text(): string {
    const length = this.length();
    const at = this.take(length);
    return readUtf8(this.bytes, at, at + length);
  }

  /** Bytes of their own. */
  slice(): Uint8Array {
    const length = this.length();
    const at = this.take(length);
    // `slice` of a Buffer would share its memory.
    return new Uint8Array(this.bytes.subarray(at, at + length));
  }

  /** Steps over the value behind a tag. */
  skip(tag: number, depth = 0): void {
    switch (tag & 7) {
      case wire.varint:
        this.#varint(10);
        break;
      case wire.bits64:
        this.take(8);
        break;
      case wire.length:
        this.take(this.length());
        break;
      case wire.bits32:
        this.take(4);
        break;
      case wire.groupStart:
        if (depth >= mostGroups) this.fail(`groups lie more than ${mostGroups} levels deep`);
        for (;;) {
          const inner = this.tag();
          if ((inner & 7) !== wire.groupEnd) this.skip(inner, depth + 1);
          else if (inner >>> 3 === tag >>> 3) break;
          else this.fail('a group ends that did not begin');
        }
        break;
      default:
        this.fail(`there is no wire type ${tag & 7}`);
    }
  }
}
