/**
 * ForEach over a stream: (k, v) → nothing; the function sees each record. State: none. The function's effects lie
 * outside of the transaction: after a rollback or a crash it sees records again that it has seen.
 */

import type { ProcessorContext, ProcessorSupplier } from '../processor.ts';
import type { StreamRecord } from '../record.ts';

export const forEach =
  <V>(see: (record: StreamRecord<V>, context: ProcessorContext) => void): ProcessorSupplier<V, never> =>
  (context) => ({
    process(record) {
      see(record, context);
    },
  });
