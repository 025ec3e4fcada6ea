/**
 * The entries that the open transaction has appended to an ordered store, and that are newer than all in its pages: in
 * the order of arrival, one behind the other, chained per key. They become entries of pages when the transaction ends,
 * or when they get too many; those that have expired by then never do.
 *
 *   segment   64 KiB, of units of 8 bytes; a position counts units from the first segment on, 0 is none
 *   entry     word 0   position of the entry of the same chain that came before, 0: none
 *             word 1   key length
 *             word 2   value length
 *             word 3   1: removed
 *             then     time (f64) · the latest time of the chain before it (f64) · order (12 bytes) · key · value
 *   slot      hash · position of the last entry whose key has this hash · the latest time of that chain (f64)
 *
 * A chain is that of a hash: who walks it compares keys. So an append reads nothing but its slot, and a fetch ends
 * where the chain holds no later time. Segments leave in the order in which they were filled, once all in them has
 * expired: what comes before a position that is gone is gone as well.
 */

import { copyBytes, copyViewed, readU32, writeI32 } from '../../base/index.ts';
import type { FlatTable } from './flat-table.ts';
import { kinds, timeBytes, writeTime } from './layout.ts';

const unitBits = 13;
const unitsOfSegment = 1 << unitBits;
const segmentBytes = unitsOfSegment * 8;
/** More of them go into pages before the transaction ends. */
const mostSegments = 128;
const headerBytes = 32;
/** A time and a sequence. */
const orderBytes = timeBytes + 4;
const fewestSlots = 64;
const noTime = Number.NEGATIVE_INFINITY;

interface Segment {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  /** Of its entries. */
  latest: number;
  /** Entries that were not removed. */
  count: number;
}

const newSegment = (): Segment => {
  const memory = new ArrayBuffer(segmentBytes);
  return {
    bytes: new Uint8Array(memory),
    view: new DataView(memory),
    words: new Int32Array(memory),
    numbers: new Float64Array(memory),
    latest: noTime,
    count: 0,
  };
};

/** Takes an entry; its order has 12 bytes and begins with its time. The bytes are lent until the call returns. */
export type TakeEntry = (
  bytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  orderStart: number,
  valueStart: number,
  valueEnd: number,
) => void;

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

export class RecentEntries {
  /** Entries that are there, those included that have expired and whose segment has not. */
  count = 0;
  /** Raised by all that changes which entries there are; by the store where a later one is put into pages. */
  version = 0;
  /** The latest time since the last `clear`. */
  latest = noTime;
  /** The entry that `at` came to: in `bytes`, its order before its key before its value. */
  bytes: Uint8Array = new Uint8Array(0);
  orderStart = 0;
  valueStart = 0;
  valueEnd = 0;

  readonly #table: () => FlatTable;
  readonly #grown: (bytes: number) => void;
  #segments: Segment[] = [];
  readonly #spare: Segment[] = [];
  /** Segments that are gone, since the last `clear`. */
  #gone = 0;
  /** Where the next entry goes, in the last segment. */
  #unit = unitsOfSegment;
  /** Four words each. */
  #slots = new Int32Array(fewestSlots * 4);
  /** The same memory. */
  #latest = new Float64Array(this.#slots.buffer);
  #taken = 0;
  /** The most segments since the last `clear`. */
  #most = 0;
  #value: Uint8Array = new Uint8Array(0);
  #valueView = new DataView(this.#value.buffer);
  readonly #moved = new Positions();

  /** `table`: whose hash of keys is taken; `grown`: called when memory is taken. */
  constructor(table: () => FlatTable, grown: (bytes: number) => void) {
    this.#table = table;
    this.#grown = grown;
  }

