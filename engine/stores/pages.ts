/**
 * A page: entries of one key, ascending by their order bytes, as one value of the store.
 *
 *   byte 0      level: 0 holds entries, n > 0 holds pages of level n − 1
 *   bytes 1–4   number of the next page of the tree (u32; its first page only)
 *   then        entries: length of the order (unsigned varint) · order · value
 *   then        where each entry begins, counted from the page's first byte (u32 each)
 *   last 4      number of entries (u32)
 *
 * Above level 0 an entry stands for a page below: its value is that page's number (u32), and its order separates it
 * from the one before: all entries of that page are at or above it, all entries of pages before are below. The order of
 * the first one means nothing.
 */

import {
  assert,
  type ByteWriter,
  compareBytes,
  copyBytes,
  newCursor,
  readU32,
  readUnsignedVarint,
  writeI32,
} from '../../base/index.ts';

const headerBytes = 5;
const offsetBytes = 4;
const countBytes = 4;
/** A page without entries. */
export const emptyPageBytes = headerBytes + countBytes;
/** What an encoded entry takes within a page. */
export const bytesInPage = (entryLength: number): number => entryLength + offsetBytes;

/** An encoded entry; `order` lies at `bytes[orderStart, orderEnd)`. */
export class PageEntry {
  bytes = new Uint8Array(256);
  length = 0;
  orderStart = 0;
  orderEnd = 0;

  set(
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const orderLength = orderEnd - orderStart;
    const most = 5 + orderLength + valueEnd - valueStart;
    if (most > this.bytes.length) this.bytes = new Uint8Array(most * 2);
    const { bytes } = this;
    let at = 0;
    let rest = orderLength;
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    this.orderStart = at;
    for (let i = orderStart; i < orderEnd; i++) bytes[at++] = order[i] as number;
    this.orderEnd = at;
    if (valueEnd - valueStart <= 48) for (let i = valueStart; i < valueEnd; i++) bytes[at++] = value[i] as number;
    else {
      bytes.set(value.subarray(valueStart, valueEnd), at);
      at += valueEnd - valueStart;
    }
    this.length = at;
  }
}

/** A view on a page where it lies, and on one entry of it. */
export class Page {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  count = 0;
  /** The entry that `at` found. */
  orderStart = 0;
  orderEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Where the positions of entries begin. */
  #offsets = 0;
  readonly #cursor = newCursor();

