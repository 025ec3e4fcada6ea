/**
 * A key-value store whose entries are in the order of their keys' bytes, as a processor sees it: an ordered store in
 * which all entries lie under one key, with the user's key as their order.
 */

import type { ByteWriter } from '../../base/index.ts';
import type { Serde } from '../serde.ts';
import type { OrderedCursor, OrderedStore } from '../stores/store.ts';
import { type StateKeyValueStore, tooLarge } from './key-value-face.ts';
import { LentCursors } from './lent-cursors.ts';
import type { StoreAccess } from './store-builder.ts';

export interface Direction {
  /** From the last entry down to the first. */
  readonly reversed?: boolean;
}

/** Iterators see what is put or deleted ahead of them. They are valid until the processor's call returns. */
export interface StateOrderedKeyValueStore<K, V> extends StateKeyValueStore<K, V> {
  /** Entries from a key up to another, both included; null leaves that side open. */
  range(from: K | null, to: K | null, direction?: Direction): IterableIterator<readonly [K, V], undefined>;
  /** Entries whose key's bytes begin with those of the prefix. */
  prefix<P>(prefix: P, serde: Serde<P>, direction?: Direction): IterableIterator<readonly [K, V], undefined>;
  all(direction?: Direction): IterableIterator<readonly [K, V], undefined>;
}

const noKey = new Uint8Array(0);

/** The least bytes above all that begin with these; undefined: there are none. */
const behindPrefix = (prefix: Uint8Array): Uint8Array | undefined => {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const behind = prefix.slice(0, length);
  behind[length - 1] = (behind[length - 1] as number) + 1;
  return behind;
};

export class OrderedKeyValueFace<K, V> implements StateOrderedKeyValueStore<K, V> {
  readonly name: string;
  readonly #store: OrderedStore;
  readonly #cursors: LentCursors;
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;
  readonly #keyOut: ByteWriter;
  readonly #valueOut: ByteWriter;

  constructor(access: StoreAccess, name: string, key: Serde<K>, value: Serde<V>) {
    this.name = name;
    this.#store = access.store(name, 'ordered');
    this.#cursors = new LentCursors(this.#store, access.turn);
    this.#key = key;
    this.#value = value;
    this.#keyOut = access.scratch();
    this.#valueOut = access.scratch();
  }

  #write<P>(key: P, serde: Serde<P>): ByteWriter {
    const out = this.#keyOut;
    out.reset();
    serde.write(key, out);
    return out;
  }

  #find({ buffer, length }: ByteWriter): V | undefined {
    const store = this.#store;
    return store.get(noKey, 0, 0, buffer, 0, length)
      ? this.#value.read(store.valueBytes, store.valueStart, store.valueEnd)
      : undefined;
  }

  get(key: K): V | undefined {
    return this.#find(this.#write(key, this.#key));
  }

  put(key: K, value: V | null): void {
    const { buffer, length } = this.#write(key, this.#key);
    if (value === null) {
      this.#store.delete(noKey, 0, 0, buffer, 0, length);
      return;
    }
    const out = this.#valueOut;
    out.reset();
    this.#value.write(value, out);
    if (!this.#store.put(noKey, 0, 0, buffer, 0, length, out.buffer, 0, out.length))
      throw tooLarge(this.name, length + out.length);
  }

  putIfAbsent(key: K, value: V): V | undefined {
    const found = this.get(key);
    if (found === undefined) this.put(key, value);
    return found;
  }

  delete(key: K): V | undefined {
    const out = this.#write(key, this.#key);
    const found = this.#find(out);
    if (found !== undefined) this.#store.delete(noKey, 0, 0, out.buffer, 0, out.length);
    return found;
  }

  range(from: K | null, to: K | null, direction: Direction = {}): IterableIterator<readonly [K, V], undefined> {
    const first = from === null ? undefined : this.#write(from, this.#key).slice();
    let behind: Uint8Array | undefined;
    if (to !== null) {
      // The least bytes above the last key.
      const out = this.#write(to, this.#key);
      out.i8(0);
      behind = out.slice();
    }
    return this.#between(first, behind, direction);
  }

  prefix<P>(prefix: P, serde: Serde<P>, direction: Direction = {}): IterableIterator<readonly [K, V], undefined> {
    const first = this.#write(prefix, serde).slice();
    return this.#between(first, behindPrefix(first), direction);
  }

  all(direction: Direction = {}): IterableIterator<readonly [K, V], undefined> {
    return this.#between(undefined, undefined, direction);
  }

  #between(
    from: Uint8Array | undefined,
    to: Uint8Array | undefined,
    { reversed = false }: Direction,
  ): IterableIterator<readonly [K, V], undefined> {
    return this.#cursors.iterate(
      (cursor) => (reversed ? cursor.fetchBackward(noKey, 0, 0, from, to) : cursor.fetch(noKey, 0, 0, from, to)),
      ({ valueBytes: bytes, orderStart, orderEnd, valueStart, valueEnd }: OrderedCursor) => [
        this.#key.read(bytes, orderStart, orderEnd),
        this.#value.read(bytes, valueStart, valueEnd),
      ],
    );
  }
}