  get bytesInMemory(): number {
    return (this.#segments.length + this.#spare.length) * segmentBytes + this.#slots.length * 4;
  }

  /** Of the entries of the open transaction. */
  get bytesUsed(): number {
    return this.#segments.length * segmentBytes;
  }

  // ---- adding

  /** Adds an entry behind those of its time; answers with its sequence. −1, and nothing changes: there is no room. */
  append(
    key: Uint8Array,
    start: number,
    end: number,
    time: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): number {
    const keyLength = end - start;
    const valueLength = valueEnd - valueStart;
    const units = (headerBytes + orderBytes + keyLength + valueLength + 7) >>> 3;
    if (this.#unit + units > unitsOfSegment && !this.#openSegment(units)) return -1;
    if (this.#taken * 6 >= this.#slots.length) this.#grow();
    const hash = this.#table().hash(kinds.data, key, start, end);
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

    const { bytes, view, words, numbers } = this.#segments[this.#segments.length - 1] as Segment;
    const unit = this.#unit;
    const word = unit << 1;
    words[word] = before;
    words[word + 1] = keyLength;
    words[word + 2] = valueLength;
    words[word + 3] = 0;
    numbers[unit + 2] = time;
    numbers[unit + 3] = latest;
    const order = (unit << 3) + headerBytes;
    writeTime(bytes, order, time);
    writeI32(bytes, order + timeBytes, sequence);
    const keyAt = order + orderBytes;
    copyBytes(key, start, end, bytes, keyAt);
    if (value !== this.#value) {
      this.#value = value;
      this.#valueView = new DataView(value.buffer, value.byteOffset, value.byteLength);
    }
    copyViewed(value, this.#valueView, valueStart, valueEnd, bytes, view, keyAt + keyLength);

    slots[slot * 4 + 1] = ((this.#gone + this.#segments.length - 1) << unitBits) | unit;
    this.#latest[slot * 2 + 1] = time > latest ? time : latest;
    this.#unit = unit + units;
    this.#added(time);
    return sequence;
  }

  #added(time: number): void {
    const segment = this.#segments[this.#segments.length - 1] as Segment;
    if (time > segment.latest) segment.latest = time;
    segment.count++;
    if (time > this.latest) this.latest = time;
    this.count++;
    this.version++;
  }

  #openSegment(units: number): boolean {
    // The first unit of all is none.
    const first = this.#gone === 0 && this.#segments.length === 0 ? 1 : 0;
    if (first + units > unitsOfSegment || this.#segments.length === mostSegments) return false;
    if (this.#gone + this.#segments.length >= 1 << (31 - unitBits)) return false;
    const segment = this.#spare.pop() ?? this.#newSegment();
    segment.latest = noTime;
    segment.count = 0;
    this.#segments.push(segment);
    if (this.#segments.length > this.#most) this.#most = this.#segments.length;
    this.#unit = first;
    return true;
  }

  #newSegment(): Segment {
    this.#grown(segmentBytes);
    return newSegment();
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
    const gone = this.#gone;
    let live = 0;
    for (let at = 1; at < slots.length; at += 4) if (this.#isThere(slots[at] as number, gone)) live++;
    this.#renewSlots(live * 12 > slots.length ? slots.length * 2 : slots.length);
    this.#taken = live;
    for (let at = 0; at < slots.length; at += 4) {
      const position = slots[at + 1] as number;
      if (!this.#isThere(position, gone)) continue;
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

  #isThere(position: number, gone: number): boolean {
    return position !== 0 && position >>> unitBits >= gone;
  }

  /** The sequence behind the entries of a key and time in a chain. */
  #sequenceBehind(last: number, key: Uint8Array, start: number, end: number, time: number): number {
    let position = last;
    while (position !== 0 && position >>> unitBits >= this.#gone) {
      const { bytes, words, numbers } = this.#segments[(position >>> unitBits) - this.#gone] as Segment;
      const unit = position & (unitsOfSegment - 1);
      const word = unit << 1;
      // Of one time the last that came has the largest sequence.
      if (numbers[unit + 2] === time && words[word + 3] === 0 && hasKey(bytes, words, unit, key, start, end))
        return readU32(bytes, (unit << 3) + headerBytes + timeBytes) + 1;
      if ((numbers[unit + 3] as number) < time) return 0;
      position = words[word] as number;
    }
    return 0;
  }

  // ---- finding

  /** Comes to the entry of a position. */
  at(position: number): void {
    const { bytes, words } = this.#segments[(position >>> unitBits) - this.#gone] as Segment;
    const unit = position & (unitsOfSegment - 1);
    const word = unit << 1;
    this.bytes = bytes;
    this.orderStart = (unit << 3) + headerBytes;
    this.valueStart = this.orderStart + orderBytes + (words[word + 1] as number);
    this.valueEnd = this.valueStart + (words[word + 2] as number);
  }

  /** Collects the entries of a key with `from` <= time <= `to`, ascending by time and sequence. */
  collect(key: Uint8Array, start: number, end: number, from: number, to: number, found: Positions): void {
    found.count = 0;
    if (this.count === 0) return;
    const slot = this.#slotOf(this.#table().hash(kinds.data, key, start, end));
    let position = this.#slots[slot * 4 + 1] as number;
    const gone = this.#gone;
    if (position === 0 || (this.#latest[slot * 2 + 1] as number) < from) return;
    let isSorted = true;
    let last = Number.POSITIVE_INFINITY;
    while (position !== 0 && position >>> unitBits >= gone) {
      const { bytes, words, numbers } = this.#segments[(position >>> unitBits) - gone] as Segment;
      const unit = position & (unitsOfSegment - 1);
      const word = unit << 1;
      const time = numbers[unit + 2] as number;
      if (time >= from && time <= to && words[word + 3] === 0 && hasKey(bytes, words, unit, key, start, end)) {
        found.add(position);
        if (time > last) isSorted = false;
        last = time;
      }
      if ((numbers[unit + 3] as number) < from) break;
      position = words[word] as number;
    }
    found.reverse();
    // What came later lies behind, and has the larger sequence.
    if (!isSorted) found.items.subarray(0, found.count).sort((a, b) => this.#timeAt(a) - this.#timeAt(b) || a - b);
  }

  #timeAt(position: number): number {
    const { numbers } = this.#segments[(position >>> unitBits) - this.#gone] as Segment;
    return numbers[(position & (unitsOfSegment - 1)) + 2] as number;
  }

  // ---- removing

  remove(position: number): void {
    const segment = this.#segments[(position >>> unitBits) - this.#gone] as Segment;
    segment.words[((position & (unitsOfSegment - 1)) << 1) + 3] = 1;
    segment.count--;
    this.count--;
    this.version++;
  }

  /** Gives up the segments of which all times are below. */
  expireBelow(time: number): void {
    let expired = 0;
    for (const segment of this.#segments) {
      if (segment.latest >= time) break;
      this.count -= segment.count;
      expired++;
    }
    this.version++;
    if (expired === 0) return;
    this.#giveUp(this.#segments.splice(0, expired));
    this.#gone += expired;
    if (this.#segments.length === 0) this.#unit = unitsOfSegment;
  }

  /** Hands out the entries from a time on, and leaves none: key after key, of each key in the order of arrival. */
  moveTo(from: number, take: TakeEntry): void {
    const slots = this.#slots;
    const moved = this.#moved;
    for (let at = 1; at < slots.length; at += 4) {
      let position = slots[at] as number;
      moved.count = 0;
      while (this.#isThere(position, this.#gone)) {
        const { words, numbers } = this.#segments[(position >>> unitBits) - this.#gone] as Segment;
        const unit = position & (unitsOfSegment - 1);
        if ((numbers[unit + 2] as number) >= from && words[(unit << 1) + 3] === 0) moved.add(position);
        if ((numbers[unit + 3] as number) < from) break;
        position = words[unit << 1] as number;
      }
      for (let i = moved.count - 1; i >= 0; i--) {
        this.at(moved.items[i] as number);
        const { bytes, orderStart, valueStart, valueEnd } = this;
        take(bytes, orderStart + orderBytes, valueStart, orderStart, valueStart, valueEnd);
      }
    }
    this.clear();
  }

  /** Forgets all. */
  clear(): void {
    if (this.#segments.length === 0 && this.#gone === 0) return;
    this.version++;
    this.count = 0;
    this.latest = noTime;
    this.#giveUp(this.#segments);
    this.#segments = [];
    if (this.#spare.length > this.#most) this.#spare.length = this.#most;
    this.#most = 0;
    this.#gone = 0;
    this.#unit = unitsOfSegment;
    const words = this.#slots.length;
    if (words > fewestSlots * 4 && this.#taken * 32 < words) this.#renewSlots(words >>> 1);
    else if (this.#taken > 0) this.#slots.fill(0);
    this.#taken = 0;
  }

  /** Gives back memory that is kept to be used again. */
  releaseSpare(): void {
    this.#spare.length = 0;
  }

  #giveUp(segments: readonly Segment[]): void {
    for (const segment of segments) this.#spare.push(segment);
  }
}

/** Whether the entry at a unit of a segment has this key. */
const hasKey = (
  bytes: Uint8Array,
  words: Int32Array,
  unit: number,
  key: Uint8Array,
  start: number,
  end: number,
): boolean => {
  if (words[(unit << 1) + 1] !== end - start) return false;
  let at = (unit << 3) + headerBytes + orderBytes;
  for (let i = start; i < end; i++) if (bytes[at++] !== key[i]) return false;
  return true;
};
