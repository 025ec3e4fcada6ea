/** How cursors see recent entries (`recent-entries.ts`): as the open transaction does, or as they are committed. */

import { ByteWriter } from '../../base/index.ts';
import { orderBytes } from './recent-segment.ts';

/** Positions of entries, in an array that is used again. */
export class Positions {
  items = new Int32Array(16);
  count = 0;

  add(position: number): void {
    if (this.count === this.items.length) {
      const items = new Int32Array(this.count * 2);
      items.set(this.items);
      this.items = items;
    }
    this.items[this.count++] = position;
  }

  reverse(): void {
    const { items } = this;
    for (let i = 0, j = this.count - 1; i < j; i++, j--) {
      const position = items[i] as number;
      items[i] = items[j] as number;
      items[j] = position;
    }
  }
}

/** Recent entries, as the open transaction sees them or as they are committed. */
export interface RecentView {
  /** Raised by all that changes which entries there are; by the store where a later one is put into pages. */
  readonly version: number;
  /** The entry that `at` came to: in `bytes`, its order before its value. */
  readonly bytes: Uint8Array;
  readonly orderStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** Comes to the entry of a position. */
  at(position: number): void;
  /** Collects the entries of a key with `from` <= time <= `to`, ascending by time and sequence. */
  collect(key: Uint8Array, start: number, end: number, from: number, to: number, found: Positions): void;
}

/** A value that a committed entry had before the open transaction overwrote it; it is as long as the one of now. */
export interface ValueBefore {
  readonly bytes: Uint8Array;
  readonly start: number;
}

/** Where the open transaction's view and the values before come from. */
interface RecentSource extends RecentView {
  collectCommitted(key: Uint8Array, start: number, end: number, from: number, to: number, found: Positions): void;
  readonly changes: {
    /** Undefined: the entry was not overwritten. */
    valueBefore(position: number): ValueBefore | undefined;
  };
}

/** The entries as they are committed. */
export class CommittedEntries implements RecentView {
  bytes: Uint8Array = new Uint8Array(0);
  orderStart = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly #recent: RecentSource;
  readonly #copy = new ByteWriter(64);

  constructor(recent: RecentSource) {
    this.#recent = recent;
  }

  get version(): number {
    return this.#recent.version;
  }

  at(position: number): void {
    const recent = this.#recent;
    recent.at(position);
    this.bytes = recent.bytes;
    this.orderStart = recent.orderStart;
    this.valueStart = recent.valueStart;
    this.valueEnd = recent.valueEnd;
    const before = recent.changes.valueBefore(position);
    if (before === undefined) return;
    const copy = this.#copy;
    copy.reset();
    copy.bytes(recent.bytes, recent.orderStart, recent.valueStart);
    copy.bytes(before.bytes, before.start, before.start + recent.valueEnd - recent.valueStart);
    this.bytes = copy.buffer;
    this.orderStart = 0;
    this.valueStart = orderBytes;
    this.valueEnd = copy.length;
  }

  collect(key: Uint8Array, start: number, end: number, from: number, to: number, found: Positions): void {
    this.#recent.collectCommitted(key, start, end, from, to, found);
  }
}
