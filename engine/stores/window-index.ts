/**
 * The resident index of a window store: which windows there are, and for each the list of its entries in memory.
 *
 * It holds every window with an entry anywhere, in memory or in the key-value store, so that a look-up in a window that
 * never was needs no disk. It may hold a window whose last entry was deleted: those go when they expire. A window is
 * *complete* while memory holds all of its entries: one that was opened after the start and had nothing evicted.
 */

import { assert } from '../../base/index.ts';
import { EntrySum } from './entry-sum.ts';

/** A window as the key-value store has it. */
export type WindowRecord = { readonly sum: EntrySum; readonly checksum: number };

export class WindowIndex {
  /** Ascending. */
  readonly #starts: number[] = [];
  readonly #lists = new Map<number, number>();
  readonly #freeLists: number[] = [];
  readonly #complete: boolean[] = [];
  /** What the key-value store has of the window: the sum of its entries, and the checksum of the window's own record
   *  (0: none). */
  readonly #sums: EntrySum[] = [];
  readonly #checksums: number[] = [];
  /** Windows that the open transaction opened. */
  readonly #uncommitted = new Set<number>();
  #lastStart = Number.NaN;
  #lastList = -1;

  get size(): number {
    return this.#starts.length;
  }

  /** About 200 bytes for each window. */
  get bytesInMemory(): number {
    return this.#starts.length * 200;
  }

  /** The number of the window's list, or −1. */
  list(windowStart: number): number {
    if (windowStart === this.#lastStart) return this.#lastList;
    const list = this.#lists.get(windowStart) ?? -1;
    if (list >= 0) {
      this.#lastStart = windowStart;
      this.#lastList = list;
    }
    return list;
  }

  /** `record` is left out for a window that begins now: the key-value store has nothing of it. */
  add(windowStart: number, options: { complete: boolean; record?: WindowRecord; committed: boolean }): number {
    assert(!this.#lists.has(windowStart), () => `the window ${windowStart} is added twice`);
    assert(Number.isSafeInteger(windowStart), () => `a window starts at ${windowStart}`);
    const list = this.#freeLists.pop() ?? this.#lists.size;
    this.#lists.set(windowStart, list);
    this.#complete[list] = options.complete;
    this.#sums[list] = options.record?.sum ?? new EntrySum();
    this.#checksums[list] = options.record?.checksum ?? 0;
    if (!options.committed) this.#uncommitted.add(windowStart);
    // Windows mostly open in order of time.
    const last = this.#starts.at(-1);
    if (last === undefined || last < windowStart) this.#starts.push(windowStart);
    else this.#starts.splice(this.#placeOf(windowStart), 0, windowStart);
    return list;
  }

  /** How many windows start below. */
  #placeOf(windowStart: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) < windowStart) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The last window; undefined: there is none. */
  get last(): number | undefined {
    return this.#starts.at(-1);
  }

  /** The first window that starts at a time or later; undefined: there is none. */
  atOrAfter(time: number): number | undefined {
    return this.#starts[this.#placeOf(time)];
  }

  after(windowStart: number): number | undefined {
    const place = this.#placeOf(windowStart);
    return this.#starts[this.#starts[place] === windowStart ? place + 1 : place];
  }

  before(windowStart: number): number | undefined {
    return this.#starts[this.#placeOf(windowStart) - 1];
  }

  /** The last window that starts at a time or earlier. */
  atOrBefore(time: number): number | undefined {
    const place = this.#placeOf(time);
    return this.#starts[place] === time ? time : this.#starts[place - 1];
  }

  isComplete(list: number): boolean {
    return this.#complete[list] as boolean;
  }

  setIncomplete(list: number): void {
    this.#complete[list] = false;
  }

  sum(list: number): EntrySum {
    return this.#sums[list] as EntrySum;
  }

  checksum(list: number): number {
    return this.#checksums[list] as number;
  }

  setChecksum(list: number, checksum: number): void {
    this.#checksums[list] = checksum;
  }

  commit(): void {
    if (this.#uncommitted.size > 0) this.#uncommitted.clear();
  }

  /** Forgets the windows that the transaction opened. All of their entries are gone already. */
  rollback(): void {
    for (const windowStart of this.#uncommitted) {
      this.#starts.splice(this.#placeOf(windowStart), 1);
      this.#forget(windowStart);
    }
    this.#uncommitted.clear();
  }

  /** Takes the windows below out; `drop` is called with each one's list and has to empty it. */
  expireBelow(windowStart: number, drop: (list: number, windowStart: number) => void): void {
    const count = this.#placeOf(windowStart);
    if (count === 0) return;
    for (const start of this.#starts.splice(0, count)) {
      drop(this.#lists.get(start) as number, start);
      this.#forget(start);
    }
  }

  #forget(windowStart: number): void {
    this.#freeLists.push(this.#lists.get(windowStart) as number);
    this.#lists.delete(windowStart);
    this.#lastStart = Number.NaN;
    this.#lastList = -1;
  }

  committed(): number[] {
    return this.#uncommitted.size === 0
      ? this.#starts.slice()
      : this.#starts.filter((start) => !this.#uncommitted.has(start));
  }
}
