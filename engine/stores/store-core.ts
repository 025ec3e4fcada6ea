/**
 * What the stores of all kinds have in common: entries in memory, and the open transaction.
 *
 * An entry in memory is in one of these states, which two flags show:
 *
 *   clean              neither   memory and the key-value store agree; may be evicted. "Absent" may be clean too: a miss that is remembered
 *   due                `due`     committed, and the key-value store does not have it yet
 *   changed            `changed` the open transaction has written it; the list of changes has what was committed
 *   changed and due    both      the checkpoint writes what was committed, the list of changes has it
 *
 * An entry that is not in memory is as the key-value store has it, unless the store is *complete* (nothing was ever
 * evicted and it did not start from a checkpoint): then it is absent. Where it has left memory there may be a copy,
 * which is the same (`spilled-entries.ts`). A blind write of an entry that is not in memory reads nothing; its value
 * before stays "on disk".
 *
 * Beside this file: memory and eviction (`store-memory.ts`), expiry by time (`expiry.ts`), entries in the key-value
 * store (`stored-entries.ts`), opening and clearing (`store-opening.ts`), writing checkpoints (`checkpoint.ts`), scans
 * (`scan.ts`). The kinds (`store-kinds.ts`) differ in the keys they make of what an operator reads and writes; an
 * ordered store keeps pages of entries as values (`page-tree.ts`).
 */

import { assert, readU32 } from '../../base/index.ts';
import { ChangeList, wasAbsent, wasOnDisk } from './change-list.ts';
import { checksumBytes } from './checksum.ts';
import { DueQueue } from './due-queue.ts';
import type { Expiry } from './expiry.ts';
import { FlatTable, flags } from './flat-table.ts';
import type { KeyWindows } from './key-windows.ts';
import { hasWindow, kinds, numberValue, readNumberValue, readTime, timeBytes, writeTime } from './layout.ts';
import { LinkedPages } from './linked-pages.ts';
import { LookAhead } from './look-ahead.ts';
import { RecentEntries } from './recent-entries.ts';
import { SpilledEntries } from './spilled-entries.ts';
import type {
  CallName,
  CallTimes,
  ChangelogAppend,
  InputInHand,
  KeyColumns,
  StoreCall,
  StoreStats,
} from './state-store.ts';
import type { ChangeVisitor } from './store.ts';
import { type EntriesInMemory, StoreMemory } from './store-memory.ts';
import { mostEntryBytes, type StoreOptions } from './store-options.ts';
import { StoredEntries } from './stored-entries.ts';

const noBytes = new Uint8Array(0);
const noView = new DataView(noBytes.buffer);
/** Of what has a retention time. */
const timedNames: { readonly [C in StoreCall]: CallName } = {
  get: 'fetch',
  range: 'fetch',
  put: 'put',
  delete: 'remove',
};

/** What depends on the kind of store. */
export type CoreForm = {
  /** Undefined: entries do not expire. Else keys of data entries begin with a window's start. */
  readonly expiry?: Expiry;
  /** Values are pages of entries. */
  readonly paged?: boolean;
  /** Without a key-value store: entries may leave memory all the same. */
  readonly forgets?: boolean;
  /** Written with the position of a checkpoint: one that was written in another form is discarded. */
  readonly form?: string;
};

/** Reads an entry where it lies, over calls that may change the store. */
export interface EntryReader {
  /** The entry at this address is about to change, to move or to go. */
  release(address: number): void;
}

/** How a page is written: `change`: by the open transaction; `replay`: what is restored counts as committed. */
export type PageWrite = 'change' | 'replay';

const isAny = (): boolean => true;

export class StoreCore implements EntriesInMemory {
  /** The cursor: the value that the last `get` found. */
  valueBytes: Uint8Array = noBytes;
  /** The same memory; set by `getForUpdate` only. */
  valueView: DataView = noView;
  valueStart = 0;
  valueEnd = 0;

