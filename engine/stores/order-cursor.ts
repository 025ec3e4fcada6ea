/**
 * A cursor over the entries of one key in an ordered store, within a range of orders, forward or backward.
 *
 * `next` goes to the entry whose order comes next, as the store is at that moment: the entry under the cursor may be
 * removed or put again, and others may come and go; what comes before the cursor is not visited again. What lies under
 * the cursor stays valid until its next call, whatever happens to the store: when the page is about to change or to
 * leave memory, the entry is copied.
 *
 * The same code reads the open transaction, where pages lie (`livePages`), and what is committed, from copies of pages
 * (`committedPages`).
 */

import { assert, compareBytes, copyBytes } from '../../base/index.ts';
import type { Expiry } from './expiry.ts';
import { kinds, readTime, timeBytes, writeTime } from './layout.ts';
import { firstPage } from './linked-pages.ts';
import { missingPage } from './page-tree.ts';
import { Page } from './pages.ts';
import type { OrderedCursor } from './store.ts';
import type { EntryReader, StoreCore } from './store-core.ts';
import { TreeKey } from './tree-key.ts';

const noBytes = new Uint8Array(0);

/** Stands for an address. */
const isCopy = -1;

/** Where a cursor finds pages. */
export interface PageSource {
  /** Views a page; answers with its address, `isCopy` for a copy, 0 when it is absent. */
  view(page: Page, kind: number, key: Uint8Array, end: number, hint: number): number;
  /** Times before have expired. */
  expiredBelow(): number;
}

export const livePages = (core: StoreCore): PageSource => ({
  view(page, kind, key, end, hint) {
    const address = core.find(kind, key, 0, end, hint);
    if (address === 0) return 0;
    const { table } = core;
    const start = table.valueStart(address);
    page.set(table.bytesOf(address), start, start + table.valueLength(address));
    return address;
  },
  expiredBelow: () => core.expiry?.below ?? Number.NEGATIVE_INFINITY,
});

export const committedPages = (core: StoreCore): PageSource => ({
  view(page, kind, key, end) {
    const bytes = core.readCommitted(kind, key, 0, end);
    if (bytes === undefined) return 0;
    page.set(bytes, 0, bytes.length);
    return isCopy;
  },
  expiredBelow: () => core.expiry?.committedBelow ?? Number.NEGATIVE_INFINITY,
});

/** Bytes that are copied into a buffer of their own. */
export class Bound {
  bytes = new Uint8Array(32);
  /** −1: open. */
  length = -1;

  set(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > this.bytes.length) this.bytes = new Uint8Array(length * 2);
    copyBytes(bytes, start, end, this.bytes, 0);
    this.length = length;
  }

  setTime(time: number): void {
    writeTime(this.bytes, 0, time);
    this.length = timeBytes;
  }

  /** The least bytes above others. */
  setBehind(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length >= this.bytes.length) this.bytes = new Uint8Array((length + 1) * 2);
    copyBytes(bytes, start, end, this.bytes, 0);
    this.bytes[length] = 0;
    this.length = length + 1;
  }

  take(other: Bound): void {
    if (other.length < 0) this.length = -1;
    else this.set(other.bytes, 0, other.length);
  }

  /** Undefined: open. */
  view(): Uint8Array | undefined {
    return this.length < 0 ? undefined : this.bytes.subarray(0, this.length);
  }
}

const timeBound = (time: number): Uint8Array => {
  const bound = new Uint8Array(timeBytes);
  writeTime(bound, 0, time);
  return bound;
};

/** Where the way to the first entry may be timed. */
export type TimedCalls = Pick<StoreCore, 'times' | 'timed'>;

/**
 * - `done`: there is no (further) entry
 * - `start`: before the first entry
 * - `timed`: the same, and the way there is timed
 * - `on`: on the entry `index` of the page in view
 * - `after`: behind an entry whose page is not in view any more; its order is `place`
 * - `ended`: the transaction of the cursor has ended
 */
