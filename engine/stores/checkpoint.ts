/**
 * Writing a store's committed entries into the key-value store, while the store goes on.
 *
 * A checkpoint takes note of the position and of the end of the due queue, writes the entries up to there in chunks,
 * each synced, each as it is committed at that moment, and the position last. An entry that is changed meanwhile is
 * written as it was committed; one that is committed again before it is written, is written newer than the position
 * says, which is harmless: replaying is absolute. Pages of an ordered store between which entries have moved are
 * written in one chunk (`linked-pages.ts`). Chunks must be synced one by one: LevelDB's write-ahead log may roll over
 * unsynced, and a crash could then lose an older chunk and keep a newer one with the position in it.
 *
 * A checkpoint that nobody waits for is written in small chunks with rests between them, so that rows which pass
 * through the same thread meanwhile are not held up. It stops resting when it becomes urgent.
 *
 * What expired is cleared before the position is written, unsynced: should a crash bring some of it back, the expiry
 * still hides it, and the first clearing after an opening starts from the very first window again.
 */

import { assert } from '../../base/index.ts';
import { wasAbsent } from './change-list.ts';
import type { Expiry } from './expiry.ts';
import { flags } from './flat-table.ts';
import { hasWindow, isPage, kinds, readNumberValue, readTime, timeBytes, writeTime } from './layout.ts';
import { firstPage } from './linked-pages.ts';
import type { KvBatch, KvRange, OrderedKv } from './ordered-kv.ts';
import type { CheckpointPace } from './state-store.ts';
import type { StoreCore } from './store-core.ts';
import { endOfTreeKey, TreeKey } from './tree-key.ts';

/** Changelog records after which a checkpoint is due: they bound what a restart replays (93 ms a quarter of a million).
 *  Writing all keys again each 250,000 cost a fifth of an aggregate over a hundred thousand keys; each 500,000 costs
 *  half of that. */
export const recordsBetween = 500_000;
const msBetween = 5_000;
/** After a failure. */
const msBeforeRetry = 1_000;
/** How much is done without a turn of the event loop. */
interface Portion {
  /** Entries that are sorted together: LevelDB takes sorted ones at 60 % of the cost. */
  readonly sorted: number;
  /** Entries and bytes of a chunk. */
  readonly entries: number;
  readonly bytes: number;
}

/** A chunk of 5 ms; sorting takes 10 ms for every fourth. */
const urgentPortion: Portion = { sorted: 8_192, entries: 2_048, bytes: 1 << 20 };
/** Below 1 ms for each chunk, and as much again for sorting for every second. 60,000 entries take two seconds with
 *  their rests. */
const smallPortion: Portion = { sorted: 512, entries: 256, bytes: 1 << 17 };
const restMs = 5;
/** What a read of a former checksum from the key-value store counts for (some microseconds), so that no chunk takes
 *  long to build. */
const bytesPerRead = 1 << 10;

export class Checkpoint {
  readonly #core: StoreCore;
  readonly #chunkEntries: number;
  #portion = urgentPortion;
  #running: Promise<void> | undefined;
  #stopped = false;
  readonly #group = new Int32Array(32);
  readonly #treeKey = new TreeKey();
  #waitingSince: number | undefined;
  /** `isDue` was true, and the checkpoint has not begun. */
  #requested = false;
  #failed = false;
  /** A write has failed since the last checkpoint that was completed: checksums may be noted that are not stored. */
  #unsure = false;
  /** Windows below are cleared from the key-value store. */
  #clearedBelow = Number.NEGATIVE_INFINITY;

  constructor(core: StoreCore, chunkEntries = urgentPortion.entries) {
    this.#core = core;
    this.#chunkEntries = chunkEntries;
  }

