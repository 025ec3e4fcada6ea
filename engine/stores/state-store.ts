/**
 * The other face of a store: what the task, the coordinator and the restore do with it. Operators see `store.ts` only.
 *
 * Life cycle. `open` answers with the position: the changelog offset up to which the checkpoint holds everything
 * (undefined: start at the changelog's beginning). The runtime then feeds the rest of the changelog to `applyChangelog`
 * and ends each stretch with `commit(next offset)`. From then on each transaction is: operators change keys;
 * `writeChangelog` hands out one absolute entry for each changed key; the log commits; `commit(next offset)` or
 * `rollback()`. Whenever `checkpointDue` is true the runtime calls `checkpoint`, without waiting for it: stepping,
 * committing and rolling back go on meanwhile. All of it happens on the one thread that owns the store.
 *
 * Law. Changelog entries are absolute: applying any of them twice, or applying a stretch again from an older position,
 * ends in the same state. A position never runs ahead of what the key-value store durably holds. Losing the checkpoint
 * loses time, never data.
 *
 * Committed values. `readCommitted`, `readCommittedWindow`, `committedCursor`, `scanCommitted` and `committedWindows`
 * see the last commit, whatever the open transaction did. What they return is a copy (a scan's chunk is lent until its
 * callback has settled).
 *
 * Failure. What the key-value store reports comes out as a `KvError` (`ordered-kv.ts`): thrown by operators' calls and
 * by `readCommitted`, rejected by the asynchronous calls. A rollback follows the former. `commit` and `checkpointDue`
 * may throw one too: they move committed entries within the store, which can only be closed then; what it has on the
 * disk, and in the changelog, is right. After `corrupt` the runtime calls `clear()` and restores this store from offset
 * 0. After a failed `checkpoint` the store goes on, but its key-value store has to be closed and opened again, and the
 * store with it, before the next one (`guarded-kv.ts`).
 */

import type {
  KeyValueStore,
  OperatorStores,
  OrderedCursor,
  OrderedStore,
  StoreKind,
  StoreSpec,
  WindowStore,
} from './store.ts';

/** Takes one changelog entry. `valueStart` −1 is a tombstone. The bytes are copied before the call returns; `view`
 *  shows the memory of both key and value, where the store has such a view. */
export type ChangelogAppend = (
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
  view?: DataView,
) => void;

/** The committed value of the entry with the key `bytes[keyStart, orderStart)` and the order behind it. */
export type CommittedValue = (
  bytes: Uint8Array,
  keyStart: number,
  orderStart: number,
  orderEnd: number,
) => Uint8Array | undefined;

/** Where the keys of a block lie: the part of `RecordColumns` that a store looks at. */
export interface KeyColumns {
  readonly bytes: Uint8Array;
  /** −1: no key. */
  readonly keyStart: Int32Array;
  readonly keyEnd: Int32Array;
}

/** The input of a task whose row is being processed. */
export interface InputInHand {
  readonly index: number;
}

/** Small committed numbers kept beside the data, such as an operator's times. Transactional and changelogged like any
 *  key. */
export interface StoreMeta {
  get(name: string): number | undefined;
  /** Setting the number it has is no change. */
  set(name: string, value: number): void;
}

/** Which entries a scan visits, in no particular order. Bounds that are left out are open. */
export type ScanRange = {
  /** First key, inclusive, by unsigned bytes. */
  readonly from?: Uint8Array;
  /** Last key, exclusive. */
  readonly to?: Uint8Array;
  /** Window stores: first window start, inclusive; ordered stores with a retention time: first time of an order. */
  readonly fromWindow?: number;
  /** Last window start, or time of an order, exclusive. */
  readonly toWindow?: number;
  /** Visit at most so many entries. */
  readonly limit?: number;
};

/** Some committed entries. Everything in it is lent until the callback's promise settles. Entry `i` has the key
 *  `bytes[keyStarts[i], keyEnds[i])` and the value `bytes[valueStarts[i], valueEnds[i])`. */
