/**
 * The ordered store: per key, entries in the order of bytes. Each key's entries are a tree of pages (`page-tree.ts`) in
 * the common core.
 *
 * With a retention time orders begin with a time, and there is one tree per key and window of time, as long as the
 * retention: expiry drops whole windows, a fetch visits the two or so that it overlaps. Entries that have expired
 * within a window that has not are absent for every reader. (Shorter windows would keep less of what has expired; where
 * a key has few entries, each would then be a page of its own.)
 *
 * What `append` adds to a store with a retention time, and is newer than all in its pages, stays outside of them, in
 * the order of arrival (`recent-entries.ts`); so entries in pages and recent ones never overlap in time. Most expire
 * there and never become a part of a page. The checkpoint does not write them: it notes a position of the changelog
 * before the first of them, and a restart puts those that are left into pages. They go into pages
 *
 *   - between two transactions, where they would make a restart long, or take memory that is short (which only pages can
 *     leave, once the checkpoint has them); where fetches of what is older had to walk past too many of them; and where
 *     nothing has been committed for some time, so that the checkpoint of an idle store comes to its end. The oldest go
 *     first, a few at a time;
 *   - within a transaction, where that appends too many, or changes one in a way for which there is no room. Until it
 *     ends they are in both places, and committed reads and a rollback find them where they were.
 *
 * The changelog has one entry for each key and order, so pages are rebuilt from it, whatever their size and the width
 * of a window. What of a transaction has changed is read off the pages (`page-changes.ts`).
 */

import { assert, ByteWriter, compareBytes, newCursor, readUnsignedVarint } from '../../base/index.ts';
import { recordsBetween } from './checkpoint.ts';
import { Expiry } from './expiry.ts';
import { isPage, kinds, readTime, readViewTime, timeBytes, writeTime } from './layout.ts';
import { LiveCursor } from './live-cursor.ts';
import { committedPages, livePages, OrderCursor } from './order-cursor.ts';
import { PageChanges } from './page-changes.ts';
import { appendedBytes, defaultPageBytes, PageTree } from './page-tree.ts';
import type { RecentEntries, TakeEntry } from './recent-entries.ts';
import { segmentBytes } from './recent-segment.ts';
import { Positions } from './recent-view.ts';
import { scanPages } from './scan-pages.ts';
import type {
  ChangelogAppend,
  CommittedEntry,
  CommittedValue,
  EntryRange,
  OrderedStateStore,
  ScanChunk,
  ScanRange,
  ScanVisitor,
} from './state-store.ts';
import { StateTable } from './state-table.ts';
import type { EntryVisitor, OrderedCursor, OrderedStore, OrderedVisitor, StoreSpec } from './store.ts';
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

/** Most segments of recent entries that stay over a commit (16 MiB), and changelog records that a restart would replay
 *  for them. */
const mostSegments = 256;
const mostRecordsSince = recordsBetween / 2;
/** To walk past so many costs as much as to move one. */
const passedForEach = 32;
/** How long a store is idle before its recent entries go into pages. */
const idleMs = 5_000;
/** How many segments go into pages at once (1 MiB: some milliseconds): at a commit, and when a checkpoint is asked
 *  for. */
