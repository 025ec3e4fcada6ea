/**
 * Puts the nodes of a topology in order, parents before children, and checks on the way what can be wrong with it:
 * names, topics, parents, stores, repartitions, cycles. The first thing that does not fit is a `UserError` that names
 * it.
 */

import { UserError } from '../base/index.ts';
import { checkTopicName } from '../storage/index.ts';
import { notGiven, requireName } from './given.ts';
import { type StoreKind, type StoreSpec } from './stores/store.ts';
import { storeKinds } from './stores/store-kinds.ts';
import { type Connection, dynamicTopic, type Node, type Repartition, resultTopic } from './topology-nodes.ts';

export interface TopologyParts {
  readonly nodes: readonly Node[];
  readonly stores: readonly StoreSpec[];
  readonly repartitions: readonly Repartition[];
  readonly connections: readonly Connection[];
  readonly globalNames: { readonly nodes: readonly string[]; readonly stores: readonly string[] };
}

export const orderNodes = (parts: TopologyParts): readonly Node[] => {
  const { nodes, stores, repartitions, globalNames } = parts;
  const byName = nodesByName(nodes, globalNames.nodes.length > 0);
  checkTopics(nodes);
  checkGlobals(globalNames, byName, stores);
  const storeNames = checkStores(stores);
  const writersOf = repartitionWriters(nodes, repartitions);
  checkConnections(parts, byName);
  checkParentsAndStores(nodes, byName, storeNames, globalNames.stores);

  const ordered: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  const visit = (node: Node): void => {
    const seen = state.get(node);
    if (seen === 'done') return;
    if (seen === 'open') throw fault('TOPOLOGY_CYCLE', `the node "${node.name}" feeds itself`);
    state.set(node, 'open');
    if (node.node === 'source') {
      const writer = node.repartition ? writersOf.get(node.topic) : undefined;
      if (writer !== undefined) visit(writer);
    } else {
      for (const parent of node.parents) visit(byName.get(parent) as Node);
    }
    state.set(node, 'done');
    ordered.push(node);
  };
  for (const node of nodes) visit(node);
  return ordered;
};

const nodesByName = (nodes: readonly Node[], hasGlobals: boolean): ReadonlyMap<string, Node> => {
  const byName = new Map<string, Node>();
  for (const node of nodes) {
    requireName(`a ${node.node}`, node.name);
    if (node.name === '') throw fault('TOPOLOGY_NAME_INVALID', `the name of a ${node.node} is empty`);
    if (byName.has(node.name)) throw fault('TOPOLOGY_DUPLICATE_NAME', `two nodes are called "${node.name}"`);
    byName.set(node.name, node);
  }
  if (!hasGlobals && !nodes.some((node) => node.node === 'source'))
    throw fault('TOPOLOGY_EMPTY', 'the topology has no source', 'A topology reads at least one topic.');
  return byName;
};

/** Topics of the user's have names that a topic may have; stand-ins and internal topics are named by the runtime. */
const checkTopics = (nodes: readonly Node[]): void => {
  for (const node of nodes) {
    if (node.node === 'processor' || node.repartition) continue;
    if (typeof node.topic !== 'string') throw notGiven(`the ${node.node} "${node.name}" needs a topic`, node.topic);
    if (node.topic !== dynamicTopic && node.topic !== resultTopic) checkTopicName(node.topic);
  }
};

/** Stores are connected to processors, and at least one. */
const checkConnections = ({ connections }: TopologyParts, byName: ReadonlyMap<string, Node>): void => {
  for (const { processor, stores } of connections) {
    if (byName.get(processor)?.node !== 'processor') {
      const what = byName.has(processor) ? `which is a ${byName.get(processor)?.node}` : 'which does not exist';
      throw fault('TOPOLOGY_UNKNOWN_NODE', `stores are connected to the node "${processor}", ${what}`);
    }
    if (stores.length === 0) throw fault('TOPOLOGY_UNKNOWN_STORE', `no store is connected to the node "${processor}"`);
  }
};

/** Nothing else has the name of a global store, or of one of its nodes. */
const checkGlobals = (
  globals: TopologyParts['globalNames'],
  byName: ReadonlyMap<string, Node>,
  stores: readonly StoreSpec[],
): void => {
  const nodes = new Set(byName.keys());
  for (const name of globals.nodes) {
    if (nodes.has(name)) throw fault('TOPOLOGY_DUPLICATE_NAME', `two nodes are called "${name}"`);
    nodes.add(name);
  }
  const names = new Set(stores.map(({ name }) => name));
  for (const name of globals.stores) {
    if (names.has(name)) throw fault('TOPOLOGY_DUPLICATE_NAME', `two stores are called "${name}"`);
    names.add(name);
  }
};

