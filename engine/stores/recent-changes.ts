/**
 * What the open transaction has changed of recent entries (`recent-entries.ts`): which committed ones it has
 * overwritten or removed, with the values that they had before, and that it has moved some into pages. What it has
 * appended lies behind all that is committed.
 *
 * A committed entry that changes is marked where it lies (`states`), once, and its value before is noted where it is
 * overwritten. So committed reads find it, a commit and a rollback go through the marked ones alone, and the changelog
 * has each entry once.
 */

import { ByteWriter, copyBytes, equalBytes } from '../../base/index.ts';
import { headerBytes, type Segment, setState, stateAt, states, timeAt, unitsOfSegment } from './recent-segment.ts';
import { Positions, type RecentView, type ValueBefore } from './recent-view.ts';
import type { ChangelogAppend, CommittedValue } from './state-store.ts';
import type { OrderedVisitor } from './store.ts';

const noBytes = new Uint8Array(0);

/** Whether the store holds an entry: its key is `bytes[keyStart, orderStart)`, its order ends at `orderEnd`. */
type HoldsEntry = (bytes: Uint8Array, keyStart: number, orderStart: number, orderEnd: number) => boolean;

/** Visits an entry at a unit of a segment. */
export type VisitEntry = (position: number, segment: Segment, unit: number) => void;

/** The entries themselves. */
interface Entries extends RecentView {
  readonly keyStart: number;
  /** Positions before are gone: expired, or in pages. */
  readonly first: number;
  /** Those of committed entries are gone for the open transaction, and are kept until it ends. */
  readonly firstKept: number;
  /** Entries from here on are not committed. */
  readonly committedEnd: number;
  segmentOf(position: number): Segment;
  /** Visits all from a position on. */
  walk(from: number, visit: VisitEntry): void;
}

export class RecentChanges {
  /** Some have gone into pages. */
  haveMoved = false;
  readonly #entries: Entries;
  /** Committed ones that are marked. */
  readonly #touched = new Positions();
  /** Where the values before begin, by position. */
  readonly #starts = new Map<number, number>();
  readonly #before = new ByteWriter(64);

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  /** Of committed entries that are marked. */
  get count(): number {
    return this.#touched.count;
  }

  get bytesInMemory(): number {
    return this.#before.buffer.length;
  }

  get bytesUsed(): number {
    return this.#before.length;
  }

  // ---- noting

  /** The value of a committed entry is about to be overwritten. */
  beforeUpdate(position: number): void {
    const entries = this.#entries;
    const segment = entries.segmentOf(position);
    if (stateAt(segment, position) !== states.there) return;
    setState(segment, position, states.updated);
    this.#touched.add(position);
    this.#starts.set(position, this.#before.length);
    entries.at(position);
    this.#before.bytes(entries.bytes, entries.valueStart, entries.valueEnd);
  }

  /** Removes a committed entry. */
  remove(position: number): void {
    const segment = this.#entries.segmentOf(position);
    if (stateAt(segment, position) === states.there) this.#touched.add(position);
    setState(segment, position, states.removing);
  }

