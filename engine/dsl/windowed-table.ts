/** The node of an aggregate over windows, its stores, and the table of its results. */

import type { OperatorSupplier } from '../operator.ts';
import type { Serde } from '../serde.ts';
import { broughtTogether } from './brought-together.ts';
import type { KTable } from './ktable.ts';
import type { WindowMaterialized, WithValue } from './options.ts';
import type { StreamParts, Wanted } from './parts.ts';
import type { Windowed } from './windowed.ts';
import type { WindowedAggregate } from './windowed-aggregate.ts';

interface WindowedTable<V, R> {
  readonly kind: 'AGGREGATE' | 'REDUCE';
  /** False: it only asks whether records have values. Default true. */
  readonly readsValues?: boolean;
  /** How results are written. */
  readonly value: Serde<R>;
  readonly options: WindowMaterialized<R>;
  /** Makes the aggregate over the store of this name. */
  readonly aggregateOver: (
    store: string,
    wanted: Wanted,
  ) => WindowedAggregate & { readonly supplier: OperatorSupplier<V, R> };
}

/** `grouping`: the options that the stream was grouped with. */
export const windowedTable = <K, V, R>(
  parts: StreamParts<K, V>,
  grouping: WithValue<V>,
  { kind, readsValues = true, value, options, aggregateOver }: WindowedTable<V, R>,
): KTable<Windowed<K>, R> => {
  const { graph } = parts;
  const store = graph.name(`KSTREAM-${kind}-STATE-STORE`, options.store);
  const node = graph.name(`KSTREAM-${kind}`, options.name);
  const wanted: Wanted = { store: true };
  const { stores, supplier, keyForm, rows } = aggregateOver(store, wanted);
  const { key, node: parent } = broughtTogether(parts, grouping.name ?? store, { ...grouping, readsValues });
  graph.add((topology) => {
    for (const spec of stores) topology.addStore(spec);
    topology.addProcessor(node, supplier, [parent], { stores: stores.map(({ name }) => name), readsValues });
  });
  const isWindowStore = stores.some(({ name, kind }) => name === store && kind === 'window');
  return graph.make.table({
    graph,
    node,
    key: keyForm(key.serde),
    value,
    wanted,
    store,
    keepsWindows: true,
    rows: rows && (() => rows(value)),
    ...(rows && isWindowStore && { windowStore: store }),
  });
};
