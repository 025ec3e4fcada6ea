/** Passes a table's changes on as they are: where several processors feed one table. State: none. */

import type { OperatorSupplier } from '../operator.ts';

export const tablePassed =
  <V>(): OperatorSupplier<V, V> =>
  (context, forward) => {
    context.usesBefore('passed on');
    return { process: forward };
  };
