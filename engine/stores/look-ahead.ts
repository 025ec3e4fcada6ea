/**
 * Looking ahead: the keys of the next rows of a block are looked up together, before the first of them is read.
 *
 * A look-up in a large table waits for memory twice: for the slot, then for the entry (130 ns each once the table has
 * outgrown the cache); looked up in groups, the waits overlap. The task announces the block that it is about to run.
 * Whether an operator will read the keys of that block is not known, so nothing happens until one does, with a key
 * that lies where the next row's lies. What was found for a row is a hint, to be verified by comparing the key: entries
 * may have moved or gone since. It saves a fifth of a read and a write over 1e5 keys, and a quarter over 1e6.
 *
 * Where few rows come through a filter before they reach the store, looking ahead would cost more than it saves: the
 * groups shrink while less than half of their rows are read, down to a pause.
 *
 * What is not in the table, and is found by the hash of a key alone, is looked up by its owner (`KeysAhead`).
 *
 * For window stores the rows ahead are taken to fall into the same windows as the row that was read: there is one for
 * each window that was read of late. Where several windows hold each row, they lie side by side (`key-windows.ts`), and
 * are looked up together.
 */

import { Copier, copyBytes } from '../../base/index.ts';
import type { FlatTable } from './flat-table.ts';
import { kinds, timeBytes } from './layout.ts';
import type { KeyColumns } from './state-store.ts';

const largestGroup = 64;
const smallestGroup = 8;
/** Rows to let pass where most of what was looked up was not read; twice as many each time. */
const firstPause = 512;
const longestPause = 8_192;
/** Windows that rows are looked up in side by side. */
const mostWindows = 8;
/** A table of fewer entries lies in the cache anyway. */
const entriesWorthIt = 4_096;

/** Who finds something else than entries of the table by the hash of a key. */
export interface KeysAhead {
  /** Brings what the first `count` hashes are about to find into the processor's cache, all of it together. `time` is
   *  what the call for the first of them gave. */
  touch(table: FlatTable, hashes: Int32Array, count: number, time: number): void;
}

export class LookAhead {
  /** What a key must lie in to be one of those. */
  bytes: Uint8Array | undefined;
  #columns: KeyColumns | undefined;
  /** The row last read. */
  #row = 0;
  #to = 0;
  /** Rows [first, end) were looked up. */
  #first = 0;
  #end = 0;
  /** How many of them were read. */
  #read = 0;
  /** The last of them. */
  #counted = -1;
  #group = largestGroup;
  #pause = firstPause;
  /** During a pause: keys that begin before this position get no hint. */
  #pausedTo = 0;
  readonly #worthIt: number;
  readonly #hashes = new Int32Array(largestGroup);
  readonly #addresses = new Int32Array(largestGroup);
  #key = new Uint8Array(64);
  #keyView = new DataView(this.#key.buffer);
  readonly #copier = new Copier();
  /** What was looked up is of another window. */
  #stale = false;
  #windowStart = Number.NaN;
  /** Those of further windows; calls of this one are passed on to them. */
  readonly #others: LookAhead[] = [];
  #replaced = 0;
  /** That of keys without a window, where those are looked up beside; calls of this one are passed on to it. */
  #keys: LookAhead | undefined;

  constructor(worthIt = entriesWorthIt) {
    this.#worthIt = worthIt;
  }

