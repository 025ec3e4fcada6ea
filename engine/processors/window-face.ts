/** Values by key and time, as a processor sees them: an ordered store with the time as the order. */

import { readOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import type { Direction } from './ordered-key-value-face.ts';
import { TimedFace } from './timed-face.ts';

export interface WindowEntry<V> {
  /** The time it was put under, epoch milliseconds. */
  readonly time: number;
  readonly value: V;
}

export interface StateWindowStore<K, V> {
  readonly name: string;
  /** Null deletes the entry. Throws STORE_ENTRY_TOO_LARGE; the former value then stays. */
  put(key: K, value: V | null, time: number): void;
  /** The value under just this time. */
  fetch(key: K, time: number): V | undefined;
  /** The key's entries of these times, both included. An iterator is valid until the processor's call returns. */
  fetchRange(key: K, from: number, to: number, direction?: Direction): IterableIterator<WindowEntry<V>, undefined>;
}

const orderBytes = 8;

export class WindowFace<K, V> extends TimedFace<K, V> implements StateWindowStore<K, V> {
  readonly #order = new Uint8Array(orderBytes);

  #orderOf(time: number): Uint8Array {
    writeOrderedI64(this.#order, 0, time);
    return this.#order;
  }

  put(key: K, value: V | null, time: number): void {
    this.checkTime(time);
    this.putAt(key, value, time, this.#orderOf(time));
  }

  fetch(key: K, time: number): V | undefined {
    return Number.isSafeInteger(time) ? this.getAt(key, time, this.#orderOf(time)) : undefined;
  }

  fetchRange(key: K, from: number, to: number, direction: Direction = {}): IterableIterator<WindowEntry<V>, undefined> {
    return this.entriesAt(key, from, to, direction, ({ valueBytes, orderStart }, value) => ({
      time: readOrderedI64(valueBytes, orderStart),
      value: value(),
    }));
  }
}
