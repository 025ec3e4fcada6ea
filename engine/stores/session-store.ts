/**
 * Sessions in an ordered store: per key, in the order of their ends and then of their starts (16 bytes, both as
 * `writeOrderedI64` has them). They expire by their ends.
 */

import { readOrderedI64, readViewOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import type { EntryVisitor, OrderedStore, SessionVisitor, ValueCursor } from './store.ts';

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

/** A session; its bounds are the store's `start` and `end`, its value is `bytes[valueStart, valueEnd)`, all lent until
 *  the call returns. (Times that are passed on are objects of their own: a record would make a dozen of them.) */
export type FoundSession = (bytes: Uint8Array, valueStart: number, valueEnd: number) => void;

export interface SessionBounds {
  start: number;
  end: number;
}

/** Which sessions of a key are visited. */
export interface SessionRange {
  /** They end here or later, */
  earliestEnd: number;
  /** and start here or earlier. */
  latestStart: number;
  /** Sessions of the key do not overlap. */
  disjoint: boolean;
}

export class SessionStore implements ValueCursor {
  /** The bounds of the session that `get` came to, or a visit. */
  start = 0;
  end = 0;
  valueBytes: Uint8Array = new Uint8Array(0);
  valueStart = 0;
  valueEnd = 0;
  readonly #store: OrderedStore;
  readonly #from = new Uint8Array(timeBytes);
  readonly #order = new Uint8Array(sessionOrderBytes);
  /** The one that starts here or earlier is the last one that is visited. */
  #lastStart = 0;
  #latestStart = 0;
  #visit: FoundSession | undefined;
  readonly #visitEntry: EntryVisitor = (bytes, orderStart, _orderEnd, valueStart, valueEnd) => {
    const start = readOrderedI64(bytes, orderStart + timeBytes);
    if (start > this.#latestStart) return true;
    this.start = start;
    this.end = readOrderedI64(bytes, orderStart);
    this.#visit?.(bytes, valueStart, valueEnd);
    return start > this.#lastStart;
  };

  constructor(store: OrderedStore) {
    this.#store = store;
  }

  /** Visits sessions of a key, the last one first. The visitor must neither read nor change the store. */
  visit(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    { earliestEnd, latestStart, disjoint }: SessionRange,
    visit: FoundSession,
  ): void {
    const store = this.#store;
    // Mostly the last session is the only one.
    if (disjoint && store.comeToLast(key, keyStart, keyEnd)) {
      const { valueView, orderStart } = store;
      const end = readViewOrderedI64(valueView, orderStart);
      if (end < earliestEnd) return;
      const start = readViewOrderedI64(valueView, orderStart + timeBytes);
      if (start <= earliestEnd && start <= latestStart) {
        this.start = start;
        this.end = end;
        visit(store.valueBytes, store.valueStart, store.valueEnd);
        return;
      }
    }
    writeOrderedI64(this.#from, 0, earliestEnd);
    // Of disjoint ones, those before one that starts here or earlier end earlier.
    this.#lastStart = disjoint ? earliestEnd : Number.NEGATIVE_INFINITY;
    this.#latestStart = latestStart;
    this.#visit = visit;
    store.visitBackward(key, keyStart, keyEnd, this.#from, this.#visitEntry);
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
    { start, end }: SessionBounds,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    writeSessionOrder(this.#order, start, end);
    return this.#store.put(key, keyStart, keyEnd, this.#order, 0, sessionOrderBytes, value, valueStart, valueEnd);
  }

  /** Puts a session in the place of the one that was just visited, the only one. False, and nothing changes: one has to
   *  be put, and the other removed. */
  overwriteVisited({ start, end }: SessionBounds, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    writeSessionOrder(this.#order, start, end);
    return this.#store.overwriteVisited(this.#order, value, valueStart, valueEnd);
  }

  /** Removing an absent session is no change. */
  remove(key: Uint8Array, keyStart: number, keyEnd: number, { start, end }: SessionBounds): void {
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
