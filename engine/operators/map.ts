/**
 * Map over a stream: (k, v) → (k', v'), one for one. State: none. `key` is asked first, then `value`, for each record.
 * Null keys and values are shown to both. What follows by key needs a repartition.
 */

import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import type { KeyWriter, ValueMapper } from './functions.ts';

export const map =
  <In, Out>(to: { readonly key: KeyWriter<In>; readonly value: ValueMapper<In, Out> }): OperatorSupplier<In, Out> =>
  (context, forward) => {
    const out = new StreamRecord<Out>();
    const key = context.scratch();
    return {
      process(record) {
        key.reset();
        const present = to.key(record, key, context);
        out.takeEnvelope(record);
        out.keyBytes = key.buffer;
        out.keyStart = present ? 0 : -1;
        out.keyEnd = present ? key.length : -1;
        out.value = to.value(record, context);
        forward(out);
      },
    };
  };
