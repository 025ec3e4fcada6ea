/**
 * The store contracts as operators see them: bytes in, bytes out, synchronous.
 *
 * `get` leaves its result in three public fields instead of an object: `valueBytes[valueStart, valueEnd)`, valid until
 * the next call on the store, and not to be changed. `getForUpdate` leaves the same fields, and a view of the same
 * memory; the caller may overwrite those bytes until the next call: the entry counts as changed, whether it was
 * overwritten or not. Writes of an open transaction are seen by `get` at once, by others after the commit
 * (`readCommitted`), and are undone by a rollback: on a key's first change in a transaction the store notes the key and
 * its pre-image.
 */

export interface ValueCursor {
  readonly valueBytes: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** The cursor of a store whose values can be overwritten in place. */
export interface UpdateCursor extends ValueCursor {
  /** Of the memory that `valueBytes` shows, with the same positions; of the last `getForUpdate`. */
  readonly valueView: DataView;
}

/** The value of an entry as of the last commit, and as it is now. A start of −1: it was, or is, absent. */
type ChangedValue = [
  before: Uint8Array,
  beforeStart: number,
  beforeEnd: number,
  after: Uint8Array,
  afterStart: number,
  afterEnd: number,
];

type ChangedEntry = [key: Uint8Array, keyStart: number, keyEnd: number, ...ChangedValue];

/** Visits an entry that the open transaction has changed. All of it is lent until the call returns. */
export type ChangeVisitor = (...entry: ChangedEntry) => void;

/** The same for a window of a key. */
export type WindowVisitor = (windowStart: number, ...entry: ChangedEntry) => void;

/** The same for a session of a key. */
export type SessionVisitor = (start: number, end: number, ...entry: ChangedEntry) => void;

/** The same for an entry of an ordered store: its key is `bytes[keyStart, orderStart)`, its order
 *  `bytes[orderStart, orderEnd)`. */
export type OrderedVisitor = (
  bytes: Uint8Array,
  keyStart: number,
  orderStart: number,
  orderEnd: number,
  ...value: ChangedValue
) => void;

export interface KeyValueStore extends UpdateCursor {
  readonly name: string;
  /** True when the key is present; its value is then under the cursor. */
  get(key: Uint8Array, start: number, end: number): boolean;
  /** As `get`; the bytes under the cursor may then be overwritten in place, the length stays. */
  getForUpdate(key: Uint8Array, start: number, end: number): boolean;
  /** False, and nothing changes, when the entry is larger than a store takes (`StoreOptions.entryLimitBytes`). */
  put(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean;
  /** Removing an absent key is no change. */
  delete(key: Uint8Array, start: number, end: number): void;
  /** Visits the keys that the open transaction has changed, each once, in the order of their first changes. The visitor
   *  may read the store, and must not change it. */
  visitChanges(visit: ChangeVisitor): void;
}

/** Which windows a record lies in, where they overlap. */
export type Hops = {
  /** Between the starts of two windows. */
  readonly advanceMs: number;
  /** How many windows a record lies in. */
  readonly count: number;
};

/** Kept by window start, then key. Point reads only on the record path; expiry drops whole windows. */
export interface WindowStore extends ValueCursor {
  readonly name: string;
  /** For an operator that works on the windows of one key after another; it makes this once and uses it again. `hops`:
   *  how windows overlap, so that for each key several of them will be read; the store keeps them side by side. */
  windowsOfKey(hops?: Hops): WindowsOfKey;
  get(windowStart: number, key: Uint8Array, start: number, end: number): boolean;
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
  /** Whether the open transaction has changed the entry, or has removed it. */
  hasChanged(windowStart: number, key: Uint8Array, start: number, end: number): boolean;
  /** As for key-value stores. */
  visitChanges(visit: WindowVisitor): void;
  /** No window starts later; −Infinity: there is none. */
  latestStart(): number;
  /** Drops every window whose start is below `windowStart`. */
  expireBelow(windowStart: number): void;
}

/** The windows of one key of a window store. What was found is under the cursor until the next call on the store. */
export interface WindowsOfKey extends UpdateCursor {
  /** Comes to a key, which is copied. `firstWindow` is the start of the first window that will be read. */
  comeTo(key: Uint8Array, start: number, end: number, firstWindow: number): void;
  get(windowStart: number): boolean;
  /** As for key-value stores. */
  getForUpdate(windowStart: number): boolean;
  /** As for key-value stores. What is put into an expired window is left out. */
  put(windowStart: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean;
  delete(windowStart: number): void;
}

/**
 * Entries of one key in the order of bytes (unsigned, a prefix first): a time and a sequence, a foreign key's primary
 * keys. Key and order together name an entry. Range fetch within a key, forward and backward.
 *
 * Where the specification has a retention time, orders and bounds begin with a time (8 bytes as `writeOrderedI64` has
 * them), and `expireBelow` drops entries by it: one that has expired is absent at once, and a put of it is left out.
 *
 * To take what is earliest over all keys, keep everything under one key, with orders of time, sequence and key.
 */
export interface OrderedStore extends UpdateCursor {
  readonly name: string;
  /** True when the entry is present; its value is then under the store's own cursor until the next call. */
  get(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): boolean;
  /** As for key-value stores; the order counts for the entry's size. */
  put(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean;
  /** Puts an entry behind those of the same time: its order is the time (8 bytes) and a sequence (4 bytes, u32).
   *  `first`: a byte that the value begins with, before the bytes that are given; −1 and by default there is none.
   *  Answers with the sequence; −1, and nothing changes, when the entry is larger than a store takes. The time has not
   *  expired. */
  append(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    time: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    first?: number,
  ): number;
  /** Removing an absent entry is no change. */
  delete(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): void;
  /** Visits the entries that the open transaction has changed and that have not expired, each once: those of a key in
   *  their order, as far as they lie in one page. One that is again as it was is left out. The visitor may read the
   *  store, and must not change it. */
  visitChanges(visit: OrderedVisitor): void;
  /** Visits the entries of a key at or above `from`, the last one first, until the visitor answers false. It must
   *  neither read nor change the store. Where a key has few entries this takes a fraction of what a cursor does. */
  visitBackward(key: Uint8Array, keyStart: number, keyEnd: number, from: Uint8Array, visit: EntryVisitor): void;
  /** Comes to the last entry of a key, where one look-up finds it: its value is under the store's cursor, its order at
   *  `orderStart`, until the next call. False: that is not known; `visitBackward` finds what there is. Only where the
   *  specification has a retention time. */
  comeToLast(key: Uint8Array, keyStart: number, keyEnd: number): boolean;
  /** Where the order of the entry begins that `comeToLast` came to: in `valueBytes`, and in `valueView`. */
  readonly orderStart: number;
  /** Takes the entry that `visitBackward` or `comeToLast` came to last out, and puts one of order `to`, which is given
   *  as a whole; this store has not been called since, but others may have been. False, and nothing changes: the new
   *  one does not fit into the place of the other, or that may have left memory; both have to be done one by one. */
  overwriteVisited(to: Uint8Array, value: Uint8Array, valueStart: number, valueEnd: number): boolean;
  /** A cursor over entries of this store. An operator makes its cursors once and uses them again. */
  cursor(): OrderedCursor;
  /** Drops every entry whose time is below. Only where the specification has a retention time. */
  expireBelow(time: number): void;
}

/**
 * Visits the entries of a key within [from, to): `from` inclusive, `to` exclusive, either may be left out. The entry
 * that `next` came to has the order `valueBytes[orderStart, orderEnd)` and the value `valueBytes[valueStart,
 * valueEnd)`. Both stay valid until the cursor's next call, whatever happens to the store; read the fields again after
 * the store was changed.
 *
 * The store may be changed while a cursor is open, the entry under it included: `next` goes to the entry that is the
 * next one at that moment, and never back. So an entry that is put ahead is visited, and one that is removed ahead is
 * not. A commit or a rollback of the store ends all cursors.
 */
export interface OrderedCursor extends ValueCursor {
  readonly orderStart: number;
  readonly orderEnd: number;
  /** Begins before the first entry of the range. The bounds are copied. */
  fetch(key: Uint8Array, keyStart: number, keyEnd: number, from?: Uint8Array, to?: Uint8Array): void;
  /** Begins before the first entry with `from` <= time <= `to`, safe integers. Only where the specification has a
   *  retention time. The key is lent until the cursor is used for another one, or its transaction ends. */
  fetchTimes(key: Uint8Array, keyStart: number, keyEnd: number, from: number, to: number): void;
  /** The same as `fetch`, from the last entry of the range down to its first. */
  fetchBackward(key: Uint8Array, keyStart: number, keyEnd: number, from?: Uint8Array, to?: Uint8Array): void;
  /** Moves on; false: there is no further entry. A caller may stop before. */
  next(): boolean;
}

/** An entry under a key that was asked for: its order is `bytes[orderStart, orderEnd)`, its value `bytes[valueStart,
 *  valueEnd)`. All of it is lent until the call returns. False: no further entry is visited. */
export type EntryVisitor = (
  bytes: Uint8Array,
  orderStart: number,
  orderEnd: number,
  valueStart: number,
  valueEnd: number,
) => boolean;

/** Every kind of store, as operators see it. */
export interface OperatorStores {
  readonly 'key-value': KeyValueStore;
  readonly window: WindowStore;
  readonly ordered: OrderedStore;
}

export type StoreKind = keyof OperatorStores;

/** How a topology declares a store. */
export type StoreSpec = {
  readonly name: string;
  readonly kind: StoreKind;
  /** How long an entry stays after its time, in stream time: the window's start, or the time that its order begins
   *  with. Ordered stores without it keep their entries until they are deleted. */
  readonly retentionMs?: number;
  /** False for stores that may be lost (push queries): no changelog, no checkpoint. Default true. */
  readonly logged?: boolean;
  /** For stores that are not logged: memory is short, and what the open transaction has not changed may be gone.
   *  Default false. */
  readonly forgets?: boolean;
  /** False: no checkpoint; entries are in memory only and come from the changelog at each start. Default true. */
  readonly persistent?: boolean;
  /** A hash of what keys and values look like, a safe integer: a store that was written under another one is not used
   *  (`../runtime/store-schema.ts`). Left out: not compared. */
  readonly schemaHash?: number;
  /** Other hashes under which it may have been written: its nodes read those entries too. */
  readonly formerSchemaHashes?: readonly number[];
};
