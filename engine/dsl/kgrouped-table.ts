/** A table grouped by something of its rows, to be aggregated: a row that changes is taken out of its former group and
 *  put into its present one. */

import { requireFunctions, requireSerdes } from '../given.ts';
import { type Change, changeSerde } from '../operators/change.ts';
import { repartitionSink, repartitionSource } from '../operators/repartition.ts';
import { type TableAggregation, tableAggregate } from '../operators/table-aggregate.ts';
import { storedRows } from '../operators/table-view.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';
import type { Graph } from './graph.ts';
import { serdeFor } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { Materialized } from './options.ts';
import { cacheOf, type KeyForm, presentKeyOf, type Wanted } from './parts.ts';
import { rowStore } from './row-store.ts';

/** What a grouped table is made of. */
export interface GroupedTableParts<K, V> {
  readonly graph: Graph;
  /** The node that the changes of groups come out of. */
  readonly node: string;
  readonly key: KeyForm<K>;
  readonly value: Serde<V>;
  /** Of the repartition; left out: that of the store. */
  readonly name: string | undefined;
}

export class KGroupedTable<K, V> {
  readonly #parts: GroupedTableParts<K, V>;
  /** The source behind the repartition with a name, which all aggregations share. */
  #shared: string | undefined;

  constructor(parts: GroupedTableParts<K, V>) {
    this.#parts = parts;
  }

  /** Counts the rows of each group. A group that has lost its last row stays, with 0. */
  count(options: Materialized<number | bigint> = {}): KTable<K, number | bigint> {
    const { value = int64 } = options;
    return this.#aggregate<number | bigint>('KTABLE-AGGREGATE', options, {
      accumulator: value,
      add: (count) => plus(count ?? 0, 1),
      subtract: (count) => plus(count, -1),
    });
  }

  /** Combines the rows of each group; the first one is taken as it is. Null deletes the group. */
  reduce(
    add: (reduced: V, value: V) => V | null,
    subtract: (reduced: V, value: V) => V | null,
    options: Materialized<V> = {},
  ): KTable<K, V> {
    requireFunctions('reduce', { add, subtract });
    return this.#aggregate<V>('KTABLE-REDUCE', options, {
      accumulator: serdeFor('value', 'reduce', options.value, this.#parts.value),
      add: (reduced, value) => (reduced === null ? value : add(reduced, value)),
      subtract,
    });
  }

  /** Folds the rows of each group; `subtract` undoes what `add` has done with a row. The accumulator may be changed in
   *  place; null deletes the group. */
  aggregate<A>(
    initialize: () => A,
    add: (key: K, value: V, accumulator: A) => A | null,
    subtract: (key: K, value: V, accumulator: A) => A | null,
    options: Materialized<A> & { readonly value: Serde<A> },
  ): KTable<K, A> {
    requireFunctions('aggregate', { initialize, add, subtract });
    requireSerdes('aggregate', options, 'value');
    const { key } = this.#parts;
    return this.#aggregate<A>('KTABLE-AGGREGATE', options, {
      accumulator: options.value,
      add: (accumulator, value, record) => add(presentKeyOf(key, record), value, accumulator ?? initialize()),
      subtract: (accumulator, value, record) => subtract(presentKeyOf(key, record), value, accumulator),
    });
  }

  #aggregate<A>(
    prefix: string,
    options: Materialized<A>,
    aggregation: Omit<TableAggregation<V, A>, 'store' | 'cache'>,
  ): KTable<K, A> {
    const { graph, key } = this.#parts;
    const store = graph.name('KTABLE-AGGREGATE-STATE-STORE', options.store);
    const parent = this.#changes(store, options.name);
    const node = graph.name(prefix, options.name);
    const { accumulator } = aggregation;
    const wanted: Wanted = { store: true };
    graph.add((topology) => {
      topology.addStore(rowStore(store, key, accumulator));
      const supplier = tableAggregate<V, A>({ store, ...aggregation, cache: cacheOf(wanted, options) });
      topology.addProcessor(node, supplier, [parent], { stores: [store] });
    });
    return graph.make.table<K, A>({
      graph,
      node,
      key,
      value: accumulator,
      wanted,
      store,
      rows: () => storedRows(store, accumulator),
    });
  }

  /** The node that the changes come out of behind the repartition. */
  #changes(store: string, named: string | undefined): string {
    const { graph, node, key, name = store, value } = this.#parts;
    const sinkName = graph.name('KSTREAM-SINK', named && `${named}-sink`);
    const sourceName = graph.name('KSTREAM-SOURCE', named && `${named}-source`);
    if (this.#shared !== undefined) return this.#shared;
    if (this.#parts.name !== undefined) this.#shared = sourceName;
    const change = changeSerde(value);
    graph.add((topology) =>
      topology.addRepartition(name, {
        parents: [node],
        sink: repartitionSink<Change<V>>({ name, value: change, windowBytes: key.windowBytes }),
        source: repartitionSource<Change<V>>({ value: change, key: key.serde }),
        sinkName,
        sourceName,
      }),
    );
    return sourceName;
  }
}

const plus = (count: number | bigint, more: 1 | -1): number | bigint =>
  typeof count === 'bigint' ? count + BigInt(more) : count + more;
