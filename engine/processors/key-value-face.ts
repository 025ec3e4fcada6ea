/** A key-value store as a processor sees it: typed keys and values over bytes. */

import { type ByteWriter } from '../../base/index.ts';
import { ProcessorMisuse } from '../misuse.ts';
import type { Serde } from '../serde.ts';
import type { KeyValueStore } from '../stores/store.ts';
import type { StoreAccess } from './store-builder.ts';

export interface StateKeyValueStore<K, V> {
  readonly name: string;
  /** The value of a key; undefined: there is none. */
  get(key: K): V | undefined;
  /** Null deletes the key. Throws STORE_ENTRY_TOO_LARGE; the former value then stays. */
  put(key: K, value: V | null): void;
  /** Puts the value where there is none; answers the one that was there. */
  putIfAbsent(key: K, value: V): V | undefined;
  /** Deletes the key; answers the value that was there. */
  delete(key: K): V | undefined;
}

export const tooLarge = (store: string, bytes: number): ProcessorMisuse =>
  new ProcessorMisuse(
    'STORE_ENTRY_TOO_LARGE',
    `the entry takes ${bytes} bytes, more than one of the store "${store}" may have; what was there stays`,
  );

export class KeyValueFace<K, V> implements StateKeyValueStore<K, V> {
  readonly name: string;
  readonly #store: KeyValueStore;
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;
  readonly #keyOut: ByteWriter;
  readonly #valueOut: ByteWriter;

  constructor(access: StoreAccess, name: string, key: Serde<K>, value: Serde<V>) {
    this.name = name;
    this.#store = access.store(name, 'key-value');
    this.#key = key;
    this.#value = value;
    this.#keyOut = access.scratch();
    this.#valueOut = access.scratch();
  }

  #write(key: K): ByteWriter {
    const out = this.#keyOut;
    out.reset();
    this.#key.write(key, out);
    return out;
  }

  #find({ buffer, length }: ByteWriter): V | undefined {
    const store = this.#store;
    return store.get(buffer, 0, length)
      ? this.#value.read(store.valueBytes, store.valueStart, store.valueEnd)
      : undefined;
  }

  get(key: K): V | undefined {
    return this.#find(this.#write(key));
  }

  put(key: K, value: V | null): void {
    const { buffer, length } = this.#write(key);
    if (value === null) {
      this.#store.delete(buffer, 0, length);
      return;
    }
    const out = this.#valueOut;
    out.reset();
    this.#value.write(value, out);
    if (!this.#store.put(buffer, 0, length, out.buffer, 0, out.length)) throw tooLarge(this.name, length + out.length);
  }

  putIfAbsent(key: K, value: V): V | undefined {
    const found = this.get(key);
    if (found === undefined) this.put(key, value);
    return found;
  }

  delete(key: K): V | undefined {
    const out = this.#write(key);
    const found = this.#find(out);
    if (found !== undefined) this.#store.delete(out.buffer, 0, out.length);
    return found;
  }
}
