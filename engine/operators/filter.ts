/**
 * Filter over a stream: (k, v) → (k, v) where `keeps`, or, with `not`, where it does not. State: none. Null keys and
 * values are shown to the predicate like any other.
 */

import type { OperatorSupplier } from '../operator.ts';
import type { Predicate } from './functions.ts';

export const filter =
  <V>(keeps: Predicate<V>, { not = false }: { readonly not?: boolean } = {}): OperatorSupplier<V, V> =>
  (context, forward) => ({
    process(record) {
      if (keeps(record, context) !== not) forward(record);
    },
  });
