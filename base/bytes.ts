/**
 * Bytes: a growing writer, readers at a position, hashing and comparison.
 *
 * Everything that goes to the log or a store is written by a `ByteWriter` and read in place, by position, without an
 * object per field. All fixed-width integers are big-endian, as Kafka has them. Varints are zigzag base-128,
 * little-endian groups (0 -> 00, -1 -> 01, 1 -> 02, 300 -> d8 04); *unsigned* varints are the same without the zigzag.
 *
 * Whole numbers pass as `number` while they are safe integers; `bigint` is used where 64 bits are meant to
 * be exact.
 */

import { utf8Length, writeLatin1, writeUtf8 } from './text.ts';

const two32 = 0x1_0000_0000;

/** Writes into a buffer that grows by doubling; `reset` keeps the memory. The buffer changes when it grows: take
 *  `buffer` after writing. */
export class ByteWriter {
  buffer: Uint8Array;
  length = 0;
  #view: DataView;
  /** Of `bytes`: most of what a writer copies comes from one buffer, such as a batch. */
  readonly #copier = new Copier();

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
    this.#view = new DataView(this.buffer.buffer);
  }

  /** Starts again at 0. Bytes of before are overwritten, not cleared. */
  reset(): void {
    this.length = 0;
  }

  /** Makes room for `more` bytes behind `length`. */
  reserve(more: number): void {
    if (this.length + more > this.buffer.length) this.#grow(this.length + more);
  }

  #grow(least: number): void {
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, least, 64));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** A DataView on the whole buffer, good until the next write grows it. */
  view(): DataView {
    return this.#view;
  }

  /** The written bytes, still owned by the writer. */
  bytesView(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** The written bytes as a copy of their own. */
  slice(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  i8(value: number): void {
    if (this.length === this.buffer.length) this.#grow(this.length + 1);
    this.buffer[this.length++] = value;
  }

  i16(value: number): void {
    this.reserve(2);
    this.#view.setInt16(this.length, value);
    this.length += 2;
  }

  i32(value: number): void {
    this.reserve(4);
    this.#view.setInt32(this.length, value);
    this.length += 4;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.length, value);
    this.length += 4;
  }

  i64(value: number | bigint): void {
    this.reserve(8);
    if (typeof value === 'bigint') this.#view.setBigInt64(this.length, value);
    else {
      const high = Math.floor(value / two32);
      this.#view.setInt32(this.length, high);
      this.#view.setUint32(this.length + 4, value - high * two32);
    }
    this.length += 8;
  }

  f32(value: number): void {
    this.reserve(4);
    writeViewF32(this.#view, this.length, value);
    this.length += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    writeViewF64(this.#view, this.length, value);
    this.length += 8;
  }

  /** Zigzag varint of a whole number within 32 bits. */
  varint(value: number): void {
    this.unsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Varint without zigzag, of a whole number in [0, 2^32). */
  unsignedVarint(value: number): void {
    this.reserve(5);
    const buffer = this.buffer;
    let at = this.length;
    let rest = value >>> 0;
    while (rest >= 0x80) {
      buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.length = at;
  }

  /** Zigzag varint of a whole number within 64 bits. */
  varlong(value: number | bigint): void {
    if (typeof value === 'number') {
      if (value >= -0x4000_0000 && value < 0x4000_0000) return this.varint(value);
      if (value > -0x8_0000_0000_0000 && value < 0x8_0000_0000_0000) {
        this.reserve(10);
        let rest = value >= 0 ? value * 2 : -value * 2 - 1;
        while (rest >= 0x80) {
          this.buffer[this.length++] = (rest % 0x80) | 0x80;
          rest = Math.floor(rest / 0x80);
        }
        this.buffer[this.length++] = rest;
        return;
      }
      value = BigInt(value);
    }
    this.reserve(10);
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest >= 0x80n) {
      this.buffer[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
  }

  /** The text as UTF-8, without a length before it. Returns the number of bytes. */
  utf8(value: string): number {
    this.reserve(value.length * 3);
    const written = writeUtf8(this.buffer, value, this.length);
    this.length += written;
    return written;
  }

  /** The text as one byte per character; each must be below 256. */
  latin1(value: string): void {
    this.reserve(value.length);
    this.length += writeLatin1(this.buffer, value, this.length);
  }

  /** The text as UTF-8 behind its byte length as an unsigned varint. */
  text(value: string): void {
    this.unsignedVarint(utf8Length(value));
    this.utf8(value);
  }

  /** Copies `source[start, end)`. */
  bytes(source: Uint8Array, start = 0, end = source.length): void {
    const count = end - start;
    if (this.length + count > this.buffer.length) this.#grow(this.length + count);
    this.#copier.copy(source, start, end, this.buffer, this.#view, this.length);
    this.length += count;
  }
}

/** Copies `source[start, end)` to `target[at, …)`: by a loop when short (no view is made), else by the memmove of the
 *  host. */
export const copyBytes = (source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void => {
  if (end - start <= 48) for (let i = start; i < end; i++) target[at++] = source[i] as number;
  else target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
};

const leastWords = 8;
/** Longer ones are faster by the host's memmove. */
const mostWords = 512;

/** Copies from one buffer again and again: in words of eight bytes, of which the last two may overlap. The optimizing
 *  compiler makes a plain load and store of each (22 ns for 98 bytes; `copyBytes` takes 75, most of it for the view
 *  that it makes). */
export class Copier {
  #source: Uint8Array = new Uint8Array(0);
  #view: DataView | undefined;

  /** As `copyBytes`; `targetView` shows the memory of `target`. */
  copy(source: Uint8Array, start: number, end: number, target: Uint8Array, targetView: DataView, at: number): void {
    if (source === this.#source && end - start >= leastWords && end - start <= mostWords) {
      this.#view ??= new DataView(source.buffer, source.byteOffset, source.byteLength);
      copyWords(this.#view, start, end, targetView, at);
      return;
    }
    if (source !== this.#source) {
      this.#source = source;
      this.#view = undefined;
    }
    copyBytes(source, start, end, target, at);
  }
}

/** Copies at least eight bytes between two views. */
const copyWords = (source: DataView, start: number, end: number, target: DataView, at: number): void => {
  const last = end - start - 8;
  for (let i = 0; i < last; i += 8) target.setBigInt64(at + i, source.getBigInt64(start + i, true), true);
  target.setBigInt64(at + last, source.getBigInt64(start + last, true), true);
};

/** As `copyBytes`, where views of both memories are at hand. */
export const copyViewed = (
  source: Uint8Array,
  sourceView: DataView,
  start: number,
  end: number,
  target: Uint8Array,
  targetView: DataView,
  at: number,
): void => {
  if (end - start >= leastWords && end - start <= mostWords) copyWords(sourceView, start, end, targetView, at);
  else copyBytes(source, start, end, target, at);
};

/** The result of a read whose length is not known before: the value and where to read on. `value` is NaN when the bytes
 *  are not a varint. */
export interface Cursor {
  value: number;
  at: number;
}

export const newCursor = (at = 0): Cursor => ({ value: 0, at });

/** Reads an unsigned varint of at most five bytes at `cursor.at`, never at or beyond `end`. On bad bytes `value` is
 *  NaN. */
export const readUnsignedVarint = (bytes: Uint8Array, end: number, cursor: Cursor): number => {
  let at = cursor.at;
  let value = 0;
  for (let shift = 0; shift <= 28 && at < end; shift += 7) {
    const byte = bytes[at++] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor.at = at;
      return (cursor.value = value >>> 0);
    }
  }
  return (cursor.value = Number.NaN);
};

/** Reads a zigzag varint at `cursor.at`, as `readUnsignedVarint` does. */
export const readVarint = (bytes: Uint8Array, end: number, cursor: Cursor): number => {
  const raw = readUnsignedVarint(bytes, end, cursor);
  return Number.isNaN(raw) ? raw : (cursor.value = (raw >>> 1) ^ -(raw & 1));
};

/** Reads a zigzag varint of at most ten bytes as a number (exact while it is a safe integer). */
export const readVarlong = (bytes: Uint8Array, end: number, cursor: Cursor): number => {
  let at = cursor.at;
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 10 && at < end; count++) {
    const byte = bytes[at++] as number;
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) {
      cursor.at = at;
      return (cursor.value = value % 2 === 0 ? value / 2 : -(value + 1) / 2);
    }
  }
  return (cursor.value = Number.NaN);
};

export const readI16 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number);

export const readI32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);

export const readU32 = (bytes: Uint8Array, at: number): number => readI32(bytes, at) >>> 0;

/** A 64-bit integer as a number: exact while it is a safe integer. */
export const readI64 = (bytes: Uint8Array, at: number): number => readI32(bytes, at) * two32 + readU32(bytes, at + 4);

export const readBigI64 = (bytes: Uint8Array, at: number): bigint =>
  (BigInt(readI32(bytes, at)) << 32n) | BigInt(readU32(bytes, at + 4));

/** As `readI64`, of a view: two loads of four bytes and not eight of one. */
export const readViewI64 = (view: DataView, at: number): number => view.getInt32(at) * two32 + view.getUint32(at + 4);

/** Writes a whole number that is a safe integer. */
export const writeViewI64 = (view: DataView, at: number, value: number): void => {
  const high = Math.floor(value / two32);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * two32);
};

const float = new DataView(new ArrayBuffer(8));

export const readF32 = (bytes: Uint8Array, at: number): number => {
  float.setInt32(0, readI32(bytes, at));
  return float.getFloat32(0);
};

export const readF64 = (bytes: Uint8Array, at: number): number => {
  float.setInt32(0, readI32(bytes, at));
  float.setInt32(4, readI32(bytes, at + 4));
  return float.getFloat64(0);
};

export const writeI16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
};

