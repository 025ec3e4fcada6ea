/**
 * The entries that the next checkpoint has to write, oldest first: a ring of addresses.
 *
 *   … head ≤ inFlight ≤ tail …      indexes only ever grow (modulo 2^32); a slot whose entry left holds 0
 *
 * Entries in [head, inFlight) are in the batch that is being written. When it is on the disk `written` takes them out;
 * when it failed `giveBack` leaves them where they are. An entry that is committed again while in flight is queued
 * again, since the batch holds its former value.
 */

import { assert } from '../../base/index.ts';

const smallestRing = 64;

export class DueQueue {
  #ring = new Int32Array(smallestRing);
  /** The most places taken since the queue was empty. */
  #most = 0;
  /** Slots that hold an entry. */
  count = 0;
  head = 0;
  inFlight = 0;
  tail = 0;

  get bytesInMemory(): number {
    return this.#ring.length * 4;
  }

  /** Queues an entry; answers with its index. */
  push(address: number): number {
    if (((this.tail - this.head) | 0) === this.#ring.length) this.#grow();
    const index = this.tail;
    this.#ring[index & (this.#ring.length - 1)] = address;
    this.tail = (index + 1) | 0;
    this.count++;
    return index;
  }

  /** Queues an entry before all others; answers with its index. */
  unshift(address: number): number {
    if (((this.tail - this.head) | 0) === this.#ring.length) this.#grow();
    this.head = (this.head - 1) | 0;
    this.#ring[this.head & (this.#ring.length - 1)] = address;
    this.count++;
    return this.head;
  }

  at(index: number): number {
    return this.#ring[index & (this.#ring.length - 1)] as number;
  }

  move(index: number, address: number): void {
    this.#ring[index & (this.#ring.length - 1)] = address;
  }

  drop(index: number): void {
    assert(this.at(index) !== 0, 'an entry leaves the queue of due entries twice');
    this.#ring[index & (this.#ring.length - 1)] = 0;
    this.count--;
  }

  isInFlight(index: number): boolean {
    return ((index - this.inFlight) | 0) < 0;
  }

  /** Everything in flight is written: the head moves on. Slots must have been dropped before. A ring that is far larger
   *  than what it has held is given back. */
  written(): void {
    this.#most = Math.max(this.#most, (this.tail - this.head) | 0);
    this.head = this.inFlight;
    if (this.head !== this.tail) return;
    if (this.#ring.length > Math.max(smallestRing, this.#most * 4)) this.#ring = new Int32Array(smallestRing);
    this.#most = 0;
  }

  giveBack(): void {
    this.inFlight = this.head;
  }

  #grow(): void {
    const from = this.#ring;
    const to = new Int32Array(from.length * 2);
    for (let index = this.head; index !== this.tail; index = (index + 1) | 0) {
      to[index & (to.length - 1)] = from[index & (from.length - 1)] as number;
    }
    this.#ring = to;
  }
}