  /** The value that a committed entry had before it was overwritten; undefined: it was not. */
  valueBefore(position: number): ValueBefore | undefined {
    const start = this.#starts.get(position);
    return start === undefined ? undefined : { bytes: this.#before.buffer, start };
  }

  // ---- handing out

  /** Hands out all changes but those of before a time; each entry once. Removed ones that the store has again,
   *  elsewhere, are left out. */
  write(from: number, holds: HoldsEntry, append: ChangelogAppend): void {
    const entries = this.#entries;
    this.#visitTouched(from, holds, (nameStart, isThere, position) => {
      const { bytes, valueStart, valueEnd } = entries;
      const { view } = entries.segmentOf(position);
      if (isThere) append(bytes, nameStart, valueStart, bytes, valueStart, valueEnd, view);
      else append(bytes, nameStart, valueStart, noBytes, -1, -1);
    });
    entries.walk(this.#firstAppended, (_, { bytes, view, words, numbers }, unit) => {
      const word = unit << 1;
      if (words[word + 3] !== states.there || (numbers[unit + 2] as number) < from) return;
      const name = (unit << 3) + headerBytes;
      const value = name + (words[word + 1] as number);
      append(bytes, name, value, bytes, value, value + (words[word + 2] as number), view);
    });
  }

  /** The same, with what they were before. */
  visit(from: number, holds: HoldsEntry, committed: CommittedValue, visit: OrderedVisitor): void {
    const entries = this.#entries;
    this.#visitTouched(from, holds, (_, isThere, position) => {
      const { bytes, keyStart, orderStart, valueStart, valueEnd } = entries;
      const { bytes: before, start } = this.valueBefore(position) ?? { bytes, start: valueStart };
      const end = start + valueEnd - valueStart;
      if (isThere) visit(bytes, keyStart, orderStart, valueStart, before, start, end, bytes, valueStart, valueEnd);
      else visit(bytes, keyStart, orderStart, valueStart, before, start, end, noBytes, -1, -1);
    });
    entries.walk(this.#firstAppended, (position, { words, numbers }, unit) => {
      if (words[(unit << 1) + 3] !== states.there || (numbers[unit + 2] as number) < from) return;
      entries.at(position);
      const { bytes, keyStart, orderStart, valueStart, valueEnd } = entries;
      // One of this order may have been removed before.
      const before = this.count === 0 ? undefined : committed(bytes, keyStart, orderStart, valueStart);
      if (before === undefined)
        visit(bytes, keyStart, orderStart, valueStart, noBytes, -1, -1, bytes, valueStart, valueEnd);
      else if (!equalBytes(before, 0, before.length, bytes, valueStart, valueEnd))
        visit(bytes, keyStart, orderStart, valueStart, before, 0, before.length, bytes, valueStart, valueEnd);
    });
  }

  /** Where what the transaction has appended, and what is not gone of it, begins. */
  get #firstAppended(): number {
    const { committedEnd, first } = this.#entries;
    return Math.max(committedEnd, first);
  }

  /** Comes to the committed entries that were changed, and are not in pages now, or are removed. */
  #visitTouched(
    from: number,
    holds: HoldsEntry,
    visit: (nameStart: number, isThere: boolean, position: number) => void,
  ): void {
    const entries = this.#entries;
    const { first, firstKept, committedEnd } = entries;
    for (let i = 0; i < this.count; i++) {
      const position = this.#touched.items[i] as number;
      const segment = entries.segmentOf(position);
      if (timeAt(segment, position) < from) continue;
      const isRemoved = stateAt(segment, position) === states.removing;
      if (isRemoved ? this.#isHeld(position, holds) : position < first || this.#isSame(position)) continue;
      entries.at(position);
      visit(nameAt(position), !isRemoved, position);
    }
    if (!this.haveMoved) return;
    // Those that have gone into pages may have been removed there.
    const end = Math.min(first, committedEnd);
    entries.walk(firstKept, (position, { words, numbers }, unit) => {
      if (position >= end || (numbers[unit + 2] as number) < from) return;
      if ((words[(unit << 1) + 3] as number) > states.updated || this.#isHeld(position, holds)) return;
      entries.at(position);
      visit(nameAt(position), false, position);
    });
  }

  #isHeld(position: number, holds: HoldsEntry): boolean {
    const entries = this.#entries;
    entries.at(position);
    return holds(entries.bytes, entries.keyStart, entries.orderStart, entries.valueStart);
  }

  /** Whether an entry that was overwritten has the value of before. */
  #isSame(position: number): boolean {
    const before = this.valueBefore(position);
    if (before === undefined) return false;
    const entries = this.#entries;
    entries.at(position);
    const { bytes, valueStart, valueEnd } = entries;
    return equalBytes(before.bytes, before.start, before.start + valueEnd - valueStart, bytes, valueStart, valueEnd);
  }

  // ---- the end of the transaction

  /** What is marked is committed as it is now. */
  commit(): void {
    for (let i = 0; i < this.count; i++) {
      const position = this.#touched.items[i] as number;
      const segment = this.#entries.segmentOf(position);
      const isRemoved = stateAt(segment, position) === states.removing;
      setState(segment, position, isRemoved ? states.removed : states.there);
    }
  }

  /** What is marked is there again, as it was. */
  rollback(): void {
    const entries = this.#entries;
    for (let i = 0; i < this.count; i++) {
      const position = this.#touched.items[i] as number;
      setState(entries.segmentOf(position), position, states.there);
      const before = this.valueBefore(position);
      if (before === undefined) continue;
      entries.at(position);
      const { bytes, valueStart, valueEnd } = entries;
      copyBytes(before.bytes, before.start, before.start + valueEnd - valueStart, bytes, valueStart);
    }
  }

  /** Forgets what was noted. */
  end(): void {
    this.haveMoved = false;
    this.#touched.count = 0;
    if (this.#starts.size > 0) this.#starts.clear();
    this.#before.reset();
  }
}

/** Where the name of an entry begins in its segment. */
const nameAt = (position: number): number => ((position & (unitsOfSegment - 1)) << 3) + headerBytes;
