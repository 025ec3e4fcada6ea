/**
 * The newest entries of an ordered store with a retention time: those that were appended, and are newer than all in its
 * pages. They lie in the order of arrival, one behind the other, chained per key, and stay here over commits until they
 * have expired, or the store moves them into pages (`ordered-store.ts` has when).
 *
 *   segments  of entries (`recent-segment.ts`); a position counts their units from the first segment on, 0 is none
 *   slot      hash · position of the last entry whose key has this hash · the latest time of that chain (f64)
 *
 * A chain is that of a hash: who walks it compares keys. So an append reads nothing but its slot, and a fetch ends
 * where the chain holds no later time. What the next rows of a block will find is brought into the processor's cache
 * together (`look-ahead.ts`). Segments leave in the order in which they were filled, once all in them has
 * expired: what comes before a position that is gone is gone as well.
 *
 * What is committed ends at a position; behind it lies what the open transaction has appended. What that has done to
 * committed ones is noted (`recent-changes.ts`). A segment with committed entries that leaves within a transaction is
 * kept, for committed reads and for a rollback, until that ends. So a commit touches only entries that the transaction
 * has changed; a rollback, which is rare, reads all that is committed.
 */

import { copyBytes, copyViewed, readU32, writeI32 } from '../../base/index.ts';
import type { FlatTable } from './flat-table.ts';
import { kinds, timeBytes, writeTime } from './layout.ts';
import type { KeysAhead, LookAhead } from './look-ahead.ts';
import { RecentChanges, type VisitEntry } from './recent-changes.ts';
import {
  firstUnit,
  hasKey,
  headerBytes,
  hole,
  isFrom,
  keyBytes,
  nameBytes,
  newSegment,
  noTime,
  orderBytes,
  type Segment,
  segmentBytes,
  setState,
  states,
  timeAt,
  unitBits,
  unitsOf,
  unitsOfSegment,
  writeNameStart,
} from './recent-segment.ts';
import { CommittedEntries, Positions, type RecentView } from './recent-view.ts';

/** Segments that one transaction may fill. */
const mostOpenSegments = 128;
/** Segments that positions count: those behind all of them have 31 bits too. They begin again when nothing is here. */
export const mostSegments = (1 << (31 - unitBits)) - 1;
const fewestSlots = 64;
const noBytes = new Uint8Array(0);

/** Takes an entry; its order has 12 bytes and begins with its time. The bytes are lent until the call returns. */
export type TakeEntry = (
  bytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  orderStart: number,
  valueStart: number,
  valueEnd: number,
) => void;

/** Takes the key of an entry, and the rest of it in view. */
type TakeCommitted = (key: Uint8Array, keyStart: number, keyEnd: number, entry: RecentView) => void;

/** The store that they belong to. */
interface OwningStore {
  /** Whose hash of keys is taken. */
  readonly table: FlatTable;
  readonly ahead: LookAhead;
  /** Of the last commit. */
  readonly position: number | undefined;
  readonly logged: number;
  readonly memory: { afterGrowth(bytes: number): void };
}

export class RecentEntries implements RecentView, KeysAhead {
  /** Entries that are there, those included that have expired and whose segment has not. */
  count = 0;
  version = 0;
  /** No entry since the last time that there were none has a later time. */
  latest = noTime;
  bytes: Uint8Array = noBytes;
  keyStart = 0;
  orderStart = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Entries that came after the time that was looked for, and that fetches had to walk past; since the last commit. */
  passed = 0;
  /** Entries from this position on are not committed. */
  committedEnd = 0;
  /** What the open transaction has changed. */
  readonly changes: RecentChanges;
  /** What is committed. */
  readonly committed: RecentView;

