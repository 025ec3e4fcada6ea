/**
 * Branch of a stream: each record goes to the first child whose predicate is true for it; where none is, it is left
 * out. State: none. The predicates are called for null keys and values, too.
 */

import type { OperatorSupplier } from '../operator.ts';
import type { Predicate } from './functions.ts';

export interface Branch<V> {
  /** The name of the child node. */
  readonly child: string;
  readonly takes: Predicate<V>;
}

export const branch =
  <V>(branches: readonly Branch<V>[]): OperatorSupplier<V, V> =>
  (context) => {
    const targets = branches.map(({ child, takes }) => ({ takes, forward: context.child<V>(child) }));
    return {
      process(record) {
        for (const { takes, forward } of targets) {
          if (!takes(record, context)) continue;
          forward(record);
          return;
        }
      },
    };
  };
