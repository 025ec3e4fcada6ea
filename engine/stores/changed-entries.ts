/**
 * The entries of an ordered store that the open transaction has changed, by their changelog keys (`layout.ts`), in two
 * lists:
 *
 *   appended   entries that were new, with their values, one behind the other: nothing has to be looked up for them
 *   others     each once; their values are looked up when the changelog is written. One that was absent before the
 *              transaction, and is absent again, is not listed
 *
 * An entry that was appended and then changed is in both: the changelog gets the appended ones first, so that its last
 * entry is what holds.
 */

import { ByteWriter, Copier, readI32, writeI32 } from '../../base/index.ts';
import { FlatTable } from './flat-table.ts';
import { kinds } from './layout.ts';

/** Of an appended entry: bytes of its changelog key, bytes of its value. */
const headerBytes = 8;
const segmentBytes = 1 << 20;
const keptSegments = 16;

/** No address: the entry that stood there is not listed any more. */
const dropped = 0;

export class ChangedEntries {
  /** Entries in both lists. */
  count = 0;
  #table = new FlatTable({ seed: 0, listed: false });
  /** The others in the order of their first change; the place of an entry in the table is its index here. */
  #addresses = new Int32Array(64);
  /** Whether they were there before they were first put or removed, by index. */
  #existed = new Uint8Array(64);
  #others = 0;
  readonly #seed: number;
  readonly #key = new ByteWriter(64);
  /** Segments of appended entries, and how far they are filled. */
  readonly #segments: Uint8Array[] = [];
  readonly #views: DataView[] = [];
  readonly #values = new Copier();
  readonly #filled: number[] = [];
  #segment = -1;
  #at = 0;
  #reserved = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.reset();
  }

  get bytesInMemory(): number {
    return this.#table.slab.liveBytes + this.#table.slotBytes + this.#addresses.length * 5 + this.#reserved;
  }

  /** Lists an entry that is about to be put. Answers its index where it was not listed yet, for `setExisted`; else
   *  −1. */
  put(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): number {
    const { buffer, length } = this.#name(key, keyStart, keyEnd, order, orderStart, orderEnd);
    const hash = this.#table.hash(kinds.data, buffer, 0, length);
    if (this.#table.find(hash, kinds.data, buffer, 0, length) !== 0) return -1;
    return this.#add(hash, buffer, length, 0);
  }

  /** The entry that was just listed was there before. */
  setExisted(index: number): void {
    this.#existed[index] = 1;
  }

  /** Lists an entry that is there and is about to be removed. */
  remove(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): void {
    const { buffer, length } = this.#name(key, keyStart, keyEnd, order, orderStart, orderEnd);
    const table = this.#table;
    const hash = table.hash(kinds.data, buffer, 0, length);
    const address = table.find(hash, kinds.data, buffer, 0, length);
    if (address === 0) {
      this.#add(hash, buffer, length, 1);
      return;
    }
    const index = table.place(address);
    if (this.#existed[index] === 1) return;
    table.remove(address);
    this.#addresses[index] = dropped;
    this.count--;
  }

  #name(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): ByteWriter {
    const name = this.#key;
    name.reset();
    name.unsignedVarint(keyEnd - keyStart);
    name.bytes(key, keyStart, keyEnd);
    name.bytes(order, orderStart, orderEnd);
    return name;
  }

  #add(hash: number, name: Uint8Array, length: number, existed: number): number {
    if (this.#others === this.#addresses.length) {
      const addresses = new Int32Array(this.#others * 2);
      addresses.set(this.#addresses);
      this.#addresses = addresses;
      const flags = new Uint8Array(this.#others * 2);
      flags.set(this.#existed);
      this.#existed = flags;
    }
    const index = this.#others++;
    const address = this.#table.insert(hash, kinds.data, name, 0, length, 0);
    this.#table.setPlace(address, index);
    this.#addresses[index] = address;
    this.#existed[index] = existed;
    this.count++;
    return index;
  }

  /** Adds an entry that was not there before. */
  append(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const keyLength = keyEnd - keyStart;
    const most = headerBytes + 6 + keyLength + orderEnd + valueEnd - valueStart;
    if (this.#segment < 0 || this.#at + most > (this.#segments[this.#segment] as Uint8Array).length)
      this.#nextSegment(most);
    const bytes = this.#segments[this.#segment] as Uint8Array;
    const start = this.#at + headerBytes;
    let at = start;
    bytes[at++] = kinds.data;
    let rest = keyLength;
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    for (let i = keyStart; i < keyEnd; i++) bytes[at++] = key[i] as number;
    for (let i = 0; i < orderEnd; i++) bytes[at++] = order[i] as number;
    writeI32(bytes, start - headerBytes, at - start);
    writeI32(bytes, start - 4, valueEnd - valueStart);
    this.#values.copy(value, valueStart, valueEnd, bytes, this.#views[this.#segment] as DataView, at);
    this.#at = at + valueEnd - valueStart;
    this.#filled[this.#segment] = this.#at;
    this.count++;
  }

  #nextSegment(least: number): void {
    this.#segment++;
    this.#at = 0;
    if ((this.#segments[this.#segment]?.length ?? 0) < least) {
      const segment = new Uint8Array(Math.max(this.#segment === 0 ? 4096 : segmentBytes, least));
      this.#reserved += segment.length - (this.#segments[this.#segment]?.length ?? 0);
      this.#segments[this.#segment] = segment;
      this.#views[this.#segment] = new DataView(segment.buffer);
    }
    this.#filled[this.#segment] = 0;
  }

  /** Visits the appended entries in order: changelog keys `bytes[start, end)`, values `bytes[end, valueEnd)`. */
  forEachAppended(visit: (bytes: Uint8Array, start: number, end: number, valueEnd: number) => void): void {
    for (let segment = 0; segment <= this.#segment; segment++) {
      const bytes = this.#segments[segment] as Uint8Array;
      const filled = this.#filled[segment] as number;
      for (let at = 0; at < filled; ) {
        const start = at + headerBytes;
        const end = start + readI32(bytes, at);
        at = end + readI32(bytes, start - 4);
        visit(bytes, start, end, at);
      }
    }
  }

  /** Visits the changelog keys `bytes[start, end)` of the others in the order of their first change. */
  forEach(visit: (bytes: Uint8Array, start: number, end: number) => void): void {
    const table = this.#table;
    for (let i = 0; i < this.#others; i++) {
      const address = this.#addresses[i] as number;
      if (address === dropped) continue;
      const start = table.keyStart(address);
      visit(table.bytesOf(address), start, start + table.keyLength(address));
    }
  }

  reset(): void {
    if (this.#others > 0 || this.#addresses.length > 64)
      this.#table = new FlatTable({ seed: this.#seed, listed: false });
    if (this.#addresses.length > 1 << 20) {
      this.#addresses = new Int32Array(64);
      this.#existed = new Uint8Array(64);
    }
    this.#others = 0;
    this.count = 0;
    this.#segment = -1;
    while (this.#segments.length > keptSegments) {
      this.#reserved -= (this.#segments.pop() as Uint8Array).length;
      this.#views.pop();
    }
  }
}
