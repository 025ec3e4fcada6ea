/**
 * What key-value and window stores have in common: entries in memory, the open transaction, what is due to the
 * checkpoint.
 *
 * An entry in memory is in one of these states, told by two flags:
 *
 *   clean              neither   memory and the key-value store agree; may be evicted. "Absent" may be clean too: a miss that is remembered
 *   due                `due`     committed, and the key-value store does not have it yet
 *   changed            `changed` the open transaction has written it; the list of changes has what was committed
 *   changed and due    both      the checkpoint writes what was committed, the list of changes has it
 *
 * An entry that is not in memory is as the key-value store has it, unless the store is *complete* (nothing was ever
 * evicted and it did not start from a checkpoint): then it is absent. A blind write of an entry that is not in memory
 * reads nothing; its value before stays "on disk".
 *
 * Memory. All stores share one budget (`memory-budget.ts`). Over it, each new entry makes the clock's hand pass some
 * slots, of whatever store: clean entries that were not used since it last came by go. Entries that are changed or due
 * cannot go; when they are what fills the memory, a checkpoint is due at once. A store without a key-value store behind
 * it evicts nothing.
 *
 * Expiry is a number, the floor: windows below it are absent at once, to the open transaction; the commit drops their
 * entries from memory, and the next checkpoint deletes their range. So a rollback has nothing to bring back, and
 * dropping is exact whatever lies on the disk.
 */

import { assert, readU32, utf8Bytes } from '../../base/index.ts';
import { ChangeList, wasAbsent, wasOnDisk } from './change-list.ts';
import { CheckpointCheck } from './checkpoint-check.ts';
import { checksumBytes, verifyChecksum } from './checksum.ts';
import { DueQueue } from './due-queue.ts';
import { EntrySum, entrySumBytes } from './entry-sum.ts';
import { FlatTable, flags } from './flat-table.ts';
import {
  kinds,
  kvPrefixBytes,
  numberValue,
  positionValue,
  readNumberValue,
  readPositionValue,
  readWindowStart,
} from './layout.ts';
import { LookAhead } from './look-ahead.ts';
import type { MemoryBudget, MemoryUser } from './memory-budget.ts';
import { type KvBatch, KvError, type OrderedKv } from './ordered-kv.ts';
import type { ChangelogAppend, OpenedStore, StoreMeta, StoreStats } from './state-store.ts';
import { StoredForm } from './stored-form.ts';
import { WindowIndex } from './window-index.ts';

const noBytes = new Uint8Array(0);
/** Slots that one new entry may make the clock pass. */
const slotsPerTurn = 64;
/** New entries after which memory is accounted for; larger ones are at once. */
const entriesBetween = 64;
const largeEntryBytes = 16 << 10;
const touchedTogether = 32;

export type CoreOptions = {
  readonly windowed: boolean;
  readonly kv: OrderedKv | undefined;
  readonly storeId: number;
  readonly memory: MemoryBudget | undefined;
  readonly entryLimitBytes: number;
  readonly hashSeed: number;
  readonly changelogId: string;
  readonly lookAheadFrom: number | undefined;
  readonly scanChunkBytes: number | undefined;
  readonly renewStoreId: (() => Promise<number>) | undefined;
};

export class StoreCore implements MemoryUser {
  /** The cursor: the value that the last `get` found. */
  valueBytes: Uint8Array = noBytes;
  valueStart = 0;
  valueEnd = 0;

  table: FlatTable;
  readonly ahead: LookAhead;
  changes = new ChangeList();
  due = new DueQueue();
  windows: WindowIndex | undefined;
  /** Over what the key-value store has of this store, as of the last batch that was built for it. */
  sum = new EntrySum();
  /** Windows that have expired and still are in that sum, until the expiry itself is written: their starts and
   *  checksums. */
  expired: { readonly windowStart: number; readonly checksum: number }[] = [];
  readonly kv: OrderedKv | undefined;
  readonly stored: StoredForm;
  readonly meta: StoreMeta;
  readonly scanChunkBytes: number | undefined;

  /** Memory holds everything. */
  complete = true;
  /** Windows below are gone: for the open transaction, and as committed. */
  floor = Number.NEGATIVE_INFINITY;
  committedFloor = Number.NEGATIVE_INFINITY;
  /** The changelog offset up to which everything is applied. */
  position: number | undefined;
  /** The same, of the last finished checkpoint. */
  checkpointed: number | undefined;
  /** Changelog records since then. */
  records = 0;
  kvReads = 0;
  kvWrites = 0;
  evictions = 0;
  checkpoints = 0;
  /** What is wrong with what the key-value store has, once that was met. */
  damage: string | undefined;
  /** An entry that was just found or written, or 0: an operator that reads a key writes it next. */
  #last = 0;
  /** New entries to let pass before memory is accounted for again. */
  #unaccounted = entriesBetween;
  /** What the budget was told last. */
  #reported = 0;
  /** The check of the whole checkpoint, until it has come to its end. */
  #check: CheckpointCheck | undefined;
  readonly #options: CoreOptions;
  readonly #metaNames = new Map<string, Uint8Array>();

