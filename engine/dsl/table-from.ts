/** A table of a topic or of a stream: the last value of each key. */

import { UserError } from '../../base/index.ts';
import { tableSource } from '../operators/table-source.ts';
import { storedRows, versionedRows } from '../operators/table-view.ts';
import { versionedTableSource } from '../operators/versioned-table-source.ts';
import type { Serde } from '../serde.ts';
import { storeSpec } from '../stores/store-spec.ts';
import type { Graph } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { TableMaterialized, Versioned } from './options.ts';
import { cacheOf, type KeyForm, type Wanted } from './parts.ts';
import { rowStore } from './row-store.ts';

interface TableFrom<K, V> {
  readonly graph: Graph;
  readonly name: string;
  readonly parent: string;
  readonly key: KeyForm<K>;
  readonly row: Serde<V>;
  readonly store: string;
  /** Kept in any case, not only where rows are asked for. */
  readonly kept: boolean;
  readonly options: Pick<TableMaterialized<V>, 'versioned' | 'cache'>;
}

/** The node that keeps rows, for tables of a topic and of a stream. */
export const tableFrom = <K, V>(from: TableFrom<K, V>): KTable<K, V> => {
  const { graph, name, parent, key, row, store, options } = from;
  const { versioned } = options;
  if (versioned !== undefined) return versionedTable(from, versioned);
  const wanted: Wanted = { store: from.kept };
  graph.add((topology) => {
    const kept = wanted.store;
    if (kept) topology.addStore(rowStore(store, key, row));
    const supplier = tableSource<V>({ row, ...(kept ? { store } : {}), cache: cacheOf(wanted, options) });
    topology.addProcessor(name, supplier, [parent], {
      stores: kept ? [store] : [],
    });
  });
  return graph.make.table<K, V>({
    graph,
    node: name,
    key,
    value: row,
    wanted,
    store,
    rows: () => storedRows(store, row),
  });
};

const versionedTable = <K, V>(
  { graph, name, parent, key, row, store }: TableFrom<K, V>,
  { historyMs }: Versioned,
): KTable<K, V> => {
  if (!(Number.isInteger(historyMs) && historyMs > 0))
    throw new UserError('DSL_HISTORY_INVALID', `a table cannot keep a history of ${historyMs} ms`);
  const stores = { rows: store, history: `${store}-history`, historyMs };
  graph.add((topology) => {
    topology.addStore(rowStore(stores.rows, key, row));
    topology.addStore(storeSpec(stores.history, 'ordered', [key.serde, row, 'versions'], historyMs));
    topology.addProcessor(name, versionedTableSource<V>({ stores, row }), [parent], {
      stores: [stores.rows, stores.history],
    });
  });
  return graph.make.table<K, V>({
    graph,
    node: name,
    key,
    value: row,
    wanted: { store: true },
    store,
    history: stores.history,
    versioned: true,
    rows: () => versionedRows(stores, row),
  });
};
