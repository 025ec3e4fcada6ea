/**
 * A cursor over the entries of one key in an ordered store with a retention time: those in pages, and those that were
 * appended of late (`recent-entries.ts`), all of which are newer. So one follows the other, and a range that begins
 * behind the newest page looks nothing up there.
 *
 * As the other cursor (`order-cursor.ts`), it reads the open transaction, where entries lie, or copies of what is
 * committed.
 */

import { assert, compareBytes, copyBytes } from '../../base/index.ts';
import { readTime, timeBytes } from './layout.ts';
import { Bound, type OrderCursor, type TimedCalls } from './order-cursor.ts';
import { Positions, type RecentView } from './recent-view.ts';
import type { OrderedCursor } from './store.ts';

const orderBytes = timeBytes + 4;
const noBytes = new Uint8Array(0);

/** Times of the entries that are in pages. */
export interface PageTimes {
  /** None of them is later. */
  newest(): number;
  /** Times before have expired. */
  expiredBelow(): number;
}

/** The entry under the cursor, where it is a recent one. */
class EntryView {
  valueBytes: Uint8Array = new Uint8Array(0);
  orderStart = 0;
  orderEnd = 0;
  valueStart = 0;
  valueEnd = 0;
}

/**
 * - `done`: there is no (further) entry
 * - `timed`: before the first entry, and the way there is timed
 * - `pages`, `recent`: where the next one is looked for first
 * - `ended`: the transaction of the cursor has ended
 */
type State = 'done' | 'timed' | 'pages' | 'recent' | 'ended';

export class LiveCursor implements OrderedCursor {
  readonly #pages: OrderCursor;
  readonly #recent: RecentView;
  readonly #times: PageTimes;
  readonly #copies: boolean;
  readonly #calls: TimedCalls | undefined;
  #state: State = 'done';
  /** The range is of times, and its bytes are not in `#key`, `#from` and `#to` yet. */
  #ofTimes = false;
  #lentKey: Uint8Array = noBytes;
  #lentStart = 0;
  #lentEnd = 0;
  #firstTime = 0;
  #lastTime = 0;
  /** What comes behind `timed`. */
  #begun: State = 'done';
  #backward = false;
  readonly #key = new Bound();
  readonly #from = new Bound();
  readonly #to = new Bound();
  /** The recent entries of the range, ascending, once they are collected. */
  readonly #found = new Positions();
  #collected = false;
  /** As of this version of them the cursor began, or went over to the recent ones. */
  #version = 0;
  /** What was the newest time in pages then. */
  #newest = Number.NaN;
  /** Those from here on are visited, backward those before. */
  #index = 0;
  #end = 0;
  readonly #view = new EntryView();
  #at: OrderCursor | EntryView;
  /** There is an entry under the cursor; `#copied`: a recent one, as a copy. */
  #shown = false;
  #copied = false;
  #copy = new Uint8Array(256);

  /** `copies`: entries under the cursor are copied. `calls`: where calls may be timed. */
  constructor(pages: OrderCursor, recent: RecentView, times: PageTimes, copies: boolean, calls?: TimedCalls) {
    this.#pages = pages;
    this.#at = pages;
    this.#recent = recent;
    this.#times = times;
    this.#copies = copies;
    this.#calls = calls;
  }

  get valueBytes(): Uint8Array {
    return this.#at.valueBytes;
  }

  get orderStart(): number {
    return this.#at.orderStart;
  }

  get orderEnd(): number {
    return this.#at.orderEnd;
  }

  get valueStart(): number {
    return this.#at.valueStart;
  }

  get valueEnd(): number {
    return this.#at.valueEnd;
  }

  fetch(key: Uint8Array, start: number, end: number, from?: Uint8Array, to?: Uint8Array): void {
    this.#open(key, start, end, from, to, false);
  }

  fetchBackward(key: Uint8Array, start: number, end: number, from?: Uint8Array, to?: Uint8Array): void {
    this.#open(key, start, end, from, to, true);
  }

  fetchTimes(key: Uint8Array, start: number, end: number, from: number, to: number): void {
    const newest = this.#times.newest();
    this.#ofTimes = true;
    this.#lentKey = key;
    this.#lentStart = start;
    this.#lentEnd = end;
    this.#firstTime = from;
    this.#lastTime = to;
    if (from <= newest || this.#calls?.times !== undefined) {
      this.#writeTimes();
      this.#open(key, start, end, this.#from.view(), this.#to.view(), false);
      return;
    }
    // All in the range are recent: nothing has to be kept for pages.
    this.#backward = this.#shown = false;
    this.#newest = newest;
    this.#takeVersion();
    this.#state = 'recent';
    const below = this.#times.expiredBelow();
    this.#recent.collect(key, start, end, from > below ? from : below, to, this.#found);
    this.#index = 0;
    this.#end = this.#found.count;
    this.#collected = true;
  }

