/** A stream grouped by its key and by windows of time (tumbling, hopping, sliding or unlimited), to be aggregated. */

import { requireFunctions, requireSerdes } from '../given.ts';
import { type Accumulation, byValue } from '../operators/accumulation.ts';
import type { NullValues } from '../operators/window-aggregate.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';
import { countOf } from './count.ts';
import { serdeFor } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { WindowMaterialized, WithValue } from './options.ts';
import { repeatedKeyOf, type StreamParts } from './parts.ts';
import { type Reducer, reduceOf } from './reduce.ts';
import type { Windowed } from './windowed.ts';
import {
  type EmitStrategy,
  type FixedWindows,
  fixedWindowAggregate,
  requireEmitStrategy,
} from './windowed-aggregate.ts';
import { windowedTable } from './windowed-table.ts';

export class TimeWindowedKStream<K, V> {
  readonly #parts: StreamParts<K, V>;
  readonly #options: WithValue<V>;
  readonly #windows: FixedWindows;
  readonly #emit: EmitStrategy;

  constructor(
    parts: StreamParts<K, V>,
    options: WithValue<V>,
    windows: FixedWindows,
    emit: EmitStrategy = 'on window update',
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#windows = windows;
    this.#emit = emit;
  }

  /** When results are sent: with each update (the default), or one for each window, when it closes. */
  emitStrategy(emit: EmitStrategy): TimeWindowedKStream<K, V> {
    requireEmitStrategy(emit);
    return new TimeWindowedKStream(this.#parts, this.#options, this.#windows, emit);
  }

  /** Counts the records of each key and window. */
  count(options: WindowMaterialized<number | bigint> = {}): KTable<Windowed<K>, number | bigint> {
    const { value = int64 } = options;
    return this.#aggregate<number | bigint, number | bigint>(
      'AGGREGATE',
      countOf(value),
      value,
      options,
      'given',
      false,
    );
  }

  /** Joins the values of each key and window to one of the same type. Records without a value are left out. */
  reduce(reducer: Reducer<V>, options: WindowMaterialized<V> = {}): KTable<Windowed<K>, V> {
    requireFunctions('reduce', { reducer });
    const value = serdeFor('value', 'reduce', options.value, this.#options.value, this.#parts.value);
    return this.#aggregate<V | null, V>('REDUCE', reduceOf(value, reducer), value, options, 'dropped');
  }

  /** Folds the records of each key and window. The accumulator may be changed in place; null deletes the row. */
  aggregate<A>(
    initialize: () => A,
    add: (key: K, value: V | null, accumulator: A) => A | null,
    options: WindowMaterialized<A> & { readonly value: Serde<A> },
  ): KTable<Windowed<K>, A> {
    requireFunctions('aggregate', { initialize, add });
    requireSerdes('aggregate', options, 'value');
    const { key } = this.#parts;
    const { value } = options;
    const keyOf = repeatedKeyOf(key);
    const accumulation = byValue<V, A>(value, initialize, (accumulator, record) =>
      add(keyOf(record), record.value, accumulator),
    );
    return this.#aggregate('AGGREGATE', accumulation, value, options);
  }

  #aggregate<A, R>(
    kind: 'AGGREGATE' | 'REDUCE',
    accumulation: Accumulation<V, A, R>,
    value: Serde<R>,
    options: WindowMaterialized<R>,
    nullValues?: NullValues,
    readsValues?: boolean,
  ): KTable<Windowed<K>, R> {
    return windowedTable(this.#parts, this.#options, {
      kind,
      ...(readsValues !== undefined && { readsValues }),
      value,
      options,
      aggregateOver: (store, wanted) => {
        const aggregate = fixedWindowAggregate(
          this.#windows,
          { store, key: this.#parts.key.serde, row: value },
          options.retentionMs,
          this.#emit,
        );
        return { ...aggregate, supplier: aggregate.operator(accumulation, { wanted, options, nullValues }) };
      },
    });
  }
}
