/**
 * Looking ahead: the keys of the next rows of a block are looked up together, before each is asked for.
 *
 * A look-up in a large table waits for memory twice: for the slot, then for the entry (130 ns each once the table has outgrown the cache);
 * asked for in groups, the waits overlap. The task says which block it is about to run; a store cannot know whether an operator will ask it for the keys of
 * that block, so nothing happens until one does, with a key that lies where the next row's lies. What was found for a row is a hint, to be
 * verified by comparing the key: entries may have moved or gone since. It saves a fifth of a read and a write over 1e5
 * keys, and a quarter over 1e6.
 *
 * For window stores the rows ahead are taken to fall into the window of the row that was asked for.
 */

import { copyBytes } from '../../base/index.ts';
import type { FlatTable } from './flat-table.ts';
import { windowBytes } from './layout.ts';
import type { KeyColumns } from './state-store.ts';

const group = 64;
/** A table of so few entries lies in the cache anyway. */
const smallTable = 4_096;

export class LookAhead {
  /** What a key must lie in to be one of those. */
  bytes: Uint8Array | undefined;
  #columns: KeyColumns | undefined;
  /** The row last asked for. */
  #row = 0;
  #to = 0;
  /** Rows [first, end) were looked up. */
  #first = 0;
  #end = 0;
  readonly #hashes = new Int32Array(group);
  readonly #addresses = new Int32Array(group);
  #key = new Uint8Array(64);

  expect(columns: KeyColumns, from: number, to: number): void {
    if (columns !== this.#columns || columns.bytes !== this.bytes || from < this.#row) {
      this.#columns = columns;
      this.bytes = columns.bytes;
      this.#end = from;
    }
    this.#row = from;
    this.#to = to;
  }

  /** Addresses mean nothing any more. */
  forget(): void {
    this.bytes = undefined;
    this.#columns = undefined;
  }

  /** Where the entry of the key that begins at `start` may be; 0: unknown. `windowKey` begins with the window's start. */
  hint(table: FlatTable, kind: number, start: number, windowKey: Uint8Array | undefined): number {
    if (table.count < smallTable) return 0;
    const { keyStart } = this.#columns as KeyColumns;
    const to = this.#to;
    let row = this.#row;
    while (row < to && (keyStart[row] as number) < start) row++;
    this.#row = row;
    if (row === to || keyStart[row] !== start) return 0;
    if (row >= this.#end) this.#lookUp(table, kind, row, windowKey);
    return row >= this.#first ? (this.#addresses[row - this.#first] as number) : 0;
  }

  #lookUp(table: FlatTable, kind: number, row: number, windowKey: Uint8Array | undefined): void {
    const { bytes, keyStart, keyEnd } = this.#columns as KeyColumns;
    const count = Math.min(group, this.#to - row);
    const hashes = this.#hashes;
    for (let i = 0; i < count; i++) {
      const start = Math.max(0, keyStart[row + i] as number);
      const end = Math.max(start, keyEnd[row + i] as number);
      hashes[i] =
        windowKey === undefined
          ? table.hash(kind, bytes, start, end)
          : this.#windowHash(table, kind, windowKey, bytes, start, end);
    }
    table.touchSlots(hashes, count);
    for (let i = 0; i < count; i++) this.#addresses[i] = table.candidate(hashes[i] as number);
    table.touch(this.#addresses, 0, count);
    this.#first = row;
    this.#end = row + count;
  }

  #windowHash(
    table: FlatTable,
    kind: number,
    windowKey: Uint8Array,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const length = windowBytes + end - start;
    if (length > this.#key.length) this.#key = new Uint8Array(length * 2);
    copyBytes(windowKey, 0, windowBytes, this.#key, 0);
    copyBytes(bytes, start, end, this.#key, windowBytes);
    return table.hash(kind, this.#key, 0, length);
  }
}
