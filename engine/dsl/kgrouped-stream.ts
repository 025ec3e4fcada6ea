/** A stream grouped by its key, to be aggregated. */

import { type Accumulation, byValue } from '../operators/accumulation.ts';
import { aggregate } from '../operators/aggregate.ts';
import { storedRows } from '../operators/table-view.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';
import { broughtTogether } from './brought-together.ts';
import { countOf } from './count.ts';
import type { KTable } from './ktable.ts';
import type { Materialized, WithValue } from './options.ts';
import { presentKeyOf, type StreamParts, type Wanted } from './parts.ts';
import type { TimeWindowedKStream } from './time-windowed-kstream.ts';
import type { TimeWindows } from './windows.ts';

export class KGroupedStream<K, V> {
  readonly #parts: StreamParts<K, V>;
  readonly #options: WithValue<V>;

  constructor(parts: StreamParts<K, V>, options: WithValue<V>) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Counts the records of each key. */
  count(options: Materialized<number | bigint> = {}): KTable<K, number | bigint> {
    const { value = int64 } = options;
    return this.#aggregate<number | bigint>(countOf(value), value, options);
  }

  /** Folds the records of each key. The accumulator may be changed in place; null deletes the row. */
  aggregate<A>(
    initialize: () => A,
    add: (key: K, value: V, accumulator: A) => A | null,
    options: Materialized<A> & { readonly value: Serde<A> },
  ): KTable<K, A> {
    const { key } = this.#parts;
    const { value } = options;
    // The operator drops records without a key or a value.
    const accumulation = byValue<V, A>(value, initialize, (accumulator, record) =>
      add(presentKeyOf(key, record), record.value as V, accumulator),
    );
    return this.#aggregate(accumulation, value, options);
  }

  #aggregate<A>(accumulation: Accumulation<V, A, A>, value: Serde<A>, options: Materialized<A>): KTable<K, A> {
    const { graph } = this.#parts;
    const store = graph.name('KSTREAM-AGGREGATE-STATE-STORE', options.store);
    const node = graph.name('KSTREAM-AGGREGATE', options.name);
    const { key, node: parent } = broughtTogether(this.#parts, this.#options.name ?? store, this.#options);
    const wanted: Wanted = { store: true };
    graph.add((topology) => {
      topology.addStore({ name: store, kind: 'key-value' });
      const supplier = aggregate<V, A, A>({ store, accumulation });
      topology.addProcessor(node, supplier, [parent], { stores: [store] });
    });
    return graph.make.table<K, A>({ graph, node, key, value, wanted, rows: () => storedRows(store, value) });
  }

  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V> {
    return this.#parts.graph.make.timeWindowed(this.#parts, this.#options, windows);
  }
}