type State = 'done' | 'start' | 'timed' | 'on' | 'after' | 'ended';

export class OrderCursor implements OrderedCursor, EntryReader {
  valueBytes: Uint8Array = noBytes;
  orderStart = 0;
  orderEnd = 0;
  valueStart = 0;
  valueEnd = 0;

  readonly #core: StoreCore;
  readonly #source: PageSource;
  readonly #calls: TimedCalls | undefined;
  readonly #expiry: Expiry | undefined;
  readonly #key = new TreeKey();
  /** The operator's key, where the key of the tree depends on the window. */
  readonly #operatorKey = new Bound();
  /** Where the operator's key was read: it may be a key of a block that was expected. */
  #keyIn: Uint8Array = noBytes;
  #keyAt = 0;
  readonly #from = new Bound();
  readonly #to = new Bound();
  #backward = false;
  /** Only the tree in `#key` is visited, not those of other windows. */
  #oneTree = false;
  #state: State = 'done';
  #window = 0;
  readonly #page = new Page();
  #address = 0;
  #index = 0;
  /** The entries of the page that lie within the range are [first, stop). */
  #first = 0;
  #stop = 0;
  /** Where the entries of the next page begin, or backward those of this one. −1: there is no further page. */
  readonly #fence = new Bound();
  readonly #target = new Bound();
  readonly #place = new Bound();
  #copy = new Uint8Array(256);
  #registered = false;

  constructor(core: StoreCore, source: PageSource, calls?: TimedCalls) {
    this.#core = core;
    this.#source = source;
    this.#calls = calls;
    this.#expiry = core.expiry;
  }

  fetch(key: Uint8Array, start: number, end: number, from?: Uint8Array, to?: Uint8Array): void {
    this.#open(key, start, end, from, to, false);
  }

  fetchBackward(key: Uint8Array, start: number, end: number, from?: Uint8Array, to?: Uint8Array): void {
    this.#open(key, start, end, from, to, true);
  }

  fetchTimes(key: Uint8Array, start: number, end: number, from: number, to: number): void {
    this.#open(key, start, end, timeBound(from), timeBound(to + 1), false);
  }

