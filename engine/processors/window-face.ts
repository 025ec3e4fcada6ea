/**
 * Values by key and time, as a processor sees them: an ordered store with the time as the order.
 *
 * An entry is there while its time lies less than the retention before the processor's stream time: from then on it is
 * not found, and a put of it is left out. So what is found depends on the records alone, and not on when a commit
 * removes what has expired.
 */

import { type ByteWriter, readOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import { ProcessorMisuse } from '../misuse.ts';
import type { Serde } from '../serde.ts';
import type { OrderedCursor, OrderedStore } from '../stores/store.ts';
import { tooLarge } from './key-value-face.ts';
import { LentCursors } from './lent-cursors.ts';
import type { Direction } from './ordered-key-value-face.ts';
import type { StoreAccess } from './store-builder.ts';

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

export class WindowFace<K, V> implements StateWindowStore<K, V> {
  readonly name: string;
  readonly #access: StoreAccess;
  readonly #store: OrderedStore;
  readonly #cursors: LentCursors;
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;
  readonly #retentionMs: number;
  readonly #keyOut: ByteWriter;
  readonly #valueOut: ByteWriter;
  readonly #order = new Uint8Array(orderBytes);

  constructor(access: StoreAccess, name: string, key: Serde<K>, value: Serde<V>, retentionMs: number) {
    this.name = name;
    this.#access = access;
    this.#store = access.store(name, 'ordered');
    this.#cursors = new LentCursors(this.#store, access.turn);
    this.#key = key;
    this.#value = value;
    this.#retentionMs = retentionMs;
    this.#keyOut = access.scratch();
    this.#valueOut = access.scratch();
    access.atCommit((streamTime) => {
      if (streamTime > Number.NEGATIVE_INFINITY) this.#store.expireBelow(streamTime - retentionMs + 1);
    });
  }

  /** The first time that has not expired. */
  #firstTime(): number {
    return this.#access.streamTime() - this.#retentionMs + 1;
  }

  #write(key: K): ByteWriter {
    const out = this.#keyOut;
    out.reset();
    this.#key.write(key, out);
    return out;
  }

  put(key: K, value: V | null, time: number): void {
    if (!Number.isSafeInteger(time)) {
      throw new ProcessorMisuse(
        'STORE_TIME_INVALID',
        `${time} cannot be the time of an entry of the store "${this.name}"`,
        {
          hint: 'Give a whole number of milliseconds.',
        },
      );
    }
    if (time < this.#firstTime()) return;
    const { buffer, length } = this.#write(key);
    writeOrderedI64(this.#order, 0, time);
    if (value === null) {
      this.#store.delete(buffer, 0, length, this.#order, 0, orderBytes);
      return;
    }
    const out = this.#valueOut;
    out.reset();
    this.#value.write(value, out);
    if (!this.#store.put(buffer, 0, length, this.#order, 0, orderBytes, out.buffer, 0, out.length))
      throw tooLarge(this.name, length + out.length);
  }

  fetch(key: K, time: number): V | undefined {
    if (!Number.isSafeInteger(time) || time < this.#firstTime()) return undefined;
    const { buffer, length } = this.#write(key);
    writeOrderedI64(this.#order, 0, time);
    const store = this.#store;
    return store.get(buffer, 0, length, this.#order, 0, orderBytes)
      ? this.#value.read(store.valueBytes, store.valueStart, store.valueEnd)
      : undefined;
  }

  fetchRange(
    key: K,
    from: number,
    to: number,
    { reversed = false }: Direction = {},
  ): IterableIterator<WindowEntry<V>, undefined> {
    const first = orderOf(Math.max(from, this.#firstTime()));
    const behind = orderOf(Math.floor(to) + 1);
    return this.#cursors.iterate(
      (cursor) => {
        const { buffer, length } = this.#write(key);
        if (reversed) cursor.fetchBackward(buffer, 0, length, first, behind);
        else cursor.fetch(buffer, 0, length, first, behind);
      },
      ({ valueBytes: bytes, orderStart, valueStart, valueEnd }: OrderedCursor) => ({
        time: readOrderedI64(bytes, orderStart),
        value: this.#value.read(bytes, valueStart, valueEnd),
      }),
    );
  }
}

/** Bounds may be any numbers, infinities included. */
const orderOf = (time: number): Uint8Array => {
  const order = new Uint8Array(orderBytes);
  const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number;
  writeOrderedI64(order, 0, Math.ceil(Math.min(Math.max(time, MIN_SAFE_INTEGER), MAX_SAFE_INTEGER)));
  return order;
};