export interface ScanChunk {
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly keyStarts: Int32Array;
  readonly keyEnds: Int32Array;
  readonly valueStarts: Int32Array;
  readonly valueEnds: Int32Array;
  /** Window stores: each entry's window. For other stores all zero. */
  readonly windowStarts: Float64Array;
  /** Ordered stores: the order is `bytes[orderStarts[i], orderEnds[i])`. For other stores it is empty. */
  readonly orderStarts: Int32Array;
  readonly orderEnds: Int32Array;
}

/** A committed entry as a copy that may cross a thread. */
export type CommittedEntry = {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Entries of window stores. */
  readonly windowStart?: number;
  /** Entries of ordered stores. */
  readonly order?: Uint8Array;
};

/** Bounds of window starts, both included. */
export type WindowRange = { readonly from: number; readonly to: number };

/** Which entries of one key of an ordered store are read: bounds of their orders, the second one exclusive; either may
 *  be left out. */
export type OrderRange = {
  readonly from?: Uint8Array;
  readonly to?: Uint8Array;
  /** From the last entry down to the first. */
  readonly reversed?: boolean;
  readonly limit?: number;
};

/** The part of a key's entries that is asked for, by the kind of the store. */
export type EntryRange = { readonly windows?: WindowRange; readonly orders?: OrderRange };

/** Answering `false` ends the scan. */
export type ScanVisitor = (chunk: ScanChunk) => boolean | void | Promise<boolean | void>;

export type StoreStats = {
  /** Entries in memory (ordered stores: pages of entries, and entries that are in none), including deletions that wait
   *  for the checkpoint. */
  readonly entries: number;
  /** Blocks in use, hash slots and lists, in bytes. */
  readonly bytesInMemory: number;
  /** False once anything lies in the key-value store only. */
  readonly complete: boolean;
  /** Entries that the next checkpoint has to write. */
  readonly dueEntries: number;
  /** Changelog records since the position of the last checkpoint: what a restart would replay. */
  readonly dueRecords: number;
  readonly evictions: number;
  /** 1: copies of what has left memory could not be written or read, and are not kept any more. */
  readonly copiesGivenUp: number;
  /** Look-ups that memory could not answer. */
  readonly kvReads: number;
  readonly kvWrites: number;
  readonly checkpoints: number;
  /** Position of the last checkpoint. */
  readonly position: number | undefined;
};

export interface OpenedStore {
  readonly position: number | undefined;
  /** Why a checkpoint that was there does not count. */
  readonly discarded: string | undefined;
}

/** How a checkpoint that nobody waits for leaves time to the thread's other work. */
export interface CheckpointPace {
  /** Asked before each chunk. True: something waits for the checkpoint by now, and it does not rest any more. */
  urgent(): boolean;
  /** Resolves after so many milliseconds. */
  rest(ms: number): Promise<void>;
}

/** What an operator asks of a store, as far as single calls of it are timed. */
export type StoreCall = 'get' | 'range' | 'put' | 'delete';

/** How Kafka Streams names them: what has a retention time, windows and sessions among it, is fetched and removed. */
export type CallName = StoreCall | 'fetch' | 'remove';

/** Gets the times of single calls, in milliseconds. */
export interface CallTimes {
  now(): number;
  took(call: CallName, ms: number): void;
}

export interface StateStoreLifecycle {
  readonly name: string;
  readonly spec: StoreSpec;
  readonly meta: StoreMeta;
  readonly stats: StoreStats;

