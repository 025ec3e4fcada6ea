/**
 * SelectKey over a stream: (k, v) → (g(k, v), v). State: none. A function that answers false makes the key null. What
 * follows by key needs a repartition.
 */

import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import type { KeyWriter } from './functions.ts';

export const selectKey =
  <V>(write: KeyWriter<V>): OperatorSupplier<V, V> =>
  (context, forward) => {
    const out = new StreamRecord<V>();
    const key = context.scratch();
    return {
      process(record) {
        key.reset();
        const present = write(record, key, context);
        out.takeEnvelope(record);
        out.keyBytes = key.buffer;
        out.keyStart = present ? 0 : -1;
        out.keyEnd = present ? key.length : -1;
        out.value = record.value;
        forward(out);
      },
    };
  };
