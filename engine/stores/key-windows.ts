/**
 * Where the windows of a key lie, side by side: for a window store whose operator reads several windows of a key for
 * each record, as hopping windows do.
 *
 * Each key has a row, found by the hash of the key alone: the addresses of its entries in memory, each at the number of
 * its window modulo the row's places. So one look-up leads to all windows of a record, where each window would be
 * hashed and looked up by itself (400 ns each with looking ahead, on a busy machine).
 *
 * The entry at an address in a row exists: the core reports entries that move or leave memory. That it is the one asked
 * for is for the reader to check by its key, as with any hint: hashes of two keys may be equal, and a window takes the
 * place of an earlier one. Rows only save look-ups: they are forgotten where they would take too much memory.
 */

import type { FlatTable } from './flat-table.ts';
import { kinds, readTime, timeBytes } from './layout.ts';
import type { KeysAhead } from './look-ahead.ts';
import type { Hops } from './store.ts';

/** Rows of more windows would take more memory than they save time. */
export const mostHops = 32;

const fewestRows = 1024;

export class KeyWindows implements KeysAhead {
  readonly #advanceMs: number;
  readonly #count: number;
  /** A power of two. */
  readonly #places: number;
  /** By row, with linear probing; 0: no row. */
  #hashes = new Int32Array(fewestRows);
  #addresses: Int32Array;
  #taken = 0;
  /** What `touch` collects. */
  #touched = new Int32Array(0);

  constructor({ advanceMs, count }: Hops) {
    this.#advanceMs = advanceMs;
    this.#count = count;
    this.#places = 1 << (32 - Math.clz32(count - 1));
    this.#addresses = new Int32Array(fewestRows * this.#places);
  }

  get bytesInMemory(): number {
    return this.#hashes.byteLength + this.#addresses.byteLength;
  }

  /** The row of the key with this hash. It is a hint: rows change where others are added. */
  rowOf(hash: number): number {
    return this.#find(hash);
  }

  /** An address where a window of the key of a row may be, 0: none is known. */
  at(row: number, windowStart: number): number {
    return this.#addresses[this.#placeOf(row, windowStart)] as number;
  }

  /** Keeps where a window lies; the hash is that of its key. `entries`: how many the table has. */
  set(hash: number, windowStart: number, address: number, entries: number): void {
    let row = this.#find(hash);
    if (this.#hashes[row] === 0) {
      if ((this.#taken + 1) * 10 > this.#hashes.length * 7) {
        if (this.#hashes.length * 2 > Math.max(fewestRows, entries)) this.clear();
        else this.#grow();
        row = this.#find(hash);
      }
      this.#hashes[row] = nonZero(hash);
      this.#taken++;
    }
    this.#addresses[this.#placeOf(row, windowStart)] = address;
  }

  /** The entry at this address is about to leave memory, or has moved to another one. */
  replace(table: FlatTable, address: number, by: number): void {
    const at = by === 0 ? address : by;
    const bytes = table.bytesOf(at);
    const start = table.keyStart(at);
    if (bytes[start] !== kinds.data) return;
    const key = start + 1 + timeBytes;
    const row = this.#find(table.hash(kinds.data, bytes, key, start + table.keyLength(at), table.viewOf(at)));
    if (this.#hashes[row] === 0) return;
    const place = this.#placeOf(row, readTime(bytes, start + 1));
    if (this.#addresses[place] === address) this.#addresses[place] = by;
  }

  /** Brings the entries that records with keys of these hashes are about to read into the processor's cache, all of
   *  them together; `windowStart` is the first window of the first record. */
  touch(table: FlatTable, hashes: Int32Array, count: number, windowStart: number): void {
    const windows = this.#count;
    if (this.#touched.length < hashes.length * windows) this.#touched = new Int32Array(hashes.length * windows);
    const touched = this.#touched;
    const addresses = this.#addresses;
    const first = windowStart / this.#advanceMs;
    const mask = this.#places - 1;
    let seen = 0;
    for (let i = 0; i < count; i++) seen ^= this.#hashes[this.#home(hashes[i] as number)] as number;
    for (let i = 0; i < count; i++) {
      const row = this.#find(hashes[i] as number) * this.#places;
      seen ^= addresses[row] as number;
      touched[i * windows] = row;
    }
    let found = 0;
    for (let i = 0; i < count; i++) {
      const row = touched[found] as number;
      for (let window = 0; window < windows; window++)
        touched[found++] = addresses[row + ((first + window) & mask)] as number;
    }
    table.touch(touched, 0, found);
    table.touched ^= seen;
  }

  clear(): void {
    this.#hashes.fill(0);
    this.#addresses.fill(0);
    this.#taken = 0;
  }

  #placeOf(row: number, windowStart: number): number {
    return row * this.#places + ((windowStart / this.#advanceMs) & (this.#places - 1));
  }

  #home(hash: number): number {
    return nonZero(hash) & (this.#hashes.length - 1);
  }

  /** The row of a hash, or the free one where it would be. */
  #find(hash: number): number {
    const hashes = this.#hashes;
    const mask = hashes.length - 1;
    const wanted = nonZero(hash);
    for (let row = wanted & mask; ; row = (row + 1) & mask) {
      const held = hashes[row] as number;
      if (held === wanted || held === 0) return row;
    }
  }

  #grow(): void {
    const hashes = this.#hashes;
    const addresses = this.#addresses;
    const places = this.#places;
    this.#hashes = new Int32Array(hashes.length * 2);
    this.#addresses = new Int32Array(addresses.length * 2);
    for (let row = 0; row < hashes.length; row++) {
      const hash = hashes[row] as number;
      if (hash === 0) continue;
      const to = this.#find(hash);
      this.#hashes[to] = hash;
      for (let i = 0; i < places; i++) this.#addresses[to * places + i] = addresses[row * places + i] as number;
    }
  }
}

const nonZero = (hash: number): number => (hash === 0 ? 1 : hash);
