/**
 * Topology: which node feeds which, and where it is cut into pieces that run by themselves.
 *
 * A topology is built of named nodes: sources (a topic), processors, and sinks (a topic). A node names its parents;
 * nodes may be added in any order, `validate` says what does not fit. Suppliers are functions, called once per task;
 * nothing runs here.
 *
 * Sub-topologies. Nodes belong together when they feed each other, share a store, or read the same topic (a task has
 * one position per partition). A repartition is a sink and a source over an internal topic and cuts: what is before it
 * and what is behind it may run apart, unless something else joins them. Sub-topologies are numbered in the order of
 * their first nodes.
 *
 * Names. The name of a store or of a repartition becomes part of a topic's name: `<application>-<store>-changelog`,
 * `<application>-<name>-repartition`. Within the topology the application is left out; `internalTopic` puts it in
 * front.
 *
 * Results. A topology whose rows go to a client, and to no topic, ends in a sink over `resultTopic`. Such a query is
 * transient: its host hands the batches to the client, and keeps repartitions in memory (`runtime/exchange.ts`).
 *
 * Partitions. A sub-topology has one task per partition; all its source topics must have the same number of them (equal
 * keys must meet). A repartition topic takes the number of what it is joined with, else that of the sub-topology that
 * writes it (`planPartitions`).
 */

import { UserError } from '../base/index.ts';
import { type BeforeUse, sendersOfBefore } from './before-images.ts';
import type { ProcessorSupplier, SourceSupplier } from './processor.ts';
import type { StoreKind, StoreSpec } from './stores/store.ts';
import { storeKinds } from './stores/store-kinds.ts';

export type SourceKind = 'stream' | 'table';

export interface SourceNode {
  readonly node: 'source';
  readonly name: string;
  /** The topic; of a repartition without the application's name in front. */
  readonly topic: string;
  /** Tables go first where timestamps are equal. */
  readonly kind: SourceKind;
  readonly repartition: boolean;
  readonly supplier: SourceSupplier<unknown>;
}

export interface ProcessorNode {
  readonly node: 'processor';
  readonly name: string;
  readonly parents: readonly string[];
  readonly stores: readonly string[];
  /** Left out: it does not look at the row before. */
  readonly before: BeforeUse | undefined;
  readonly supplier: ProcessorSupplier<unknown, unknown>;
}

export interface SinkNode {
  readonly node: 'sink';
  readonly name: string;
  readonly parents: readonly string[];
  readonly topic: string;
  readonly repartition: boolean;
  readonly supplier: ProcessorSupplier<unknown, never>;
}

export type Node = SourceNode | ProcessorNode | SinkNode;

/** A repartition topic; `partitions` where the number was asked for. */
export interface Repartition {
  readonly name: string;
  readonly topic: string;
  readonly partitions: number | undefined;
}

/** One piece that runs by itself: its nodes parents first, otherwise in the order in which they were added. */
export interface SubTopology {
  readonly id: number;
  readonly nodes: readonly Node[];
  readonly sources: readonly SourceNode[];
  readonly sinks: readonly SinkNode[];
  readonly stores: readonly StoreSpec[];
  /** Names of the nodes that send the row before a change, since a child asks for it. */
  readonly beforeSenders: ReadonlySet<string>;
}

export interface ProcessorOptions {
  /** Those that it uses. */
  readonly stores?: readonly string[];
  /** What it does with the row before each change of its input; left out: nothing. */
  readonly before?: BeforeUse;
}

export interface SourceOptions<Out> {
  readonly topic: string;
  readonly kind: SourceKind;
  readonly supplier: SourceSupplier<Out>;
}

export interface SinkOptions<In> {
  readonly topic: string;
  readonly parents: readonly string[];
  readonly supplier: ProcessorSupplier<In, never>;
}

export interface RepartitionOptions<In, Out> {
  readonly parents: readonly string[];
  /** Writes to `repartitionTopic(name)`. */
  readonly sink: ProcessorSupplier<In, never>;
  readonly source: SourceSupplier<Out>;
  readonly kind?: SourceKind;
  readonly partitions?: number;
  /** Names of the two nodes; `<name>-sink` and `<name>` when left out. */
  readonly sinkName?: string;
  readonly sourceName?: string;
}