  /** The page is `bytes[start, end)`. */
  set(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.count = readU32(bytes, end - countBytes);
    this.#offsets = end - countBytes - offsetBytes * this.count;
    assert(this.#offsets >= start + headerBytes, 'a page is shorter than its entries');
  }

  get length(): number {
    return this.end - this.start;
  }

  get level(): number {
    return this.bytes[this.start] as number;
  }

  get nextNumber(): number {
    return readU32(this.bytes, this.start + 1);
  }

  set nextNumber(number: number) {
    writeI32(this.bytes, this.start + 1, number);
  }

  /** Makes `bytes[start, end)` a page without entries, and views it. */
  clear(bytes: Uint8Array, start: number, level: number, nextNumber: number): void {
    const end = start + emptyPageBytes;
    bytes[start] = level;
    writeI32(bytes, start + 1, nextNumber);
    writeI32(bytes, end - countBytes, 0);
    this.set(bytes, start, end);
  }

  /** Where an entry begins; for `count`, where the last one ends. */
  #begin(index: number): number {
    return index < this.count ? this.start + readU32(this.bytes, this.#offsets + offsetBytes * index) : this.#offsets;
  }

  /** Finds the parts of an entry. */
  at(index: number): void {
    const { bytes } = this;
    const begin = this.#begin(index);
    const first = bytes[begin] as number;
    if (first < 0x80) {
      this.orderStart = begin + 1;
      this.orderEnd = begin + 1 + first;
    } else {
      const cursor = this.#cursor;
      cursor.at = begin;
      const length = readUnsignedVarint(bytes, this.end, cursor);
      this.orderStart = cursor.at;
      this.orderEnd = cursor.at + length;
    }
    this.valueStart = this.orderEnd;
    this.valueEnd = this.#begin(index + 1);
  }

  /** The number of the page that an entry above level 0 stands for. */
  numberAt(index: number): number {
    this.at(index);
    assert(this.valueEnd - this.valueStart === 4, 'an entry above level 0 is not the number of a page');
    return readU32(this.bytes, this.valueStart);
  }

  /** Encoded bytes of an entry. */
  entryLength(index: number): number {
    return this.#begin(index + 1) - this.#begin(index);
  }

  /** How many entries are below an order. */
  lowerBound(order: Uint8Array, start: number, end: number): number {
    return this.#bound(order, start, end, 0);
  }

  /** How many entries are at or below an order. */
  upperBound(order: Uint8Array, start: number, end: number): number {
    return this.#bound(order, start, end, 1);
  }

  #bound(order: Uint8Array, start: number, end: number, limit: 0 | 1): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      // Orders mostly grow: the last entry is looked at first.
      const middle = high === this.count && low === 0 ? high - 1 : (low + high) >>> 1;
      this.at(middle);
      const comparison = compareBytes(this.bytes, this.orderStart, this.orderEnd, order, start, end);
      if (comparison < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether the entry `index` has this order. */
  has(index: number, order: Uint8Array, start: number, end: number): boolean {
    if (index >= this.count) return false;
    this.at(index);
    return compareBytes(this.bytes, this.orderStart, this.orderEnd, order, start, end) === 0;
  }

  /** Whether this page begins with all entries of another one. */
  continues(other: Page): boolean {
    const { count } = other;
    if (count > this.count) return false;
    const from = this.start + headerBytes;
    const theirs = other.start + headerBytes;
    const bytes = other.#offsets - theirs;
    if (this.#begin(count) !== from + bytes) return false;
    // The last entry is the one that changes most.
    for (let i = bytes - 1; i >= 0; i--) if (this.bytes[from + i] !== other.bytes[theirs + i]) return false;
    for (let i = 0; i < offsetBytes * count; i++) {
      if (this.bytes[this.#offsets + i] !== other.bytes[other.#offsets + i]) return false;
    }
    return true;
  }

  // ---- changing; the caller has made the room

  /** Inserts before the entry `index`. Behind the page there must be room for `bytesInPage`. */
  insert(index: number, entry: PageEntry): void {
    const { bytes, start, count } = this;
    const size = entry.length;
    const begin = this.#begin(index);
    const from = this.#offsets;
    const to = from + size;
    bytes.copyWithin(to, from, from + offsetBytes * count);
    for (let i = count - 1; i >= index; i--) {
      writeI32(bytes, to + offsetBytes * (i + 1), readU32(bytes, to + offsetBytes * i) + size);
    }
    if (begin < from) bytes.copyWithin(begin + size, begin, from);
    writeI32(bytes, to + offsetBytes * index, begin - start);
    if (size <= 64) for (let i = 0; i < size; i++) bytes[begin + i] = entry.bytes[i] as number;
    else bytes.set(entry.bytes.subarray(0, size), begin);
    this.#resized(to, count + 1);
  }

  removeAt(index: number): void {
    const { bytes, count } = this;
    const begin = this.#begin(index);
    const end = this.#begin(index + 1);
    const size = end - begin;
    const to = this.#offsets - size;
    bytes.copyWithin(begin, end, this.#offsets + offsetBytes * count);
    for (let i = index; i < count - 1; i++) {
      writeI32(bytes, to + offsetBytes * i, readU32(bytes, to + offsetBytes * (i + 1)) - size);
    }
    this.#resized(to, count - 1);
  }

  /** Overwrites an entry with one of the same length. */
  overwrite(index: number, entry: PageEntry): void {
    assert(this.entryLength(index) === entry.length, 'an entry is overwritten by one of another length');
    copyBytes(entry.bytes, 0, entry.length, this.bytes, this.#begin(index));
  }

  /** Leaves the first `count` entries. */
  truncate(count: number): void {
    const to = this.#begin(count);
    this.bytes.copyWithin(to, this.#offsets, this.#offsets + offsetBytes * count);
    this.#resized(to, count);
  }

  #resized(offsets: number, count: number): void {
    this.#offsets = offsets;
    this.count = count;
    this.end = offsets + offsetBytes * count + countBytes;
    writeI32(this.bytes, this.end - countBytes, count);
  }

  /** Writes the entries [from, to) as a page of their own. */
  copy(from: number, to: number, out: ByteWriter): void {
    const begin = this.#begin(from);
    out.reset();
    out.i8(this.level);
    out.u32(0);
    out.bytes(this.bytes, begin, this.#begin(to));
    for (let i = from; i < to; i++) out.u32(this.#begin(i) - begin + headerBytes);
    out.u32(to - from);
  }

  /** Where to split so that both halves have about the same bytes; at least one entry is on each side. */
  middle(): number {
    const half = (this.start + this.#offsets) >>> 1;
    let index = 1;
    while (index < this.count - 1 && this.#begin(index) < half) index++;
    return index;
  }
}
