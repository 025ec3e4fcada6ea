/** A stream grouped by its key, to be aggregated. */

import { requireFunctions, requireSerdes } from '../given.ts';
import { type Accumulation, byValue } from '../operators/accumulation.ts';
import { aggregate } from '../operators/aggregate.ts';
import { storedRows } from '../operators/table-view.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';
import { broughtTogether } from './brought-together.ts';
import { type CogroupAdd, cogroupInput } from './cogroup.ts';
import type { CogroupedKStream } from './cogrouped-kstream.ts';
import { countOf } from './count.ts';
import { requireWindows } from './given.ts';
import { serdeFor } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { Materialized, WithValue } from './options.ts';
import { cacheOf, presentKeyOf, type StreamParts, type Wanted } from './parts.ts';
import { type Reducer, reduceOf } from './reduce.ts';
import { rowStore } from './row-store.ts';
import type { SessionWindowedKStream } from './session-windowed-kstream.ts';
import { SessionWindows } from './session-windows.ts';
import type { TimeWindowedKStream } from './time-windowed-kstream.ts';
import type { FixedWindows } from './windowed-aggregate.ts';

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
    return this.#aggregate<number | bigint, number | bigint>('AGGREGATE', countOf(value), value, options, false);
  }

  /** Joins the values of each key to one of the same type. */
  reduce(reducer: Reducer<V>, options: Materialized<V> = {}): KTable<K, V> {
    requireFunctions('reduce', { reducer });
    const value = serdeFor('value', 'reduce', options.value, this.#options.value, this.#parts.value);
    return this.#aggregate<V | null, V>('REDUCE', reduceOf(value, reducer), value, options);
  }

  /** Folds the records of each key. The accumulator may be changed in place; null deletes the row. */
  aggregate<A>(
    initialize: () => A,
    add: (key: K, value: V, accumulator: A) => A | null,
    options: Materialized<A> & { readonly value: Serde<A> },
  ): KTable<K, A> {
    requireFunctions('aggregate', { initialize, add });
    requireSerdes('aggregate', options, 'value');
    const { key } = this.#parts;
    const { value } = options;
    // The operator drops records without a key or a value.
    const accumulation = byValue<V, A>(value, initialize, (accumulator, record) =>
      add(presentKeyOf(key, record), record.value as V, accumulator),
    );
    return this.#aggregate('AGGREGATE', accumulation, value, options);
  }

  #aggregate<A, R>(
    kind: 'AGGREGATE' | 'REDUCE',
    accumulation: Accumulation<V, A, R>,
    value: Serde<R>,
    options: Materialized<R>,
    readsValues = true,
  ): KTable<K, R> {
    const { graph } = this.#parts;
    const store = graph.name(`KSTREAM-${kind}-STATE-STORE`, options.store);
    const node = graph.name(`KSTREAM-${kind}`, options.name);
    const { key, node: parent } = broughtTogether(this.#parts, this.#options.name ?? store, {
      ...this.#options,
      readsValues,
    });
    const wanted: Wanted = { store: true };
    graph.add((topology) => {
      topology.addStore(rowStore(store, key, value));
      const supplier = aggregate<V, A, R>({ store, accumulation, cache: cacheOf(wanted, options) });
      topology.addProcessor(node, supplier, [parent], { stores: [store], readsValues });
    });
    return graph.make.table<K, R>({ graph, node, key, value, wanted, store, rows: () => storedRows(store, value) });
  }

  /** Begins an aggregate of several streams: `add` adds the records of this one to it. A is the accumulator's type. */
  cogroup<A>(add: CogroupAdd<K, V, A>): CogroupedKStream<K, A> {
    requireFunctions('cogroup', { add });
    return this.#parts.graph.make.cogrouped([cogroupInput(this.#parts, this.#options, add)]);
  }

  /** Groups by windows of time besides, or by sessions. */
  windowedBy(windows: FixedWindows): TimeWindowedKStream<K, V>;
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>;
  windowedBy(windows: FixedWindows | SessionWindows): TimeWindowedKStream<K, V> | SessionWindowedKStream<K, V> {
    requireWindows(windows);
    const { make } = this.#parts.graph;
    return windows instanceof SessionWindows
      ? make.sessionWindowed(this.#parts, this.#options, windows)
      : make.timeWindowed(this.#parts, this.#options, windows);
  }
}
