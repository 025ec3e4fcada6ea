/**
 * Several grouped streams that are aggregated together: one accumulator per key, to which each stream adds by a
 * function of its own. Records without a key or a value are left out.
 *
 *   const customers = carts
 *     .groupByKey()
 *     .cogroup<Customer>((_key, cart, customer) => ({ ...customer, carts: [...customer.carts, cart] }))
 *     .cogroup(purchases.groupByKey(), (_key, purchase, customer) => ({ ...customer, last: purchase }))
 *     .aggregate(() => ({ carts: [] }), { value: json<Customer>() });
 */

import { requireFunctions, requireSerdes } from '../given.ts';
import { byValue } from '../operators/accumulation.ts';
import { aggregate } from '../operators/aggregate.ts';
import { type Addition, addAddition } from '../operators/cogroup.ts';
import { storedRows } from '../operators/table-view.ts';
import type { Serde } from '../serde.ts';
import { type CogroupAdd, type CogroupInputs, cogrouped } from './cogroup.ts';
import { requireOne, requireWindows } from './given.ts';
import { KGroupedStream } from './kgrouped-stream.ts';
import type { KTable } from './ktable.ts';
import type { Materialized } from './options.ts';
import { cacheOf, type Wanted } from './parts.ts';
import { rowStore } from './row-store.ts';
import type { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts';
import { SessionWindows } from './session-windows.ts';
import type { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts';
import type { FixedWindows } from './windowed-aggregate.ts';

export class CogroupedKStream<K, A> {
  readonly #inputs: CogroupInputs<K>;

  constructor(inputs: CogroupInputs<K>) {
    this.#inputs = inputs;
  }

  /** One stream more. Its topics need as many partitions as those of the others. Where several of the streams are
   *  brought together by a new key, their groupings need names. */
  cogroup<V>(grouped: KGroupedStream<K, V>, add: CogroupAdd<K, V, A>): CogroupedKStream<K, A> {
    requireOne('cogroup', 'a grouped stream', grouped, KGroupedStream);
    return new CogroupedKStream([...this.#inputs, ...grouped.cogroup(add).#inputs]);
  }

  /** Folds the records of each key. The accumulator may be changed in place. */
  aggregate(initialize: () => A, options: Materialized<A> & { readonly value: Serde<A> }): KTable<K, A> {
    requireFunctions('aggregate', { initialize });
    requireSerdes('aggregate', options, 'value');
    const { value } = options;
    const [{ key }] = this.#inputs;
    const accumulation = byValue<Addition<A>, A>(value, initialize, addAddition);
    const wanted: Wanted = { store: true };
    const { graph, node, store } = cogrouped(this.#inputs, options, (name) => ({
      stores: [rowStore(name, key, value)],
      operator: aggregate({ store: name, accumulation, cache: cacheOf(wanted, options) }),
    }));
    return graph.make.table({
      graph,
      node,
      key,
      value,
      wanted,
      store,
      rows: () => storedRows(store, value),
    });
  }

  /** Groups by windows of time besides, or by sessions. */
  windowedBy(windows: FixedWindows): TimeWindowedCogroupedKStream<K, A>;
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>;
  windowedBy(
    windows: FixedWindows | SessionWindows,
  ): TimeWindowedCogroupedKStream<K, A> | SessionWindowedCogroupedKStream<K, A> {
    requireWindows(windows);
    const [{ graph }] = this.#inputs;
    return windows instanceof SessionWindows
      ? graph.make.sessionWindowedCogrouped(this.#inputs, windows)
      : graph.make.timeWindowedCogrouped(this.#inputs, windows);
  }
}
