/**
 * The offset index of a segment: some offsets and the positions of the batches that begin with them.
 *
 * It is sparse (one entry for each `index.interval.bytes` of log) and only a hint: a lookup gives the greatest entry at
 * or below an offset, and the reader goes on from there, batch by batch. So an index that is old, short or missing
 * costs time, never truth. On disk:
 *
 *   crc u32 (of what follows) · version i16 (2) · first and last append ms i64 · greatest timestamp i64
 *   crc u32 of the time index
 *   count i32 · { offset - base i32, position i32 } …
 */

import {
  assert,
  ByteWriter,
  crc32c,
  firstNotBefore,
  itemAt,
  readI16,
  readI32,
  readI64,
  readU32,
} from '../../base/index.ts';

const version = 2;
const headerBytes = 38;

export class OffsetIndex {
  readonly baseOffset: number;
  /** Of the time index that was written beside this one; only of an index that was read. */
  timeIndexCrc = 0;
  #relative = new Int32Array(64);
  #positions = new Int32Array(64);
  count = 0;
  /** Wall time of the first append (0: none yet) and of the last one: rolling and retention go by them. */
  firstAppendMs = 0;
  lastAppendMs = 0;
  /** The greatest record timestamp of the segment. */
  maxTimestamp = Number.NEGATIVE_INFINITY;

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset;
  }

  get lastPosition(): number {
    return this.count === 0 ? -1 : itemAt(this.#positions, this.count - 1);
  }

  /** The next entry, behind all others. */
  add(offset: number, position: number): void {
    const relative = offset - this.baseOffset;
    const last = this.count > 0 ? itemAt(this.#relative, this.count - 1) : -1;
    assert(relative > last && relative <= 0x7fff_ffff, () => `offset ${offset} cannot follow in the index`);
    assert(position > this.lastPosition, () => `position ${position} cannot follow ${this.lastPosition} in the index`);
    if (this.count === this.#relative.length) {
      const wider = new Int32Array(this.count * 2);
      const positions = new Int32Array(this.count * 2);
      wider.set(this.#relative);
      positions.set(this.#positions);
      this.#relative = wider;
      this.#positions = positions;
    }
    this.#relative[this.count] = relative;
    this.#positions[this.count++] = position;
  }

  /** Where to begin looking for an offset: a batch that begins at or below it, with its position. */
  lookup(offset: number): { readonly offset: number; readonly position: number } {
    const wanted = offset - this.baseOffset;
    const next = firstNotBefore(this.count, (i) => itemAt(this.#relative, i) <= wanted);
    if (next === 0) return { offset: this.baseOffset, position: 0 };
    return { offset: this.baseOffset + itemAt(this.#relative, next - 1), position: itemAt(this.#positions, next - 1) };
  }

  /** Forgets entries at or behind a position, after the file was cut there. */
  cut(position: number): void {
    while (this.lastPosition >= position) this.count--;
  }

  /** `timeIndexCrc` is the checksum of the time index that is written beside this one. */
  encode(timeIndexCrc: number): Uint8Array {
    const out = new ByteWriter(headerBytes + this.count * 8);
    out.u32(0);
    out.i16(version);
    out.i64(this.firstAppendMs);
    out.i64(this.lastAppendMs);
    out.i64(Math.max(this.maxTimestamp, Number.MIN_SAFE_INTEGER));
    out.u32(timeIndexCrc);
    out.i32(this.count);
    for (let i = 0; i < this.count; i++) {
      out.i32(itemAt(this.#relative, i));
      out.i32(itemAt(this.#positions, i));
    }
    out.view().setUint32(0, crc32c(out.buffer, 4, out.length));
    return out.slice();
  }

  /** The index that these bytes hold, without entries at or behind `size`; undefined when they are not one. */
  static decode(bytes: Uint8Array, baseOffset: number, size: number): OffsetIndex | undefined {
    if (bytes.length < headerBytes || readI16(bytes, 4) !== version) return undefined;
    if (readU32(bytes, 0) !== crc32c(bytes, 4, bytes.length)) return undefined;
    const count = readI32(bytes, 34);
    if (bytes.length !== headerBytes + count * 8) return undefined;
    const index = new OffsetIndex(baseOffset);
    index.firstAppendMs = readI64(bytes, 6);
    index.lastAppendMs = readI64(bytes, 14);
    index.maxTimestamp = readI64(bytes, 22);
    index.timeIndexCrc = readU32(bytes, 30);
    for (let i = 0; i < count; i++) {
      const at = headerBytes + i * 8;
      index.add(baseOffset + readI32(bytes, at), readI32(bytes, at + 4));
    }
    index.cut(size);
    return index;
  }
}
