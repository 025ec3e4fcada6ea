/** The store of a table, as it is asked for from outside: its name, and how keys and rows are read. */

import type { Serde } from '../serde.ts';
import { isWindowed, type Windowed, type WindowedSerde } from './windowed.ts';

export interface StoreForm<K, V> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** How entries are kept. `timestamped`, the default: behind the time of their rows, as tables are; `plain`: by
   *  themselves; `ordered`: by themselves, all under one key, in the order of their own keys. */
  readonly entries?: 'timestamped' | 'plain' | 'ordered';
}

export interface WindowedForm<K, V> extends StoreForm<K, V> {
  /** The size of the windows, in milliseconds; undefined: the store holds sessions. */
  readonly sizeMs: number | undefined;
  /** Of a table that is made of a windowed one, and kept by key: how its keys are written, each with its window. Left
   *  out: the store is one of windows or sessions. */
  readonly windowedKey?: WindowedSerde<K>;
}

/** A table, or a store of a processor, that knows its former rows. */
export interface VersionedForm<K, V> {
  /** The store of the latest rows. */
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** The store of the former rows; left out: that of the latest ones. */
  readonly history?: string;
}

export type QueryableStore<K, V> = K extends Windowed<infer Inner> ? WindowedForm<Inner, V> : StoreForm<K, V>;

/** `keptByKey`: the store is a key-value store, also where keys carry a window. */
export const queryableStore = <K, V>(
  name: string,
  key: Serde<K>,
  value: Serde<V>,
  keptByKey: boolean,
): QueryableStore<K, V> => {
  const form = isWindowed(key)
    ? { name, key: key.inner, value, sizeMs: key.sizeMs, ...(keptByKey && { windowedKey: key }) }
    : { name, key, value };
  // What the type says of K is what the serde says of itself.
  return form as QueryableStore<K, V>;
};
