/** The store of a table's rows. */

import { timestampedName } from '../processors/value-and-timestamp.ts';
import type { Serde } from '../serde.ts';
import type { StoreSpec } from '../stores/store.ts';
import { storeSpec } from '../stores/store-spec.ts';
import type { KeyForm } from './parts.ts';

/** Rows by key, each behind its event time: the form of `Stores.timestampedKeyValue` too. */
export const rowStore = <K, V>(name: string, key: KeyForm<K>, row: Serde<V>): StoreSpec =>
  storeSpec(name, 'key-value', [key.serde, timestampedName(row)]);
