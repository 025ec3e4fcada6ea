/**
 * ToStream: a table's changes as records of a stream: k: before → after becomes (k, after); a deletion becomes a record
 * without a value. State: none.
 */

import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';

export const toStream =
  <V>(): OperatorSupplier<V, V> =>
  (_context, forward) => {
    const out = new StreamRecord<V>();
    return {
      process(record) {
        if (record.before === unknown && !record.outdated) return forward(record);
        out.takeEnvelope(record);
        out.outdated = false;
        out.value = record.value;
        out.read = record.read;
        forward(out);
      },
    };
  };