  #open(
    key: Uint8Array,
    start: number,
    end: number,
    from: Uint8Array | undefined,
    to: Uint8Array | undefined,
    backward: boolean,
  ): void {
    if (from === undefined) this.#from.length = -1;
    else this.#from.set(from, 0, from.length);
    if (to === undefined) this.#to.length = -1;
    else this.#to.set(to, 0, to.length);
    this.#backward = backward;
    this.#oneTree = false;
    this.#state = this.#calls?.times === undefined ? 'start' : 'timed';
    const { ahead, table } = this.#core;
    this.#keyIn = key;
    this.#keyAt = start;
    if (this.#expiry === undefined) {
      this.#key.set(key, start, end);
      this.#key.hint = key === ahead.bytes ? ahead.hint(table, kinds.data, start, undefined) : 0;
      return;
    }
    assert(
      (from === undefined || from.length >= timeBytes) && (to === undefined || to.length >= timeBytes),
      'a bound of an ordered store that expires begins with a time',
    );
    this.#operatorKey.set(key, start, end);
  }

  /** Visits all entries of the tree with this key. */
  fetchTree(key: Uint8Array): void {
    this.#from.length = this.#to.length = -1;
    this.#backward = false;
    this.#oneTree = true;
    this.#state = 'start';
    this.#key.set(key, 0, key.length);
    this.#key.hint = 0;
  }

  /** Moves to the next entry of the range; false: there is none. */
  next(): boolean {
    if (this.#state === 'on') {
      const index = this.#backward ? --this.#index : ++this.#index;
      if (index >= this.#first && index < this.#stop) {
        this.#show(index);
        return true;
      }
      return this.#nextPage();
    }
    assert(this.#state !== 'ended', 'a cursor is used after the end of its transaction');
    if (this.#state === 'done') return false;
    if (this.#state === 'timed') return this.#timedFirst();
    this.#raiseFrom();
    if (this.#state === 'start') return this.#firstWindow();
    // Behind an entry that is not in view any more.
    this.#target.take(this.#place);
    const expired =
      !this.#backward &&
      this.#from.length >= 0 &&
      compareBytes(this.#place.bytes, 0, this.#place.length, this.#from.bytes, 0, this.#from.length) < 0;
    if (expired) this.#target.take(this.#from);
    return this.#seek(expired) || this.#nextWindow();
  }

  #timedFirst(): boolean {
    this.#state = 'start';
    const calls = this.#calls as TimedCalls;
    return calls.timed('range', () => this.next());
  }

  /** What has expired is absent at once. */
  #raiseFrom(): void {
    const below = this.#source.expiredBelow();
    if (below === Number.NEGATIVE_INFINITY) return;
    if (this.#from.length < 0 || readTime(this.#from.bytes, 0) < below) this.#from.setTime(below);
  }

  #show(index: number): void {
    const page = this.#page;
    page.at(index);
    this.orderStart = page.orderStart;
    this.orderEnd = page.orderEnd;
    this.valueStart = page.valueStart;
    this.valueEnd = page.valueEnd;
  }

  #nextPage(): boolean {
    const { length } = this.#fence;
    // A page of which not all entries in the direction are within the range is the last one.
    const isLast = this.#backward ? this.#first > 0 : this.#stop < this.#page.count;
    if (!isLast && length >= 0) {
      this.#target.take(this.#fence);
      if (this.#seek(true)) return true;
    }
    return isLast ? this.#end() : this.#nextWindow();
  }

  #end(): boolean {
    this.#state = 'done';
    this.#unregister();
    return false;
  }

  // ---- windows

  #firstWindow(): boolean {
    const expiry = this.#expiry;
    if (expiry === undefined || this.#oneTree) return this.#seekFirst() || this.#end();
    const { windows } = expiry;
    const bound = this.#backward ? this.#to : this.#from;
    const window = bound.length < 0 ? undefined : expiry.windowOf(readTime(bound.bytes, 0));
    const first = this.#backward
      ? windows.atOrBefore(window ?? Number.POSITIVE_INFINITY)
      : windows.atOrAfter(window ?? Number.NEGATIVE_INFINITY);
    return this.#fromWindow(expiry, first);
  }

  #nextWindow(): boolean {
    const expiry = this.#expiry;
    if (expiry === undefined || this.#oneTree) return this.#end();
    const { windows } = expiry;
    return this.#fromWindow(expiry, this.#backward ? windows.before(this.#window) : windows.after(this.#window));
  }

  /** Goes to the first window from here on that holds an entry of the range. */
  #fromWindow(expiry: Expiry, start: number | undefined): boolean {
    const { windows } = expiry;
    const { ahead, table } = this.#core;
    const last = this.#backward ? this.#from : this.#to;
    const end = last.length < 0 ? undefined : expiry.windowOf(readTime(last.bytes, 0));
    for (let window = start; window !== undefined; ) {
      if (end !== undefined && (this.#backward ? window < end : window > end)) break;
      this.#window = window;
      this.#key.setWindowed(window, this.#operatorKey.bytes, 0, this.#operatorKey.length);
      this.#key.hint = 0;
      if (this.#keyIn === ahead.bytes)
        this.#key.hint = ahead.of(window).hint(table, kinds.data, this.#keyAt, this.#key.bytes);
      if (this.#seekFirst()) return true;
      window = this.#backward ? windows.before(window) : windows.after(window);
    }
    return this.#end();
  }

  // ---- within a tree

  #seekFirst(): boolean {
    this.#target.take(this.#backward ? this.#to : this.#from);
    return this.#seek(true);
  }

  /** Goes to the first entry at or behind the target, backward to the last one before it; an open target is the tree's
   *  end. `inclusive` false: forward, the target itself is left out. */
  #seek(inclusive: boolean): boolean {
    let isIncluded = inclusive;
    while (this.#descend()) {
      const index = this.#indexIn(this.#page, isIncluded);
      if (index >= this.#first && index < this.#stop) return this.#landed(index);
      const isLast = this.#backward ? this.#first > 0 : this.#stop < this.#page.count;
      if (isLast || this.#fence.length < 0) break;
      this.#target.take(this.#fence);
      isIncluded = true;
    }
    return false;
  }

  #indexIn(page: Page, isIncluded: boolean): number {
    const { bytes, length } = this.#target;
    if (this.#backward) return (length < 0 ? page.count : page.lowerBound(bytes, 0, length)) - 1;
    if (length < 0) return 0;
    return isIncluded ? page.lowerBound(bytes, 0, length) : page.upperBound(bytes, 0, length);
  }

  #landed(index: number): boolean {
    this.#state = 'on';
    this.#index = index;
    this.valueBytes = this.#page.bytes;
    this.#show(index);
    this.#register();
    return true;
  }

  /** Views the page of level 0 where the target lies, and notes the fence behind it. */
  #descend(): boolean {
    const page = this.#page;
    const key = this.#key;
    const { bytes, length } = this.#target;
    this.#fence.length = -1;
    this.#address = this.#source.view(page, kinds.data, key.bytes, key.length, key.hint);
    if (this.#address === 0) return false;
    while (page.level > 0) {
      let index = this.#backward ? page.count - 1 : 0;
      if (length >= 0) {
        const count = this.#backward ? page.lowerBound(bytes, 0, length) : page.upperBound(bytes, 0, length);
        index = Math.max(0, count - 1);
      }
      const fence = this.#backward ? index : index + 1;
      if (fence > 0 && fence < page.count) {
        page.at(fence);
        this.#fence.set(page.bytes, page.orderStart, page.orderEnd);
      }
      const number = page.numberAt(index);
      assert(number !== firstPage, 'a page refers to the first one');
      this.#address = this.#source.view(page, kinds.page, key.bytes, key.page(number), 0);
      if (this.#address === 0) throw this.#core.stored.noted(missingPage());
    }
    const from = this.#from;
    const to = this.#to;
    this.#first = from.length < 0 ? 0 : page.lowerBound(from.bytes, 0, from.length);
    this.#stop = to.length < 0 ? page.count : page.lowerBound(to.bytes, 0, to.length);
    return true;
  }

  // ---- changes of the store

  release(address: number): void {
    if (this.#state === 'on' && this.#address === address) this.leave();
  }

  /** Copies the entry under the cursor; `next` looks for its place again. */
  leave(): void {
    if (this.#state !== 'on') return;
    const { valueBytes, orderStart, orderEnd, valueStart, valueEnd } = this;
    this.#place.set(valueBytes, orderStart, orderEnd);
    const length = valueEnd - orderStart;
    if (length > this.#copy.length) this.#copy = new Uint8Array(length * 2);
    copyBytes(valueBytes, orderStart, valueEnd, this.#copy, 0);
    this.valueBytes = this.#copy;
    this.orderStart = 0;
    this.orderEnd = orderEnd - orderStart;
    this.valueStart = valueStart - orderStart;
    this.valueEnd = length;
    this.#state = 'after';
    this.#unregister();
  }

  /** The transaction ends: there is no next entry. */
  endTransaction(): void {
    this.leave();
    if (this.#state !== 'done') this.#state = 'ended';
  }

  #register(): void {
    if (this.#registered || this.#address === isCopy) return;
    this.#registered = true;
    this.#core.readers.push(this);
  }

  #unregister(): void {
    if (!this.#registered) return;
    this.#registered = false;
    const { readers } = this.#core;
    readers.splice(readers.indexOf(this), 1);
  }
}
