/**
 * Values by time and key, as a processor sees them, with scans over all keys: an ordered store in which all entries lie
 * under one key, with the time and the user's key as their order.
 */

import { type ByteWriter, equalBytes, readOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import type { Serde } from '../serde.ts';
import type { Direction } from './ordered-key-value-face.ts';
import type { StoreAccess } from './store-builder.ts';
import { TimedFace } from './timed-face.ts';
import type { StateWindowStore, WindowEntry } from './window-face.ts';

/** An entry of any key. */
export interface KeyedWindowEntry<K, V> extends WindowEntry<V> {
  readonly key: K;
}

/** `fetchRange` walks the entries that all keys have within these times. */
export interface StateOrderedWindowStore<K, V> extends StateWindowStore<K, V> {
  /** The entries of all keys with these times, both included, in the order of time, then of the keys' bytes. An
   *  iterator is valid until the processor's call returns. */
  fetchAll(from: number, to: number, direction?: Direction): IterableIterator<KeyedWindowEntry<K, V>, undefined>;
  /** All entries, in the same order. */
  all(direction?: Direction): IterableIterator<KeyedWindowEntry<K, V>, undefined>;
}

const timeBytes = 8;

/** What all entries lie under: no bytes. */
const noKey: Serde<undefined> = { name: 'none', write() {}, read: () => undefined };

export class OrderedWindowFace<K, V> extends TimedFace<undefined, V> implements StateOrderedWindowStore<K, V> {
  readonly #key: Serde<K>;
  readonly #order: ByteWriter;

  constructor(access: StoreAccess, name: string, key: Serde<K>, value: Serde<V>, retentionMs: number) {
    super(access, name, noKey, value, retentionMs);
    this.#key = key;
    this.#order = access.scratch();
  }

  #orderOf(key: K, time: number): Uint8Array {
    const out = this.#order;
    out.reset();
    out.i64(0);
    this.#key.write(key, out);
    writeOrderedI64(out.buffer, 0, time);
    return out.slice();
  }

  put(key: K, value: V | null, time: number): void {
    this.checkTime(time);
    this.putAt(undefined, value, time, this.#orderOf(key, time));
  }

  fetch(key: K, time: number): V | undefined {
    return Number.isSafeInteger(time) ? this.getAt(undefined, time, this.#orderOf(key, time)) : undefined;
  }

  fetchRange(key: K, from: number, to: number, direction: Direction = {}): IterableIterator<WindowEntry<V>, undefined> {
    const wanted = this.#orderOf(key, 0);
    return this.entriesAt(undefined, from, to, direction, ({ valueBytes, orderStart, orderEnd }, value) => {
      if (!equalBytes(valueBytes, orderStart + timeBytes, orderEnd, wanted, timeBytes, wanted.length)) return undefined;
      return { time: readOrderedI64(valueBytes, orderStart), value: value() };
    });
  }

  fetchAll(from: number, to: number, direction: Direction = {}): IterableIterator<KeyedWindowEntry<K, V>, undefined> {
    return this.entriesAt(undefined, from, to, direction, ({ valueBytes, orderStart, orderEnd }, value) => ({
      key: this.#key.read(valueBytes, orderStart + timeBytes, orderEnd),
      time: readOrderedI64(valueBytes, orderStart),
      value: value(),
    }));
  }

  all(direction?: Direction): IterableIterator<KeyedWindowEntry<K, V>, undefined> {
    return this.fetchAll(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, direction);
  }
}
