/**
 * The DSL's beginning and end: `stream` and `table` name topics, `build` makes the topology.
 *
 *   const builder = new StreamsBuilder();
 *   builder
 *     .stream('words', { key: string, value: string })
 *     .groupBy((_key, word) => word, { key: string })
 *     .count({ store: 'counts' })
 *     .toStream()
 *     .to('counted');
 *   const topology = builder.build();
 */

import { UserError } from '../../base/index.ts';
import { requireFunctions, requireName, requireSerdes } from '../given.ts';
import { passThrough } from '../operators/pass-through.ts';
import { tableSource } from '../operators/table-source.ts';
import { storedRows } from '../operators/table-view.ts';
import { process } from '../processors/process.ts';
import type { ProcessorSupplier } from '../processors/processor.ts';
import type { AnyStoreBuilder } from '../processors/store-builder.ts';
import type { Topology } from '../topology.ts';
import { type Consumed, sourceOf, type TableSource } from './consumed.ts';
import { requireTopic } from './given.ts';
import { GlobalKTable } from './global-ktable.ts';
import { Graph } from './graph.ts';
import type { KStream } from './kstream.ts';
import type { KTable } from './ktable.ts';
import { makers } from './makers.ts';
import type { TableMaterialized } from './options.ts';
import { keyForm } from './parts.ts';
import { tableFrom } from './table-from.ts';

export class StreamsBuilder {
  readonly #graph = new Graph(makers);

  /** The records of a topic, each for itself; or of several topics, which are taken together in the order of their
   *  times. Topics have the same number of partitions where what follows keeps state. A pattern stands for all topics
   *  whose names it matches, those included that are made while the application runs: they are read from their
   *  start. */
  stream<K, V>(topics: string | readonly string[] | RegExp, consumed: Consumed<K, V>): KStream<K, V> {
    if (!(topics instanceof RegExp)) for (const topic of [topics].flat()) requireTopic('stream', topic);
    requireSerdes('stream', consumed, 'key', 'value');
    const { key, value, name } = consumed;
    const graph = this.#graph;
    const node = graph.name('KSTREAM-SOURCE', name);
    if (topics instanceof RegExp) {
      // Without the flags by which a pattern would remember where it has matched.
      const pattern = new RegExp(topics.source, topics.flags.replace(/[gy]/g, ''));
      this.#sources(node, (topology) => topology.topicsMatching(pattern), consumed);
    } else {
      const several = typeof topics === 'string' ? [topics] : [...new Set(topics)];
      const [first, ...others] = several;
      if (first === undefined) {
        throw new UserError('DSL_TOPICS_MISSING', 'a stream of no topic at all', {
          hint: 'Name at least one topic.',
        });
      }
      if (others.length === 0) this.#source(node, first, 'stream', consumed);
      else this.#sources(node, () => several, consumed);
    }
    return graph.make.stream({
      graph,
      node,
      key: keyForm(key),
      value,
      flagged: false,
    });
  }

  /** The topic's records as rows: the last value of each key; a null value deletes the row. Kept in a store where
   *  `store` names one, or where a join or a filter needs it. With `versioned` the rows of before are kept as well. */
  table<K, V>(
    topic: string,
    options: Consumed<K, V> & Pick<TableMaterialized<V>, 'store' | 'versioned' | 'cache'> & TableSource,
  ): KTable<K, V> {
    requireTopic('table', topic);
    requireSerdes('table', options, 'key', 'value');
    const graph = this.#graph;
    const { key, value } = options;
    const store = graph.name(`${topic}-STATE-STORE`, options.store);
    const parent = graph.numbered('KSTREAM-SOURCE', options.name && `${options.name}-source`);
    const name = graph.name('KTABLE-SOURCE', options.name);
    this.#source(parent, topic, 'table', options, options.bootstrap);
    const form = keyForm(key);
    return tableFrom({
      graph,
      name,
      parent,
      key: form,
      row: value,
      store,
      kept: options.store !== undefined,
      options,
    });
  }

  /** The topic's records as rows, all partitions of them on every thread: it can be joined with by any key
   *  (`KStream.join`). The rows are in memory. A start reads the whole topic before it processes anything. */
  globalTable<K, V>(topic: string, options: Consumed<K, V> & { readonly store?: string }): GlobalKTable<K, V> {
    requireTopic('globalTable', topic);
    requireSerdes('globalTable', options, 'key', 'value');
    const graph = this.#graph;
    const { key, value } = options;
    const store = graph.name(`${topic}-STATE-STORE`, options.store);
    const sourceName = graph.numbered('KSTREAM-SOURCE', options.name && `${options.name}-source`);
    const processorName = graph.name('KTABLE-SOURCE', options.name);
    graph.add((topology) =>
      topology.addGlobalStore<V>({
        topic,
        store: { name: store, kind: 'key-value' },
        source: sourceOf<K, V>(topic, options),
        sourceName,
        processor: tableSource<V>({ store, row: value, cache: () => false }),
        processorName,
      }),
    );
    return new GlobalKTable({ graph, key, value, store, rows: storedRows(store, value) });
  }

  /** A store that every thread fills for itself with all partitions of a topic, by a processor of the user's; other
   *  processors that are connected to it may read it. It is in memory, without a changelog: a start reads the whole
   *  topic again. */
  addGlobalStore<K, V, S extends AnyStoreBuilder>(
    store: S,
    topic: string,
    consumed: Consumed<K, V>,
    supplier: ProcessorSupplier<K, V, K, never, S>,
  ): this {
    requireTopic('addGlobalStore', topic);
    requireFunctions('addGlobalStore', { supplier });
    requireSerdes('addGlobalStore', consumed, 'key', 'value');
    const { name } = consumed;
    const sourceName = this.#graph.name('KSTREAM-SOURCE', name && `${name}-source`);
    const processorName = this.#graph.numbered('KTABLE-SOURCE', name);
    const processor = process<K, V, never, S>(supplier, { key: consumed.key, stores: [store] });
    this.#graph.add((topology) =>
      topology.addGlobalStore<V>({
        topic,
        store,
        source: sourceOf<K, V>(topic, consumed),
        sourceName,
        processor,
        processorName,
      }),
    );
    return this;
  }

  #source<K, V>(
    node: string,
    topic: string,
    kind: 'stream' | 'table',
    consumed: Consumed<K, V>,
    bootstrap = false,
  ): void {
    this.#graph.add((topology) =>
      topology.addSource(node, { topic, kind, bootstrap, supplier: sourceOf(topic, consumed) }),
    );
  }

  /** A source for each topic, and a node in which they meet. */
  #sources<K, V>(node: string, topicsIn: (topology: Topology) => readonly string[], consumed: Consumed<K, V>): void {
    this.#graph.add((topology) => {
      const topics = topicsIn(topology);
      for (const topic of topics) {
        topology.addSource(`${node}-${topic}`, { topic, kind: 'stream', supplier: sourceOf(topic, consumed) });
      }
      topology.addProcessor(
        node,
        passThrough<V>(),
        topics.map((topic) => `${node}-${topic}`),
      );
    });
  }

  /** Adds a store that processors are connected to (`KStream.process`): needed only for one that is to be part of the
   *  topology in any case; building it then fails where no processor uses it. */
  addStateStore(store: AnyStoreBuilder): this {
    requireName('addStateStore', store?.name);
    this.#graph.add((topology) => topology.addStore(store));
    return this;
  }

  /** The topology, validated. What is added afterwards belongs to the next `build`. */
  build(): Topology {
    return this.#graph.build();
  }
}
