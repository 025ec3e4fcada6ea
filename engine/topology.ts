/**
 * Topology: which node feeds which.
 *
 * A topology is built of named nodes: sources (a topic), processors, and sinks (a topic). A node names its parents;
 * nodes may be added in any order, `validate` reports what does not fit (`topology-order.ts`). Suppliers are functions,
 * called once per task; nothing runs here. `sub-topologies.ts` cuts it into parts that run by themselves,
 * `partition-plan.ts` works out how many tasks each of them has.
 *
 * Results. A topology whose rows go to a client, and to no topic, ends in a sink over `resultTopic`. Such a query is
 * transient: its host hands the batches to the client, and keeps repartitions in memory (`runtime/exchange.ts`).
 */

import { UserError } from '../base/index.ts';
import type { BeforeUse } from './before-images.ts';
import { checkAskedPartitions } from './co-partitioning.ts';
import { requireFunctions, requireName } from './given.ts';
import type { OperatorSupplier, SourceSupplier } from './operator.ts';
import type { StoreSpec } from './stores/store.ts';
import { splitTopology } from './sub-topologies.ts';
import { describeSubTopologies, printDescription, type TopologyDescription } from './topology-description.ts';
import {
  type Connection,
  dynamicTopic,
  type GlobalStore,
  type Node,
  type ProcessorNode,
  type Repartition,
  repartitionTopic,
  resultTopic,
  type SourceKind,
  type SourceNode,
  type SubTopology,
} from './topology-nodes.ts';
import { orderNodes } from './topology-order.ts';

export interface ProcessorOptions {
  /** Those that it uses. */
  readonly stores?: readonly string[];
  /** What it does with the row before each change of its input; left out: nothing. */
  readonly before?: BeforeUse;
  /** False: of its input it only asks whether a record has a value. Default true. */
  readonly readsValues?: boolean;
  /** It calls `schedule` while it processes records, not only when it is made. */
  readonly schedules?: boolean;
}

export interface SourceOptions<Out> {
  readonly topic: string;
  readonly kind: SourceKind;
  readonly supplier: SourceSupplier<Out>;
  /** It is read first, to where its partitions end when the tasks start; for a table that is to be there before the
   *  streams that are joined with it. Default false. */
  readonly bootstrap?: boolean;
}

export interface SinkOptions<In> {
  readonly topic: string;
  readonly parents: readonly string[];
  readonly supplier: OperatorSupplier<In, never>;
}

export interface GlobalStoreOptions<V> {
  readonly topic: string;
  /** It has no changelog: the topic is all it needs. */
  readonly store: StoreSpec;
  readonly source: SourceSupplier<V>;
  readonly sourceName: string;
  /** Puts the records into the store. */
  readonly processor: OperatorSupplier<V, unknown>;
  readonly processorName: string;
}

export interface RepartitionOptions<In, Out> {
  readonly parents: readonly string[];
  /** Writes to `repartitionTopic(name)`. */
  readonly sink: OperatorSupplier<In, never>;
  readonly source: SourceSupplier<Out>;
  readonly kind?: SourceKind;
  readonly partitions?: number;
  /** Names of the two nodes; `<name>-sink` and `<name>` when left out. */
  readonly sinkName?: string;
  readonly sourceName?: string;
}

export class Topology {
  readonly #nodes: Node[] = [];
  readonly #stores: StoreSpec[] = [];
  /** Those that suppliers name; several may name one. */
  readonly #connected: StoreSpec[] = [];
  readonly #connections: Connection[] = [];
  readonly #repartitions: Repartition[] = [];
  readonly #globals: GlobalStoreOptions<unknown>[] = [];
  #subTopologies: readonly SubTopology[] | undefined;
  readonly #patterns: RegExp[] = [];
  readonly #topics: readonly string[] | undefined;
  readonly #over: ((topics: readonly string[]) => Topology) | undefined;

