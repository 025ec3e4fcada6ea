/**
 * What windows and sessions have in common, as a processor sees them: an ordered store whose orders begin with a time.
 *
 * An entry is there while its time lies less than the retention before the processor's stream time: from then on it is
 * not found, and a put of it is left out. So what is found depends on the records alone, and not on when a commit
 * removes what has expired.
 */

import { type ByteWriter, writeOrderedI64 } from '../../base/index.ts';
import { ProcessorMisuse } from '../misuse.ts';
import type { Serde } from '../serde.ts';
import type { OrderedCursor, OrderedStore } from '../stores/store.ts';
import { tooLarge } from './key-value-face.ts';
import { LentCursors } from './lent-cursors.ts';
import type { Direction } from './ordered-key-value-face.ts';
import type { StoreAccess } from './store-builder.ts';

const timeBytes = 8;

export class TimedFace<K, V> {
  readonly name: string;
  readonly #access: StoreAccess;
  readonly #store: OrderedStore;
  readonly #cursors: LentCursors;
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;
  readonly #retentionMs: number;
  readonly #keyOut: ByteWriter;
  readonly #valueOut: ByteWriter;

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

  protected checkTime(time: number): void {
    if (Number.isSafeInteger(time)) return;
    throw new ProcessorMisuse(
      'STORE_TIME_INVALID',
      `${time} cannot be the time of an entry of the store "${this.name}"`,
      {
        hint: 'Give a whole number of milliseconds.',
      },
    );
  }

  /** Null deletes the entry. `time` is what the order begins with. */
  protected putAt(key: K, value: V | null, time: number, order: Uint8Array): void {
    if (time < this.#firstTime()) return;
    const { buffer, length } = this.#write(key);
    if (value === null) {
      this.#store.delete(buffer, 0, length, order, 0, order.length);
      return;
    }
    const out = this.#valueOut;
    out.reset();
    this.#value.write(value, out);
    if (!this.#store.put(buffer, 0, length, order, 0, order.length, out.buffer, 0, out.length))
      throw tooLarge(this.name, length + out.length);
  }

  protected getAt(key: K, time: number, order: Uint8Array): V | undefined {
    if (!(time >= this.#firstTime())) return undefined;
    const { buffer, length } = this.#write(key);
    const store = this.#store;
    return store.get(buffer, 0, length, order, 0, order.length)
      ? this.#value.read(store.valueBytes, store.valueStart, store.valueEnd)
      : undefined;
  }

  /** The key's entries whose orders begin with these times, both included; `read` leaves out an entry by undefined. */
  protected entriesAt<Entry>(
    key: K,
    from: number,
    to: number,
    { reversed = false }: Direction,
    read: (cursor: OrderedCursor, value: () => V) => Entry | undefined,
  ): IterableIterator<Entry, undefined> {
    const first = timeOrder(Math.max(from, this.#firstTime()));
    const behind = timeOrder(Math.floor(to) + 1);
    return this.#cursors.iterate(
      (cursor) => {
        const { buffer, length } = this.#write(key);
        if (reversed) cursor.fetchBackward(buffer, 0, length, first, behind);
        else cursor.fetch(buffer, 0, length, first, behind);
      },
      (cursor) => read(cursor, () => this.#value.read(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)),
    );
  }
}

/** Bounds may be any numbers, infinities included. */
const timeOrder = (time: number): Uint8Array => {
  const order = new Uint8Array(timeBytes);
  const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number;
  writeOrderedI64(order, 0, Math.ceil(Math.min(Math.max(time, MIN_SAFE_INTEGER), MAX_SAFE_INTEGER)));
  return order;
};