  table: FlatTable;
  /** Which of the task's inputs is being read. */
  inHand: InputInHand = { index: 0 };
  /** By input; the first one stands for those of which no block was announced. */
  readonly #aheads: LookAhead[];
  changes = new ChangeList();
  due = new DueQueue();
  readonly expiry: Expiry | undefined;
  readonly stored: StoredEntries;
  /** Copies of what has left memory; undefined without a key-value store. */
  readonly spilled: SpilledEntries | undefined;
  readonly memory: StoreMemory;
  /** Readers of entries where they lie. */
  readonly readers: EntryReader[] = [];
  /** Pages of ordered stores: which have to be written together. */
  readonly linked = new LinkedPages();
  readonly forgets: boolean;
  /** Of ordered stores: what was appended of late, and is not in pages. */
  readonly recent: RecentEntries | undefined;
  /** Of window stores whose operator reads several windows of a key for each record. */
  keyWindows: KeyWindows | undefined;
  readonly scanChunkBytes: number | undefined;
  readonly changelogId: string;
  readonly form: string;
  readonly entryLimitBytes: number;

  /** Set while calls are timed. */
  times: CallTimes | undefined;
  /** Memory holds everything. */
  complete = true;
  /** The changelog offset up to which everything is applied. */
  position: number | undefined;
  /** The same, of the last finished checkpoint. */
  checkpointed: number | undefined;
  /** Changelog records that were committed or applied, and those of them that the checkpoint holds. */
  logged = 0;
  #checkpointedRecords = 0;
  checkpoints = 0;
  /** An entry that was just found or written, or 0: an operator that reads a key writes it next. */
  #last = 0;
  readonly #hashSeed: number;
  readonly #lookAheadFrom: number | undefined;
  readonly #paged: boolean;

