/**
 * Changes of a set of keys with times, which come out in the order of the times, of one time in that of the keys'
 * bytes: a binary heap. Of several changes of a key with one time the last one counts.
 */

import { type ByteWriter, compareBytes } from '../../base/index.ts';

const first = 64;

/** As many bytes of a key as a number holds exactly. */
const prefixBytes = 6;

export class TimeQueue {
  /** Changes that are queued. */
  count = 0;
  /** The time of the earliest one; Infinity: there is none. */
  earliest = Number.POSITIVE_INFINITY;
  /** Which `pop` came to: valid until the next `push`. */
  time = 0;
  keyStart = 0;
  keyEnd = 0;
  /** Changes since the queue was empty, those included that are out: what they take is used again when it is empty. */
  pushed = 0;
  readonly #keys: ByteWriter;
  /** By number of the change, which is in the order of `push`. */
  #times = new Float64Array(first);
  #prefixes = new Float64Array(first);
  #starts = new Int32Array(first);
  #ends = new Int32Array(first);
  #added = new Uint8Array(first);
  /** Numbers of changes; each comes before the two at twice its place. */
  #heap = new Int32Array(first);

  constructor(scratch: ByteWriter) {
    this.#keys = scratch;
  }

  get keyBytes(): Uint8Array {
    return this.#keys.buffer;
  }

  clear(): void {
    this.count = 0;
    this.#empty();
  }

  #empty(): void {
    this.pushed = 0;
    this.#keys.reset();
    this.earliest = Number.POSITIVE_INFINITY;
  }

  push(time: number, key: Uint8Array, keyStart: number, keyEnd: number, added: boolean): void {
    if (this.count === 0) this.#empty();
    const change = this.pushed++;
    if (change === this.#times.length) this.#grow();
    const keys = this.#keys;
    this.#times[change] = time;
    this.#prefixes[change] = prefixOf(key, keyStart, keyEnd);
    this.#starts[change] = keys.length;
    keys.bytes(key, keyStart, keyEnd);
    this.#ends[change] = keys.length;
    this.#added[change] = added ? 1 : 0;
    if (time < this.earliest) this.earliest = time;
    this.#rise(this.count++, change);
  }

  /** Takes the earliest change out, and all others of its key with that time; answers whether the key was added last.
   *  There is one. */
  pop(): boolean {
    const change = this.#first();
    let last = change;
    this.#removeFirst();
    while (this.count > 0 && this.#compareKeys(this.#first(), change) === 0) {
      last = this.#first();
      this.#removeFirst();
    }
    this.time = this.#times[change] as number;
    this.keyStart = this.#starts[change] as number;
    this.keyEnd = this.#ends[change] as number;
    this.earliest = this.count === 0 ? Number.POSITIVE_INFINITY : (this.#times[this.#first()] as number);
    return this.#added[last] === 1;
  }

  /** Where the key of the earliest change lies in `keyBytes`. */
  get firstStart(): number {
    return this.#starts[this.#first()] as number;
  }

  get firstEnd(): number {
    return this.#ends[this.#first()] as number;
  }

  #first(): number {
    return this.#heap[0] as number;
  }

  #removeFirst(): void {
    const moved = this.#heap[--this.count] as number;
    if (this.count > 0) this.#sink(moved);
  }

  #rise(place: number, change: number): void {
    const heap = this.#heap;
    let at = place;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above] as number;
      if (this.#compare(other, change) < 0) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = change;
  }

  /** Fills the first place: the way of the earlier ones is followed to its end, since what is put there is mostly one
   *  of the last. */
  #sink(change: number): void {
    const heap = this.#heap;
    const { count } = this;
    let at = 0;
    for (let below = 1; below < count; below = 2 * at + 1) {
      const right = below + 1;
      if (right < count && this.#compare(heap[right] as number, heap[below] as number) < 0) below = right;
      heap[at] = heap[below] as number;
      at = below;
    }
    this.#rise(at, change);
  }

  #compare(a: number, b: number): number {
    return this.#compareKeys(a, b) || a - b;
  }

  #compareKeys(a: number, b: number): number {
    const times = this.#times;
    const byTime = (times[a] as number) - (times[b] as number);
    if (byTime !== 0) return byTime;
    const prefixes = this.#prefixes;
    const byPrefix = (prefixes[a] as number) - (prefixes[b] as number);
    if (byPrefix !== 0) return byPrefix;
    const { buffer } = this.#keys;
    const starts = this.#starts;
    const ends = this.#ends;
    return compareBytes(buffer, starts[a] as number, ends[a] as number, buffer, starts[b] as number, ends[b] as number);
  }

  #grow(): void {
    const length = this.#times.length * 2;
    const grown = <A extends Float64Array | Int32Array | Uint8Array>(to: A, from: A): A => {
      to.set(from);
      return to;
    };
    this.#times = grown(new Float64Array(length), this.#times);
    this.#prefixes = grown(new Float64Array(length), this.#prefixes);
    this.#starts = grown(new Int32Array(length), this.#starts);
    this.#ends = grown(new Int32Array(length), this.#ends);
    this.#added = grown(new Uint8Array(length), this.#added);
    this.#heap = grown(new Int32Array(length), this.#heap);
  }
}

const prefixOf = (key: Uint8Array, start: number, end: number): number => {
  let prefix = 0;
  for (let i = start; i < start + prefixBytes; i++) prefix = prefix * 256 + (i < end ? (key[i] as number) : 0);
  return prefix;
};