export const writeI32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
};

export const writeI64 = (bytes: Uint8Array, at: number, value: number): void => {
  const high = Math.floor(value / two32);
  writeI32(bytes, at, high);
  writeI32(bytes, at + 4, (value - high * two32) | 0);
};

export const writeBigI64 = (bytes: Uint8Array, at: number, value: bigint): void => {
  writeI32(bytes, at, Number(BigInt.asIntN(32, value >> 32n)));
  writeI32(bytes, at + 4, Number(BigInt.asIntN(32, value)));
};

/** NaN has many bit patterns, and which of them the platform writes is open: here it is always Java's, so that equal
 *  keys are equal bytes. */
export const writeViewF64 = (view: DataView, at: number, value: number, littleEndian = false): void => {
  if (Number.isNaN(value)) view.setBigUint64(at, nanBits, littleEndian);
  else view.setFloat64(at, value, littleEndian);
};

const nanBits = 0x7ff8_0000_0000_0000n;

/** The same in 32 bits. */
export const writeViewF32 = (view: DataView, at: number, value: number, littleEndian = false): void => {
  if (Number.isNaN(value)) view.setUint32(at, 0x7fc0_0000, littleEndian);
  else view.setFloat32(at, value, littleEndian);
};

export const writeF64 = (bytes: Uint8Array, at: number, value: number): void => {
  writeViewF64(float, 0, value);
  writeI32(bytes, at, float.getInt32(0));
  writeI32(bytes, at + 4, float.getInt32(4));
};