  expect(columns: KeyColumns, from: number, to: number): void {
    this.#columns = columns;
    this.bytes = columns.bytes;
    this.#first = this.#end = from;
    this.#pausedTo = 0;
    this.#read = 0;
    this.#counted = -1;
    this.#row = from;
    this.#to = to;
    for (const other of this.#others) other.expect(columns, from, to);
    this.#keys?.expect(columns, from, to);
  }

  /** The one that is used for `keyHash` alone, by a store that looks up entries as well. */
  get ofKeys(): LookAhead {
    if (this.#keys === undefined) {
      this.#keys = new LookAhead(this.#worthIt);
      if (this.#columns !== undefined) this.#keys.expect(this.#columns, this.#row, this.#to);
    }
    return this.#keys;
  }

  /** The one that looks up rows in a window. */
  of(windowStart: number): LookAhead {
    if (this.#windowStart === windowStart) return this;
    const others = this.#others;
    for (let i = 0; i < others.length; i++) {
      const other = others[i] as LookAhead;
      if (other.#windowStart === windowStart) return other;
    }
    return this.#other(windowStart);
  }

  /** Where there are as many as there may be, the oldest one turns to the new window. How useful it was stays known, so
   *  that it pauses where windows come and go with every row. */
  #other(windowStart: number): LookAhead {
    if (Number.isNaN(this.#windowStart)) return this.#turnTo(windowStart);
    const others = this.#others;
    // This one is one of them.
    if (others.length + 1 === mostWindows) return (others[this.#replaced++ % mostWindows] ?? this).#turnTo(windowStart);
    const other = new LookAhead(this.#worthIt);
    if (this.#columns !== undefined) other.expect(this.#columns, this.#row, this.#to);
    others.push(other);
    return other.#turnTo(windowStart);
  }

  #turnTo(windowStart: number): this {
    this.#windowStart = windowStart;
    this.#stale = true;
    return this;
  }

  /** Addresses mean nothing any more. */
  forget(): void {
    this.bytes = undefined;
    this.#columns = undefined;
    for (const other of this.#others) other.forget();
    this.#keys?.forget();
  }

  /** Memory was given back: what was found before may not even be an entry. */
  refresh(): void {
    this.#first = this.#end = 0;
    this.#read = 0;
    for (const other of this.#others) other.refresh();
    this.#keys?.refresh();
  }

  /** Where the entry of the key that begins at `start` may be; 0: unknown. `windowKey` begins with the window's
   *  start. */
  hint(table: FlatTable, kind: number, start: number, windowKey: Uint8Array | undefined): number {
    const row = this.#rowAt(table.count, start);
    if (row < 0) return 0;
    if ((row >= this.#end || this.#stale) && !this.#lookUp(table, kind, row, windowKey)) return 0;
    if (row < this.#first) return 0;
    this.#count(row);
    return this.#addresses[row - this.#first] as number;
  }

  /** The hash of a key by which its owner finds one of so many `entries`. Where it is that of a row ahead, what the
   *  rows behind it will find is brought into the cache; `time` is for the owner. */
  keyHash(
    table: FlatTable,
    owner: KeysAhead,
    entries: number,
    key: Uint8Array,
    start: number,
    end: number,
    time: number,
  ): number {
    const row = key === this.bytes ? this.#rowAt(entries, start) : -1;
    if (row < 0 || (this.#columns as KeyColumns).keyEnd[row] !== end) return table.hash(kinds.data, key, start, end);
    if (row >= this.#end && this.#adapt(row))
      owner.touch(table, this.#hashes, this.#hashAhead(table, kinds.data, row, undefined), time);
    if (row < this.#first || row >= this.#end) return table.hash(kinds.data, key, start, end);
    this.#count(row);
    return this.#hashes[row - this.#first] as number;
  }

  /** The row whose key begins at `start`, −1: it is not known, or not worth it. */
  #rowAt(entries: number, start: number): number {
    if (start < this.#pausedTo || entries < this.#worthIt) return -1;
    const { keyStart } = this.#columns as KeyColumns;
    const to = this.#to;
    let row = this.#row;
    while (row < to && (keyStart[row] as number) < start) row++;
    this.#row = row;
    if (row === to || keyStart[row] !== start) return -1;
    return row;
  }

  /** The row was looked up, and is read. One that is read and then written counts once. */
  #count(row: number): void {
    if (row === this.#counted) return;
    this.#counted = row;
    this.#read++;
  }

  /** Larger groups while they are of use, smaller ones while not. False: a pause. */
  #adapt(row: number): boolean {
    const looked = this.#end - this.#first;
    if (looked === 0) return true;
    const useful = this.#read * 2 >= looked;
    this.#counted = -1;
    this.#group = useful ? Math.min(largestGroup, this.#group * 2) : this.#group >> 1;
    this.#first = this.#end = row;
    this.#read = 0;
    if (useful) this.#pause = firstPause;
    if (this.#group >= smallestGroup) return true;
    this.#group = smallestGroup;
    const resume = row + this.#pause;
    this.#pausedTo =
      resume < this.#to ? ((this.#columns as KeyColumns).keyStart[resume] as number) : Number.POSITIVE_INFINITY;
    this.#pause = Math.min(longestPause, this.#pause * 2);
    return false;
  }

  #lookUp(table: FlatTable, kind: number, row: number, windowKey: Uint8Array | undefined): boolean {
    this.#stale = false;
    if (!this.#adapt(row)) return false;
    const count = this.#hashAhead(table, kind, row, windowKey);
    const hashes = this.#hashes;
    table.touchSlots(hashes, count);
    for (let i = 0; i < count; i++) this.#addresses[i] = table.candidate(hashes[i] as number);
    table.touch(this.#addresses, 0, count);
    if (table.coarse) table.touchEnds(this.#addresses, 0, count);
    return true;
  }

  /** Makes the hashes of a group that begins with a row; answers with how many rows it has. */
  #hashAhead(table: FlatTable, kind: number, row: number, windowKey: Uint8Array | undefined): number {
    const { bytes, keyStart, keyEnd } = this.#columns as KeyColumns;
    const count = Math.min(this.#group, this.#to - row);
    const hashes = this.#hashes;
    if (windowKey !== undefined) copyBytes(windowKey, 0, timeBytes, this.#key, 0);
    for (let i = 0; i < count; i++) {
      const start = Math.max(0, keyStart[row + i] as number);
      const end = Math.max(start, keyEnd[row + i] as number);
      hashes[i] =
        windowKey === undefined
          ? table.hash(kind, bytes, start, end)
          : this.#windowHash(table, kind, bytes, start, end);
    }
    this.#first = row;
    this.#end = row + count;
    return count;
  }

  /** Of a key behind the window's start, which stands in `#key`. */
  #windowHash(table: FlatTable, kind: number, bytes: Uint8Array, start: number, end: number): number {
    const length = timeBytes + end - start;
    if (length > this.#key.length) {
      const key = new Uint8Array(length * 2);
      key.set(this.#key.subarray(0, timeBytes));
      this.#key = key;
      this.#keyView = new DataView(key.buffer);
    }
    this.#copier.copy(bytes, start, end, this.#key, this.#keyView, timeBytes);
    return table.hash(kind, this.#key, 0, length);
  }
}
