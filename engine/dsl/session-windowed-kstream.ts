/** A stream grouped by its key and by sessions, to be aggregated. */

import { requireFunctions, requireSerdes } from '../given.ts';
import type { MergingAccumulation } from '../operators/accumulation.ts';
import type { NullValues } from '../operators/window-aggregate.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';
import { countOf } from './count.ts';
import { serdeFor } from './graph.ts';
import type { KTable } from './ktable.ts';
import type { WindowMaterialized, WithValue } from './options.ts';
import { repeatedKeyOf, type StreamParts } from './parts.ts';
import { type Reducer, reduceOf } from './reduce.ts';
import type { SessionWindows } from './session-windows.ts';
import type { Windowed } from './windowed.ts';
import { type EmitStrategy, requireEmitStrategy, sessionWindowAggregate } from './windowed-aggregate.ts';
import { windowedTable } from './windowed-table.ts';

export class SessionWindowedKStream<K, V> {
  readonly #parts: StreamParts<K, V>;
  readonly #options: WithValue<V>;
  readonly #windows: SessionWindows;
  readonly #emit: EmitStrategy;

  constructor(
    parts: StreamParts<K, V>,
    options: WithValue<V>,
    windows: SessionWindows,
    emit: EmitStrategy = 'on window update',
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#windows = windows;
    this.#emit = emit;
  }

  /** When results are sent: with each update (the default), or one for each session, when it closes. */
  emitStrategy(emit: EmitStrategy): SessionWindowedKStream<K, V> {
    requireEmitStrategy(emit);
    return new SessionWindowedKStream(this.#parts, this.#options, this.#windows, emit);
  }

  /** Counts the records of each key and session. */
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

  /** Joins the values of each key and session to one of the same type. Records without a value are left out. */
  reduce(reducer: Reducer<V>, options: WindowMaterialized<V> = {}): KTable<Windowed<K>, V> {
    requireFunctions('reduce', { reducer });
    const value = serdeFor('value', 'reduce', options.value, this.#options.value, this.#parts.value);
    return this.#aggregate<V | null, V>('REDUCE', reduceOf(value, reducer), value, options, 'dropped');
  }

  /**
   * Folds the records of each key and session. `merge` joins the accumulators of two sessions that a record has made
   * one, the earlier one first; each session begins with an accumulator of `initialize`, to which those that were found
   * are joined. Accumulators may be changed in place; where `add` answers null the session has no row.
   */
  aggregate<A>(
    initialize: () => A,
    add: (key: K, value: V | null, accumulator: A) => A | null,
    merge: (key: K, accumulator: A, other: A) => A,
    options: WindowMaterialized<A> & { readonly value: Serde<A> },
  ): KTable<Windowed<K>, A> {
    requireFunctions('aggregate', { initialize, add, merge });
    requireSerdes('aggregate', options, 'value');
    const { key } = this.#parts;
    const { value } = options;
    const keyOf = repeatedKeyOf(key);
    const accumulation: MergingAccumulation<V, A, A> = {
      form: 'by value',
      accumulator: value,
      initialize,
      add: (accumulator, record) => add(keyOf(record), record.value, accumulator),
      result: (accumulator) => accumulator,
      merge: (accumulator, other, record) => merge(keyOf(record), accumulator, other),
    };
    return this.#aggregate('AGGREGATE', accumulation, value, options);
  }

  #aggregate<A, R>(
    kind: 'AGGREGATE' | 'REDUCE',
    accumulation: MergingAccumulation<V, A, R>,
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
        const aggregate = sessionWindowAggregate(
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
