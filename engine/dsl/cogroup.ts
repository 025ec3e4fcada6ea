/** How cogrouped streams are wired: a node for each stream, and one behind them that aggregates. */

import type { OperatorSupplier } from '../operator.ts';
import { type Addition, sideOfCogroup } from '../operators/cogroup.ts';
import type { StoreSpec } from '../stores/store.ts';
import type { Topology } from '../topology.ts';
import { broughtTogether } from './brought-together.ts';
import { assertCombinable, type Graph } from './graph.ts';
import type { Materialized, WithValue } from './options.ts';
import { type KeyForm, presentKeyOf, type StreamParts } from './parts.ts';

/** Adds a record to the accumulator of its key; null deletes the row. */
export type CogroupAdd<K, V, A> = (key: K, value: V, accumulator: A) => A | null;

/** One of the streams. */
export interface CogroupInput<K> {
  readonly graph: Graph;
  readonly key: KeyForm<K>;
  /** Brings equal keys together; answers what adds the node of this stream. `as` names the repartition, with the number
   *  of the stream behind it for all but the first one, unless the grouping has a name. */
  bringTogether(as: string, index: number): (topology: Topology, node: string) => void;
}

export const cogroupInput = <K, V, A>(
  parts: StreamParts<K, V>,
  options: WithValue<V>,
  add: CogroupAdd<K, V, A>,
): CogroupInput<K> => {
  const { graph, key } = parts;
  return {
    graph,
    key,
    bringTogether(as, index) {
      const shares = index === 0 || graph.repartitions.get(as)?.from === parts.node;
      const name = options.name ?? (shares ? as : `${as}-${index + 1}`);
      const { node: parent } = broughtTogether(parts, name, options);
      // Records without a value are dropped before.
      const supplier = sideOfCogroup<V, A>((accumulator, record) =>
        add(presentKeyOf(key, record), record.value as V, accumulator),
      );
      return (topology, node) => topology.addProcessor(node, supplier, [parent]);
    },
  };
};

/** What aggregates: its operator over its stores, and what else its caller takes of it. */
interface CogroupAggregate<A> {
  readonly stores: readonly StoreSpec[];
  readonly operator: OperatorSupplier<Addition<A>, A>;
}

export type CogroupInputs<K> = readonly [CogroupInput<K>, ...CogroupInput<K>[]];

/** Adds the nodes, named as Kafka's, and answers with the one that aggregates. `aggregateOver` is called with the name
 *  of its store. */
export const cogrouped = <K, A, G extends CogroupAggregate<A>>(
  inputs: CogroupInputs<K>,
  { name, store: given }: Materialized<A>,
  aggregateOver: (store: string) => G,
): G & { readonly graph: Graph; readonly node: string; readonly store: string } => {
  const [first] = inputs;
  const { graph } = first;
  for (const input of inputs) assertCombinable(first, input, 'cogroup');
  const store = graph.name('COGROUPKSTREAM-AGGREGATE-STATE-STORE', given);
  const aggregate = aggregateOver(store);
  const sides = inputs.map((input, i) => input.bringTogether(store, i));
  const names = sides.map((_, i) => graph.name('COGROUPKSTREAM-AGGREGATE', name && `${name}-cogroup-agg-${i}`));
  const node = graph.name('COGROUPKSTREAM-MERGE', name && `${name}-cogroup-merge`);
  graph.add((topology) => {
    for (const spec of aggregate.stores) topology.addStore(spec);
    for (const [i, addSide] of sides.entries()) addSide(topology, names[i] as string);
    topology.addProcessor(node, aggregate.operator, names, { stores: aggregate.stores.map((spec) => spec.name) });
  });
  return { ...aggregate, graph, node, store };
};
