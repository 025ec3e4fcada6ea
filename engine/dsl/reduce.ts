/** How records are reduced: the first value of a group is its result, each further one is joined to it. */

import type { ByValue, MergingAccumulation } from '../operators/accumulation.ts';
import type { Serde } from '../serde.ts';

/** Joins two values of a group to one, the earlier one first; null deletes the group. */
export type Reducer<V> = (reduced: V, value: V) => V | null;

/** Records without a value are to be dropped before. */
export const reduceOf = <V>(value: Serde<V>, reduce: Reducer<V>): MergingAccumulation<V, V | null, V> => {
  const joined = (reduced: V | null, other: V | null): V | null =>
    reduced === null || other === null ? (reduced ?? other) : reduce(reduced, other);
  const byValue: ByValue<V, V | null, V> = {
    form: 'by value',
    // Only what a group has is written.
    accumulator: value as Serde<V | null>,
    initialize: () => null,
    add: (reduced, record) => joined(reduced, record.value),
    result: (reduced) => reduced as V,
  };
  return { ...byValue, merge: joined };
};
