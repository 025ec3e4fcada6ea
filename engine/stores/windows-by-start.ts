/** Windows in an ordered store: per key, in the order of their starts (8 bytes as `writeOrderedI64` has them). For
 *  operators that look for the windows of a key around a time; a window store finds only those of which the start is
 *  known. */

import { readOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import type { OrderedCursor, OrderedStore, ValueCursor, WindowVisitor } from './store.ts';

const orderBytes = 8;

export class WindowsByStart implements ValueCursor {
  /** The start of the window that `next` came to. */
  start = 0;
  readonly #store: OrderedStore;
  readonly #cursor: OrderedCursor;
  readonly #from = new Uint8Array(orderBytes);
  readonly #to = new Uint8Array(orderBytes);
  readonly #order = new Uint8Array(orderBytes);

  constructor(store: OrderedStore) {
    this.#store = store;
    this.#cursor = store.cursor();
  }

  /** Begins before the windows of a key that start within [from, to], both inclusive. */
  fetch(key: Uint8Array, keyStart: number, keyEnd: number, from: number, to: number): void {
    this.#bounds(from, to);
    this.#cursor.fetch(key, keyStart, keyEnd, this.#from, this.#to);
  }

  /** The same, the latest one first. */
  fetchBackward(key: Uint8Array, keyStart: number, keyEnd: number, from: number, to: number): void {
    this.#bounds(from, to);
    this.#cursor.fetchBackward(key, keyStart, keyEnd, this.#from, this.#to);
  }

  #bounds(from: number, to: number): void {
    writeOrderedI64(this.#from, 0, from);
    writeOrderedI64(this.#to, 0, to + 1);
  }

  /** Moves on; false: there is no further window. As with any cursor, the store may be changed meanwhile, and what is
   *  under the cursor is valid until the next call. */
  next(): boolean {
    const cursor = this.#cursor;
    if (!cursor.next()) return false;
    this.start = readOrderedI64(cursor.valueBytes, cursor.orderStart);
    return true;
  }

  get valueBytes(): Uint8Array {
    return this.#cursor.valueBytes;
  }

  get valueStart(): number {
    return this.#cursor.valueStart;
  }

  get valueEnd(): number {
    return this.#cursor.valueEnd;
  }

  /** False, and nothing changes, when the entry is larger than a store takes. */
  put(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    start: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    writeOrderedI64(this.#order, 0, start);
    return this.#store.put(key, keyStart, keyEnd, this.#order, 0, orderBytes, value, valueStart, valueEnd);
  }

  /** Removing an absent window is no change. */
  remove(key: Uint8Array, keyStart: number, keyEnd: number, start: number): void {
    writeOrderedI64(this.#order, 0, start);
    this.#store.delete(key, keyStart, keyEnd, this.#order, 0, orderBytes);
  }

  /** Visits the windows that the open transaction has changed. */
  visitChanges(visit: WindowVisitor): void {
    this.#store.visitChanges((bytes, keyStart, keyEnd, _orderEnd, before, from, to, after, afterStart, afterEnd) => {
      const start = readOrderedI64(bytes, keyEnd);
      visit(start, bytes, keyStart, keyEnd, before, from, to, after, afterStart, afterEnd);
    });
  }

  /** Drops every window that starts before. */
  expireBelow(start: number): void {
    this.#store.expireBelow(start);
  }
}
