/**
 * Keys by a time that each of them has, such as when its window closes; the earliest is taken out first, of those with
 * one time the one with the smaller bytes. A face over an ordered store:
 *
 *   key     none: all lie under one key, the earliest first
 *   order   the time (8 bytes as `writeOrderedI64` has them) · the key
 *   value   none
 *
 * What the open transaction adds and removes is held in memory (`time-queue.ts`), and put into the store in order, at
 * `settle`: most keys come in an order that has nothing to do with the one that they go in, and many go in the
 * transaction that they came in, of which the store sees nothing then.
 */

import { type ByteWriter, compareBytes, readOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import type { OrderedCursor, OrderedStore } from './store.ts';
import { TimeQueue } from './time-queue.ts';

const noBytes = new Uint8Array(0);
const timeBytes = 8;
/** So many changes are held at most. */
const mostHeld = 65_536;

export class KeysByTime {
  /** The key that was taken: valid until the next call. */
  time = 0;
  keyBytes: Uint8Array = noBytes;
  keyStart = 0;
  keyEnd = 0;
  /** Whether it was in the store: it was there before the open transaction. */
  wasStored = false;
  readonly #store: OrderedStore;
  /** At the earliest key in the store. */
  readonly #cursor: OrderedCursor;
  /** Where the cursor is; `elsewhere`: not there, but no key in the store is earlier than `storedTime`. */
  #at: 'unknown' | 'elsewhere' | 'earliest' = 'unknown';
  /** The earliest time in the store; Infinity: there is none. */
  #storedTime = 0;
  readonly #held: TimeQueue;
  readonly #order: ByteWriter;

  constructor(store: OrderedStore, scratch: () => ByteWriter) {
    this.#store = store;
    this.#cursor = store.cursor();
    this.#held = new TimeQueue(scratch());
    this.#order = scratch();
  }

  /** Adding a key that is there with this time is no change. */
  add(time: number, key: Uint8Array, keyStart: number, keyEnd: number): void {
    this.#held.push(time, key, keyStart, keyEnd, true);
    if (this.#held.pushed >= mostHeld) this.settle();
  }

  /** Removing one that is not there is none either. */
  remove(time: number, key: Uint8Array, keyStart: number, keyEnd: number): void {
    this.#held.push(time, key, keyStart, keyEnd, false);
    if (this.#held.pushed >= mostHeld) this.settle();
  }

  /** A time before which there is no key; Infinity: there is none at all. That of the earliest key, unless it was
   *  removed. */
  get earliest(): number {
    if (this.#at === 'unknown') this.#seek();
    return Math.min(this.#held.earliest, this.#storedTime);
  }

  /** Takes the earliest key out, if its time is `latest` or before; false: there is none. */
  take(latest: number): boolean {
    const held = this.#held;
    if (this.#at === 'elsewhere' && this.#storedTime <= latest) this.#seek();
    for (let { earliest } = this; earliest <= latest && earliest !== Number.POSITIVE_INFINITY; { earliest } = this) {
      const order = this.#compare();
      if (order > 0) {
        this.#takeStored();
        return true;
      }
      const isAdded = held.pop();
      this.time = held.time;
      this.keyBytes = held.keyBytes;
      this.keyStart = held.keyStart;
      this.keyEnd = held.keyEnd;
      this.wasStored = order === 0;
      if (this.wasStored) this.#removeStored();
      if (isAdded) return true;
    }
    return false;
  }

  /** The earliest change held and the earliest key in the store. */
  #compare(): number {
    const { earliest, keyBytes, firstStart, firstEnd } = this.#held;
    if (earliest !== this.#storedTime) return earliest < this.#storedTime ? -1 : 1;
    const { valueBytes, orderStart, orderEnd } = this.#cursor;
    return compareBytes(keyBytes, firstStart, firstEnd, valueBytes, orderStart + timeBytes, orderEnd);
  }

  #takeStored(): void {
    const order = this.#order;
    const { valueBytes, orderStart, orderEnd } = this.#cursor;
    order.reset();
    order.bytes(valueBytes, orderStart, orderEnd);
    this.time = this.#storedTime;
    this.#removeStored();
    this.keyBytes = order.buffer;
    this.keyStart = timeBytes;
    this.keyEnd = order.length;
    this.wasStored = true;
  }

  #removeStored(): void {
    const { valueBytes, orderStart, orderEnd } = this.#cursor;
    this.#store.delete(noBytes, 0, 0, valueBytes, orderStart, orderEnd);
    this.#next();
  }

  #seek(): void {
    this.#cursor.fetch(noBytes, 0, 0);
    this.#next();
  }

  #next(): void {
    const cursor = this.#cursor;
    const found = cursor.next();
    this.#storedTime = found ? readOrderedI64(cursor.valueBytes, cursor.orderStart) : Number.POSITIVE_INFINITY;
    this.#at = 'earliest';
  }

  /** Puts everything into the store: before the end of a transaction. */
  settle(): void {
    const held = this.#held;
    const order = this.#order;
    if (this.#at === 'unknown') this.#seek();
    // The cursor does not outlast the transaction.
    this.#at = 'elsewhere';
    while (held.count > 0) {
      const isAdded = held.pop();
      order.reset();
      order.reserve(timeBytes);
      writeOrderedI64(order.buffer, 0, held.time);
      order.length = timeBytes;
      order.bytes(held.keyBytes, held.keyStart, held.keyEnd);
      if (isAdded) this.#store.put(noBytes, 0, 0, order.buffer, 0, order.length, noBytes, 0, 0);
      else this.#store.delete(noBytes, 0, 0, order.buffer, 0, order.length);
      if (isAdded && held.time < this.#storedTime) this.#storedTime = held.time;
    }
  }

  /** The store was taken back to an earlier state. */
  rollback(): void {
    this.#held.clear();
    this.#at = 'unknown';
  }
}
