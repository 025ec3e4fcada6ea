/** What names a store that is read from outside, with the types of its entries: the table that it keeps, the builder of
 *  a processor's store, or its name with serdes. */

import type { StateKeyValueStore } from '../processors/key-value-face.ts';
import type { StateSessionStore } from '../processors/session-face.ts';
import type { StoreBuilder } from '../processors/store-builder.ts';
import type { StateWindowStore } from '../processors/window-face.ts';
import type { GlobalKTable } from './global-ktable.ts';
import type { KTable } from './ktable.ts';
import type { StoreForm, WindowedForm } from './queryable-store.ts';
import type { Windowed } from './windowed.ts';

export type ReadableStore<K, V> =
  | KTable<K, V>
  | GlobalKTable<K, V>
  | StoreForm<K, V>
  | StoreBuilder<string, StateKeyValueStore<K, V>>;

export type ReadableWindows<K, V> =
  | KTable<Windowed<K>, V>
  | WindowedForm<K, V>
  | StoreBuilder<string, StateWindowStore<K, V>>
  | StoreBuilder<string, StateSessionStore<K, V>>;

/** A table of windowed keys has a windowed form, as has a builder of entries with times: what the types above say. */
export const formOf = <K, V>(
  store: ReadableStore<K, V> | ReadableWindows<K, V>,
): StoreForm<K, V> | WindowedForm<K, V> => {
  if ('queryable' in store) return store.queryable() as StoreForm<K, V> | WindowedForm<K, V>;
  if ('form' in store) return { name: store.name, ...store.form } as StoreForm<K, V> | WindowedForm<K, V>;
  return store;
};