  /** `over` makes the same topology over the topics that its patterns match; `topics` are those of this one. */
  constructor(over?: (topics: readonly string[]) => Topology, topics?: readonly string[]) {
    this.#over = over;
    this.#topics = topics;
  }

  /** Patterns of sources. A topology that has some is a template until it is made `over` topics. */
  get patterns(): readonly RegExp[] {
    return this.#patterns;
  }

  /** The topology over those of these topics that its patterns match. Throws DSL_TOPICS_MISSING where one matches
   *  none. */
  over(topics: readonly string[]): Topology {
    return this.#over?.(topics) ?? this;
  }

  /** For a source by pattern: the topics that it reads; none while this is a template. */
  topicsMatching(pattern: RegExp): readonly string[] {
    this.#patterns.push(pattern);
    if (this.#topics === undefined) return [];
    const matching = this.#topics.filter((topic) => pattern.test(topic));
    if (matching.length > 0) return matching;
    throw new UserError('DSL_TOPICS_MISSING', `no topic matches ${String(pattern)}`, {
      hint: 'Create a topic that it matches first.',
    });
  }

  addSource<Out>(name: string, options: SourceOptions<Out>): this {
    const { topic, kind, supplier, bootstrap = false } = options;
    requireFunctions('addSource', { supplier });
    return this.#add({ node: 'source', name, topic, kind, repartition: false, bootstrap, supplier });
  }

  addProcessor<In, Out>(
    name: string,
    supplier: OperatorSupplier<In, Out>,
    parents: readonly string[],
    { stores = [], before, readsValues = true, schedules = false }: ProcessorOptions = {},
  ): this {
    requireFunctions('addProcessor', { supplier });
    const { stores: connected = [] } = supplier;
    this.#connected.push(...connected);
    return this.#add({
      node: 'processor',
      name,
      parents,
      stores: [...new Set([...stores, ...connected.map((spec) => spec.name)])],
      before,
      readsValues,
      schedules: schedules || supplier.schedules === true,
      supplier,
    });
  }

  /** Lets a processor use further stores; it may be added later. */
  connect(processor: string, ...stores: readonly string[]): this {
    this.#subTopologies = undefined;
    this.#connections.push({ processor, stores });
    return this;
  }

  addSink<In>(name: string, options: SinkOptions<In>): this {
    const { topic, parents, supplier } = options;
    requireFunctions('addSink', { supplier });
    return this.#add({ node: 'sink', name, parents, topic, repartition: false, supplier });
  }

  /** A sink whose supplier opens topics as its records name them (`operators/dynamic-sink.ts`). */
  addDynamicSink<In>(name: string, options: Omit<SinkOptions<In>, 'topic'>): this {
    return this.addSink(name, { ...options, topic: dynamicTopic });
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
    return this.#add({
      node: 'source',
      name: sourceName,
      topic,
      kind,
      repartition: true,
      bootstrap: false,
      supplier: source,
    });
  }

  /** A store that one of the nodes has to use. Those that a supplier names itself need not be added; the same one may
   *  be added again. */
  addStore(spec: StoreSpec): this {
    requireName('addStore', spec?.name);
    this.#subTopologies = undefined;
    if (!this.#stores.includes(spec)) this.#stores.push(spec);
    return this;
  }

  /** A store with all rows of a topic, which each thread keeps for itself; every node may read it that names it among
   *  its stores. */
  addGlobalStore<V>(options: GlobalStoreOptions<V>): this {
    this.#subTopologies = undefined;
    this.#globals.push(options);
    return this;
  }

  #add(node: Node): this {
    this.#subTopologies = undefined;
    this.#nodes.push(node);
    return this;
  }

  get nodes(): readonly Node[] {
    if (this.#connections.length === 0) return this.#nodes;
    return this.#nodes.map((node) => {
      if (node.node !== 'processor') return node;
      const further = this.#connections.filter(({ processor }) => processor === node.name);
      return { ...node, stores: [...new Set([...node.stores, ...further.flatMap(({ stores }) => stores)])] };
    });
  }

  /** Made by `connect`. */
  get connections(): readonly Connection[] {
    return this.#connections;
  }

  get stores(): readonly StoreSpec[] {
    const stores = [...this.#stores];
    const globals = this.#globals.map(({ store }) => store);
    for (const spec of this.#connected) {
      if (globals.some(({ name }) => name === spec.name)) continue;
      const known = stores.find(({ name }) => name === spec.name);
      if (known === undefined) stores.push(spec);
      else if (known.kind !== spec.kind) throw otherKind(known, spec);
      else if (holdOthers(known, spec)) throw otherForm(spec);
    }
    return stores;
  }

  /** They are numbered behind the sub-topologies. */
  get globals(): readonly GlobalStore[] {
    const first = this.subTopologies().length;
    return this.#globals.map(({ topic, store: spec, source, sourceName, processor, processorName }, at) => {
      const store = { ...spec, logged: false };
      const input: SourceNode = {
        node: 'source',
        name: sourceName,
        topic,
        kind: 'table',
        repartition: false,
        bootstrap: false,
        supplier: source,
      };
      const keeper: ProcessorNode = {
        node: 'processor',
        name: processorName,
        parents: [sourceName],
        stores: [store.name],
        before: undefined,
        readsValues: true,
        schedules: false,
        supplier: processor,
      };
      return {
        id: first + at,
        topic,
        store,
        nodes: [input, keeper],
        sources: [input],
        sinks: [],
        stores: [store],
        beforeSenders: new Set(),
      };
    });
  }

  /** Names of what global stores bring: nodes and stores. */
  get globalNames(): { readonly nodes: readonly string[]; readonly stores: readonly string[] } {
    return {
      nodes: this.#globals.flatMap(({ sourceName, processorName }) => [sourceName, processorName]),
      stores: this.#globals.map(({ store }) => store.name),
    };
  }

  get repartitions(): readonly Repartition[] {
    return this.#repartitions;
  }

  /** Throws a `UserError` that names the first thing which does not fit; returns itself. */
  validate(): this {
    this.subTopologies();
    return this;
  }

  /** The parts that run by themselves. Validates first. */
  subTopologies(): readonly SubTopology[] {
    const [pattern] = this.#patterns;
    if (pattern !== undefined && this.#topics === undefined) {
      throw new UserError('DSL_TOPICS_MISSING', `which topics match ${String(pattern)} is not known yet`, {
        hint: "Name them, as an application does when it starts: topology.over(['…']).",
      });
    }
    if (this.#subTopologies === undefined) {
      const parts = splitTopology(orderNodes(this), this.stores, this.globalNames.stores);
      checkAskedPartitions(parts, this.#repartitions);
      this.#subTopologies = parts;
    }
    return this.#subTopologies;
  }

  /** The topology as data. */
  description(): TopologyDescription {
    return describeSubTopologies(this.subTopologies(), this.globals);
  }

  /** The topology as text, in the layout of Kafka Streams. */
  describe(): string {
    return printDescription(this.description());
  }
}

const holdOthers = (a: StoreSpec, b: StoreSpec): boolean =>
  a.schemaHash !== undefined && b.schemaHash !== undefined && a.schemaHash !== b.schemaHash;

const otherForm = ({ name }: StoreSpec): UserError =>
  new UserError('TOPOLOGY_STORE_KIND', `the store "${name}" holds other keys or values than a processor reads in it`, {
    hint:
      'Give one builder to all processors that share a store. The rows of a table are those of ' +
      "Stores.timestampedKeyValue with the table's serdes.",
  });

const otherKind = (known: StoreSpec, spec: StoreSpec): UserError =>
  new UserError(
    'TOPOLOGY_STORE_KIND',
    `the store "${spec.name}" is of the kind ${known.kind}, but a processor is connected to it as ${spec.kind}`,
    { hint: 'Give one builder to all processors that share a store.' },
  );