  constructor(options: CoreOptions) {
    this.#options = options;
    this.kv = options.kv;
    this.stored = new StoredForm(options.storeId);
    this.scanChunkBytes = options.scanChunkBytes;
    this.ahead = new LookAhead(options.lookAheadFrom);
    this.table = this.#newTable();
    this.windows = options.windowed ? new WindowIndex() : undefined;
    options.memory?.join(this);
    this.meta = { get: (name) => this.#getMeta(name), set: (name, value) => this.#setMeta(name, value) };
  }

  #newTable(): FlatTable {
    const table = new FlatTable({ seed: this.#options.hashSeed, listed: this.#options.windowed });
    table.onMove = (from, to) => this.#moved(from, to);
    return table;
  }

  // ---- reading and writing in the open transaction

  /** True when the key is present; its value is then under the cursor. `hint` is an address where it may be, or 0. */
  get(kind: number, key: Uint8Array, start: number, end: number, hint: number): boolean {
    const table = this.table;
    let address = hint;
    if (address === 0 || !table.stillHolds(address, kind, key, start, end)) {
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
    if (end - start + valueEnd - valueStart > this.#options.entryLimitBytes) return false;
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

  expireBelow(windowStart: number): void {
    if (windowStart <= this.floor) return;
    this.floor = windowStart;
    this.put(kinds.expiry, noBytes, 0, 0, numberValue(windowStart), 0, 8, 0);
  }

  /** Whether a key that is not in memory is nowhere else either. */
  #isAbsent(kind: number, key: Uint8Array, start: number): boolean {
    if (this.complete) return true;
    if (this.windows === undefined || kind !== kinds.data) return false;
    const list = this.windows.list(readWindowStart(key, start));
    return list < 0 || this.windows.isComplete(list);
  }

  /** Brings a key into memory that is not there, as the key-value store has it; 0 when it is known to be absent. */
  #load(hash: number, kind: number, key: Uint8Array, start: number, end: number): number {
    if (this.kv === undefined || this.#isAbsent(kind, key, start)) return 0;
    this.kvReads++;
    const value = this.#readKv(kind, key, start, end);
    const length = value === undefined ? 0 : value.length - checksumBytes;
    const address = this.#insert(hash, kind, key, start, end, length, true);
    if (value === undefined) return address;
    this.table.setChecksum(address, readU32(value, length));
    return this.table.setValue(address, value, 0, length);
  }

  /** The value as it is stored, its checksum behind it. */
  #readKv(kind: number, key: Uint8Array, start: number, end: number): Uint8Array | undefined {
    return this.#getVerified(this.stored.key(kind, key, start, end));
  }

  #getVerified(key: Uint8Array): Uint8Array | undefined {
    try {
      const value = (this.kv as OrderedKv).getSync(key);
      if (value !== undefined) verifyChecksum(key, value);
      return value;
    } catch (error) {
      throw this.met(error);
    }
  }

  /** Takes note of an error of the key-value store, which is the answer: what is damaged is rebuilt, and only that. */
  met(error: unknown): unknown {
    if (error instanceof KvError && error.kind === 'corrupt') this.damage = error.message;
    return error;
  }

  /** The checksum of what the key-value store has under the key of an entry in memory; 0: nothing. */
  storedChecksum(address: number): number {
    const { table } = this;
    if (!table.hasFlag(address, flags.unknown)) return table.checksum(address);
    this.kvReads++;
    const value = this.#getVerified(this.kvKeyOf(address));
    return value === undefined ? 0 : readU32(value, value.length - checksumBytes);
  }

  setStoredChecksum(address: number, checksum: number): void {
    this.table.clearFlag(address, flags.unknown);
    this.table.setChecksum(address, checksum);
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
    if (--this.#unaccounted < 0 || room > largeEntryBytes) this.#account();
    const address = table.insert(hash, kind, key, start, end, room);
    const windows = this.windows;
    if (windows !== undefined) {
      if (kind === kinds.data) {
        const windowStart = readWindowStart(key, start);
        let list = windows.list(windowStart);
        if (list < 0) list = windows.add(windowStart, { complete: true, committed });
        table.enlist(address, list);
      } else table.leaveUnlisted(address);
    }
    return address;
  }

  /** Puts an entry on the list of changes, with what it was. */
  #note(address: number, length: number): void {
    const table = this.table;
    const index = this.changes.add(
      address,
      table.place(address),
      length,
      table.bytesOf(address),
      table.valueStart(address),
    );
    table.setFlag(address, flags.changed);
    table.setPlace(address, index);
  }

  /** The list of changes lets go of an entry. */
  #unnote(address: number, index: number): void {
    this.table.clearFlag(address, flags.changed);
    this.table.setPlace(address, this.changes.duePlaces[index] as number);
  }

  #duePlace(address: number): number {
    const place = this.table.place(address);
    return this.table.hasFlag(address, flags.changed) ? (this.changes.duePlaces[place] as number) : place;
  }

