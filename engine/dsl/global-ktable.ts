/** A table of which every thread has all rows: a stream can be joined with it by any key. */

import type { ViewedTable } from '../operators/table-view.ts';
import type { Serde } from '../serde.ts';

export class GlobalKTable<K, V> {
  readonly key: Serde<K>;
  /** The name of its store. */
  readonly store: string;
  /** For joins: where rows are looked up. */
  readonly rows: ViewedTable<V>;

  constructor(parts: { readonly key: Serde<K>; readonly store: string; readonly rows: ViewedTable<V> }) {
    this.key = parts.key;
    this.store = parts.store;
    this.rows = parts.rows;
  }
}