  /** Answers in milliseconds, however large the store: nothing but the position (and, for windows, their starts) is
   *  read. */
  open(): Promise<OpenedStore>;
  /** Proves that the checkpoint is whole, aside: as it was when the store was opened, whatever goes on meanwhile. Call
   *  it once, after `open`. Rejects with a `KvError` of kind `corrupt` when something is damaged or missing. */
  verify(): Promise<void>;
  /** Whether that is done, or there was nothing to prove. Until then a value that is found is the one that was written
   *  (its checksum matches), but a key that is not found may have been lost: nothing may be derived from the store, and
   *  such answers have to wait. */
  readonly verified: boolean;
  /** What is wrong with the checkpoint, once a read, a scan or `verify` has found it: `clear` and restore the store. */
  readonly damage: string | undefined;
  /** Ends a running checkpoint after its current chunk; writes nothing more. The key-value store stays open: it is the
   *  shard's. */
  close(): Promise<void>;
  /** Forgets everything, in memory and in the key-value store; afterwards the position is undefined. */
  clear(): Promise<void>;

  /** A hint: rows `[from, to)` of an input's next block are about to be processed, and rows of other inputs between
   *  them. Where operators then ask for just those keys, in that order, the store looks ahead. The keys stay as they
   *  are while the block is in hand. */
  expect(columns: KeyColumns, from: number, to: number, input: number): void;
  /** From now on rows are those of the input that this names. Before, they are those of input 0. */
  follow(inHand: InputInHand): void;
  /** From now on each call of an operator is timed; undefined: none is. Of a cursor it
   *  is the way to its first entry. */
  timeCalls(times: CallTimes | undefined): void;
  /** Keys changed in the open transaction (meta entries and an expiry count as one each). 0: there is nothing to
   *  commit. */
  changed(): number;
  /** Bytes that these changes hold in memory beside the entries: their values before, and a list. */
  changedBytes(): number;
  /** Hands out one entry for each changed key. Called at flush, once per transaction, before `commit`. */
  writeChangelog(append: ChangelogAppend): void;
  /** Ends the transaction; `changelogNextOffset` is the offset behind its last changelog entry. */
  commit(changelogNextOffset: number): void;
  /** Puts every changed key back to its value of the last commit. */
  rollback(): void;
  /** Applies one changelog entry outside of any transaction; `commit(next offset)` closes the stretch. */
  applyChangelog(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void;

  /** True when 500,000 changelog records or a few seconds have passed since the last checkpoint, or memory is short. */
  checkpointDue(nowMs: number): boolean;
  /** Writes what is committed and due, then the position. A call while one runs answers with that one's promise.
   *  Without a pace it is written as fast as it can be. */
  checkpoint(pace?: CheckpointPace): Promise<void>;

  scanCommitted(range: ScanRange, visit: ScanVisitor): Promise<void>;
  /** An entry of a scan's chunk. */
  entryAt(chunk: ScanChunk, index: number): CommittedEntry;
  /** The committed entries of one key within the range: at most one, one for each window, or one for each order. */
  committedEntries(key: Uint8Array, range?: EntryRange): CommittedEntry[];
}

export interface KeyValueStateStore extends KeyValueStore, StateStoreLifecycle {
  readonly kind: 'key-value';
  readonly name: string;
  readCommitted(key: Uint8Array, start: number, end: number): Uint8Array | undefined;
}

export interface WindowStateStore extends WindowStore, StateStoreLifecycle {
  readonly kind: 'window';
  readonly name: string;
  readCommittedWindow(windowStart: number, key: Uint8Array, start: number, end: number): Uint8Array | undefined;
  /** Starts of the windows that hold something (or held something and were not expired), ascending. */
  committedWindows(): number[];
}

export interface OrderedStateStore extends OrderedStore, StateStoreLifecycle {
  readonly kind: 'ordered';
  readonly name: string;
  readCommitted(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): Uint8Array | undefined;
  /** A cursor over committed entries; commits do not end it. */
  committedCursor(): OrderedCursor;
}

/** Every kind has at least the calls of its operators and the common life cycle. */
type LeastFaces = { readonly [K in StoreKind]: OperatorStores[K] & StateStoreLifecycle & { readonly kind: K } };

/** Every kind of store, as the runtime sees it. */
export interface StateStores extends LeastFaces {
  readonly 'key-value': KeyValueStateStore;
  readonly window: WindowStateStore;
  readonly ordered: OrderedStateStore;
}

export type StateStore = StateStores[StoreKind];
