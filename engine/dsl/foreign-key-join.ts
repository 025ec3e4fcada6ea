/** Joins of two tables by a foreign key: two sub-topologies that send each other subscriptions and answers. */

import { type Answer, answerSerde, type Subscription, subscriptionSerde } from '../operators/foreign-key-messages.ts';
import { partnersSpec } from '../operators/foreign-key-partners.ts';
import {
  answerChanges,
  answerSubscriptions,
  type ForeignKey,
  type ForeignKeyJoin,
  resolveAnswers,
  subscribe,
} from '../operators/join-foreign-key.ts';
import { repartitionSink, repartitionSource } from '../operators/repartition.ts';
import { tablePassed } from '../operators/table-passed.ts';
import { tableSource } from '../operators/table-source.ts';
import { storedRows } from '../operators/table-view.ts';
import { storeSpec } from '../stores/store-spec.ts';
import type { Topology } from '../topology.ts';
import { assertSameBuilder, type Graph, serdeFor } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { ForeignKeyJoined } from './options.ts';
import { cacheOf, presentKeyOf, repeatedKeyOf, rowsOf, type TableParts, type Wanted } from './parts.ts';
import { rowStore } from './row-store.ts';

interface ForeignKeyJoinOptions<K, FK, L, R, V> {
  readonly foreignKey: (value: L, key: K) => FK | null;
  readonly joiner: (left: L, right: R | null, key: K) => V | null;
  readonly leftJoin: boolean;
  readonly options: ForeignKeyJoined<FK, V>;
}

export const foreignKeyJoin = <K, FK, L, R, V>(
  left: TableParts<K, L>,
  right: TableParts<FK, R>,
  { foreignKey, joiner, leftJoin, options }: ForeignKeyJoinOptions<K, FK, L, R, V>,
): KTable<K, V> => {
  const { graph, key } = left;
  assertSameBuilder(graph, right.graph, 'a join by a foreign key');
  const names = namesOf(left, options);
  const row = serdeFor('right', `the join "${names.output}"`, right.value);
  const leftRows = rowsOf(left);
  const rightRows = rowsOf(right);
  const wanted: Wanted = { store: options.store !== undefined };
  // The foreign key of the row before, that of the row, the joined row: a key is asked for three times.
  const readKey = repeatedKeyOf(key);
  const keyOf: ForeignKey<L> = (value, record, out) => {
    const found = foreignKey(value, readKey(record));
    if (found === null) return false;
    right.key.serde.write(found, out);
    return true;
  };
  graph.add((topology) => {
    const join: ForeignKeyJoin<L, R, V> = {
      left: leftRows(),
      right: rightRows(),
      row,
      foreignKey: keyOf,
      join: (a, b, record) => joiner(a, b, readKey(record)),
      leftJoin,
      store: names.subscriptions,
      partners: names.partners,
      again: names.again,
      asked: names.asked,
    };
    addNodes(topology, join, { left, right, otherPartition: options.otherPartition }, names);
    const parents = [names.subscribe, names.resolver];
    if (!wanted.store) return topology.addProcessor(names.output, tablePassed<V>(), parents, { before: 'passed on' });
    const value = serdeFor('value', `the join "${names.output}"`, options.value);
    topology.addStore(rowStore(names.store, key, value));
    const supplier = tableSource<V>({ store: names.store, row: value, cache: cacheOf(wanted, options) });
    return topology.addProcessor(names.output, supplier, parents, { stores: [names.store] });
  });
  return graph.make.table<K, V>({
    graph,
    node: names.output,
    key,
    value: options.value,
    wanted,
    store: names.store,
    rows: () => storedRows(names.store, serdeFor('value', `the join "${names.output}"`, options.value)),
  });
};

/** The names of nodes, repartitions and stores. */
const namesOf = (
  { graph }: { readonly graph: Graph },
  { name, store }: { readonly name?: string; readonly store?: string },
) => {
  const named = (prefix: string, suffix: string): string => graph.name(prefix, name && `${name}${suffix}`);
  const registration = named('KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION', '-subscription-registration');
  const subscribe = named('KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION', '-subscription-registration-processor');
  const registrationSink = named('KTABLE-SINK', '-subscription-registration-sink');
  const registrationSource = named('KTABLE-SOURCE', '-subscription-registration-source');
  const subscriptions = named('KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE', '-subscription-store');
  const receive = named('KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR', '-subscription-join-foreign');
  const change = named('KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR', '-foreign-join-subscription');
  const response = named('KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE', '-subscription-response');
  const responseSink = named('KTABLE-SINK', '-subscription-response-sink');
  const responseSource = named('KTABLE-SOURCE', '-subscription-response-source');
  const resolver = named('KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR', '-subscription-response-resolver');
  const output = named('KTABLE-FK-JOIN-OUTPUT', '-result-table');
  return {
    registration,
    subscribe,
    registrationSink,
    registrationSource,
    subscriptions,
    receive,
    change,
    response,
    responseSink,
    responseSource,
    resolver,
    partners: `${subscriptions}-partners`,
    again: `${subscriptions}-again`,
    asked: `${subscriptions}-asked`,
    output,
    store: store ?? `${output}-STATE-STORE`,
  };
};

interface Sides<K, FK, L, R> {
  readonly left: TableParts<K, L>;
  readonly right: TableParts<FK, R>;
  readonly otherPartition: ((foreignKey: FK, count: number) => number) | undefined;
}

const addNodes = <K, FK, L, R, V>(
  topology: Topology,
  join: ForeignKeyJoin<L, R, V>,
  { left, right, otherPartition }: Sides<K, FK, L, R>,
  names: ReturnType<typeof namesOf>,
): void => {
  const subscriptions = subscriptionSerde();
  const answers = answerSerde();
  const ownStores = [names.partners, names.again, names.asked];
  for (const name of ownStores) topology.addStore(partnersSpec(name));
  const children = { subscriptions: names.registrationSink, results: names.output };
  topology.addProcessor(names.subscribe, subscribe<L, R, V>(join, children), [left.node], {
    stores: [...ownStores, ...join.left.stores],
    before: 'needed',
  });
  topology.addRepartition(names.registration, {
    parents: [names.subscribe],
    sink: repartitionSink<Subscription>({
      name: names.registration,
      value: subscriptions,
      // All windows of a key lie in the partition of the key.
      windowBytes: right.key.windowBytes,
      ...(otherPartition && {
        partitioner: (record, count) => otherPartition(presentKeyOf(right.key, record), count),
      }),
    }),
    source: repartitionSource<Subscription>({ value: subscriptions }),
    sinkName: names.registrationSink,
    sourceName: names.registrationSource,
  });
  topology.addStore(storeSpec(names.subscriptions, 'ordered', [right.key.serde, left.key.serde, 'subscriptions']));
  topology.addProcessor(names.receive, answerSubscriptions<R>(join), [names.registrationSource], {
    stores: [names.subscriptions, ...join.right.stores],
  });
  topology.addProcessor(names.change, answerChanges<R>(join), [right.node], {
    stores: [names.subscriptions, ...join.right.stores],
  });
  topology.addRepartition(names.response, {
    parents: [names.receive, names.change],
    sink: repartitionSink<Answer>({
      name: names.response,
      value: answers,
      partitioner: (record) => record.value?.partition,
    }),
    source: repartitionSource<Answer>({ value: answers }),
    sinkName: names.responseSink,
    sourceName: names.responseSource,
  });
  topology.addProcessor(names.resolver, resolveAnswers<L, R, V>(join), [names.responseSource], {
    stores: [...ownStores, ...join.left.stores],
  });
};
