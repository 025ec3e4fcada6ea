/** A table of which every thread has all rows: a stream can be joined with it by any key. */

import type { ViewedTable } from '../operators/table-view.ts';
import type { Serde } from '../serde.ts';
import type { Graph } from './graph.ts';
import type { StoreForm } from './queryable-store.ts';

interface GlobalTableParts<K, V> {
  readonly graph: Graph;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly store: string;
  /** Where rows are looked up. */
  readonly rows: ViewedTable<V>;
}

/** For joins: what a global table is made of. */
export let partsOfGlobalTable: <K, V>(table: GlobalKTable<K, V>) => GlobalTableParts<K, V>;

export class GlobalKTable<K, V> {
  readonly #parts: GlobalTableParts<K, V>;

  static {
    partsOfGlobalTable = (table) => table.#parts;
  }

  constructor(parts: GlobalTableParts<K, V>) {
    this.#parts = parts;
  }

  /** The store that holds the table's rows, for `Streams.store`. What is read follows the table's topic on its own: it
   *  is not part of the position that a view is read from. */
  queryable(): StoreForm<K, V> {
    const { store: name, key, value } = this.#parts;
    return { name, key, value };
  }
}
