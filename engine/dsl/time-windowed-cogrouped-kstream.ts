/** Several streams grouped by key and by windows of time (tumbling, hopping, sliding or unlimited), to be aggregated
 *  together. */

import { requireFunctions, requireSerdes } from '../given.ts';
import { byValue } from '../operators/accumulation.ts';
import { type Addition, addAddition } from '../operators/cogroup.ts';
import type { Serde } from '../serde.ts';
import { type CogroupInputs, cogrouped } from './cogroup.ts';
import type { KTable } from './ktable.ts';
import type { WindowMaterialized } from './options.ts';
import type { Wanted } from './parts.ts';
import type { Windowed } from './windowed.ts';
import { type FixedWindows, fixedWindowAggregate } from './windowed-aggregate.ts';

export class TimeWindowedCogroupedKStream<K, A> {
  readonly #inputs: CogroupInputs<K>;
  readonly #windows: FixedWindows;

  constructor(inputs: CogroupInputs<K>, windows: FixedWindows) {
    this.#inputs = inputs;
    this.#windows = windows;
  }

  /** Folds the records of each key and window. The accumulator may be changed in place. */
  aggregate(
    initialize: () => A,
    options: WindowMaterialized<A> & { readonly value: Serde<A> },
  ): KTable<Windowed<K>, A> {
    requireFunctions('aggregate', { initialize });
    requireSerdes('aggregate', options, 'value');
    const { value } = options;
    const [{ key }] = this.#inputs;
    const accumulation = byValue<Addition<A>, A>(value, initialize, addAddition);
    const wanted: Wanted = { store: true };
    const { graph, node, store, keyForm, rows } = cogrouped(this.#inputs, options, (name) => {
      const { stores, operator, keyForm, rows } = fixedWindowAggregate(
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
