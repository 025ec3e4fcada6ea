/**
 * MapValues over a stream: (k, v) → (k, f(k, v)). State: none. The key stays, so what follows by key needs no
 * repartition. A null value is shown to the function.
 */

import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import type { ValueMapper } from './functions.ts';

export const mapValues =
  <In, Out>(to: ValueMapper<In, Out>): OperatorSupplier<In, Out> =>
  (context, forward) => {
    const out = new StreamRecord<Out>();
    return {
      process(record) {
        out.takeEnvelope(record);
        out.value = to(record, context);
        forward(out);
      },
    };
  };