  setDuePlace(address: number, place: number): void {
    const { table, changes } = this;
    if (table.hasFlag(address, flags.changed)) changes.duePlaces[table.place(address)] = place;
    else table.setPlace(address, place);
  }

  #moved(from: number, to: number): void {
    const table = this.table;
    if (table.hasFlag(to, flags.changed)) this.changes.addresses[table.place(to)] = to;
    if (table.hasFlag(to, flags.due)) this.due.move(this.#duePlace(to), to);
    if (this.#last === from) this.#last = to;
  }

  /** Takes an unchanged entry out of memory. */
  remove(address: number): void {
    const table = this.table;
    if (table.hasFlag(address, flags.due)) this.due.drop(table.place(address));
    if (this.#last === address) this.#last = 0;
    table.remove(address);
  }

  // ---- the end of a transaction

  writeChangelog(append: ChangelogAppend): void {
    const { changes, table, windows } = this;
    for (let i = 0; i < changes.count; i++) {
      if (i % touchedTogether === 0) table.touch(changes.addresses, i, Math.min(i + touchedTogether, changes.count));
      const address = changes.addresses[i] as number;
      const bytes = table.bytesOf(address);
      const keyStart = table.keyStart(address);
      // What expires in the same transaction need not be said: the floor says it.
      if (windows !== undefined && bytes[keyStart] === kinds.data && readWindowStart(bytes, keyStart + 1) < this.floor)
        continue;
      const keyEnd = keyStart + table.keyLength(address);
      const length = table.valueLength(address);
      if (length < 0) append(bytes, keyStart, keyEnd, noBytes, -1, -1);
      else append(bytes, keyStart, keyEnd, bytes, keyEnd, keyEnd + length);
    }
  }

  commit(changelogNextOffset: number): void {
    const { changes, table } = this;
    for (let i = 0; i < changes.count; i++) {
      if (i % touchedTogether === 0)
        table.touchHeaders(changes.addresses, i, Math.min(i + touchedTogether, changes.count));
      const address = changes.addresses[i] as number;
      this.#unnote(address, i);
      this.#committed(address);
    }
    this.records += changes.count;
    changes.reset();
    this.windows?.commit();
    if (this.floor > this.committedFloor) this.#dropExpired();
    this.position = changelogNextOffset;
    this.#account();
    for (let turns = 4; turns > 0 && table.slab.wasteful && table.defragment(); turns--) this.ahead.refresh();
  }

  /** What an entry holds is committed: the checkpoint has to write it. */
  #committed(address: number): void {
    const table = this.table;
    if (this.kv === undefined) {
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

  #dropExpired(): void {
    this.committedFloor = this.floor;
    const table = this.table;
    this.windows?.expireBelow(this.floor, (list, windowStart) => {
      const checksum = this.windows?.checksum(list) ?? 0;
      if (checksum !== 0) this.expired.push({ windowStart, checksum });
      for (let address = table.headOf(list); address !== 0; address = table.headOf(list)) this.remove(address);
    });
  }

  rollback(): void {
    const { changes, table } = this;
    for (let i = 0; i < changes.count; i++) {
      const address = changes.addresses[i] as number;
      const length = changes.lengthBefore(i);
      this.#unnote(address, i);
      if (length >= 0) {
        const start = changes.startBefore(i);
        table.setValue(address, changes.bytesBefore(i), start, start + length);
      } else if (length === wasAbsent && table.hasFlag(address, flags.due)) table.setValue(address, noBytes, -1, -1);
      else this.remove(address);
    }
    changes.reset();
    this.windows?.rollback();
    this.floor = this.committedFloor;
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
    this.records++;
    const table = this.table;
    const kind = key[keyStart] as number;
    const start = keyStart + 1;
    assert(
      kind === kinds.data || kind === kinds.meta || kind === kinds.expiry,
      `a changelog key has the unknown kind ${kind}`,
    );
    if (this.windows !== undefined && kind === kinds.data && readWindowStart(key, start) < this.committedFloor) return;
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
    if (kind === kinds.expiry && valueStart >= 0) {
      this.floor = Math.max(this.floor, readNumberValue(value, valueStart));
      if (this.floor > this.committedFloor) this.#dropExpired();
    }
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
    if (this.kv === undefined || (address === 0 && this.#isAbsent(kind, key, start))) return undefined;
    this.kvReads++;
    const stored = this.#readKv(kind, key, start, end);
    return stored?.subarray(0, stored.length - checksumBytes);
  }

  // ---- meta entries

  #metaName(name: string): Uint8Array {
    let bytes = this.#metaNames.get(name);
    if (bytes === undefined) {
      bytes = utf8Bytes(name);
      this.#metaNames.set(name, bytes);
    }
    return bytes;
  }

  #getMeta(name: string): number | undefined {
    const key = this.#metaName(name);
    return this.get(kinds.meta, key, 0, key.length, 0) ? readNumberValue(this.valueBytes, this.valueStart) : undefined;
  }

  #setMeta(name: string, value: number): void {
    if (this.#getMeta(name) === value) return;
    const key = this.#metaName(name);
    this.put(kinds.meta, key, 0, key.length, numberValue(value), 0, 8, 0);
  }

  // ---- the key-value store

  /** The key of an entry in memory there; good until the next one is made. */
  kvKeyOf(address: number): Uint8Array {
    const start = this.table.keyStart(address);
    return this.stored.key(
      this.table.kindOf(address),
      this.table.bytesOf(address),
      start + 1,
      start + this.table.keyLength(address),
    );
  }

  /** Every batch that changes entries of the store ends with the sum over them: what survives a crash goes together. */
  putSum(batch: KvBatch): void {
    this.stored.put(batch, this.stored.key(kinds.sum, noBytes, 0, 0), this.sum.toBytes(), 0, entrySumBytes);
  }

  putPosition(batch: KvBatch, position: number): void {
    const value = positionValue(position, this.#options.changelogId);
    this.stored.put(batch, this.stored.key(kinds.position, noBytes, 0, 0), value, 0, value.length);
  }

  async open(): Promise<OpenedStore> {
    if (this.kv === undefined) return { position: undefined, discarded: undefined };
    try {
      return await this.#open(this.kv);
    } catch (error) {
      throw this.met(error);
    }
  }

  async #open(kv: OrderedKv): Promise<OpenedStore> {
    const saved = this.#readOwn(kinds.position);
    const found = saved === undefined ? undefined : readPositionValue(saved, this.#options.changelogId);
    this.position = typeof found === 'number' ? found : undefined;
    this.checkpointed = this.position;
    if (this.position === undefined) {
      // Chunks of a first checkpoint that did not come to its end, another layout, or another changelog.
      await this.clear();
      return { position: undefined, discarded: typeof found === 'string' ? found : undefined };
    }
    const sum = this.#readOwn(kinds.sum);
    if (sum === undefined) throw new KvError('corrupt', 'the sum over its entries is missing');
    this.sum = EntrySum.read(sum);
    this.complete = false;
    this.#check = new CheckpointCheck(kv, this.stored.range(), this.windows !== undefined);
    if (this.windows !== undefined) await this.#openWindows(kv, this.windows);
    return { position: this.position, discarded: undefined };
  }

  /** A value that the store has once, without its checksum. */
  #readOwn(kind: number): Uint8Array | undefined {
    const stored = this.#readKv(kind, noBytes, 0, 0);
    return stored?.subarray(0, stored.length - checksumBytes);
  }

  async #openWindows(kv: OrderedKv, windows: WindowIndex): Promise<void> {
    const floor = this.#readOwn(kinds.expiry);
    if (floor !== undefined) this.floor = this.committedFloor = readNumberValue(floor);
    const iterator = kv.iterate(this.stored.range(kinds.window));
    try {
      for (let entries = await iterator.next(1000); entries.length > 0; entries = await iterator.next(1000)) {
        for (const [key, value] of entries) {
          const checksum = verifyChecksum(key, value);
          const windowStart = readWindowStart(key, kvPrefixBytes);
          if (windowStart < this.floor) continue;
          const record = { sum: EntrySum.read(value), checksum };
          windows.add(windowStart, { complete: false, record, committed: true });
        }
      }
    } finally {
      await iterator.close();
    }
  }

  /** Proves that what the key-value store held at the opening is whole, in slices. Rejects with a `KvError` of kind
   *  `corrupt`. */
  async verify(): Promise<void> {
    const check = this.#check;
    if (check === undefined) return;
    try {
      await check.run();
      if (this.#check === check) this.#check = undefined;
    } catch (error) {
      throw this.met(error);
    }
  }

  /** The store is not used any more. */
  close(): void {
    const { memory } = this.#options;
    memory?.leave(this);
    memory?.add(-this.#reported);
    this.#reported = 0;
    this.#check?.stop();
  }

  get verified(): boolean {
    return this.#check === undefined;
  }

  /** Forgets everything. The position goes first: a crash on the way leaves a store without one, that is cleared when
   *  it is opened. */
  async clear(): Promise<void> {
    this.#check?.stop();
    this.#check = undefined;
    this.#reset();
    const kv = this.kv;
    if (kv === undefined) return;
    const range = this.stored.range();
    const iterator = kv.iterate(range);
    const some = await iterator.next(1).finally(() => iterator.close());
    if (some.length === 0) return;
    const { renewStoreId } = this.#options;
    if (renewStoreId !== undefined) {
      // Under another number, nothing that damage hides now and a compaction brings to light later can be taken for an
      // entry of this store.
      this.stored.storeId = await renewStoreId();
      await kv.clear(range, { sync: false }).catch(() => {});
      return;
    }
    const batch = kv.batch();
    batch.delete(this.stored.key(kinds.position, noBytes, 0, 0));
    await batch.write({ sync: true });
    await kv.clear(range, { sync: true });
  }

  #reset(): void {
    this.table = this.#newTable();
    this.ahead.forget();
    this.changes = new ChangeList();
    this.due = new DueQueue();
    if (this.windows !== undefined) this.windows = new WindowIndex();
    this.sum = new EntrySum();
    this.expired = [];
    this.complete = true;
    this.floor = this.committedFloor = Number.NEGATIVE_INFINITY;
    this.position = this.checkpointed = undefined;
    this.records = 0;
    this.damage = undefined;
    this.#last = 0;
    this.valueBytes = noBytes;
    this.#report();
  }

  // ---- memory

  /** What is counted against the budget. */
  inUse(): number {
    return (
      this.table.slab.liveBytes +
      this.table.slotBytes +
      this.changes.bytesInMemory +
      this.due.bytesInMemory +
      (this.windows?.bytesInMemory ?? 0)
    );
  }

  /** Memory is short, and this store holds a good part of it. */
  isShort(): boolean {
    const { memory } = this.#options;
    return this.kv !== undefined && memory !== undefined && memory.excess > 0 && this.inUse() * 8 > memory.limitBytes;
  }

  #report(): void {
    const bytes = this.inUse();
    this.#options.memory?.add(bytes - this.#reported);
    this.#reported = bytes;
  }

  /** Says what is in use, and where that is too much makes some room. */
  #account(): void {
    const { memory } = this.#options;
    if (memory === undefined) return;
    this.#report();
    this.#unaccounted = memory.excess > 0 && memory.reclaim(slotsPerTurn) ? 0 : entriesBetween;
  }