  readonly #store: OwningStore;
  /** From the segment `#base` on; those before `#gone` are kept for the end of the transaction. */
  #segments: Segment[] = [];
  #base = 0;
  #gone = 0;
  readonly #spare: Segment[] = [];
  /** Where the next entry goes, in the last segment. */
  #unit = unitsOfSegment;
  /** Four words each. */
  #slots = new Int32Array(fewestSlots * 4);
  /** The same memory. */
  #latest = new Float64Array(this.#slots.buffer);
  #taken = 0;
  /** The open transaction has appended to segments that are gone. */
  #hasHoles = false;
  /** Of the segments before `#gone`, those that are kept. */
  #kept = 0;
  /** Of the open transaction: segments that it has opened, those of them that are in use, and bytes in those. */
  #opened = 0;
  #openSegments = 0;
  #openBytes = 0;
  #open = 0;
  #value: Uint8Array = noBytes;
  #valueView = new DataView(this.#value.buffer);
  readonly #moved = new Positions();
  readonly #ahead = new Positions();
  /** Only so that what is read by `touch` is not left out. */
  touched = 0;

  /** `firstSegment`: positions begin with it until nothing is here. */
  constructor(store: OwningStore, firstSegment = 0) {
    this.#store = store;
    this.#base = this.#gone = firstSegment;
    this.changes = new RecentChanges(this);
    this.committed = new CommittedEntries(this);
  }

  get bytesInMemory(): number {
    const segments = this.segments + this.#kept + this.#spare.length;
    return segments * segmentBytes + this.#slots.length * 4 + this.changes.bytesInMemory;
  }

  /** Of what is there. */
  get segments(): number {
    return this.#base + this.#segments.length - this.#gone;
  }

  /** Positions before are gone. */
  get first(): number {
    return this.#gone << unitBits;
  }

  /** What is gone, and was committed, is kept from this position on. */
  get firstKept(): number {
    return this.#base << unitBits;
  }

  /** Of the open transaction. */
  get bytesUsed(): number {
    return this.#openBytes + this.#kept * segmentBytes + this.changes.bytesUsed;
  }

  /** Segments that the open transaction has filled, or begun. */
  get filled(): number {
    return this.#openSegments;
  }

  /** Entries that the open transaction has changed, or more. */
  get changed(): number {
    return this.#open + this.changes.count;
  }

  /** The position of the store and its number of changelog records before which nothing is here; undefined: nothing is
   *  here that was committed. */
  get since(): { readonly position: number; readonly records: number } | undefined {
    return this.committedEnd === 0 ? undefined : this.#segments[0];
  }

  // ---- adding

