/**
 * Tables that are made of another one, row by row. Their rows are kept where a store is named; else they are derived
 * when they are looked up.
 */

import type { BeforeUse } from '../before-images.ts';
import { requireFunctions } from '../given.ts';
import { ProcessorMisuse } from '../misuse.ts';
import type { OperatorSupplier } from '../operator.ts';
import { keptTable } from '../operators/kept-table.ts';
import { mappedRows, storedRows } from '../operators/table-view.ts';
import { processValues } from '../processors/process.ts';
import type { CommonContext } from '../processors/processor.ts';
import type { AnyStoreBuilder } from '../processors/store-builder.ts';
import type { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import { serdeFor } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { Materialized, Processed } from './options.ts';
import { cacheOf, type TableParts, type Wanted } from './parts.ts';
import { rowStore } from './row-store.ts';

interface Derivation<V, V2> {
  readonly node: string;
  readonly operator: OperatorSupplier<V, V2>;
  readonly before: BeforeUse;
  /** The derived row of a row; null: there is none. */
  readonly row: (row: V, record: StreamRecord<unknown>) => V2 | null;
  readonly value: Serde<V2> | undefined;
  readonly options: Pick<Materialized<V2>, 'store' | 'cache'>;
}

export const derivedTable = <K, V, V2>(
  { graph, node: parent, key, wanted, versioned = false, rows }: TableParts<K, V>,
  { node, operator, before, row, value, options }: Derivation<V, V2>,
): KTable<K, V2> => {
  const { store } = options;
  if (store === undefined) {
    graph.add((topology) => topology.addProcessor(node, operator, [parent], { before }));
    return graph.make.table({
      graph,
      node,
      key,
      value,
      wanted,
      store,
      versioned,
      rows: rows && (() => mappedRows(rows(), row)),
    });
  }
  const serde = serdeFor('value', `the store "${store}"`, value);
  const keptAs: Wanted = { store: true, of: wanted };
  graph.add((topology) => {
    topology.addStore(rowStore(store, key, serde));
    const kept = keptTable(operator, { store, row: serde, cache: cacheOf(keptAs, options) });
    topology.addProcessor(node, kept, [parent], { stores: [store], before });
  });
  return graph.make.table({
    graph,
    node,
    key,
    value: serde,
    wanted: keptAs,
    store,
    rows: () => storedRows(store, serde),
  });
};

/** Makes a new value of a table's value, with state; called for deletions too, with null. */
export type ValueTransformer<K, V, V2> = (value: V | null, key: K) => V2 | null;

/** Makes the transformer of one task. */
export type ValueTransformerSupplier<K, V, V2, S extends AnyStoreBuilder> = (
  context: CommonContext<S>,
) => ValueTransformer<K, V, V2>;

/** A function with state is called once for each change: where its former results are needed they are kept. */
export const transformedTable = <K, V, V2, const S extends readonly AnyStoreBuilder[]>(
  { graph, node: parent, key, wanted: of, versioned = false }: TableParts<K, V>,
  supplier: ValueTransformerSupplier<K, V, V2, S[number]>,
  options: Processed<S> & Materialized<V2>,
): KTable<K, V2> => {
  const node = graph.name('KTABLE-TRANSFORMVALUES', options.name);
  const wanted: Wanted = { store: options.store !== undefined, of };
  const store = options.store ?? `${node}-STATE-STORE`;
  const row = (): Serde<V2> => serdeFor('value', `the table "${node}"`, options.value);
  const operator = processValues<K, V, V2, S[number]>(
    (context) => {
      const transform = supplier(context);
      if (typeof transform !== 'function')
        throw new ProcessorMisuse(
          'PROCESSOR_INVALID',
          `the supplier of transformValues has made ${String(transform)}`,
          {
            hint: 'It has to answer a function.',
          },
        );
      requireFunctions('transformValues', { transform });
      return {
        // A table drops records without a key.
        process: (record) => context.forward(record.withValue(transform(record.value, record.key as K))),
      };
    },
    { ...options, key: key.serde },
  );
  graph.add((topology) => {
    if (!wanted.store) return topology.addProcessor(node, operator, [parent]);
    topology.addStore(rowStore(store, key, row()));
    return topology.addProcessor(
      node,
      keptTable(operator, { store, row: row(), cache: cacheOf(wanted, options) }),
      [parent],
      { stores: [store] },
    );
  });
  return graph.make.table<K, V2>({
    graph,
    node,
    key,
    value: options.value,
    wanted,
    store: options.value && store,
    versioned: versioned && options.store === undefined,
    rows: () => storedRows(store, row()),
  });
};
