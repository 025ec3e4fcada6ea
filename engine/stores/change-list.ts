/**
 * The one list of a transaction: each changed entry with its value before.
 *
 * Item `i` is (address, place in the queue of due entries, length before, where the bytes before lie). The length is −1
 * where the key was absent, −2 where the entry was not in memory, so that the key-value store still has what was
 * committed. The bytes lie behind each other in segments that are used again by the next transaction; what a large
 * transaction needed beyond `keptBytes` is given back.
 */

import { copyViewed } from '../../base/index.ts';

export const wasAbsent = -1;
export const wasOnDisk = -2;

const segmentBytes = 1 << 20;
const keptBytes = 16 << 20;

export class ChangeList {
  count = 0;
  addresses = new Int32Array(64);
  /** An entry that is due as well has its place in the queue kept here: it has room for one place only. */
  duePlaces = new Int32Array(64);
  #lengths = new Int32Array(64);
  /** Segment and byte within. */
  #segments = new Int32Array(64);
  #starts = new Int32Array(64);
  readonly #bytes: Uint8Array[] = [];
  readonly #views: DataView[] = [];
  #reserved = 0;
  #segment = 0;
  #at = 0;
  /** Bytes of all values before. */
  #noted = 0;

  get bytesInMemory(): number {
    return this.#reserved + this.addresses.length * 20;
  }

  /** Of the open transaction: 20 bytes for each entry, and the values before. */
  get bytesUsed(): number {
    return this.count * 20 + this.#noted;
  }

  /** Notes an entry; answers with its place in the list. `start` is read only where `length` ≥ 0; `view` shows the
   *  memory of `bytes`. */
  add(address: number, duePlace: number, length: number, bytes: Uint8Array, view: DataView, start: number): number {
    if (this.count === this.addresses.length) this.#grow();
    const index = this.count++;
    this.addresses[index] = address;
    this.duePlaces[index] = duePlace;
    this.#lengths[index] = length;
    if (length > 0) {
      if (
        this.#bytes.length <= this.#segment ||
        this.#at + length > (this.#bytes[this.#segment] as Uint8Array).length
      ) {
        this.#nextSegment(length);
      }
      this.#segments[index] = this.#segment;
      this.#starts[index] = this.#at;
      const to = this.#bytes[this.#segment] as Uint8Array;
      copyViewed(bytes, view, start, start + length, to, this.#views[this.#segment] as DataView, this.#at);
      this.#at += length;
      this.#noted += length;
    } else this.#starts[index] = 0;
    return index;
  }

  lengthBefore(index: number): number {
    return this.#lengths[index] as number;
  }

  bytesBefore(index: number): Uint8Array {
    return (this.#lengths[index] as number) > 0
      ? (this.#bytes[this.#segments[index] as number] as Uint8Array)
      : nothing;
  }

  startBefore(index: number): number {
    return this.#starts[index] as number;
  }

  reset(): void {
    this.count = 0;
    this.#noted = 0;
    this.#segment = 0;
    this.#at = 0;
    while (this.#reserved > keptBytes) {
      this.#reserved -= (this.#bytes.pop() as Uint8Array).length;
      this.#views.pop();
    }
    if (this.addresses.length > 1 << 20) {
      this.addresses = new Int32Array(64);
      this.duePlaces = new Int32Array(64);
      this.#lengths = new Int32Array(64);
      this.#segments = new Int32Array(64);
      this.#starts = new Int32Array(64);
    }
  }

  #grow(): void {
    const grown = (from: Int32Array): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.addresses = grown(this.addresses);
    this.duePlaces = grown(this.duePlaces);
    this.#lengths = grown(this.#lengths);
    this.#segments = grown(this.#segments);
    this.#starts = grown(this.#starts);
  }

  /** Goes on to a segment with room for `length` bytes: one from before if it is large enough, else a new one. */
  #nextSegment(length: number): void {
    if (this.#at > 0) this.#segment++;
    this.#at = 0;
    while (this.#segment < this.#bytes.length && (this.#bytes[this.#segment] as Uint8Array).length < length)
      this.#segment++;
    if (this.#segment < this.#bytes.length) return;
    const first = this.#bytes.length === 0 ? 4096 : segmentBytes;
    const segment = new Uint8Array(Math.max(first, length));
    this.#bytes.push(segment);
    this.#views.push(new DataView(segment.buffer));
    this.#reserved += segment.length;
  }
}

const nothing = new Uint8Array(0);
