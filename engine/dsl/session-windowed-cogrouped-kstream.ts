/** Several streams grouped by key and by sessions, to be aggregated together. */

import { requireFunctions, requireSerdes } from '../given.ts';
import type { MergingAccumulation } from '../operators/accumulation.ts';
import { type Addition, addAddition } from '../operators/cogroup.ts';
import type { Serde } from '../serde.ts';
import { type CogroupInputs, cogrouped } from './cogroup.ts';
import type { KTable } from './ktable.ts';
import type { WindowMaterialized } from './options.ts';
import { presentKeyOf, type Wanted } from './parts.ts';
import type { SessionWindows } from './session-windows.ts';
import type { Windowed } from './windowed.ts';
import { sessionWindowAggregate } from './windowed-aggregate.ts';

export class SessionWindowedCogroupedKStream<K, A> {
  readonly #inputs: CogroupInputs<K>;
  readonly #windows: SessionWindows;

  constructor(inputs: CogroupInputs<K>, windows: SessionWindows) {
    this.#inputs = inputs;
    this.#windows = windows;
  }

  /** Folds the records of each key and session; `merge` as in `SessionWindowedKStream.aggregate`. */
  aggregate(
    initialize: () => A,
    merge: (key: K, accumulator: A, other: A) => A,
    options: WindowMaterialized<A> & { readonly value: Serde<A> },
  ): KTable<Windowed<K>, A> {
    requireFunctions('aggregate', { initialize, merge });
    requireSerdes('aggregate', options, 'value');
    const { value } = options;
    const [{ key }] = this.#inputs;
    const accumulation: MergingAccumulation<Addition<A>, A, A> = {
      form: 'by value',
      accumulator: value,
      initialize,
      add: addAddition,
      result: (accumulator) => accumulator,
      merge: (accumulator, other, record) => merge(presentKeyOf(key, record), accumulator, other),
    };
    const wanted: Wanted = { store: true };
    const { graph, node, store, keyForm, rows } = cogrouped(this.#inputs, options, (name) => {
      const { stores, operator, keyForm, rows } = sessionWindowAggregate(
        this.#windows,
        { store: name, key: key.serde, row: value },
        options.retentionMs,
      );
      return { stores, operator: operator(accumulation, { wanted, options }), keyForm, rows };
    });
    return graph.make.table({
      graph,
      node,
      key: keyForm(key.serde),
      value,
      wanted,
      store,
      keepsWindows: true,
      rows: rows && (() => rows(value)),
    });
  }
}
