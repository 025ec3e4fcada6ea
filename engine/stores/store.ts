/**
 * The store contracts as operators see them: bytes in, bytes out, synchronous.
 *
 * `get` leaves its result in three public fields instead of an object: `valueBytes[valueStart, valueEnd)`, valid until
 * the next call on the store, and not to be changed. `getForUpdate` leaves the same fields, and the caller may overwrite
 * those bytes until the next call: the entry counts as changed, whether it was overwritten or not. Writes of an open
 * transaction are seen by `get` at once, by others after the commit (`readCommitted`), and are undone by a rollback: on
 * a key's first change in a transaction the store notes the key and its pre-image.
 */

export interface ValueCursor {
  readonly valueBytes: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;
}

export interface KeyValueStore extends ValueCursor {
  readonly name: string;
  /** True when the key is present; its value is then under the cursor. */
  get(key: Uint8Array, start: number, end: number): boolean;
  /** As `get`; the bytes under the cursor may then be overwritten in place, the length stays. */
  getForUpdate(key: Uint8Array, start: number, end: number): boolean;
  /** False, and nothing changes, when the entry is larger than a store takes (`StoreOptions.entryLimitBytes`). */
  put(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean;
  /** Removing an absent key is no change. */
  delete(key: Uint8Array, start: number, end: number): void;
}

/** Kept by window start, then key. Point reads only on the record path; expiry drops whole windows. */
export interface WindowStore extends ValueCursor {
  readonly name: string;
  get(windowStart: number, key: Uint8Array, start: number, end: number): boolean;
  /** As for key-value stores. */
  getForUpdate(windowStart: number, key: Uint8Array, start: number, end: number): boolean;
  /** As for key-value stores. What is put into an expired window is left out. */
  put(
    windowStart: number,
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean;
  delete(windowStart: number, key: Uint8Array, start: number, end: number): void;
  /** Drops every window whose start is below `windowStart`. */
  expireBelow(windowStart: number): void;
}

/** Every kind of store, as operators see it. */
export interface OperatorStores {
  readonly 'key-value': KeyValueStore;
  readonly window: WindowStore;
}

export type StoreKind = keyof OperatorStores;

/** How a topology asks for a store. */
export type StoreSpec = {
  readonly name: string;
  readonly kind: StoreKind;
  /** Window stores: how long a window stays after its start, in stream time. */
  readonly retentionMs?: number;
  /** False for stores that may be lost (push queries): no changelog, no checkpoint. Default true. */
  readonly logged?: boolean;
  /** A hash of what keys and values look like, a safe integer: a store that was written under another one is not used
   *  (`../runtime/store-schema.ts`). Left out: not compared. */
  readonly schemaHash?: number;
};
