/**
 * The ordered store: per key, entries in the order of bytes. Each key's entries are a tree of pages (`page-tree.ts`) in
 * the common core.
 *
 * With a retention time orders begin with a time, and there is one tree per key and window of time, as long as the
 * retention: expiry drops whole windows, a fetch visits the two or so that it overlaps. Entries that have expired
 * within a window that has not are absent for every reader. (Shorter windows would keep less of what has expired; where
 * a key has few entries, each would then be a page of its own.)
 *
 * What `append` adds to a store with a retention time, and is newer than all in its pages, stays outside of them until
 * the transaction ends (`recent-entries.ts`): a query that reads much time at once appends most entries and sees them
 * expire within one transaction, without a page. So entries in pages and recent ones never overlap in time, and what is
 * committed lies in pages.
 *
 * The changelog has one entry for each key and order, so pages are rebuilt from it, whatever their size and the width
 * of a window. What of a transaction has changed is read off the pages (`page-changes.ts`).
 */

import { assert, compareBytes, copyBytes, newCursor, readUnsignedVarint } from '../../base/index.ts';
import { Expiry } from './expiry.ts';
import { isPage, kinds, readTime, timeBytes, writeTime } from './layout.ts';
import { LiveCursor } from './live-cursor.ts';
import { committedPages, livePages, OrderCursor } from './order-cursor.ts';
import { PageChanges } from './page-changes.ts';
import { appendedBytes, defaultPageBytes, PageTree } from './page-tree.ts';
import { Positions, type RecentEntries } from './recent-entries.ts';
import { scanPages } from './scan-pages.ts';
import type {
  ChangelogAppend,
  CommittedEntry,
  EntryRange,
  OrderedStateStore,
  ScanChunk,
  ScanRange,
  ScanVisitor,
} from './state-store.ts';
import { StateTable } from './state-table.ts';
import type { OrderedCursor, OrderedVisitor, StoreSpec } from './store.ts';
import type { PageWrite } from './store-core.ts';
import type { StoreOptions } from './store-options.ts';
import { TreeKey } from './tree-key.ts';

/** What the operator's cursors have in common. */
interface OwnCursor extends OrderedCursor {
  /** The entry under the cursor is about to change: it is copied. */
  leave(): void;
  endTransaction(): void;
}

/** What a changelog key has beside key and order. */
const keyOverheadBytes = 5;

const formOf = (retentionMs: number | undefined): string =>
  retentionMs === undefined ? 'pages' : `pages of windows of ${retentionMs} ms`;

const isNoPage = (kind: number): boolean => !isPage(kind);

export class OrderedStateTable extends StateTable implements OrderedStateStore {
  readonly kind = 'ordered';
  readonly #expiry: Expiry | undefined;
  readonly #key = new TreeKey();
  readonly #tree: PageTree;
  readonly #changes: PageChanges;
  /** Changelog entries of the open transaction, once they are written. */
  #written: number | undefined;
  /** Changes of the core as of then. */
  #writtenAt = 0;
  readonly #cursors: OwnCursor[] = [];
  /** Entries that were appended of late: all are newer than those in pages. */
  readonly #recent: RecentEntries | undefined;
  readonly #found = new Positions();
  /** No time in pages is later. NaN: not looked up yet. */
  #newest = Number.NaN;
  readonly #parsed = newCursor();
  /** An order that `append` makes. */
  readonly #appended = new Uint8Array(appendedBytes);

  constructor(spec: StoreSpec, options: StoreOptions) {
    const { retentionMs } = spec;
    const expiry = retentionMs === undefined ? undefined : new Expiry(retentionMs);
    super(spec, options, { ...(expiry === undefined ? {} : { expiry }), paged: true, form: formOf(retentionMs) });
    this.#expiry = expiry;
    this.#recent = this.core.recent;
    this.#tree = new PageTree(this.core, this.#key, options.pageBytes ?? defaultPageBytes);
    this.#changes = new PageChanges(this.core, this.#tree, this.#key);
  }

  // ---- what operators call