  /** Writes the range of times that was asked for. */
  #writeTimes(): void {
    this.#ofTimes = false;
    this.#key.set(this.#lentKey, this.#lentStart, this.#lentEnd);
    this.#from.setTime(this.#firstTime);
    this.#to.setTime(this.#lastTime + 1);
  }

  #open(
    key: Uint8Array,
    start: number,
    end: number,
    from: Uint8Array | undefined,
    to: Uint8Array | undefined,
    backward: boolean,
  ): void {
    assert(
      (from === undefined || from.length >= timeBytes) && (to === undefined || to.length >= timeBytes),
      'a bound of an ordered store that expires begins with a time',
    );
    this.#ofTimes = false;
    this.#key.set(key, start, end);
    if (from === undefined) this.#from.length = -1;
    else this.#from.set(from, 0, from.length);
    if (to === undefined) this.#to.length = -1;
    else this.#to.set(to, 0, to.length);
    this.#backward = backward;
    this.#shown = false;
    this.#begin(key, start, end, from, to);
    if (this.#calls?.times === undefined) return;
    this.#begun = this.#state;
    this.#state = 'timed';
  }

  #begin(key: Uint8Array, start: number, end: number, from: Uint8Array | undefined, to: Uint8Array | undefined): void {
    const newest = this.#times.newest();
    this.#newest = newest;
    this.#takeVersion();
    const inPages = this.#fromTime() <= newest;
    if (inPages) {
      if (this.#backward) this.#pages.fetchBackward(key, start, end, from, to);
      else this.#pages.fetch(key, start, end, from, to);
    }
    if (this.#backward) this.#state = this.#toTime() > newest ? 'recent' : inPages ? 'pages' : 'done';
    else this.#state = inPages ? 'pages' : 'recent';
  }

  #takeVersion(): void {
    this.#version = this.#recent.version;
    this.#collected = false;
  }

  #fromTime(): number {
    const { bytes, length } = this.#from;
    return length < 0 ? Number.NEGATIVE_INFINITY : readTime(bytes, 0);
  }

  #toTime(): number {
    const { bytes, length } = this.#to;
    return length < 0 ? Number.POSITIVE_INFINITY : readTime(bytes, 0);
  }

  next(): boolean {
    assert(this.#state !== 'ended', 'a cursor is used after the end of its transaction');
    if (this.#state === 'recent') return this.#nextRecent();
    if (this.#state === 'done') return false;
    if (this.#state === 'timed') return this.#timedFirst();
    if (this.#pages.next()) {
      this.#at = this.#pages;
      this.#shown = true;
      return true;
    }
    if (this.#backward) {
      this.#state = 'done';
      return false;
    }
    // Recent entries may have gone into pages that were visited before.
    if (this.#newest !== this.#times.newest()) {
      this.#beginAgain();
      return this.next();
    }
    this.#state = 'recent';
    this.#takeVersion();
    return this.#nextRecent();
  }

  #timedFirst(): boolean {
    this.#state = this.#begun;
    const calls = this.#calls as TimedCalls;
    return calls.timed('range', () => this.next());
  }

  #nextRecent(): boolean {
    if (this.#version !== this.#recent.version) {
      // Entries have come or gone, into pages maybe.
      this.#beginAgain();
      if (this.#state !== 'recent') return this.next();
    }
    if (!this.#collected) this.#collect();
    if (this.#index === this.#end) {
      if (this.#backward && this.#fromTime() <= this.#times.newest()) {
        this.#state = 'pages';
        return this.next();
      }
      this.#state = 'done';
      return false;
    }
    this.#show(this.#found.items[this.#backward ? --this.#end : this.#index++] as number);
    return true;
  }

  /** Begins again behind the entry under the cursor. */
  #beginAgain(): void {
    if (this.#ofTimes) this.#writeTimes();
    if (this.#shown) {
      const { valueBytes, orderStart, orderEnd } = this.#at;
      if (this.#backward) this.#to.set(valueBytes, orderStart, orderEnd);
      else this.#from.setBehind(valueBytes, orderStart, orderEnd);
    }
    this.#begin(this.#key.bytes, 0, this.#key.length, this.#from.view(), this.#to.view());
  }

  #collect(): void {
    const recent = this.#recent;
    const found = this.#found;
    const { bytes, length } = this.#key;
    const from = this.#fromTime();
    const below = this.#times.expiredBelow();
    recent.collect(bytes, 0, length, from > below ? from : below, this.#toTime(), found);
    let index = 0;
    let end = found.count;
    // Bounds may be longer than a time.
    while (index < end && this.#from.length > timeBytes && this.#compareAt(index, this.#from) < 0) index++;
    while (index < end && this.#to.length >= 0 && this.#compareAt(end - 1, this.#to) >= 0) end--;
    this.#index = index;
    this.#end = end;
    this.#collected = true;
  }

  #compareAt(index: number, bound: Bound): number {
    const recent = this.#recent;
    recent.at(this.#found.items[index] as number);
    return compareBytes(recent.bytes, recent.orderStart, recent.orderStart + orderBytes, bound.bytes, 0, bound.length);
  }

  #show(position: number): void {
    const recent = this.#recent;
    const view = this.#view;
    recent.at(position);
    view.valueBytes = recent.bytes;
    view.orderStart = recent.orderStart;
    view.orderEnd = recent.orderStart + orderBytes;
    view.valueStart = recent.valueStart;
    view.valueEnd = recent.valueEnd;
    this.#at = view;
    this.#shown = true;
    this.#copied = false;
    if (this.#copies) this.leave();
  }

  // ---- changes of the store

  /** Copies the entry under the cursor, which is about to change. */
  leave(): void {
    this.#pages.leave();
    if (this.#at !== this.#view || this.#copied) return;
    const view = this.#view;
    const { valueBytes, orderStart, valueStart, valueEnd } = view;
    const length = valueEnd - orderStart;
    if (length > this.#copy.length) this.#copy = new Uint8Array(length * 2);
    copyBytes(valueBytes, orderStart, valueEnd, this.#copy, 0);
    view.valueBytes = this.#copy;
    view.orderStart = 0;
    view.orderEnd = orderBytes;
    view.valueStart = valueStart - orderStart;
    view.valueEnd = length;
    this.#copied = true;
  }

  /** The transaction ends: there is no next entry. */
  endTransaction(): void {
    this.leave();
    this.#pages.endTransaction();
    if (this.#state !== 'done') this.#state = 'ended';
  }
}
