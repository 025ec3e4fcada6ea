/** Passes a table's changes on as they are: where several processors feed one table. State: none. */

import type { ProcessorSupplier } from '../processor.ts';

export const tablePassed =
  <V>(): ProcessorSupplier<V, V> =>
  (context, forward) => {
    context.usesBefore('passed on');
    return { process: forward };
  };
