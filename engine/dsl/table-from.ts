/** A table of a topic or of a stream: the last value of each key. */

import { tableSource } from '../operators/table-source.ts';
import { storedRows } from '../operators/table-view.ts';
import type { Serde } from '../serde.ts';
import type { Graph } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { KeyForm, Wanted } from './parts.ts';

/** The node that keeps rows, for tables of a topic and of a stream. */
export const tableFrom = <K, V>(from: {
  readonly graph: Graph;
  readonly name: string;
  readonly parent: string;
  readonly key: KeyForm<K>;
  readonly row: Serde<V>;
  readonly store: string;
  /** Kept in any case, not only where rows are asked for. */
  readonly kept: boolean;
}): KTable<K, V> => {
  const { graph, name, parent, key, row, store } = from;
  const wanted: Wanted = { store: from.kept };
  graph.add((topology) => {
    const kept = wanted.store;
    if (kept) topology.addStore({ name: store, kind: 'key-value' });
    topology.addProcessor(name, tableSource<V>({ row, ...(kept ? { store } : {}) }), [parent], {
      stores: kept ? [store] : [],
    });
  });
  return graph.make.table<K, V>({
    graph,
    node: name,
    key,
    value: row,
    wanted,
    rows: () => storedRows(store, row),
  });
};
