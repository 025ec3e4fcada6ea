/**
 * ForEach over a stream: (k, v) → nothing; the function sees each record. State: none. The function's effects lie
 * outside of the transaction: after a rollback or a crash it sees records again that it has seen.
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import type { StreamRecord } from '../record.ts';

export const forEach =
  <V>(see: (record: StreamRecord<V>, context: OperatorContext) => void): OperatorSupplier<V, never> =>
  (context) => ({
    process(record) {
      see(record, context);
    },
  });