/** Stands for the client in the place of a sink's topic; no topic can have this name. */
export const resultTopic = '(result)';

const topicSafe = /^[A-Za-z0-9._-]+$/;

/** The topic of a repartition as the topology's own nodes name it. */
export const repartitionTopic = (name: string): string => `${name}-repartition`;

/** An internal topic as the log knows it. */
export const internalTopic = (applicationId: string, topic: string): string => `${applicationId}-${topic}`;

export const changelogTopic = (applicationId: string, store: string): string =>
  internalTopic(applicationId, `${store}-changelog`);

/** The topic of a source or sink as the log knows it. */
export const topicOf = (applicationId: string, node: SourceNode | SinkNode): string =>
  node.repartition ? internalTopic(applicationId, node.topic) : node.topic;

export const taskIdOf = (subTopology: number, partition: number): string => `${subTopology}_${partition}`;

export class Topology {
  readonly #nodes: Node[] = [];
  readonly #stores: StoreSpec[] = [];
  readonly #repartitions: Repartition[] = [];
  #subTopologies: readonly SubTopology[] | undefined;

  addSource<Out>(name: string, options: SourceOptions<Out>): this {
    const { topic, kind, supplier } = options;
    return this.#add({ node: 'source', name, topic, kind, repartition: false, supplier });
  }

  addProcessor<In, Out>(
    name: string,
    supplier: ProcessorSupplier<In, Out>,
    parents: readonly string[],
    { stores = [], before }: ProcessorOptions = {},
  ): this {
    return this.#add({ node: 'processor', name, parents, stores, before, supplier });
  }

  addSink<In>(name: string, options: SinkOptions<In>): this {
    const { topic, parents, supplier } = options;
    return this.#add({ node: 'sink', name, parents, topic, repartition: false, supplier });
  }

  /** A sink whose batches go to the client of a transient query; its supplier opens `resultTopic`. */
  addResult<In>(name: string, options: Omit<SinkOptions<In>, 'topic'>): this {
    return this.addSink(name, { ...options, topic: resultTopic });
  }

  /** A sink and a source over the internal topic `repartitionTopic(name)`; children name the source (`sourceName`, else
   *  `name`). */
  addRepartition<In, Out>(name: string, options: RepartitionOptions<In, Out>): this {
    const {
      parents,
      sink,
      source,
      kind = 'stream',
      partitions,
      sinkName = `${name}-sink`,
      sourceName = name,
    } = options;
    const topic = repartitionTopic(name);
    this.#repartitions.push({ name, topic, partitions });
    this.#add({ node: 'sink', name: sinkName, parents, topic, repartition: true, supplier: sink });
    return this.#add({ node: 'source', name: sourceName, topic, kind, repartition: true, supplier: source });
  }

  addStore(spec: StoreSpec): this {
    this.#subTopologies = undefined;
    this.#stores.push(spec);
    return this;
  }