  get(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): boolean {
    if (!this.#locate(key, keyStart, keyEnd, order, orderStart, orderEnd)) return false;
    const { core } = this;
    const recent = this.#recent;
    if (recent !== undefined && recent.count > 0 && this.#isRecent(order, orderStart)) {
      if (this.#findRecent(key, keyStart, keyEnd, order, orderStart, orderEnd) === 0) return false;
      core.valueBytes = recent.bytes;
      core.valueStart = recent.valueStart;
      core.valueEnd = recent.valueEnd;
      return true;
    }
    if (this.#tree.find(order, orderStart, orderEnd) < 0) return false;
    const { page } = this.#tree;
    core.valueBytes = page.bytes;
    core.valueStart = page.valueStart;
    core.valueEnd = page.valueEnd;
    return true;
  }

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
  ): boolean {
    const bytes = keyEnd - keyStart + orderEnd - orderStart + valueEnd - valueStart;
    if (bytes + keyOverheadBytes > this.core.entryLimitBytes) return false;
    if (!this.#locate(key, keyStart, keyEnd, order, orderStart, orderEnd)) return true;
    this.#written = undefined;
    const recent = this.#recent;
    if (recent !== undefined && recent.count > 0 && this.#isRecent(order, orderStart)) {
      const position = this.#findRecent(key, keyStart, keyEnd, order, orderStart, orderEnd);
      if (position > 0 && recent.valueEnd - recent.valueStart === valueEnd - valueStart) {
        for (const cursor of this.#cursors) cursor.leave();
        copyBytes(value, valueStart, valueEnd, recent.bytes, recent.valueStart);
        return true;
      }
      this.#moveToPages();
      this.#locate(key, keyStart, keyEnd, order, orderStart, orderEnd);
    }
    if (recent !== undefined) this.#raiseNewest(readTime(order, orderStart));
    this.#tree.put(order, orderStart, orderEnd, value, valueStart, valueEnd, 'change');
    return true;
  }

  replace(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    from: Uint8Array,
    to: Uint8Array,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    const bytes = keyEnd - keyStart + to.length + valueEnd - valueStart;
    if (bytes + keyOverheadBytes > this.core.entryLimitBytes) return false;
    if (this.#recent !== undefined) {
      this.#moveToPages();
      this.#raiseNewest(readTime(to, 0));
    }
    if (this.#sameTree(from, to) && this.#locate(key, keyStart, keyEnd, to, 0, to.length)) {
      this.#written = undefined;
      if (this.#tree.replace(from, to, value, valueStart, valueEnd)) return true;
    }
    this.delete(key, keyStart, keyEnd, from, 0, from.length);
    return this.put(key, keyStart, keyEnd, to, 0, to.length, value, valueStart, valueEnd);
  }

  /** Whether entries of these orders lie in one tree, and neither has expired. */
  #sameTree(from: Uint8Array, to: Uint8Array): boolean {
    const expiry = this.#expiry;
    if (expiry === undefined) return true;
    const time = readTime(from, 0);
    return time >= expiry.below && expiry.windowOf(time) === expiry.windowOf(readTime(to, 0));
  }

  append(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    time: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): number {
    const bytes = keyEnd - keyStart + appendedBytes + valueEnd - valueStart;
    if (bytes + keyOverheadBytes > this.core.entryLimitBytes) return -1;
    const recent = this.#recent;
    if (recent !== undefined && time > this.#newestInPages()) {
      if (time < (this.#expiry as Expiry).below) return 0;
      this.#written = undefined;
      const sequence = recent.append(key, keyStart, keyEnd, time, value, valueStart, valueEnd);
      if (sequence >= 0) return sequence;
      this.#moveToPages();
      this.#raiseNewest(time);
    }
    const order = this.#appended;
    writeTime(order, 0, time);
    if (!this.#locate(key, keyStart, keyEnd, order, 0, appendedBytes)) return 0;
    this.#written = undefined;
    return this.#tree.append(order, value, valueStart, valueEnd);
  }

  delete(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): void {
    if (!this.#locate(key, keyStart, keyEnd, order, orderStart, orderEnd)) return;
    if (this.#recent !== undefined && this.#recent.count > 0 && this.#isRecent(order, orderStart)) {
      const position = this.#findRecent(key, keyStart, keyEnd, order, orderStart, orderEnd);
      if (position === 0) return;
      for (const cursor of this.#cursors) cursor.leave();
      this.#written = undefined;
      this.#recent.remove(position);
      return;
    }
    const index = this.#tree.find(order, orderStart, orderEnd);
    if (index < 0) return;
    this.#written = undefined;
    this.#tree.deleteFound(index, 'change');
  }

  cursor(): OrderedCursor {
    const pages = new OrderCursor(this.core, livePages(this.core));
    const expiry = this.#expiry;
    let cursor: OwnCursor = pages;
    if (this.#recent !== undefined && expiry !== undefined) {
      const times = { newest: () => this.#newestInPages(), expiredBelow: () => expiry.below };
      cursor = new LiveCursor(pages, this.#recent, times);
    }
    this.#cursors.push(cursor);
    return cursor;
  }

  expireBelow(time: number): void {
    assert(this.#expiry !== undefined, `the store ${this.name} has no retention time: its entries do not expire`);
    // What has expired is absent for cursors too.
    for (const cursor of this.#cursors) cursor.leave();
    this.#written = undefined;
    this.core.expireBelow(time);
    this.#recent?.expireBelow((this.#expiry as Expiry).below);
  }

  // ---- recent entries

  /** No entry in pages has a later time. */
  #newestInPages(): number {
    if (Number.isNaN(this.#newest)) {
      const { windows, windowMs } = this.#expiry as Expiry;
      const last = windows.atOrBefore(Number.POSITIVE_INFINITY);
      this.#newest = last === undefined ? Number.NEGATIVE_INFINITY : last + windowMs;
    }
    return this.#newest;
  }

  #raiseNewest(time: number): void {
    if (time <= this.#newestInPages()) return;
    this.#newest = time;
    (this.#recent as RecentEntries).version++;
  }

  /** Whether an entry of this order would be among the recent ones. */
  #isRecent(order: Uint8Array, orderStart: number): boolean {
    return readTime(order, orderStart) > this.#newestInPages();
  }

  /** Comes to a recent entry; answers with its position, 0: there is none. */
  #findRecent(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): number {
    const recent = this.#recent as RecentEntries;
    const found = this.#found;
    const time = readTime(order, orderStart);
    recent.collect(key, keyStart, keyEnd, time, time, found);
    for (let i = 0; i < found.count; i++) {
      const position = found.items[i] as number;
      recent.at(position);
      const { bytes, orderStart: start } = recent;
      if (compareBytes(bytes, start, start + appendedBytes, order, orderStart, orderEnd) === 0) return position;
    }
    return 0;
  }

  /** Puts the recent entries into pages. */
  #moveToPages(): void {
    const recent = this.#recent;
    if (recent === undefined || recent.count === 0) return;
    for (const cursor of this.#cursors) cursor.leave();
    const { latest } = recent;
    recent.moveTo((this.#expiry as Expiry).below, (bytes, keyStart, keyEnd, orderStart, valueStart, valueEnd) => {
      const orderEnd = orderStart + appendedBytes;
      if (this.#locate(bytes, keyStart, keyEnd, bytes, orderStart, orderEnd))
        this.#tree.put(bytes, orderStart, orderEnd, bytes, valueStart, valueEnd, 'change');
    });
    this.#raiseNewest(latest);
  }

  /** Sets the key of the tree that holds the order; false: its time has expired. */
  #locate(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): boolean {
    const expiry = this.#expiry;
    const { ahead, table } = this.core;
    const treeKey = this.#key;
    if (expiry === undefined) {
      treeKey.set(key, keyStart, keyEnd);
      treeKey.hint = key === ahead.bytes ? ahead.hint(table, kinds.data, keyStart, undefined) : 0;
      return true;
    }
    assert(orderEnd - orderStart >= timeBytes, 'an order of a store that expires does not begin with a time');
    const time = readTime(order, orderStart);
    if (time < expiry.below) return false;
    const window = expiry.windowOf(time);
    treeKey.setWindowed(window, key, keyStart, keyEnd);
    treeKey.hint = key === ahead.bytes ? ahead.of(window).hint(table, kinds.data, keyStart, treeKey.bytes) : 0;
    return true;
  }

  // ---- what is committed

  readCommitted(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): Uint8Array | undefined {
    const cursor = this.committedCursor();
    // The least order above.
    const to = new Uint8Array(orderEnd - orderStart + 1);
    to.set(order.subarray(orderStart, orderEnd));
    cursor.fetch(key, keyStart, keyEnd, to.subarray(0, -1), to);
    return cursor.next() ? cursor.valueBytes.slice(cursor.valueStart, cursor.valueEnd) : undefined;
  }

  committedCursor(): OrderedCursor {
    return new OrderCursor(this.core, committedPages(this.core));
  }

  committedEntries(key: Uint8Array, { orders = {} }: EntryRange = {}): CommittedEntry[] {
    const { from, to, reversed = false, limit = Number.POSITIVE_INFINITY } = orders;
    const entries: CommittedEntry[] = [];
    const cursor = this.committedCursor();
    if (reversed) cursor.fetchBackward(key, 0, key.length, from, to);
    else cursor.fetch(key, 0, key.length, from, to);
    while (entries.length < limit && cursor.next()) {
      const { valueBytes: bytes, orderStart, orderEnd, valueStart, valueEnd } = cursor;
      entries.push({ key, value: bytes.slice(valueStart, valueEnd), order: bytes.slice(orderStart, orderEnd) });
    }
    return entries;
  }

  override entryAt(chunk: ScanChunk, index: number): CommittedEntry {
    const order = chunk.bytes.slice(chunk.orderStarts[index], chunk.orderEnds[index]);
    return { ...super.entryAt(chunk, index), order };
  }

  override scanCommitted(range: ScanRange, visit: ScanVisitor): Promise<void> {
    return scanPages(this.core, range, visit);
  }

  // ---- the transaction

  /** Pages and recent entries, until the changelog is written; then its entries. */
  override changed(): number {
    const { count } = this.core.changes;
    if (this.#written !== undefined && this.#writtenAt === count) return this.#written;
    return count + (this.#recent?.count ?? 0);
  }

  visitChanges(visit: OrderedVisitor): void {
    this.#moveToPages();
    this.#changes.visit(visit, (bytes, keyStart, orderStart, orderEnd) =>
      this.readCommitted(bytes, keyStart, orderStart, bytes, orderStart, orderEnd),
    );
  }

  override writeChangelog(append: ChangelogAppend): void {
    this.#moveToPages();
    let written = 0;
    const counted: ChangelogAppend = (key, keyStart, keyEnd, value, valueStart, valueEnd, view) => {
      written++;
      append(key, keyStart, keyEnd, value, valueStart, valueEnd, view);
    };
    this.#changes.write(counted);
    this.core.writeChangelog(counted, isNoPage);
    this.#written = written;
    this.#writtenAt = this.core.changes.count;
  }

  override commit(changelogNextOffset: number): void {
    this.#moveToPages();
    const changed = this.changed();
    this.#endTransaction();
    this.core.commit(changelogNextOffset, changed);
  }

  override rollback(): void {
    this.#endTransaction();
    this.core.rollback();
  }

  override async clear(): Promise<void> {
    this.#endTransaction();
    this.#newest = Number.NaN;
    await super.clear();
  }

  #endTransaction(): void {
    this.#written = undefined;
    for (const cursor of this.#cursors) cursor.endTransaction();
    this.#recent?.clear();
  }

  override applyChangelog(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (key[keyStart] !== kinds.data) {
      super.applyChangelog(key, keyStart, keyEnd, value, valueStart, valueEnd);
      return;
    }
    const { core } = this;
    assert(core.changes.count === 0, 'changelog entries are applied outside of a transaction');
    core.records++;
    this.#newest = Number.NaN;
    const order = this.#parse(key, keyStart, keyEnd);
    if (order < 0) return;
    const write: PageWrite = 'replay';
    if (valueStart < 0) this.#tree.delete(key, order, keyEnd, write);
    else this.#tree.put(key, order, keyEnd, value, valueStart, valueEnd, write);
  }

  /** Reads a changelog key and sets the key of the tree; answers with where the order begins, −1: its time has
   *  expired. */
  #parse(bytes: Uint8Array, start: number, end: number): number {
    const parsed = this.#parsed;
    parsed.at = start + 1;
    const keyLength = readUnsignedVarint(bytes, end, parsed);
    const key = parsed.at;
    assert(keyLength <= end - key, () => `a changelog key of the store ${this.name} ends within its key`);
    return this.#locate(bytes, key, key + keyLength, bytes, key + keyLength, end) ? key + keyLength : -1;
  }
}