const segmentsAtOnce = 16;

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
  readonly #segmentsAtOnce: number;
  /** So many segments of recent entries, the oldest ones, go into pages by and by. */
  #settling = 0;
  /** No time in pages is later. NaN: not looked up yet. */
  #newest = Number.NaN;
  /** The same of what is committed. */
  #committedNewest = Number.NaN;
  /** The position of the last commit, and when it was first seen. */
  readonly #seen = { position: -1, ms: 0 };
  orderStart = 0;
  /** Of `visitBackward`, once it was needed. */
  #visiting: OrderedCursor | undefined;
  /** Which entry of the page in view `visitBackward` or `comeToLast` came to last, −1: none, or that is not known any
   *  more; and the window of the page. */
  #visited = -1;
  #visitedWindow = 0;
  /** How many entries had been evicted then: where more have been, the page may be one of them. */
  #visitedEvictions = 0;
  readonly #raised = new Uint8Array(timeBytes);
  readonly #parsed = newCursor();
  /** An order that `append` makes. */
  readonly #appended = new Uint8Array(appendedBytes);
  /** A value that `append` puts together for a page. */
  #whole: ByteWriter | undefined;

  constructor(spec: StoreSpec, options: StoreOptions) {
    const { retentionMs } = spec;
    const expiry = retentionMs === undefined ? undefined : new Expiry(retentionMs);
    super(spec, options, { ...(expiry === undefined ? {} : { expiry }), paged: true, form: formOf(retentionMs) });
    this.#expiry = expiry;
    this.#recent = this.core.recent;
    this.#segmentsAtOnce = options.segmentsAtOnce ?? segmentsAtOnce;
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
    if (this.core.times !== undefined) return this.#timedGet(key, keyStart, keyEnd, order, orderStart, orderEnd);
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
    if (this.core.times !== undefined)
      return this.#timedPut(key, keyStart, keyEnd, order, orderStart, orderEnd, value, valueStart, valueEnd);
    const bytes = keyEnd - keyStart + orderEnd - orderStart + valueEnd - valueStart;
    if (bytes + keyOverheadBytes > this.core.entryLimitBytes) return false;
    if (!this.#locate(key, keyStart, keyEnd, order, orderStart, orderEnd)) return true;
    this.#written = undefined;
    const recent = this.#recent;
    if (recent !== undefined && recent.count > 0 && this.#isRecent(order, orderStart)) {
      const position = this.#findRecent(key, keyStart, keyEnd, order, orderStart, orderEnd);
      if (position > 0 && recent.valueEnd - recent.valueStart === valueEnd - valueStart) {
        for (const cursor of this.#cursors) cursor.leave();
        recent.update(position, value, valueStart, valueEnd);
        return true;
      }
      this.#moveToPages();
      this.#locate(key, keyStart, keyEnd, order, orderStart, orderEnd);
    }
    if (recent !== undefined) this.#raiseNewest(readTime(order, orderStart));
    this.#tree.put(order, orderStart, orderEnd, value, valueStart, valueEnd, 'change');
    return true;
  }

  append(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    time: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    first = -1,
  ): number {
    if (this.core.times !== undefined)
      return this.#timedAppend(key, keyStart, keyEnd, time, value, valueStart, valueEnd, first);
    const bytes = keyEnd - keyStart + appendedBytes + valueEnd - valueStart + (first < 0 ? 0 : 1);
    if (bytes + keyOverheadBytes > this.core.entryLimitBytes) return -1;
    const recent = this.#recent;
    if (recent !== undefined && time > this.#newestInPages()) {
      if (time < (this.#expiry as Expiry).below) return 0;
      this.#written = undefined;
      const sequence = recent.append(key, keyStart, keyEnd, time, value, valueStart, valueEnd, first);
      if (sequence >= 0) return sequence;
      this.#moveToPages();
      this.#raiseNewest(time);
    }
    const order = this.#appended;
    writeTime(order, 0, time);
    if (!this.#locate(key, keyStart, keyEnd, order, 0, appendedBytes)) return 0;
    this.#written = undefined;
    if (first < 0) return this.#tree.append(order, value, valueStart, valueEnd);
    const whole = (this.#whole ??= new ByteWriter(256));
    whole.reset();
    whole.i8(first);
    whole.bytes(value, valueStart, valueEnd);
    return this.#tree.append(order, whole.buffer, 0, whole.length);
  }

  delete(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    order: Uint8Array,
    orderStart: number,
    orderEnd: number,
  ): void {
    if (this.core.times !== undefined) return this.#timedDelete(key, keyStart, keyEnd, order, orderStart, orderEnd);
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

  visitBackward(key: Uint8Array, keyStart: number, keyEnd: number, from: Uint8Array, visit: EntryVisitor): void {
    if (this.core.times !== undefined) return this.#timedVisitBackward(key, keyStart, keyEnd, from, visit);
    const expiry = this.#expiry;
    const tree = this.#tree;
    this.#visited = -1;
    if (expiry === undefined) {
      this.#locate(key, keyStart, keyEnd, from, 0, from.length);
      if (!tree.viewFirst()) return;
      if (tree.page.level > 0) this.#visitByCursor(key, keyStart, keyEnd, from, undefined, visit);
      else this.#visitPage(from, visit);
      return;
    }
    const { windows, below, windowMs } = expiry;
    let time = readTime(from, 0);
    let bound = from;
    if (time < below) {
      time = below;
      bound = this.#raised;
      writeTime(bound, 0, time);
    }
    if ((this.#recent as RecentEntries).count > 0)
      return this.#visitByCursor(key, keyStart, keyEnd, bound, undefined, visit);
    const first = expiry.windowOf(time);
    for (let window = windows.last; window !== undefined && window >= first; window = windows.before(window)) {
      this.#setWindowed(window, key, keyStart, keyEnd);
      // Looking for this page may take the one before out of memory.
      this.#visited = -1;
      if (!tree.viewFirst()) continue;
      if (tree.page.level > 0) {
        // Entries of later windows have been visited.
        const to = new Uint8Array(timeBytes);
        writeTime(to, 0, window + windowMs);
        return this.#visitByCursor(key, keyStart, keyEnd, bound, to, visit);
      }
      this.#visitedWindow = window;
      if (!this.#visitPage(bound, visit)) return;
    }
  }

  comeToLast(key: Uint8Array, keyStart: number, keyEnd: number): boolean {
    const { core } = this;
    const expiry = this.#expiry;
    this.#visited = -1;
    // Calls are timed by `visitBackward`.
    if (expiry === undefined || core.times !== undefined || (this.#recent as RecentEntries).count > 0) return false;
    const window = expiry.windows.last;
    if (window === undefined) return false;
    this.#setWindowed(window, key, keyStart, keyEnd);
    const tree = this.#tree;
    if (!tree.viewFirst()) return false;
    const { page } = tree;
    if (page.level > 0) return false;
    const index = page.count - 1;
    page.at(index);
    const view = core.table.viewOf(core.last);
    if (readViewTime(view, page.orderStart) < expiry.below) return false;
    core.valueBytes = page.bytes;
    core.valueView = view;
    core.valueStart = page.valueStart;
    core.valueEnd = page.valueEnd;
    this.orderStart = page.orderStart;
    this.#visited = index;
    this.#visitedWindow = window;
    this.#visitedEvictions = core.memory.evictions;
    return true;
  }

  /** Visits the entries of the page in view, which is the only one of its tree; answers whether to go on. */
  #visitPage(from: Uint8Array, visit: EntryVisitor): boolean {
    const { page } = this.#tree;
    this.#visitedEvictions = this.core.memory.evictions;
    for (let index = page.count - 1; index >= 0; index--) {
      page.at(index);
      const { bytes, orderStart, orderEnd } = page;
      if (compareBytes(bytes, orderStart, orderEnd, from, 0, from.length) < 0) return false;
      this.#visited = index;
      if (!visit(bytes, orderStart, orderEnd, page.valueStart, page.valueEnd)) return false;
    }
    return true;
  }

  #visitByCursor(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    from: Uint8Array,
    to: Uint8Array | undefined,
    visit: EntryVisitor,
  ): void {
    const cursor = (this.#visiting ??= this.cursor());
    cursor.fetchBackward(key, keyStart, keyEnd, from, to);
    while (cursor.next())
      if (!visit(cursor.valueBytes, cursor.orderStart, cursor.orderEnd, cursor.valueStart, cursor.valueEnd)) return;
  }

  overwriteVisited(to: Uint8Array, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    if (this.core.times !== undefined) return this.#timedOverwrite(to, value, valueStart, valueEnd);
    const index = this.#visited;
    const expiry = this.#expiry;
    this.#visited = -1;
    if (index < 0 || this.core.memory.evictions !== this.#visitedEvictions) return false;
    const time = expiry === undefined ? 0 : readTime(to, 0);
    if (expiry !== undefined) {
      const window = this.#visitedWindow;
      if (time < expiry.below || time < window || time >= window + expiry.windowMs) return false;
    }
    if (!this.#tree.overwrite(index, to, value, valueStart, valueEnd)) return false;
    this.#written = undefined;
    if (expiry !== undefined) this.#raiseNewest(time);
    return true;
  }

  // Methods of their own: a closure in the calls above would cost each of them something.

  #timedGet(...of: Parameters<OrderedStore['get']>): boolean {
    return this.core.timed('get', () => this.get(...of));
  }

  #timedPut(...of: Parameters<OrderedStore['put']>): boolean {
    return this.core.timed('put', () => this.put(...of));
  }

  #timedOverwrite(...of: Parameters<OrderedStore['overwriteVisited']>): boolean {
    const isDone = (done: boolean): boolean => done;
    return this.core.timed('put', () => this.overwriteVisited(...of), isDone);
  }

  #timedAppend(...of: Parameters<OrderedStore['append']>): number {
    return this.core.timed('put', () => this.append(...of));
  }

  #timedDelete(...of: Parameters<OrderedStore['delete']>): void {
    this.core.timed('delete', () => this.delete(...of));
  }

  #timedVisitBackward(...of: Parameters<OrderedStore['visitBackward']>): void {
    this.core.timed('range', () => this.visitBackward(...of));
  }

  cursor(): OrderedCursor {
    const cursor = this.#newCursor();
    this.#cursors.push(cursor);
    return cursor;
  }

  #newCursor(): OwnCursor {
    const { core } = this;
    const expiry = this.#expiry;
    if (this.#recent === undefined || expiry === undefined) return new OrderCursor(core, livePages(core), core);
    const times = { newest: () => this.#newestInPages(), expiredBelow: () => expiry.below };
    return new LiveCursor(new OrderCursor(core, livePages(core)), this.#recent, times, false, core);
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
      const { last } = windows;
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
  #moveToPages(write: PageWrite = 'change'): void {
    const recent = this.#recent;
    if (recent === undefined || recent.count === 0) return;
    for (const cursor of this.#cursors) cursor.leave();
    const { latest } = recent;
    recent.moveTo((this.#expiry as Expiry).below, this.#putter(write));
    this.#raiseNewest(latest);
  }

  #putter(write: PageWrite): TakeEntry {
    return (bytes, keyStart, keyEnd, orderStart, valueStart, valueEnd) => {
      const orderEnd = orderStart + appendedBytes;
      if (this.#locate(bytes, keyStart, keyEnd, bytes, orderStart, orderEnd))
        this.#tree.put(bytes, orderStart, orderEnd, bytes, valueStart, valueEnd, write);
    };
  }

  /** The same between two transactions, of the oldest segments: the changelog has them already. */
  #settle(segments: number): void {
    const recent = this.#recent;
    if (recent === undefined || recent.count === 0 || segments <= 0) return;
    if (segments >= recent.segments) this.#moveToPages('replay');
    else {
      for (const cursor of this.#cursors) cursor.leave();
      const latest = recent.latestOf(segments);
      recent.moveBetween((this.#expiry as Expiry).below, latest, this.#putter('replay'));
      this.#raiseNewest(latest);
    }
    this.#committedNewest = this.#newest;
    recent.commit();
    this.core.memory.account();
  }

  /** How many segments of recent entries, all of which are committed, go into pages now. `filled`: how many the last
   *  transaction has filled. */
  #segmentsToSettle(recent: RecentEntries, filled: number, isIdle = false): number {
    const { core } = this;
    const { segments } = recent;
    if (core.stored.kv !== undefined && (isIdle || core.memory.isShortFor(segments * segmentBytes)))
      this.#settling = segments;
    // Where more come than go there is no end to it.
    const some = Math.min(this.#settling, segments, Math.max(this.#segmentsAtOnce, filled * 2));
    this.#settling = segments === 0 ? 0 : this.#settling - some;
    if (core.stored.kv === undefined) return some;
    return Math.max(some, recent.over(mostSegments, core.logged - mostRecordsSince));
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
    this.#visited = -1;
    if (expiry === undefined) {
      const { ahead, table } = this.core;
      const treeKey = this.#key;
      treeKey.set(key, keyStart, keyEnd);
      treeKey.hint = key === ahead.bytes ? ahead.hint(table, kinds.data, keyStart, undefined) : 0;
      return true;
    }
    assert(orderEnd - orderStart >= timeBytes, 'an order of a store that expires does not begin with a time');
    const time = readTime(order, orderStart);
    if (time < expiry.below) return false;
    this.#setWindowed(expiry.windowOf(time), key, keyStart, keyEnd);
    return true;
  }

  /** Sets the key of the tree that holds the entries of a window. */
  #setWindowed(window: number, key: Uint8Array, keyStart: number, keyEnd: number): void {
    const { ahead, table } = this.core;
    const treeKey = this.#key;
    treeKey.setWindowed(window, key, keyStart, keyEnd);
    treeKey.hint = key === ahead.bytes ? ahead.of(window).hint(table, kinds.data, keyStart, treeKey.bytes) : 0;
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
    const pages = new OrderCursor(this.core, committedPages(this.core));
    const expiry = this.#expiry;
    if (this.#recent === undefined || expiry === undefined) return pages;
    const times = { newest: () => this.#committedNewestInPages(), expiredBelow: () => expiry.committedBelow };
    return new LiveCursor(pages, this.#recent.committed, times, true);
  }

  #committedNewestInPages(): number {
    return Number.isNaN(this.#committedNewest) ? Number.POSITIVE_INFINITY : this.#committedNewest;
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
    return scanPages(this.core, this.#committedNewestInPages(), range, visit);
  }

  // ---- the transaction

  /** Pages and recent entries, until the changelog is written; then its entries. */
  override changed(): number {
    const { count } = this.core.changes;
    if (this.#written !== undefined && this.#writtenAt === count) return this.#written;
    return count + (this.#recent?.changed ?? 0);
  }

  visitChanges(visit: OrderedVisitor): void {
    const recent = this.#recent;
    if (recent !== undefined && this.#expiry !== undefined)
      recent.changes.visit(this.#expiry.below, this.#holds, this.#committedValue, visit);
    this.#changes.visit(visit, recent?.since !== undefined, this.#committedValue);
  }

  readonly #committedValue: CommittedValue = (bytes, keyStart, orderStart, orderEnd) =>
    this.readCommitted(bytes, keyStart, orderStart, bytes, orderStart, orderEnd);

  readonly #holds = (bytes: Uint8Array, keyStart: number, orderStart: number, orderEnd: number): boolean =>
    this.get(bytes, keyStart, orderStart, bytes, orderStart, orderEnd);

  override writeChangelog(append: ChangelogAppend): void {
    let written = 0;
    const counted: ChangelogAppend = (key, keyStart, keyEnd, value, valueStart, valueEnd, view) => {
      written++;
      append(key, keyStart, keyEnd, value, valueStart, valueEnd, view);
    };
    if (this.#recent !== undefined && this.#expiry !== undefined)
      this.#recent.changes.write(this.#expiry.below, this.#holds, counted);
    this.#changes.write(counted);
    this.core.writeChangelog(counted, isNoPage);
    this.#written = written;
    this.#writtenAt = this.core.changes.count;
  }

  override commit(changelogNextOffset: number): void {
    const recent = this.#recent;
    const changed = this.changed();
    const { passed = 0, filled = 0 } = recent ?? {};
    this.#endTransaction();
    recent?.commit();
    this.core.commit(changelogNextOffset, changed);
    if (recent === undefined) return;
    this.#committedNewest = this.#newestInPages();
    if (passed > recent.count * passedForEach) this.#settling = recent.segments;
    this.#settle(this.#segmentsToSettle(recent, filled));
  }

  override rollback(): void {
    this.#endTransaction();
    this.#recent?.rollback();
    this.core.rollback();
    this.#newest = this.#committedNewest;
  }

  override async clear(): Promise<void> {
    this.#endTransaction();
    this.#recent?.clear();
    this.#newest = this.#committedNewest = Number.NaN;
    await super.clear();
  }

  #endTransaction(): void {
    this.#written = undefined;
    this.#visited = -1;
    for (const cursor of this.#cursors) cursor.endTransaction();
  }

  override checkpointDue(nowMs: number): boolean {
    const recent = this.#recent;
    if (recent !== undefined && recent.count > 0 && this.core.changes.count === 0 && recent.changed === 0) {
      const position = this.core.position ?? 0;
      if (position !== this.#seen.position) {
        this.#seen.position = position;
        this.#seen.ms = nowMs;
      }
      this.#settle(this.#segmentsToSettle(recent, 0, nowMs - this.#seen.ms >= idleMs));
    }
    return super.checkpointDue(nowMs);
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
    this.#settle(Number.POSITIVE_INFINITY);
    core.logged++;
    this.#newest = this.#committedNewest = Number.NaN;
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
