/**
 * Sessions in an ordered store: per key, in the order of their ends and then of their starts (16 bytes, both as
 * `writeOrderedI64` has them). They expire by their ends.
 */

import { readOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import type { OrderedCursor, OrderedStore, SessionVisitor, ValueCursor } from './store.ts';

const timeBytes = 8;
const sessionOrderBytes = 2 * timeBytes;

const writeSessionOrder = (bytes: Uint8Array, start: number, end: number): void => {
  writeOrderedI64(bytes, 0, end);
  writeOrderedI64(bytes, timeBytes, start);
};

/** The order of a session. */
export const sessionOrder = (start: number, end: number): Uint8Array => {
  const bytes = new Uint8Array(sessionOrderBytes);
  writeSessionOrder(bytes, start, end);
  return bytes;
};

/** The order before that of every session of this end. */
export const sessionsEndingAt = (end: number): Uint8Array => {
  const order = new Uint8Array(timeBytes);
  writeOrderedI64(order, 0, end);
  return order;
};

/** The bounds of the session whose order begins at `at`. */
export const readSessionOrder = (bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } => ({
  start: readOrderedI64(bytes, at + timeBytes),
  end: readOrderedI64(bytes, at),
});

export class SessionStore implements ValueCursor {
  /** The bounds of the session that `next` or `get` came to. */
  start = 0;
  end = 0;
  valueBytes: Uint8Array = new Uint8Array(0);
  valueStart = 0;
  valueEnd = 0;
  readonly #store: OrderedStore;
  readonly #cursor: OrderedCursor;
  readonly #from = new Uint8Array(timeBytes);
  readonly #order = new Uint8Array(sessionOrderBytes);
  readonly #orderBefore = new Uint8Array(sessionOrderBytes);
  #latestStart = 0;

  constructor(store: OrderedStore) {
    this.#store = store;
    this.#cursor = store.cursor();
  }

  /** Begins before the first session of a key that ends at `earliestEnd` or later and starts at `latestStart` or
   *  earlier. */
  find(key: Uint8Array, keyStart: number, keyEnd: number, earliestEnd: number, latestStart: number): void {
    writeOrderedI64(this.#from, 0, earliestEnd);
    this.#latestStart = latestStart;
    this.#cursor.fetch(key, keyStart, keyEnd, this.#from);
  }

  /** Moves to the next session that was asked for, in the order of ends; false: there is none. What is under the cursor
   *  is valid until the next call on it, or a change of the store. */
  next(): boolean {
    const cursor = this.#cursor;
    while (cursor.next()) {
      const { valueBytes, orderStart } = cursor;
      const start = readOrderedI64(valueBytes, orderStart + timeBytes);
      if (start > this.#latestStart) continue;
      this.start = start;
      this.end = readOrderedI64(valueBytes, orderStart);
      this.valueBytes = valueBytes;
      this.valueStart = cursor.valueStart;
      this.valueEnd = cursor.valueEnd;
      return true;
    }
    return false;
  }

  /** True when the session is present; its value is then under the cursor. */
  get(key: Uint8Array, keyStart: number, keyEnd: number, start: number, end: number): boolean {
    const store = this.#store;
    writeSessionOrder(this.#order, start, end);
    if (!store.get(key, keyStart, keyEnd, this.#order, 0, sessionOrderBytes)) return false;
    this.start = start;
    this.end = end;
    this.valueBytes = store.valueBytes;
    this.valueStart = store.valueStart;
    this.valueEnd = store.valueEnd;
    return true;
  }

  /** False, and nothing changes, when the entry is larger than a store takes. */
  put(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    writeSessionOrder(this.#order, start, end);
    return this.#store.put(key, keyStart, keyEnd, this.#order, 0, sessionOrderBytes, value, valueStart, valueEnd);
  }

  /** Puts a session in the place of another one, which is there; as `put`. */
  replace(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    { start: startBefore, end: endBefore }: { readonly start: number; readonly end: number },
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    writeSessionOrder(this.#orderBefore, startBefore, endBefore);
    writeSessionOrder(this.#order, start, end);
    return this.#store.replace(key, keyStart, keyEnd, this.#orderBefore, this.#order, value, valueStart, valueEnd);
  }

  /** Removing an absent session is no change. */
  remove(key: Uint8Array, keyStart: number, keyEnd: number, start: number, end: number): void {
    writeSessionOrder(this.#order, start, end);
    this.#store.delete(key, keyStart, keyEnd, this.#order, 0, sessionOrderBytes);
  }

  /** Visits the sessions that the open transaction has changed; the key is `bytes[keyStart, keyEnd)`. */
  visitChanges(visit: SessionVisitor): void {
    this.#store.visitChanges((bytes, keyStart, keyEnd, _orderEnd, before, from, to, after, afterStart, afterEnd) => {
      const start = readOrderedI64(bytes, keyEnd + timeBytes);
      visit(
        start,
        readOrderedI64(bytes, keyEnd),
        bytes,
        keyStart,
        keyEnd,
        before,
        from,
        to,
        after,
        afterStart,
        afterEnd,
      );
    });
  }

  /** Drops every session that ends before. */
  expireBelow(end: number): void {
    this.#store.expireBelow(end);
  }
}