  #add(node: Node): this {
    this.#subTopologies = undefined;
    this.#nodes.push(node);
    return this;
  }

  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  get stores(): readonly StoreSpec[] {
    return this.#stores;
  }

  get repartitions(): readonly Repartition[] {
    return this.#repartitions;
  }

  /** Throws a `UserError` that names the first thing which does not fit; returns itself. */
  validate(): this {
    this.subTopologies();
    return this;
  }

  /** The pieces that run by themselves. Validates first. */
  subTopologies(): readonly SubTopology[] {
    this.#subTopologies ??= split(this.#ordered(), this.#stores);
    return this.#subTopologies;
  }

  /** The topology as text; the same for the same nodes added in the same order. */
  describe(): string {
    const children = new Map<string, string[]>();
    for (const node of this.#nodes) {
      if (node.node === 'source') continue;
      for (const parent of node.parents) children.set(parent, [...(children.get(parent) ?? []), node.name]);
    }
    let text = 'Topologies:\n';
    for (const { id, nodes, beforeSenders } of this.subTopologies()) {
      text += `   Sub-topology: ${id}\n`;
      for (const node of nodes) {
        text += `    ${headline(node)}${node.node === 'processor' && beforeSenders.has(node.name) ? ', asked for the row before' : ''}\n`;
        if (node.node !== 'sink') text += `      --> ${(children.get(node.name) ?? ['none']).join(', ')}\n`;
        if (node.node !== 'source') text += `      <-- ${node.parents.join(', ')}\n`;
      }
      text += '\n';
    }
    return text;
  }

  /** All nodes, parents before children; checks names, parents, stores and cycles on the way. */
  #ordered(): readonly Node[] {
    const byName = new Map<string, Node>();
    for (const node of this.#nodes) {
      if (byName.has(node.name)) throw fault('TOPOLOGY_DUPLICATE_NAME', `two nodes are called "${node.name}"`);
      byName.set(node.name, node);
    }
    if (!this.#nodes.some((node) => node.node === 'source')) {
      throw fault('TOPOLOGY_EMPTY', 'the topology has no source', 'A topology reads at least one topic.');
    }
    const stores = new Set<string>();
    for (const { name, kind, retentionMs } of this.#stores) {
      if (stores.has(name)) throw fault('TOPOLOGY_DUPLICATE_NAME', `two stores are called "${name}"`);
      if (!topicSafe.test(name)) throw badName('store', name);
      const { retention } = storeKinds[kind];
      if (retentionMs === undefined ? retention === 'required' : retention === 'none' || !(retentionMs > 0)) {
        throw fault('TOPOLOGY_STORE_RETENTION', whyRetention(name, kind, retentionMs));
      }
      stores.add(name);
    }
    const writersOf = new Map<string, Node>();
    for (const { name, topic, partitions } of this.#repartitions) {
      if (!topicSafe.test(name)) throw badName('repartition', name);
      if (writersOf.has(topic)) throw fault('TOPOLOGY_DUPLICATE_NAME', `two repartitions are called "${name}"`);
      if (partitions !== undefined && !(Number.isInteger(partitions) && partitions > 0)) {
        throw fault('TOPOLOGY_PARTITIONS', `the repartition "${name}" asks for ${partitions} partitions`);
      }
      for (const node of this.#nodes) {
        if (node.node === 'sink' && node.repartition && node.topic === topic) writersOf.set(topic, node);
      }
    }
    const used = new Set<string>();
    for (const node of this.#nodes) {
      if (node.node === 'source') continue;
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
        if (!stores.has(store)) {
          throw fault('TOPOLOGY_UNKNOWN_STORE', `the node "${node.name}" uses a store "${store}" that was not added`);
        }
        used.add(store);
      }
    }
    for (const store of stores) {
      if (!used.has(store)) throw fault('TOPOLOGY_UNUSED_STORE', `the store "${store}" was added, but no node uses it`);
    }

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
    for (const node of this.#nodes) visit(node);
    return ordered;
  }
}

const fault = (code: string, sentence: string, hint?: string): UserError =>
  new UserError(code, sentence, hint === undefined ? {} : { hint });

const badName = (what: string, name: string): UserError =>
  fault(
    'TOPOLOGY_NAME_INVALID',
    `"${name}" cannot name a ${what}`,
    'It becomes part of a topic name: use letters, digits, ".", "_" and "-".',
  );

const headline = (node: Node): string => {
  switch (node.node) {
    case 'source':
      return `Source: ${node.name} (topics: [${node.topic}])`;
    case 'processor':
      return `Processor: ${node.name} (stores: [${node.stores.join(', ')}])`;
    case 'sink':
      return `Sink: ${node.name} (topic: ${node.topic})`;
  }
};

/** Finds the connected pieces. Union by representative: each node, store and source topic points towards its piece. */
const whyRetention = (name: string, kind: StoreKind, retentionMs: number | undefined): string => {
  if (retentionMs === undefined) return `the ${kind} store "${name}" has no retention time`;
  return storeKinds[kind].retention === 'none'
    ? `the ${kind} store "${name}" has a retention time, but its entries do not expire`
    : `the ${kind} store "${name}" has a retention time of ${retentionMs} ms, which is not a positive number`;
};

