/** A table of which every thread has all rows: a stream can be joined with it by any key. */

import type { ViewedTable } from '../operators/table-view.ts';
import type { Serde } from '../serde.ts';
import type { Graph } from './graph.ts';

interface GlobalTableParts<K, V> {
  readonly graph: Graph;
  readonly key: Serde<K>;
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
}