  /** Adds an entry behind those of its time; its value is the byte `first`, where that is not −1, and the bytes given.
   *  Answers with its sequence. −1, and nothing changes: there is no room. */
  append(
    key: Uint8Array,
    start: number,
    end: number,
    time: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    first = -1,
  ): number {
    const keyLength = end - start;
    const nameLength = nameBytes(keyLength);
    const valueLength = valueEnd - valueStart + (first < 0 ? 0 : 1);
    const units = unitsOf(nameLength, valueLength);
    if (this.#unit + units > unitsOfSegment && !this.#openSegment(units)) return -1;
    if (this.#taken * 6 >= this.#slots.length) this.#grow();
    // Of the rows ahead no entry is read.
    const hash = this.#hash(key, start, end, Number.POSITIVE_INFINITY);
    const slot = this.#slotOf(hash);
    const slots = this.#slots;
    // It may be gone: then so is the whole chain, and who walks it stops there.
    const before = slots[slot * 4 + 1] as number;
    if (before === 0) {
      slots[slot * 4] = hash;
      this.#taken++;
    }
    const latest = before === 0 ? noTime : (this.#latest[slot * 2 + 1] as number);
    const sequence = time > latest ? 0 : this.#sequenceBehind(before, key, start, end, time);

    const segment = this.#segments[this.#segments.length - 1] as Segment;
    const { bytes, view, words, numbers } = segment;
    const unit = this.#unit;
    const word = unit << 1;
    words[word] = before;
    words[word + 1] = nameLength;
    words[word + 2] = valueLength;
    words[word + 3] = states.there;
    numbers[unit + 2] = time;
    numbers[unit + 3] = latest;
    const keyAt = writeNameStart(bytes, (unit << 3) + headerBytes, keyLength);
    copyBytes(key, start, end, bytes, keyAt);
    const order = keyAt + keyLength;
    writeTime(bytes, order, time);
    writeI32(bytes, order + timeBytes, sequence);
    if (value !== this.#value) {
      this.#value = value;
      this.#valueView = new DataView(value.buffer, value.byteOffset, value.byteLength);
    }
    let valueAt = order + orderBytes;
    if (first >= 0) bytes[valueAt++] = first;
    copyViewed(value, this.#valueView, valueStart, valueEnd, bytes, view, valueAt);

    slots[slot * 4 + 1] = ((this.#base + this.#segments.length - 1) << unitBits) | unit;
    this.#latest[slot * 2 + 1] = time > latest ? time : latest;
    this.#unit = unit + units;
    segment.end = this.#unit;
    if (time < segment.earliest) segment.earliest = time;
    if (time > segment.latest) segment.latest = time;
    segment.count++;
    segment.open++;
    if (time > this.latest) this.latest = time;
    this.count++;
    this.version++;
    this.#open++;
    this.#openBytes += units * 8;
    return sequence;
  }

  #openSegment(units: number): boolean {
    const index = this.#base + this.#segments.length;
    const first = firstUnit(index);
    if (first + units > unitsOfSegment || this.#openSegments === mostOpenSegments) return false;
    if (index >= mostSegments) return false;
    const spare = this.#spare.pop();
    const segment = spare ?? newSegment(segmentBytes);
    segment.end = first;
    segment.earliest = Number.POSITIVE_INFINITY;
    segment.latest = noTime;
    segment.count = segment.open = 0;
    segment.position = this.#store.position ?? 0;
    segment.records = this.#store.logged;
    this.#segments.push(segment);
    this.#opened++;
    this.#openSegments++;
    this.#unit = first;
    if (spare === undefined) this.#store.memory.afterGrowth(segmentBytes);
    return true;
  }

  /** The hash of a key; of the rows ahead entries from a time on are about to be read. */
  #hash(key: Uint8Array, start: number, end: number, from: number): number {
    const { table, ahead } = this.#store;
    if (key !== ahead.bytes) return table.hash(kinds.data, key, start, end);
    return ahead.ofKeys.keyHash(table, this, this.count, key, start, end, from);
  }

  touch(_table: FlatTable, hashes: Int32Array, count: number, from: number): void {
    const slots = this.#slots;
    const mask = (slots.length >>> 2) - 1;
    let seen = 0;
    for (let i = 0; i < count; i++) seen ^= slots[((hashes[i] as number) & mask) * 4] as number;
    this.touched = seen;
    if (from < Number.POSITIVE_INFINITY) this.#touchEntries(hashes, count, from);
  }

  /** Of the last two entries of each chain. */
  #touchEntries(hashes: Int32Array, count: number, from: number): void {
    const slots = this.#slots;
    const latest = this.#latest;
    const found = this.#ahead;
    const { first } = this;
    found.count = 0;
    for (let i = 0; i < count; i++) {
      const slot = this.#slotOf(hashes[i] as number);
      const position = slots[slot * 4 + 1] as number;
      if (isFrom(position, first) && (latest[slot * 2 + 1] as number) >= from) found.add(position);
    }
    const last = found.count;
    this.#touchFound(0, last);
    for (let i = 0; i < last; i++) {
      const position = found.items[i] as number;
      const { words, numbers } = this.segmentOf(position);
      const unit = position & (unitsOfSegment - 1);
      const before = words[unit << 1] as number;
      if (isFrom(before, first) && (numbers[unit + 3] as number) >= from) found.add(before);
    }
    this.#touchFound(last, found.count);
  }

  /** The first 192 bytes of each: what lies behind is read in its order. No branch depends on what is read, since that
   *  would be waited for. */
  #touchFound(from: number, to: number): void {
    const { items } = this.#ahead;
    let seen = 0;
    for (let i = from; i < to; i++) {
      const position = items[i] as number;
      const { words } = this.segmentOf(position);
      const word = (position & (unitsOfSegment - 1)) << 1;
      seen ^= words[word] as number;
      if (word + 32 < words.length) seen ^= (words[word + 16] as number) ^ (words[word + 32] as number);
    }
    this.touched ^= seen;
  }

  /** The slot of a hash, or the empty one where it belongs. */
  #slotOf(hash: number): number {
    const slots = this.#slots;
    const mask = (slots.length >>> 2) - 1;
    let slot = hash & mask;
    while ((slots[slot * 4 + 1] as number) !== 0 && slots[slot * 4] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  /** Makes room for more slots, unless leaving out the chains that are gone is enough. */
  #grow(): void {
    const slots = this.#slots;
    const latest = this.#latest;
    const first = this.firstKept;
    let live = 0;
    for (let at = 1; at < slots.length; at += 4) if (isFrom(slots[at] as number, first)) live++;
    this.#renewSlots(live * 12 > slots.length ? slots.length * 2 : slots.length);
    this.#taken = live;
    for (let at = 0; at < slots.length; at += 4) {
      const position = slots[at + 1] as number;
      if (!isFrom(position, first)) continue;
      const slot = this.#slotOf(slots[at] as number);
      this.#slots[slot * 4] = slots[at] as number;
      this.#slots[slot * 4 + 1] = position;
      this.#latest[slot * 2 + 1] = latest[(at >>> 1) + 1] as number;
    }
  }

  #renewSlots(words: number): void {
    this.#slots = new Int32Array(words);
    this.#latest = new Float64Array(this.#slots.buffer);
  }

  segmentOf(position: number): Segment {
    return this.#segments[(position >>> unitBits) - this.#base] as Segment;
  }

  /** The sequence behind the entries of a key and time in a chain. */
  #sequenceBehind(last: number, key: Uint8Array, start: number, end: number, time: number): number {
    const first = this.first;
    for (let position = last; isFrom(position, first); ) {
      const { bytes, words, numbers } = this.segmentOf(position);
      const unit = position & (unitsOfSegment - 1);
      const word = unit << 1;
      // Of one time the last that came has the largest sequence.
      const isThere = (words[word + 3] as number) <= states.updated;
      if (numbers[unit + 2] === time && isThere && hasKey(bytes, words, unit, key, start, end))
        return readU32(bytes, (unit << 3) + headerBytes + (words[word + 1] as number) - 4) + 1;
      if ((numbers[unit + 3] as number) < time) return 0;
      position = words[word] as number;
    }
    return 0;
  }

  // ---- finding

  at(position: number): void {
    const { bytes, words } = this.segmentOf(position);
    const unit = position & (unitsOfSegment - 1);
    const word = unit << 1;
    const nameLength = words[word + 1] as number;
    this.bytes = bytes;
    this.valueStart = (unit << 3) + headerBytes + nameLength;
    this.valueEnd = this.valueStart + (words[word + 2] as number);
    this.orderStart = this.valueStart - orderBytes;
    this.keyStart = this.orderStart - keyBytes(nameLength);
  }

  collect(key: Uint8Array, start: number, end: number, from: number, to: number, found: Positions): void {
    found.count = 0;
    if (this.count === 0) return;
    this.#collect(key, start, end, from, to, found, false);
  }

  collectCommitted(key: Uint8Array, start: number, end: number, from: number, to: number, found: Positions): void {
    found.count = 0;
    if (this.committedEnd === 0) return;
    if (!this.#hasHoles) {
      this.#collect(key, start, end, from, to, found, true);
      return;
    }
    // A chain leads through what the open transaction has appended, some of which is gone.
    this.walk(this.firstKept, (position, { bytes, words, numbers }, unit) => {
      const time = numbers[unit + 2] as number;
      if (time < from || time > to || !this.#isIn(position, words[(unit << 1) + 3] as number, true)) return;
      if (hasKey(bytes, words, unit, key, start, end)) found.add(position);
    });
    this.#sort(found);
  }

  #sort(found: Positions): void {
    // What came later lies behind, and has the larger sequence.
    found.items.subarray(0, found.count).sort((a, b) => this.#timeAt(a) - this.#timeAt(b) || a - b);
  }

  #collect(
    key: Uint8Array,
    start: number,
    end: number,
    from: number,
    to: number,
    found: Positions,
    committed: boolean,
  ): void {
    const slot = this.#slotOf(this.#hash(key, start, end, from));
    let position = this.#slots[slot * 4 + 1] as number;
    if (position === 0 || (this.#latest[slot * 2 + 1] as number) < from) return;
    const first = (committed ? this.#base : this.#gone) << unitBits;
    let isSorted = true;
    let last = Number.POSITIVE_INFINITY;
    let passed = 0;
    while (isFrom(position, first)) {
      const { bytes, words, numbers } = this.segmentOf(position);
      const unit = position & (unitsOfSegment - 1);
      const word = unit << 1;
      const time = numbers[unit + 2] as number;
      if (time > to) passed++;
      else if (time >= from && this.#isIn(position, words[word + 3] as number, committed)) {
        if (hasKey(bytes, words, unit, key, start, end)) {
          found.add(position);
          if (time > last) isSorted = false;
          last = time;
        }
      }
      if ((numbers[unit + 3] as number) < from) break;
      position = words[word] as number;
    }
    this.passed += passed;
    found.reverse();
    if (!isSorted) this.#sort(found);
  }

  #isIn(position: number, state: number, committed: boolean): boolean {
    return committed ? position < this.committedEnd && state !== states.removed : state <= states.updated;
  }

  #timeAt(position: number): number {
    return timeAt(this.segmentOf(position), position);
  }

  /** Visits the committed entries from a time on, in the order of arrival. */
  visitCommitted(from: number, take: TakeCommitted): void {
    const { committed } = this;
    this.walk(this.firstKept, (position, segment, unit) => {
      if (position >= this.committedEnd || (segment.numbers[unit + 2] as number) < from) return;
      if (segment.words[(unit << 1) + 3] === states.removed) return;
      this.at(position);
      const { bytes, keyStart, orderStart } = this;
      committed.at(position);
      take(bytes, keyStart, orderStart, committed);
    });
  }

  /** Visits all entries from a position on. */
  walk(from: number, visit: VisitEntry): void {
    for (let index = from >>> unitBits; index < this.#base + this.#segments.length; index++) {
      const unit = index === from >>> unitBits ? from & (unitsOfSegment - 1) : 0;
      this.#walkSegment(index, Math.max(unit, firstUnit(index)), visit);
    }
  }

  #walkSegment(index: number, first: number, visit: VisitEntry): void {
    const segment = this.#segments[index - this.#base] as Segment;
    const { words, end } = segment;
    for (let unit = first; unit < end; ) {
      const word = unit << 1;
      const next = unit + unitsOf(words[word + 1] as number, words[word + 2] as number);
      visit((index << unitBits) | unit, segment, unit);
      unit = next;
    }
  }

  // ---- changing

  /** Overwrites the value of an entry by another one of its length. */
  update(position: number, value: Uint8Array, start: number, end: number): void {
    if (position < this.committedEnd) this.changes.beforeUpdate(position);
    this.at(position);
    copyBytes(value, start, end, this.bytes, this.valueStart);
  }

  remove(position: number): void {
    const segment = this.segmentOf(position);
    if (position < this.committedEnd) this.changes.remove(position);
    else {
      setState(segment, position, states.removed);
      segment.open--;
      this.#open--;
    }
    segment.count--;
    this.count--;
    this.version++;
  }

  /** Gives up the segments of which all times are below. */
  expireBelow(time: number): void {
    this.version++;
    this.#giveUpWhile(({ latest }) => latest < time);
  }

  /** Gives up the first segments of which something is true. */
  #giveUpWhile(isTrue: (segment: Segment) => boolean): void {
    const end = this.#base + this.#segments.length;
    while (this.#gone < end && isTrue(this.#segments[this.#gone - this.#base] as Segment)) this.#giveUpFirst();
    if (this.#gone === end) this.#unit = unitsOfSegment;
  }

  #giveUpFirst(): void {
    const index = this.#gone++;
    const segment = this.#segments[index - this.#base] as Segment;
    this.count -= segment.count;
    this.#open -= segment.open;
    segment.open = 0;
    // What is committed in it is read, and may come back, until the transaction ends.
    if (index << unitBits < this.committedEnd) {
      this.#kept++;
      return;
    }
    this.#openSegments--;
    this.#openBytes -= (segment.end - firstUnit(index)) * 8;
    this.#spare.push(segment);
    this.#segments[index - this.#base] = hole;
    this.#hasHoles = true;
  }

  /** Hands out the entries from a time on, and leaves none: key after key, of each key in the order of arrival. */
  moveTo(from: number, take: TakeEntry): void {
    const slots = this.#slots;
    const moved = this.#moved;
    const first = this.first;
    for (let at = 1; at < slots.length; at += 4) {
      moved.count = 0;
      for (let position = slots[at] as number; isFrom(position, first); ) {
        const { words, numbers } = this.segmentOf(position);
        const unit = position & (unitsOfSegment - 1);
        const isThere = (words[(unit << 1) + 3] as number) <= states.updated;
        if ((numbers[unit + 2] as number) >= from && isThere) moved.add(position);
        if ((numbers[unit + 3] as number) < from) break;
        position = words[unit << 1] as number;
      }
      for (let i = moved.count - 1; i >= 0; i--) {
        this.at(moved.items[i] as number);
        const { bytes, keyStart, orderStart, valueStart, valueEnd } = this;
        take(bytes, keyStart, orderStart, orderStart, valueStart, valueEnd);
      }
    }
    this.changes.haveMoved = true;
    this.expireBelow(Number.POSITIVE_INFINITY);
  }

  /** The latest time in the oldest segments, so many of them. */
  latestOf(segments: number): number {
    const first = this.#gone - this.#base;
    let latest = noTime;
    for (let i = first; i < first + segments; i++) {
      const segment = this.#segments[i];
      if (segment !== undefined && segment.latest > latest) latest = segment.latest;
    }
    return latest;
  }

  /** How many of the oldest segments have to go so that at most so many stay, and none that was begun when the store
   *  had logged less than so many records. */
  over(mostSegments: number, leastRecords: number): number {
    let over = Math.max(0, this.segments - mostSegments);
    const first = this.#gone - this.#base;
    while (over < this.segments && (this.#segments[first + over] as Segment).records < leastRecords) over++;
    return over;
  }

  /** Hands out the entries between two times, both included, in the order of arrival, and leaves none of before the
   *  second one. All are committed. */
  moveBetween(from: number, to: number, take: TakeEntry): void {
    for (let index = this.#gone; index < this.#base + this.#segments.length; index++) {
      const segment = this.#segments[index - this.#base] as Segment;
      if (segment.earliest > to) continue;
      segment.earliest = Number.POSITIVE_INFINITY;
      this.#walkSegment(index, firstUnit(index), (position, { words, numbers }, unit) => {
        const time = numbers[unit + 2] as number;
        if (words[(unit << 1) + 3] !== states.there) return;
        if (time > to) {
          if (time < segment.earliest) segment.earliest = time;
          return;
        }
        if (time >= from) {
          this.at(position);
          const { bytes, keyStart, orderStart, valueStart, valueEnd } = this;
          take(bytes, keyStart, orderStart, orderStart, valueStart, valueEnd);
        }
        words[(unit << 1) + 3] = states.removed;
        segment.count--;
        this.count--;
      });
    }
    this.version++;
    this.#giveUpWhile(({ count }) => count === 0);
  }

  // ---- the transaction

  /** All that is here is committed. */
  commit(): void {
    if (this.#segments.length === 0) return;
    this.changes.commit();
    if (this.count === 0) {
      this.clear();
      return;
    }
    for (const segment of this.#segments.splice(0, this.#gone - this.#base))
      if (segment !== hole) this.#spare.push(segment);
    this.#base = this.#gone;
    for (const segment of this.#segments) segment.open = 0;
    this.committedEnd = ((this.#base + this.#segments.length - 1) << unitBits) + this.#unit;
    this.version++;
    this.#endTransaction();
  }

  /** Forgets what is not committed, and takes back what has happened to what is. */
  rollback(): void {
    if (this.committedEnd === 0) {
      this.clear();
      return;
    }
    this.changes.rollback();
    const last = (this.committedEnd - 1) >>> unitBits;
    for (const segment of this.#segments.splice(last + 1 - this.#base)) if (segment !== hole) this.#spare.push(segment);
    this.#gone = this.#base;
    this.#unit = this.committedEnd - (last << unitBits);
    (this.#segments[last - this.#base] as Segment).end = this.#unit;
    this.#findAgain();
    this.version++;
    this.#endTransaction();
  }

  /** Makes the slots again, and counts. */
  #findAgain(): void {
    this.#slots.fill(0);
    this.#taken = 0;
    this.count = 0;
    this.latest = noTime;
    for (const segment of this.#segments) {
      segment.earliest = Number.POSITIVE_INFINITY;
      segment.latest = noTime;
      segment.count = segment.open = 0;
    }
    this.walk(this.firstKept, (position, segment, unit) => {
      if (this.#taken * 6 >= this.#slots.length) this.#grow();
      const { words, numbers } = segment;
      this.at(position);
      const slot = this.#slotOf(this.#store.table.hash(kinds.data, this.bytes, this.keyStart, this.orderStart));
      if (this.#slots[slot * 4 + 1] === 0) this.#taken++;
      const time = numbers[unit + 2] as number;
      this.#slots[slot * 4] = this.#store.table.hash(kinds.data, this.bytes, this.keyStart, this.orderStart);
      this.#slots[slot * 4 + 1] = position;
      this.#latest[slot * 2 + 1] = Math.max(time, numbers[unit + 3] as number);
      if (time < segment.earliest) segment.earliest = time;
      if (time > segment.latest) segment.latest = time;
      if (time > this.latest) this.latest = time;
      if (words[(unit << 1) + 3] !== states.there) return;
      segment.count++;
      this.count++;
    });
  }

  /** Forgets all. */
  clear(): void {
    this.version++;
    this.count = 0;
    this.latest = noTime;
    for (const segment of this.#segments) if (segment !== hole) this.#spare.push(segment);
    this.#segments = [];
    this.#base = this.#gone = this.committedEnd = 0;
    this.#unit = unitsOfSegment;
    const words = this.#slots.length;
    if (words > fewestSlots * 4 && this.#taken * 32 < words) this.#renewSlots(words >>> 1);
    else if (this.#taken > 0) this.#slots.fill(0);
    this.#taken = 0;
    this.#endTransaction();
  }

  /** Gives back memory that is kept to be used again. */
  releaseSpare(): void {
    this.#spare.length = 0;
  }

  #endTransaction(): void {
    this.changes.end();
    this.#hasHoles = false;
    // The next transaction is likely to fill as many.
    if (this.#spare.length > this.#opened) this.#spare.length = this.#opened;
    this.#kept = this.#opened = this.#openSegments = this.#openBytes = this.#open = 0;
    this.passed = 0;
  }
}