  isDue(nowMs: number): boolean {
    const core = this.#core;
    if (core.stored.kv === undefined || this.#running !== undefined) return false;
    if (core.due.count === 0 || this.#waitingSince === undefined) this.#waitingSince = nowMs;
    if (core.due.count === 0) return false;
    const waited = nowMs - this.#waitingSince;
    if ((this.#requested && waited < msBetween) || (this.#failed && waited < msBeforeRetry)) return false;
    const due = waited >= msBetween || this.#isUrgent;
    if (due) {
      this.#waitingSince = nowMs;
      this.#requested = true;
    }
    return due;
  }

  /** Memory, or a restart that would replay it all, cannot wait. */
  get #isUrgent(): boolean {
    const { records, memory, due, table } = this.#core;
    return records >= recordsBetween || (memory.isShort && due.count * 2 > table.count);
  }

  run(pace: CheckpointPace | undefined): Promise<void> {
    this.#requested = false;
    if (this.#running !== undefined) return this.#running;
    const { kv } = this.#core.stored;
    if (kv === undefined || this.#stopped) return Promise.resolve();
    this.#running = this.#run(kv, pace).then(
      () => {
        this.#running = undefined;
        this.#failed = false;
      },
      (error: unknown) => {
        this.#running = undefined;
        this.#failed = true;
        throw error;
      },
    );
    return this.#running;
  }

  /** Waits for the chunk that is being written; no further one comes until `resume`. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.catch(() => {});
  }

  /** After the store was cleared. */
  resume(): void {
    this.#stopped = false;
    this.#waitingSince = undefined;
    this.#requested = false;
    this.#failed = false;
    this.#unsure = false;
    this.#clearedBelow = Number.NEGATIVE_INFINITY;
  }

  async #run(kv: OrderedKv, pace: CheckpointPace | undefined): Promise<void> {
    const core = this.#core;
    const { position, records } = core.checkpointable;
    const expired = core.expiry?.committedWindow ?? Number.NEGATIVE_INFINITY;
    if (position === undefined || (core.due.count === 0 && position === core.checkpointed)) return;
    const end = core.due.tail;
    let rests = pace !== undefined;
    for (let sorted = core.due.head; core.due.head !== end; ) {
      rests &&= pace?.urgent() === false && !this.#isUrgent;
      this.#portion = rests ? smallPortion : urgentPortion;
      if (((sorted - core.due.head) | 0) <= 0) sorted = this.#sort(end);
      await this.#writeChunk(kv, end);
      if (rests && !this.#stopped && core.due.head !== end) await pace?.rest(restMs);
      if (this.#stopped) return;
    }
    if (expired > this.#clearedBelow) {
      for (const kind of [kinds.data, kinds.page, kinds.window]) {
        await kv.clear(this.#windowRange(kind, this.#clearedBelow, expired), { sync: false });
      }
      this.#clearedBelow = expired;
      if (this.#stopped) return;
    }
    const batch = kv.batch();
    core.stored.putSum(batch);
    core.stored.putPosition(batch, position, core.changelogId, core.form);
    await batch.write({ sync: true });
    this.#unsure = false;
    core.setCheckpointed(position, records);
  }

  /**
   * Sorts the next places of the queue by key, roughly: by the four bytes behind what all keys begin with. LevelDB
   * keeps what is written in a skip list, where neighbours share their way. Answers with the first place that is not
   * sorted.
   */
  #sort(end: number): number {
    const core = this.#core;
    const { due, table } = core;
    const from = due.head;
    const to = (from + Math.min(this.#portion.sorted, (end - from) | 0)) | 0;
    const addresses = new Int32Array((to - from) | 0);
    let count = 0;
    for (let place = from; place !== to; place = (place + 1) | 0) {
      const address = due.at(place);
      if (address !== 0) addresses[count++] = address;
    }
    const order = new Float64Array(count);
    const shared = this.#sharedPrefix(addresses, count);
    for (let i = 0; i < count; i++) {
      const address = addresses[i] as number;
      const bytes = table.bytesOf(address);
      const keyStart = table.keyStart(address);
      const keyEnd = keyStart + table.keyLength(address);
      let number = 0;
      for (let at = keyStart + shared; at < keyStart + shared + 4; at++) {
        number = number * 256 + (at < keyEnd ? (bytes[at] as number) : 0);
      }
      order[i] = number * count + i;
    }
    order.sort();
    for (let i = 0, place = from; place !== to; i++, place = (place + 1) | 0) {
      const address = i < count ? (addresses[(order[i] as number) % count] as number) : 0;
      due.move(place, address);
      if (address !== 0) core.setDuePlace(address, place);
    }
    return to;
  }

  /** How many bytes all keys begin with in common. */
  #sharedPrefix(addresses: Int32Array, count: number): number {
    const { table } = this.#core;
    if (count === 0) return 0;
    const first = table.bytesOf(addresses[0] as number);
    const firstAt = table.keyStart(addresses[0] as number);
    let shared = table.keyLength(addresses[0] as number);
    for (let i = 1; i < count; i++) {
      if (i % 32 === 1) table.touch(addresses, i, Math.min(i + 32, count));
      const address = addresses[i] as number;
      const bytes = table.bytesOf(address);
      const keyAt = table.keyStart(address);
      shared = Math.min(shared, table.keyLength(address));
      for (let at = 0; at < shared; at++) {
        if (bytes[keyAt + at] !== first[firstAt + at]) shared = at;
      }
    }
    return shared;
  }

  async #writeChunk(kv: OrderedKv, end: number): Promise<void> {
    const core = this.#core;
    const { due } = core;
    const mostEntries = Math.min(this.#chunkEntries, this.#portion.entries);
    const mostBytes = this.#portion.bytes;
    const batch = kv.batch();
    const touched = new Set<number>();
    const prepared = this.#prepare(end, mostEntries, mostBytes);
    let index = due.head;
    let bytes = 0;
    while (index !== prepared && batch.length < mostEntries && bytes < mostBytes) {
      const address = due.at(index);
      if (address !== 0) {
        bytes += this.#writeEntry(batch, address, touched);
        if (core.linked.size > 0) bytes += this.#writeLinked(batch, address, index, touched);
      }
      index = (index + 1) | 0;
    }
    if (core.expiry !== undefined) {
      for (const windowStart of touched) this.#writeWindow(batch, core.expiry, windowStart);
    }
    const entries = batch.length;
    if (entries > 0) core.stored.putSum(batch);
    due.inFlight = index;
    try {
      if (entries > 0) await batch.write({ sync: true });
    } catch (error) {
      this.#unsure = true;
      due.giveBack();
      throw error;
    }
    core.stored.writes += entries;
    const { table } = core;
    for (let at = due.head; at !== due.inFlight; at = (at + 1) | 0) {
      const address = due.at(at);
      if (address === 0) continue;
      due.drop(at);
      table.clearFlag(address, flags.due);
      if (table.valueLength(address) < 0 && !table.hasFlag(address, flags.changed)) core.removeAbsent(address);
    }
    due.written();
    core.memory.afterCheckpoint(entries);
  }

  /** Reads the checksums of what the next entries replace: all of a chunk before the first one is put into its batch,
   *  since a read may fail. Answers with the place up to which they are known. */
  #prepare(end: number, mostPlaces: number, mostBytes: number): number {
    const core = this.#core;
    const { due, table } = core;
    const mostReads = mostBytes / bytesPerRead;
    let index = due.head;
    let reads = 0;
    for (let ahead = 0, places = 0; index !== end && places < mostPlaces && reads < mostReads; ahead--, places++) {
      if (ahead === 0) ahead = this.#touch(index, end);
      const address = due.at(index);
      if (address !== 0 && table.hasFlag(address, flags.unknown)) {
        core.readStoredChecksum(address);
        reads++;
      }
      index = (index + 1) | 0;
    }
    return index;
  }

  /** Brings the entries of the next places into the cache; answers with how many. */
  #touch(index: number, end: number): number {
    const { due, table } = this.#core;
    const count = Math.min(this.#group.length, (end - index) | 0);
    let found = 0;
    for (let i = 0; i < count; i++) {
      const address = due.at((index + i) | 0);
      if (address !== 0) this.#group[found++] = address;
    }
    table.touch(this.#group, 0, found);
    return count;
  }

  /** Writes an entry as it is committed; answers with its bytes. */
  #writeEntry(batch: KvBatch, address: number, touched: Set<number>): number {
    const core = this.#core;
    const { table, changes, expiry, stored } = core;
    let bytes = table.bytesOf(address);
    let start = table.valueStart(address);
    let length = table.valueLength(address);
    if (table.hasFlag(address, flags.changed)) {
      const index = table.place(address);
      length = changes.lengthBefore(index);
      bytes = changes.bytesBefore(index);
      start = changes.startBefore(index);
    }
    assert(!table.hasFlag(address, flags.unknown), 'a checkpoint writes an entry without what it replaces');
    const before = table.checksum(address);
    const key = core.storedKeyOf(address);
    let after = 0;
    if (length > wasAbsent) after = stored.put(batch, key, bytes, start, length);
    // Also what the write that failed was to delete: it must not be taken out of memory while it is stored.
    else if (before !== 0 || this.#unsure) batch.delete(key);
    table.setChecksum(address, after);
    if (before === 0 && after === 0) return 0;
    const kind = table.kindOf(address);
    if (expiry !== undefined && hasWindow(kind)) {
      const windowStart = readTime(table.bytesOf(address), table.keyStart(address) + 1);
      expiry.windows.sum(expiry.windows.list(windowStart)).replace(before, after);
      touched.add(windowStart);
    } else stored.sum.replace(before, after);
    if (kind === kinds.expiry && length > wasAbsent) expiry?.leaveOut(readNumberValue(bytes, start), stored.sum);
    return table.keyLength(address) + Math.max(0, length);
  }

  /** Writes the pages that must reach the disk together with the one at `index` of the queue. Answers with their
   *  bytes. */
  #writeLinked(batch: KvBatch, address: number, index: number, touched: Set<number>): number {
    const core = this.#core;
    const { table, due, linked } = core;
    const kind = table.kindOf(address);
    if (!isPage(kind)) return 0;
    const start = table.keyStart(address) + 1;
    const end = start - 1 + table.keyLength(address);
    const key = this.#treeKey;
    key.set(table.bytesOf(address), start, endOfTreeKey(kind === kinds.data, end));
    const pages = linked.of(key.bytes, 0, key.length);
    if (pages === undefined) return 0;
    const addressOf = (page: number): number => {
      const pageKind = page === firstPage ? kinds.data : kinds.page;
      const pageEnd = page === firstPage ? key.length : key.page(page);
      return table.find(table.hash(pageKind, key.bytes, 0, pageEnd), pageKind, key.bytes, 0, pageEnd);
    };
    let bytes = 0;
    for (const page of pages) {
      const other = addressOf(page);
      if (other === 0 || !table.hasFlag(other, flags.due)) continue;
      const place = core.duePlace(other);
      if (((place - index) | 0) <= 0) continue;
      due.drop(place);
      core.setDuePlace(other, due.unshift(other));
      bytes += this.#writeEntry(batch, other, touched);
    }
    // What the open transaction has changed since is linked for the next time.
    linked.written(key.bytes, 0, key.length, (page) => {
      const other = addressOf(page);
      return other !== 0 && table.hasFlag(other, flags.changed);
    });
    return bytes;
  }

  /** Writes the record of a window: which there is, and the sum over its entries. */
  #writeWindow(batch: KvBatch, { windows }: Expiry, windowStart: number): void {
    const { stored } = this.#core;
    const list = windows.list(windowStart);
    const value = windows.sum(list).toBytes();
    const checksum = stored.put(batch, this.#windowKey(kinds.window, windowStart), value, 0, value.length);
    stored.sum.replace(windows.checksum(list), checksum);
    windows.setChecksum(list, checksum);
  }

  #windowRange(kind: number, from: number, to: number): KvRange {
    const all = this.#core.stored.range(kind);
    return {
      from: Number.isFinite(from) ? this.#windowKey(kind, from) : all.from,
      to: this.#windowKey(kind, to),
    };
  }

  #windowKey(kind: number, windowStart: number): Uint8Array {
    const key = new Uint8Array(timeBytes);
    writeTime(key, 0, windowStart);
    return this.#core.stored.key(kind, key, 0, timeBytes).slice();
  }
}