  constructor(options: StoreOptions, { expiry, paged = false, forgets = false, form = '' }: CoreForm) {
    this.forgets = forgets;
    this.#paged = paged;
    this.#hashSeed = options.hashSeed ?? 0;
    this.changelogId = options.changelogId ?? '';
    this.form = form;
    this.entryLimitBytes = options.entryLimitBytes ?? mostEntryBytes;
    this.scanChunkBytes = options.scanChunkBytes;
    this.stored = new StoredEntries(options.kv, options.storeId);
    this.#aheads = [new LookAhead(options.lookAheadFrom)];
    this.#lookAheadFrom = options.lookAheadFrom;
    this.expiry = expiry;
    this.spilled =
      options.kv &&
      new SpilledEntries(options.kv.scratch, (bytes, at) => this.#isExpired(bytes, at), options.copiesGivenUp);
    this.table = this.#newTable();
    this.recent = paged && expiry !== undefined ? new RecentEntries(this) : undefined;
    this.memory = new StoreMemory(this, options.memory);
  }

  /** Changelog records since the last checkpoint. */
  get records(): number {
    return this.logged - this.#checkpointedRecords;
  }

  /** What a checkpoint that begins now will hold: up to which position, and how many records in all. What is not in
   *  pages is replayed. */
  get checkpointable(): { readonly position: number | undefined; readonly records: number } {
    return this.recent?.since ?? { position: this.position, records: this.logged };
  }

  /** A checkpoint is complete. */
  setCheckpointed(position: number, records: number): void {
    this.checkpointed = position;
    this.#checkpointedRecords = records;
    this.checkpoints++;
  }

  /** There is no entry, neither in memory nor elsewhere: nothing has to be looked up. */
  get isEmpty(): boolean {
    return this.complete && this.table.count === 0;
  }

  /** The entry that was just found or written, or 0. */
  get last(): number {
    return this.#last;
  }

  #newTable(): FlatTable {
    const table = new FlatTable({ seed: this.#hashSeed, listed: this.expiry !== undefined, coarse: this.#paged });
    table.onMove = (from, to) => this.#moved(from, to);
    return table;
  }

  /** Forgets everything in memory. */
  reset(): void {
    this.table = this.#newTable();
    for (const ahead of this.#aheads) ahead.forget();
    this.changes = new ChangeList();
    this.due = new DueQueue();
    this.expiry?.reset();
    this.stored.reset();
    this.spilled?.clear();
    this.linked.clear();
    this.recent?.clear();
    this.keyWindows?.clear();
    this.complete = true;
    this.position = this.checkpointed = undefined;
    this.logged = this.#checkpointedRecords = 0;
    this.#last = 0;
    this.valueBytes = noBytes;
    this.valueView = noView;
    this.memory.report();
  }

  /** Rows [from, to) of an input's block are run next, a few at a time where inputs take turns. */
  expect(columns: KeyColumns, from: number, to: number, input: number): void {
    const aheads = this.#aheads;
    while (aheads.length <= input) aheads.push(new LookAhead(this.#lookAheadFrom));
    (aheads[input] as LookAhead).expect(columns, from, to);
  }

  /** Of the block that is being read. */
  get ahead(): LookAhead {
    const aheads = this.#aheads;
    return aheads[this.inHand.index] ?? (aheads[0] as LookAhead);
  }

  // ---- reading and writing in the open transaction

  /** True when the key is present; its value is then under the cursor. `hint` is an address where it may be, or 0. */
  get(kind: number, key: Uint8Array, start: number, end: number, hint: number): boolean {
    if (this.times !== undefined) return this.#timedGet(kind, key, start, end, hint);
    const table = this.table;
    let address = hint;
    if (address === 0 || !table.stillHolds(address, kind, key, start, end)) {
      // A write that follows need not be compared with the entry before.
      this.#last = 0;
      if (this.isEmpty) return false;
      const hash = table.hash(kind, key, start, end);
      address = table.find(hash, kind, key, start, end);
      if (address === 0) {
        if (this.complete) return false;
        address = this.#load(hash, kind, key, start, end);
        if (address === 0) return false;
      }
    }
    table.setFlag(address, flags.referenced);
    this.#last = address;
    const length = table.valueLength(address);
    if (length < 0) return false;
    this.valueBytes = table.bytesOf(address);
    this.valueStart = table.valueStart(address);
    this.valueEnd = this.valueStart + length;
    return true;
  }

  /** As `get`, and the entry is changed from here on: its value before is noted, and the bytes under the cursor may be
   *  overwritten until the next call. */
  getForUpdate(kind: number, key: Uint8Array, start: number, end: number, hint: number): boolean {
    if (!this.get(kind, key, start, end, hint)) return false;
    const address = this.#last;
    this.valueView = this.table.viewOf(address);
    if (!this.table.hasFlag(address, flags.changed)) this.#note(address, this.valueEnd - this.valueStart);
    return true;
  }

  /** False: the entry is too large. */
  put(
    kind: number,
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    hint: number,
  ): boolean {
    if (this.times !== undefined) return this.#timedPut(kind, key, start, end, value, valueStart, valueEnd, hint);
    if (end - start + valueEnd - valueStart > this.entryLimitBytes) return false;
    const table = this.table;
    let address = this.#last;
    if (
      (address === 0 || !table.holds(address, kind, key, start, end)) &&
      ((address = hint) === 0 || !table.stillHolds(address, kind, key, start, end))
    ) {
      const hash = table.hash(kind, key, start, end);
      address = table.find(hash, kind, key, start, end);
      if (address === 0) {
        const before = this.#isAbsent(kind, key, start) ? wasAbsent : wasOnDisk;
        address = this.#insert(hash, kind, key, start, end, valueEnd - valueStart, false);
        if (before === wasOnDisk) table.setFlag(address, flags.unknown);
        this.#note(address, before);
      }
    }
    if (!table.hasFlag(address, flags.changed)) this.#note(address, table.valueLength(address));
    this.#last = table.setValue(address, value, valueStart, valueEnd);
    return true;
  }

  delete(kind: number, key: Uint8Array, start: number, end: number): void {
    if (this.times !== undefined) return this.#timedDelete(kind, key, start, end);
    if (this.isEmpty) return;
    const table = this.table;
    const hash = table.hash(kind, key, start, end);
    let address = table.find(hash, kind, key, start, end);
    if (address === 0) {
      if (this.complete) return;
      address = this.#load(hash, kind, key, start, end);
      if (address === 0) return;
    }
    const length = table.valueLength(address);
    if (length < 0) return;
    if (!table.hasFlag(address, flags.changed)) this.#note(address, length);
    table.setValue(address, noBytes, -1, -1);
    this.#last = address;
  }

  // Methods of their own: a closure in the calls above would cost each of them something.

  #timedGet(...of: Parameters<StoreCore['get']>): boolean {
    return this.timed('get', () => this.get(...of));
  }

  #timedPut(...of: Parameters<StoreCore['put']>): boolean {
    return this.timed('put', () => this.put(...of));
  }

  #timedDelete(...of: Parameters<StoreCore['delete']>): void {
    this.timed('delete', () => this.delete(...of));
  }

  /** Times a call, where calls are timed; those that it consists of are not. `counts`: whether it is one, by what
   *  it has answered. */
  timed<T>(call: StoreCall, run: () => T, counts: (answer: T) => boolean = isAny): T {
    const { times } = this;
    if (times === undefined) return run();
    this.times = undefined;
    const from = times.now();
    const answer = run();
    const ms = times.now() - from;
    if (counts(answer)) times.took(this.expiry === undefined ? call : timedNames[call], ms);
    this.times = times;
    return answer;
  }

  /** Drops what lies before a time. */
  expireBelow(time: number): void {
    if (this.expiry?.raise(time) === true) this.put(kinds.expiry, noBytes, 0, 0, numberValue(time), 0, 8, 0);
  }

  /** Whether a key that is not in memory is nowhere else either. */
  #isAbsent(kind: number, key: Uint8Array, start: number): boolean {
    if (this.complete) return true;
    if (this.expiry === undefined || !hasWindow(kind)) return false;
    const { windows } = this.expiry;
    const list = windows.list(readTime(key, start));
    return list < 0 || windows.isComplete(list);
  }

  /** Whether nobody reads an entry any more that begins with its kind at `at`. */
  #isExpired(bytes: Uint8Array, at: number): boolean {
    const { expiry } = this;
    return expiry !== undefined && hasWindow(bytes[at] as number) && readTime(bytes, at + 1) < expiry.committedWindow;
  }

