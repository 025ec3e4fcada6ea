/**
 * Peek at a stream: (k, v) → (k, v), after the function has seen it. State: none. The function's effects lie outside of
 * the transaction: after a rollback it sees the same records again.
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import type { StreamRecord } from '../record.ts';

export const peek =
  <V>(see: (record: StreamRecord<V>, context: OperatorContext) => void): OperatorSupplier<V, V> =>
  (context, forward) => ({
    process(record) {
      see(record, context);
      forward(record);
    },
  });