/** A fast 32-bit hash for tables in memory (never stored, never sent): four bytes at a time, multiply and rotate, a
 *  final mix. */
export const hashBytes = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = (end - start) ^ 0x9e3779b9;
  let at = start;
  for (const whole = end - 3; at < whole; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = Math.imul(hash ^ Math.imul(word, 0xcc9e2d51), 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** A hash of 53 bits, a safe integer: four bytes at a time in two lanes, each with a multiplier of its own. Stored and
 *  sent, so it never changes. */
export const fingerprint = (bytes: Uint8Array, start: number, end: number): number => {
  let a = (end - start) ^ 0xdeadbeef;
  let b = (end - start) ^ 0x41c6ce57;
  let at = start;
  for (const whole = end - 3; at < whole; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    a = Math.imul(a ^ word, 0x9e3779b1);
    b = Math.imul(b ^ word, 0x5f356495);
    a = (a << 13) | (a >>> 19);
    b = (b << 17) | (b >>> 15);
  }
  for (; at < end; at++) {
    a = Math.imul(a ^ (bytes[at] as number), 0x9e3779b1);
    b = Math.imul(b ^ (bytes[at] as number), 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (b & 0x1fffff) * 0x1_0000_0000 + (a >>> 0);
};

/** Murmur2 with Kafka's seed: what its clients partition keys by. Signed 32-bit. */
export const murmur2 = (bytes: Uint8Array, start = 0, end = bytes.length): number => {
  const m = 0x5bd1e995;
  const length = end - start;
  let hash = 0x9747b28c ^ length;
  let at = start;
  for (const whole = end - 3; at < whole; at += 4) {
    let word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    word = Math.imul(word, m);
    word ^= word >>> 24;
    hash = Math.imul(hash, m) ^ Math.imul(word, m);
  }
  const rest = end - at;
  if (rest > 2) hash ^= (bytes[at + 2] as number) << 16;
  if (rest > 1) hash ^= (bytes[at + 1] as number) << 8;
  if (rest > 0) {
    hash ^= bytes[at] as number;
    hash = Math.imul(hash, m);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, m);
  return hash ^ (hash >>> 15);
};

/** The partition that Kafka's default partitioner picks for a key. */
export const partitionOfKey = (bytes: Uint8Array, start: number, end: number, partitions: number): number =>
  (murmur2(bytes, start, end) & 0x7fff_ffff) % partitions;

/** Whether `a[aStart, aEnd)` and `b[bStart, bEnd)` hold the same bytes. */
export const equalBytes = (
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): boolean => {
  const length = aEnd - aStart;
  if (bEnd - bStart !== length) return false;
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
};

/** Order of two ranges as unsigned bytes, a prefix before what it begins: negative, 0 or positive. */
export const compareBytes = (
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number => {
  const shared = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < shared; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
};

const digits = '0123456789abcdef';

export const toHex = (bytes: Uint8Array, start = 0, end = bytes.length): string => {
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    text += (digits[byte >> 4] as string) + (digits[byte & 15] as string);
  }
  return text;
};

export const fromHex = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16);
  return bytes;
};