  /** Brings a key into memory that is not there, as the key-value store has it; 0 when it is known to be absent. */
  #load(hash: number, kind: number, key: Uint8Array, start: number, end: number): number {
    const { stored } = this;
    if (stored.kv === undefined || this.#isAbsent(kind, key, start)) return 0;
    stored.reads++;
    const copy = this.#findSpilled(hash, kind, key, start, end);
    if (copy !== undefined) return this.#insertStored(hash, kind, key, start, end, copy.bytes, copy.start, copy.end);
    const value = stored.read(kind, key, start, end);
    if (value === undefined) return this.#insert(hash, kind, key, start, end, 0, true);
    return this.#insertStored(hash, kind, key, start, end, value, 0, value.length);
  }

  /** The copy of an entry that has left memory, where there is one; valid until the next look-up. */
  #findSpilled(hash: number, kind: number, key: Uint8Array, start: number, end: number): SpilledEntries | undefined {
    const { spilled } = this;
    if (spilled?.find(hash, kind, key, start, end) !== true) return undefined;
    if (this.stored.isWhole(kind, key, start, end, spilled)) return spilled;
    spilled.giveUp('an entry of the scratch file does not match its checksum');
    return undefined;
  }

  /** Adds an entry whose value, as it is stored, is `value[valueStart, valueEnd)`. */
  #insertStored(
    hash: number,
    kind: number,
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): number {
    const to = valueEnd - checksumBytes;
    const address = this.#insert(hash, kind, key, start, end, to - valueStart, true);
    this.table.setChecksum(address, readU32(value, to));
    return this.table.setValue(address, value, valueStart, to);
  }

  /** Reads the checksum of what the key-value store has under the key of an entry in memory that is not known (0:
   *  nothing). */
  readStoredChecksum(address: number): void {
    const { table, stored } = this;
    const bytes = table.bytesOf(address);
    const start = table.keyStart(address) + 1;
    const end = start - 1 + table.keyLength(address);
    const kind = table.kindOf(address);
    const copy = this.#findSpilled(table.hash(kind, bytes, start, end), kind, bytes, start, end);
    const checksum =
      copy === undefined ? stored.checksumOf(this.storedKeyOf(address)) : readU32(copy.bytes, copy.end - checksumBytes);
    table.setChecksum(address, checksum);
    table.clearFlag(address, flags.unknown);
  }

  /** The key of an entry in memory as it is stored; valid until the next one is made. */
  storedKeyOf(address: number): Uint8Array {
    const { table } = this;
    const start = table.keyStart(address);
    const bytes = table.bytesOf(address);
    return this.stored.key(table.kindOf(address), bytes, start + 1, start + table.keyLength(address));
  }

  #insert(
    hash: number,
    kind: number,
    key: Uint8Array,
    start: number,
    end: number,
    room: number,
    committed: boolean,
  ): number {
    const table = this.table;
    this.memory.beforeInsert(room);
    const address = table.insert(hash, kind, key, start, end, room);
    if (this.expiry === undefined) return address;
    if (!hasWindow(kind)) table.leaveUnlisted(address);
    else {
      const { windows } = this.expiry;
      const windowStart = readTime(key, start);
      let list = windows.list(windowStart);
      if (list < 0) list = windows.add(windowStart, { complete: true, committed });
      table.enlist(address, list);
    }
    return address;
  }

  // ---- entries that are found, and changed where they lie

  /** The address of an entry, 0: the key is absent. Where it is not in memory it is loaded, which may evict others.
   *  `hint` is an address where it may be, or 0. */
  find(kind: number, key: Uint8Array, start: number, end: number, hint = 0): number {
    const { table } = this;
    let address = this.#last;
    if (
      (address === 0 || !table.holds(address, kind, key, start, end)) &&
      ((address = hint) === 0 || !table.stillHolds(address, kind, key, start, end))
    ) {
      const hash = table.hash(kind, key, start, end);
      address = table.find(hash, kind, key, start, end);
      if (address === 0) {
        if (this.complete) return 0;
        address = this.#load(hash, kind, key, start, end);
        if (address === 0) return 0;
      }
    }
    this.#last = address;
    table.setFlag(address, flags.referenced);
    return table.valueLength(address) < 0 ? 0 : address;
  }

  /** Prepares a value to be overwritten where it lies, with another length: it begins with the bytes of before, as far
   *  as they fit. Answers with the address, which may be a new one. */
  edit(address: number, length: number, write: PageWrite): number {
    assert(this.table.valueLength(address) >= 0, 'an absent entry is changed in place');
    return this.#edited(address, length, write);
  }

  /** The same for a value that keeps its length, and so its address. */
  editInPlace(address: number): void {
    this.#release(address);
    if (!this.table.hasFlag(address, flags.changed)) this.#note(address, this.table.valueLength(address));
    this.#last = address;
  }

  /** Adds an entry that is known to be absent, with a value of arbitrary bytes and room for it to grow. May evict
   *  others. */
  create(
    kind: number,
    key: Uint8Array,
    start: number,
    end: number,
    length: number,
    write: PageWrite,
    room = length,
  ): number {
    const { table } = this;
    const hash = table.hash(kind, key, start, end);
    let address = table.find(hash, kind, key, start, end);
    if (address === 0) address = this.#insert(hash, kind, key, start, end, room, write === 'replay');
    else assert(table.valueLength(address) < 0, 'an entry is created that exists');
    return this.#edited(address, length, write);
  }

  /** Removes an entry. */
  erase(address: number, write: PageWrite): void {
    this.#edited(address, -1, write);
  }

  #edited(address: number, length: number, write: PageWrite): number {
    const { table } = this;
    this.#release(address);
    if (write === 'change' && !table.hasFlag(address, flags.changed)) this.#note(address, table.valueLength(address));
    const grown = length - table.valueLength(address);
    const to = table.resize(address, length);
    this.#last = to;
    if (write === 'replay') this.#committed(to);
    // The entry itself stays: it is changed or due.
    if (grown > 0) this.memory.afterGrowth(grown);
    return to;
  }

  #release(address: number): void {
    const { readers } = this;
    for (let i = readers.length - 1; i >= 0; i--) readers[i]?.release(address);
  }

  /** Puts an entry on the list of changes, with what it was. */
  #note(address: number, length: number): void {
    const table = this.table;
    const index = this.changes.add(
      address,
      table.place(address),
      length,
      table.bytesOf(address),
      table.viewOf(address),
      table.valueStart(address),
    );
    table.setFlag(address, flags.changed);
    table.setPlace(address, index);
  }

  /** Takes an entry off the list of changes. */
  #unnote(address: number, index: number): void {
    this.table.clearFlag(address, flags.changed);
    this.table.setPlace(address, this.changes.duePlace(index));
  }

  duePlace(address: number): number {
    const place = this.table.place(address);
    return this.table.hasFlag(address, flags.changed) ? this.changes.duePlace(place) : place;
  }

  setDuePlace(address: number, place: number): void {
    const { table, changes } = this;
    if (table.hasFlag(address, flags.changed)) changes.setDuePlace(table.place(address), place);
    else table.setPlace(address, place);
  }

  #moved(from: number, to: number): void {
    const table = this.table;
    this.#release(from);
    this.keyWindows?.replace(table, from, to);
    if (table.hasFlag(to, flags.changed)) this.changes.setAddress(table.place(to), to);
    if (table.hasFlag(to, flags.due)) this.due.move(this.duePlace(to), to);
    if (this.#last === from) this.#last = to;
  }

  /** Takes an unchanged entry out of memory that is absent, unless there may be a copy of what it was when it left
   *  memory before: it then stays until it leaves memory as others do. */
  removeAbsent(address: number): void {
    const { spilled, table } = this;
    const isNowhere =
      spilled === undefined ||
      spilled.isEmpty ||
      this.#isAbsent(table.kindOf(address), table.bytesOf(address), table.keyStart(address) + 1);
    if (isNowhere) this.remove(address);
  }

  /** Takes an unchanged entry out of memory. */
  remove(address: number): void {
    const table = this.table;
    this.#release(address);
    if (table.hasFlag(address, flags.due)) this.due.drop(table.place(address));
    if (this.#last === address) this.#last = 0;
    this.keyWindows?.replace(table, address, 0);
    table.remove(address);
  }

  // ---- the end of a transaction

  /** Hands out the changed entries of which `isOf` is true. */
  writeChangelog(append: ChangelogAppend, isOf: (kind: number) => boolean = isAny): void {
    const { changes, table, expiry } = this;
    for (let i = 0; i < changes.count; i++) {
      changes.touchAhead(table, i, 'value');
      const address = changes.address(i);
      const bytes = table.bytesOf(address);
      const keyStart = table.keyStart(address);
      const kind = bytes[keyStart] as number;
      if (!isOf(kind)) continue;
      // What expires in the same transaction is left out: the expiry itself is an entry.
      if (expiry !== undefined && hasWindow(kind) && readTime(bytes, keyStart + 1) < expiry.below) continue;
      const keyEnd = keyStart + table.keyLength(address);
      const length = table.valueLength(address);
      if (length < 0) append(bytes, keyStart, keyEnd, noBytes, -1, -1);
      else append(bytes, keyStart, keyEnd, bytes, keyEnd, keyEnd + length, table.viewOf(address));
    }
  }

  /** Whether the open transaction has changed an entry, or has removed it. */
  hasChanged(kind: number, key: Uint8Array, start: number, end: number): boolean {
    const { table } = this;
    const address = table.find(table.hash(kind, key, start, end), kind, key, start, end);
    return address !== 0 && table.hasFlag(address, flags.changed);
  }

  /** Visits the changed entries of a kind, with what was committed of them and what they are now. */
  visitChanges(kind: number, visit: ChangeVisitor): void {
    const { changes, table } = this;
    for (let i = 0; i < changes.count; i++) {
      changes.touchAhead(table, i, 'value');
      const address = changes.address(i);
      const bytes = table.bytesOf(address);
      const keyStart = table.keyStart(address);
      if (bytes[keyStart] !== kind) continue;
      const keyEnd = keyStart + table.keyLength(address);
      let before = changes.bytesBefore(i);
      let start = changes.startBefore(i);
      let length = changes.lengthBefore(i);
      if (length === wasOnDisk) {
        const stored = this.stored.read(kind, bytes, keyStart + 1, keyEnd);
        this.stored.reads++;
        start = 0;
        length = stored === undefined ? wasAbsent : stored.length - checksumBytes;
        if (stored !== undefined) before = stored;
      }
      if (length < 0) start = -1;
      const now = table.valueLength(address);
      visit(bytes, keyStart + 1, keyEnd, before, start, start + length, bytes, now < 0 ? -1 : keyEnd, keyEnd + now);
    }
  }

  /** Bytes of the open transaction: what its changed entries were before, and what the list of them takes. */
  get changedBytes(): number {
    return this.changes.bytesUsed + (this.recent?.bytesUsed ?? 0);
  }

  /** `records`: how many changelog entries the transaction has. */
  commit(changelogNextOffset: number, records = this.changes.count): void {
    assert(
      changelogNextOffset >= (this.position ?? 0),
      () => `a commit goes back in the changelog: from ${this.position} to ${changelogNextOffset}`,
    );
    const { changes, table } = this;
    for (let i = 0; i < changes.count; i++) {
      changes.touchAhead(table, i, 'header');
      const address = changes.address(i);
      this.#unnote(address, i);
      this.#committed(address);
    }
    this.logged += records;
    changes.reset();
    this.#commitExpiry();
    this.position = changelogNextOffset;
    this.memory.account();
    for (let segments = 4; segments > 0 && table.slab.wasteful && table.defragment(); segments--)
      for (const ahead of this.#aheads) ahead.refresh();
  }

  /** What an entry holds is committed: the checkpoint has to write it. */
  #committed(address: number): void {
    const table = this.table;
    if (this.stored.kv === undefined) {
      if (table.valueLength(address) < 0) this.remove(address);
      return;
    }
    if (table.hasFlag(address, flags.due)) {
      const index = table.place(address);
      if (!this.due.isInFlight(index)) return;
      this.due.drop(index);
    }
    table.setFlag(address, flags.due);
    table.setPlace(address, this.due.push(address));
  }

  #commitExpiry(): void {
    const { table, expiry } = this;
    if (expiry === undefined) return;
    const before = expiry.committedWindow;
    expiry.commit((list) => {
      for (let address = table.headOf(list); address !== 0; address = table.headOf(list)) this.remove(address);
    });
    if (this.linked.size === 0 || expiry.committedWindow === before) return;
    // Pages of expired windows are not written any more.
    const window = new Uint8Array(timeBytes);
    writeTime(window, 0, expiry.committedWindow);
    this.linked.forgetBelow(window, timeBytes);
  }

  rollback(): void {
    const { changes, table } = this;
    for (let i = 0; i < changes.count; i++) {
      const address = changes.address(i);
      const length = changes.lengthBefore(i);
      this.#unnote(address, i);
      this.#release(address);
      if (length >= 0) {
        const start = changes.startBefore(i);
        table.setValue(address, changes.bytesBefore(i), start, start + length);
      } else if (length === wasAbsent) {
        table.setValue(address, noBytes, -1, -1);
        if (!table.hasFlag(address, flags.due)) this.removeAbsent(address);
      } else this.remove(address);
    }
    changes.reset();
    this.expiry?.rollback();
    this.#last = 0;
  }

  applyChangelog(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    assert(this.changes.count === 0, 'changelog entries are applied outside of a transaction');
    this.logged++;
    const table = this.table;
    const kind = key[keyStart] as number;
    const start = keyStart + 1;
    assert(
      kind === kinds.data || kind === kinds.meta || kind === kinds.expiry,
      `a changelog key has the unknown kind ${kind}`,
    );
    const { expiry } = this;
    if (expiry !== undefined && hasWindow(kind) && readTime(key, start) < expiry.committedBelow) return;
    // A checkpoint that did not reach its position may have a later expiry already, and its sums leave out what expired
    // by that one: an older one must not take its place.
    const expires = kind === kinds.expiry && valueStart >= 0;
    if (expires && expiry?.raise(readNumberValue(value, valueStart)) === false) return;
    const hash = table.hash(kind, key, start, keyEnd);
    let address = table.find(hash, kind, key, start, keyEnd);
    if (address === 0) {
      const absent = this.#isAbsent(kind, key, start);
      if (valueStart < 0 && absent) return;
      address = this.#insert(hash, kind, key, start, keyEnd, Math.max(0, valueEnd - valueStart), true);
      if (!absent) table.setFlag(address, flags.unknown);
    }
    address = table.setValue(address, value, valueStart, valueEnd);
    this.#last = 0;
    this.#committed(address);
    if (expires) this.#commitExpiry();
  }

  // ---- committed values

  /** A copy of the committed value. */
  readCommitted(kind: number, key: Uint8Array, start: number, end: number): Uint8Array | undefined {
    const table = this.table;
    const address = table.find(table.hash(kind, key, start, end), kind, key, start, end);
    if (address !== 0) {
      if (table.hasFlag(address, flags.changed)) {
        const index = table.place(address);
        const length = this.changes.lengthBefore(index);
        if (length === wasAbsent) return undefined;
        if (length >= 0) {
          const from = this.changes.startBefore(index);
          return this.changes.bytesBefore(index).slice(from, from + length);
        }
      } else {
        const length = table.valueLength(address);
        if (length < 0) return undefined;
        const from = table.valueStart(address);
        return table.bytesOf(address).slice(from, from + length);
      }
    }
    const { stored: entries } = this;
    if (entries.kv === undefined || (address === 0 && this.#isAbsent(kind, key, start))) return undefined;
    entries.reads++;
    const stored = entries.read(kind, key, start, end);
    return stored?.subarray(0, stored.length - checksumBytes);
  }

  get stats(): StoreStats {
    return {
      entries: this.table.count + (this.recent?.count ?? 0),
      bytesInMemory: this.memory.bytesInUse - this.table.slab.liveBytes + this.table.slab.reservedBytes,
      complete: this.complete,
      dueEntries: this.due.count,
      dueRecords: this.records,
      evictions: this.memory.evictions,
      copiesGivenUp: this.spilled?.isGivenUp === true ? 1 : 0,
      kvReads: this.stored.reads,
      kvWrites: this.stored.writes,
      checkpoints: this.checkpoints,
      position: this.checkpointed,
    };
  }
}