const split = (ordered: readonly Node[], stores: readonly StoreSpec[]): readonly SubTopology[] => {
  const up = new Map<string, string>();
  const find = (item: string): string => {
    let at = item;
    for (let next = up.get(at); next !== undefined && next !== at; next = up.get(at)) at = next;
    up.set(item, at);
    return at;
  };
  const join = (a: string, b: string): void => {
    up.set(find(a), find(b));
  };
  for (const node of ordered) {
    const self = `node ${node.name}`;
    if (node.node === 'source') join(self, `topic ${node.repartition} ${node.topic}`);
    else for (const parent of node.parents) join(self, `node ${parent}`);
    if (node.node === 'processor') for (const store of node.stores) join(self, `store ${store}`);
  }
  const pieces = new Map<string, Node[]>();
  for (const node of ordered) {
    const piece = find(`node ${node.name}`);
    const nodes = pieces.get(piece);
    if (nodes === undefined) pieces.set(piece, [node]);
    else nodes.push(node);
  }
  return [...pieces].map(([piece, nodes], id) => ({
    id,
    nodes,
    sources: nodes.filter((node) => node.node === 'source'),
    sinks: nodes.filter((node) => node.node === 'sink'),
    stores: stores.filter(({ name }) => find(`store ${name}`) === piece),
    beforeSenders: sendersOfBefore(nodes.filter((node) => node.node === 'processor')),
  }));
};

/** Numbers of partitions: of each sub-topology (by id) and of each repartition topic (by its name within the topology).
 *  */
export interface PartitionPlan {
  readonly subTopologies: readonly number[];
  readonly repartitions: ReadonlyMap<string, number>;
}

/**
 * Settles the numbers of partitions. `countOf` answers for topics that exist; it is asked for every source topic that
 * is no repartition. Throws `TOPOLOGY_NOT_COPARTITIONED`, naming both topics and counts, where sources of one
 * sub-topology differ.
 */
export const planPartitions = (topology: Topology, countOf: (topic: string) => number): PartitionPlan => {
  const pieces = topology.subTopologies();
  const asked = new Map(topology.repartitions.map(({ topic, partitions }) => [topic, partitions]));
  const settled = new Map<string, number>();
  const counts: (number | undefined)[] = pieces.map(() => undefined);

  const settle = (id: number, source: SourceNode, count: number): void => {
    const known = counts[id];
    if (known !== undefined && known !== count) {
      const other = (pieces[id] as SubTopology).sources.find(
        (one) => one !== source && (one.repartition ? settled.get(one.topic) : countOf(one.topic)) === known,
      );
      throw fault(
        'TOPOLOGY_NOT_COPARTITIONED',
        `"${other?.topic}" has ${known} partitions and "${source.topic}" has ${count}, but they are read together`,
        'Equal keys must meet in one task: give both topics the same number of partitions.',
      );
    }
    counts[id] = count;
    if (source.repartition) settled.set(source.topic, count);
  };

  for (const { id, sources } of pieces) {
    for (const source of sources) {
      const count = source.repartition ? asked.get(source.topic) : countOf(source.topic);
      if (count !== undefined) settle(id, source, count);
    }
  }
  // A piece that reads repartitions only takes the largest number of those who write them. Where pieces wait for each
  // other, those that are known decide.
  const writersOf = ({ id, sources }: SubTopology): readonly SubTopology[] =>
    pieces.filter(
      (piece) =>
        piece.id !== id &&
        piece.sinks.some(
          (sink) => sink.repartition && sources.some((one) => one.repartition && one.topic === sink.topic),
        ),
    );
  for (let patience = 0; counts.includes(undefined); ) {
    let moved = false;
    for (const piece of pieces) {
      if (counts[piece.id] !== undefined) continue;
      const known = writersOf(piece).map(({ id }) => counts[id]);
      const numbers = known.filter((count) => count !== undefined);
      if (numbers.length === 0 || (numbers.length < known.length && patience === 0)) continue;
      counts[piece.id] = Math.max(...numbers);
      moved = true;
    }
    if (moved) patience = 0;
    else if (patience++ > 0)
      throw fault('TOPOLOGY_PARTITIONS', 'the number of partitions of a repartition cannot be told');
  }
  for (const { id, sources } of pieces) {
    for (const { repartition, topic } of sources) {
      if (repartition && !settled.has(topic)) settled.set(topic, counts[id] as number);
    }
  }
  return { subTopologies: counts.map((count) => count ?? 0), repartitions: settled };
};