/** The names of the stores. */
const checkStores = (stores: readonly StoreSpec[]): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const { name, kind, retentionMs } of stores) {
    if (names.has(name)) throw fault('TOPOLOGY_DUPLICATE_NAME', `two stores are called "${name}"`);
    if (!isTopicSafe(name)) throw badName('store', name);
    const { retention } = storeKinds[kind];
    if (retentionMs === undefined ? retention === 'required' : retention === 'none' || !(retentionMs > 0)) {
      throw fault('TOPOLOGY_STORE_RETENTION', whyRetention(name, kind, retentionMs));
    }
    names.add(name);
  }
  return names;
};

/** By topic of a repartition: the node that writes it. */
const repartitionWriters = (
  nodes: readonly Node[],
  repartitions: readonly Repartition[],
): ReadonlyMap<string, Node> => {
  const writersOf = new Map<string, Node>();
  for (const { name, topic, partitions } of repartitions) {
    if (!isTopicSafe(name)) throw badName('repartition', name);
    if (writersOf.has(topic)) throw fault('TOPOLOGY_DUPLICATE_NAME', `two repartitions are called "${name}"`);
    if (partitions !== undefined && !(Number.isInteger(partitions) && partitions > 0)) {
      throw fault('TOPOLOGY_PARTITIONS', `the repartition "${name}" asks for ${partitions} partitions`);
    }
    for (const node of nodes) {
      if (node.node === 'sink' && node.repartition && node.topic === topic) writersOf.set(topic, node);
    }
  }
  return writersOf;
};

const checkParentsAndStores = (
  nodes: readonly Node[],
  byName: ReadonlyMap<string, Node>,
  storeNames: ReadonlySet<string>,
  globals: readonly string[],
): void => {
  const used = new Set<string>();
  for (const node of nodes) {
    if (node.node === 'source') continue;
    if (!Array.isArray(node.parents))
      throw notGiven(`the ${node.node} "${node.name}" needs a list of parents`, node.parents);
    if (node.parents.length === 0) throw fault('TOPOLOGY_UNKNOWN_PARENT', `the node "${node.name}" has no parent`);
    for (const parent of node.parents) {
      const found = byName.get(parent);
      if (found === undefined) {
        throw fault(
          'TOPOLOGY_UNKNOWN_PARENT',
          `the node "${node.name}" names a parent "${parent}" that does not exist`,
        );
      }
      if (found.node === 'sink') {
        throw fault('TOPOLOGY_UNKNOWN_PARENT', `the node "${node.name}" names the sink "${parent}" as its parent`);
      }
    }
    if (node.node !== 'processor') continue;
    for (const store of node.stores) {
      if (globals.includes(store)) continue;
      if (!storeNames.has(store)) {
        throw fault('TOPOLOGY_UNKNOWN_STORE', `the node "${node.name}" uses a store "${store}" that was not added`);
      }
      used.add(store);
    }
  }
  for (const store of storeNames) {
    if (!used.has(store)) throw fault('TOPOLOGY_UNUSED_STORE', `the store "${store}" was added, but no node uses it`);
  }
};

const whyRetention = (name: string, kind: StoreKind, retentionMs: number | undefined): string => {
  if (retentionMs === undefined) return `the ${kind} store "${name}" has no retention time`;
  return storeKinds[kind].retention === 'none'
    ? `the ${kind} store "${name}" has a retention time, but its entries do not expire`
    : `the ${kind} store "${name}" has a retention time of ${retentionMs} ms, which is not a positive number`;
};

/** What may be a part of a topic's name. */
const isTopicSafe = (name: string): boolean => /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';

const fault = (code: string, sentence: string, hint?: string): UserError =>
  new UserError(code, sentence, hint === undefined ? {} : { hint });

const badName = (what: string, name: string): UserError =>
  fault(
    'TOPOLOGY_NAME_INVALID',
    `"${name}" cannot name a ${what}`,
    'It becomes part of a topic name: use letters, digits, ".", "_" and "-", 249 of them at most.',
  );
