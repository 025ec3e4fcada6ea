/**
 * The one list of a transaction: each changed entry with its value before.
 *
 * Item `i` is five words side by side: the address, the place in the queue of due entries, the length before, and
 * where the bytes before lie (segment, byte within it). The length is −1 where the key was absent, −2 where the entry
 * was not in memory, so that the key-value store still has what was committed. The bytes lie behind each other in
 * segments. Items and bytes are used again by the next transaction; what neither of the last two has needed is given
 * back.
 *
 * Items are kept in chunks: a list that grew by copying itself would leave as much garbage as it holds, and V8 begins
 * a marking for every 8 MB of it.
 */

import { copyViewed } from '../../base/index.ts';
import type { FlatTable } from './flat-table.ts';

export const wasAbsent = -1;
export const wasOnDisk = -2;

const smallestSegment = 4096;
const largestSegment = 1 << 20;

const itemWords = 5;
const chunkBits = 11;
const chunkItems = 1 << chunkBits;
const itemMask = chunkItems - 1;
/** Of the first chunk, which grows until it is as large as the others: most lists are short. */
const firstItems = 64;
/** Entries that are brought into the processor's cache together. */
const touchedTogether = 32;

export class ChangeList {
  count = 0;
  readonly #chunks: Int32Array[] = [new Int32Array(firstItems * itemWords)];
  /** How many items the chunks have room for. */
  #room = firstItems;
  readonly #group = new Int32Array(touchedTogether);
  readonly #bytes: Uint8Array[] = [];
  readonly #views: DataView[] = [];
  #reserved = 0;
  #segment = 0;
  #at = 0;
  /** Bytes of all values before. */
  #noted = 0;
  /** What the transaction before has needed. */
  #itemsBefore = 0;
  #segmentsBefore = 0;

  get bytesInMemory(): number {
    return this.#reserved + this.#room * itemWords * 4;
  }

  /** Of the open transaction: 20 bytes for each entry, and the values before. */
  get bytesUsed(): number {
    return this.count * itemWords * 4 + this.#noted;
  }

  /** Notes an entry; answers with its place in the list. `start` is read only where `length` ≥ 0; `view` shows the
   *  memory of `bytes`. */
  add(address: number, duePlace: number, length: number, bytes: Uint8Array, view: DataView, start: number): number {
    if (this.count === this.#room) this.#grow();
    const index = this.count++;
    const items = this.#chunks[index >>> chunkBits] as Int32Array;
    const item = (index & itemMask) * itemWords;
    items[item] = address;
    items[item + 1] = duePlace;
    items[item + 2] = length;
    if (length > 0) {
      if (
        this.#bytes.length <= this.#segment ||
        this.#at + length > (this.#bytes[this.#segment] as Uint8Array).length
      ) {
        this.#nextSegment(length);
      }
      items[item + 3] = this.#segment;
      items[item + 4] = this.#at;
      const to = this.#bytes[this.#segment] as Uint8Array;
      copyViewed(bytes, view, start, start + length, to, this.#views[this.#segment] as DataView, this.#at);
      this.#at += length;
      this.#noted += length;
    } else items[item + 4] = 0;
    return index;
  }

  address(index: number): number {
    return this.#word(index, 0);
  }

  setAddress(index: number, address: number): void {
    (this.#chunks[index >>> chunkBits] as Int32Array)[(index & itemMask) * itemWords] = address;
  }

  /** The place in the queue of an entry that is due as well: the entry has room for one place only. */
  duePlace(index: number): number {
    return this.#word(index, 1);
  }

  setDuePlace(index: number, place: number): void {
    (this.#chunks[index >>> chunkBits] as Int32Array)[(index & itemMask) * itemWords + 1] = place;
  }

  lengthBefore(index: number): number {
    return this.#word(index, 2);
  }

  bytesBefore(index: number): Uint8Array {
    return this.#word(index, 2) > 0 ? (this.#bytes[this.#word(index, 3)] as Uint8Array) : nothing;
  }

  startBefore(index: number): number {
    return this.#word(index, 4);
  }

  /** Asked for each item in order: every so often brings the next entries into the processor's cache, with their values
   *  or their headers alone. */
  touchAhead(table: FlatTable, index: number, part: 'value' | 'header'): void {
    if (index % touchedTogether !== 0) return;
    const group = this.#group;
    const count = Math.min(touchedTogether, this.count - index);
    for (let i = 0; i < count; i++) group[i] = this.address(index + i);
    if (part === 'value') table.touch(group, 0, count);
    else table.touchHeaders(group, 0, count);
  }

  /** The transaction has ended. */
  reset(): void {
    const items = this.count;
    const segments = this.#segment + (this.#at > 0 ? 1 : 0);
    const chunks = Math.max(1, Math.ceil(Math.max(items, this.#itemsBefore) / chunkItems));
    if (chunks < this.#chunks.length) {
      this.#chunks.length = chunks;
      this.#room = chunks * chunkItems;
    }
    while (this.#bytes.length > Math.max(segments, this.#segmentsBefore)) {
      this.#reserved -= (this.#bytes.pop() as Uint8Array).length;
      this.#views.pop();
    }
    this.#itemsBefore = items;
    this.#segmentsBefore = segments;
    this.count = 0;
    this.#noted = 0;
    this.#segment = 0;
    this.#at = 0;
  }

  #word(index: number, word: number): number {
    return (this.#chunks[index >>> chunkBits] as Int32Array)[(index & itemMask) * itemWords + word] as number;
  }

  #grow(): void {
    if (this.#room < chunkItems) {
      const first = new Int32Array(this.#room * 2 * itemWords);
      first.set(this.#chunks[0] as Int32Array);
      this.#chunks[0] = first;
      this.#room *= 2;
    } else {
      this.#chunks.push(new Int32Array(chunkItems * itemWords));
      this.#room += chunkItems;
    }
  }

  /** Goes on to a segment with room for `length` bytes: one from before if it is large enough, else a new
   *  one, as large as all before it together. */
  #nextSegment(length: number): void {
    if (this.#at > 0) this.#segment++;
    this.#at = 0;
    while (this.#segment < this.#bytes.length && (this.#bytes[this.#segment] as Uint8Array).length < length)
      this.#segment++;
    if (this.#segment < this.#bytes.length) return;
    const size = Math.min(Math.max(smallestSegment, this.#reserved), largestSegment);
    const segment = new Uint8Array(Math.max(size, length));
    this.#bytes.push(segment);
    this.#views.push(new DataView(segment.buffer));
    this.#reserved += segment.length;
  }
}

const nothing = new Uint8Array(0);