  get slots(): number {
    return this.kv === undefined ? 0 : this.table.slotBytes / 8;
  }

  /** Moves the clock's hand on; clean entries that were not used since it last came by go. */
  evict(slots: number): boolean {
    const table = this.table;
    const memory = this.#options.memory as MemoryBudget;
    let progress = false;
    for (let turns = slots; turns > 0 && memory.isShort; turns--) {
      const address = table.tick();
      if (address === 0 || table.hasFlag(address, flags.changed) || table.hasFlag(address, flags.due)) continue;
      progress = true;
      if (table.hasFlag(address, flags.referenced)) {
        table.clearFlag(address, flags.referenced);
        continue;
      }
      this.complete = false;
      if (this.windows !== undefined && table.kindOf(address) === kinds.data) {
        const list = this.windows.list(readWindowStart(table.bytesOf(address), table.keyStart(address) + 1));
        this.windows.setIncomplete(list);
      }
      this.remove(address);
      table.untick();
      this.evictions++;
      const before = this.#reported;
      this.#report();
      memory.evicted(before - this.#reported);
    }
    return progress;
  }

  get stats(): StoreStats {
    return {
      entries: this.table.count,
      bytesInMemory: this.inUse() - this.table.slab.liveBytes + this.table.slab.reservedBytes,
      complete: this.complete,
      dueEntries: this.due.count,
      dueRecords: this.records,
      evictions: this.evictions,
      kvReads: this.kvReads,
      kvWrites: this.kvWrites,
      checkpoints: this.checkpoints,
      position: this.checkpointed,
    };
  }
}
