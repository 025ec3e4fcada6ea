/**
 * Keys by a time that each of them has, such as when its window closes: a face over an ordered store.
 *
 *   key     none: all lie under one key, the earliest first
 *   order   the time (8 bytes as `writeOrderedI64` has them) · the key
 *   value   none
 */

import { type ByteWriter, readOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import type { OrderedCursor, OrderedStore } from './store.ts';

const noBytes = new Uint8Array(0);
const timeBytes = 8;

export class KeysByTime {
  /** The key that `next` came to: valid until its next call. */
  time = 0;
  keyBytes: Uint8Array = noBytes;
  keyStart = 0;
  keyEnd = 0;
  /** No key has an earlier time; −Infinity: not known. */
  #earliest = Number.NEGATIVE_INFINITY;
  readonly #store: OrderedStore;
  readonly #cursor: OrderedCursor;
  readonly #order: ByteWriter;

  constructor(store: OrderedStore, scratch: ByteWriter) {
    this.#store = store;
    this.#cursor = store.cursor();
    this.#order = scratch;
  }

  add(time: number, key: Uint8Array, keyStart: number, keyEnd: number): void {
    if (time < this.#earliest) this.#earliest = time;
    const { buffer, length } = this.#orderOf(time, key, keyStart, keyEnd);
    this.#store.put(noBytes, 0, 0, buffer, 0, length, noBytes, 0, 0);
  }

  remove(time: number, key: Uint8Array, keyStart: number, keyEnd: number): void {
    const { buffer, length } = this.#orderOf(time, key, keyStart, keyEnd);
    this.#store.delete(noBytes, 0, 0, buffer, 0, length);
  }

  #orderOf(time: number, key: Uint8Array, keyStart: number, keyEnd: number): ByteWriter {
    const order = this.#order;
    order.reset();
    order.reserve(timeBytes);
    writeOrderedI64(order.buffer, 0, time);
    order.length = timeBytes;
    order.bytes(key, keyStart, keyEnd);
    return order;
  }

  /** A time before which there is no key; Infinity: there is none at all. Of the earliest key, unless that was
   *  removed. */
  get earliest(): number {
    if (this.#earliest === Number.NEGATIVE_INFINITY) {
      this.first();
      this.next();
    }
    return this.#earliest;
  }

  /** Begins before the earliest key. */
  first(): void {
    this.#cursor.fetch(noBytes, 0, 0);
  }

  /** Moves to the next key in order of time; false: there is none. */
  next(): boolean {
    const cursor = this.#cursor;
    if (!cursor.next()) {
      this.#earliest = Number.POSITIVE_INFINITY;
      return false;
    }
    this.time = readOrderedI64(cursor.valueBytes, cursor.orderStart);
    this.#earliest = this.time;
    this.#view();
    return true;
  }

  /** Removes the key that `next` came to; read its fields again then. */
  removeCurrent(): void {
    const { valueBytes, orderStart, orderEnd } = this.#cursor;
    this.#store.delete(noBytes, 0, 0, valueBytes, orderStart, orderEnd);
    this.#view();
  }

  #view(): void {
    const { valueBytes, orderStart, orderEnd } = this.#cursor;
    this.keyBytes = valueBytes;
    this.keyStart = orderStart + timeBytes;
    this.keyEnd = orderEnd;
  }

  /** The store was taken back to an earlier state. */
  rollback(): void {
    this.#earliest = Number.NEGATIVE_INFINITY;
  }
}
