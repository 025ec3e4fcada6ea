/** A stream grouped by its key and by windows of time, to be aggregated. */

import { UserError } from '../../base/index.ts';
import { type Accumulation, byValue } from '../operators/accumulation.ts';
import { windowAggregate } from '../operators/window-aggregate.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';
import { broughtTogether } from './brought-together.ts';
import { countOf } from './count.ts';
import type { KTable } from './ktable.ts';
import type { WindowMaterialized, WithValue } from './options.ts';
import { presentKeyOf, type StreamParts, type Wanted } from './parts.ts';
import { type TimeWindows, timeWindowBytes, timeWindowed, type Windowed } from './windows.ts';

export class TimeWindowedKStream<K, V> {
  readonly #parts: StreamParts<K, V>;
  readonly #options: WithValue<V>;
  readonly #windows: TimeWindows;

  constructor(parts: StreamParts<K, V>, options: WithValue<V>, windows: TimeWindows) {
    this.#parts = parts;
    this.#options = options;
    this.#windows = windows;
  }

  /** Counts the records of each key and window. */
  count(options: WindowMaterialized<number | bigint> = {}): KTable<Windowed<K>, number | bigint> {
    const { value = int64 } = options;
    return this.#aggregate<number | bigint>(countOf(value), value, options);
  }

  /** Folds the records of each key and window. */
  aggregate<A>(
    initialize: () => A,
    add: (key: K, value: V | null, accumulator: A) => A | null,
    options: WindowMaterialized<A> & { readonly value: Serde<A> },
  ): KTable<Windowed<K>, A> {
    const { key } = this.#parts;
    const { value } = options;
    const accumulation = byValue<V, A>(value, initialize, (accumulator, record) =>
      add(presentKeyOf(key, record), record.value, accumulator),
    );
    return this.#aggregate(accumulation, value, options);
  }

  #aggregate<A>(
    accumulation: Accumulation<V, A, A>,
    value: Serde<A>,
    options: WindowMaterialized<A>,
  ): KTable<Windowed<K>, A> {
    const { graph } = this.#parts;
    const { starts, sizeMs, graceMs } = this.#windows;
    const { retentionMs = sizeMs + graceMs } = options;
    if (retentionMs < sizeMs + graceMs) {
      throw new UserError(
        'DSL_WINDOW_INVALID',
        `a retention of ${retentionMs} ms is shorter than the window and its grace, ${sizeMs + graceMs} ms`,
      );
    }
    const store = graph.name('KSTREAM-AGGREGATE-STATE-STORE', options.store);
    const node = graph.name('KSTREAM-AGGREGATE', options.name);
    const { key, node: parent } = broughtTogether(this.#parts, this.#options.name ?? store, this.#options);
    const wanted: Wanted = { store: true };
    graph.add((topology) => {
      topology.addStore({ name: store, kind: 'window', retentionMs });
      const supplier = windowAggregate<V, A, A>({
        store,
        windows: starts,
        graceMs,
        retentionMs,
        accumulation,
      });
      topology.addProcessor(node, supplier, [parent], { stores: [store] });
    });
    const windowed = { serde: timeWindowed(key.serde, sizeMs), windowBytes: timeWindowBytes };
    return graph.make.table({ graph, node, key: windowed, value, wanted, rows: undefined });
  }
}
