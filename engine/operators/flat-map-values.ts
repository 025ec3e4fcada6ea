/**
 * FlatMapValues over a stream: (k, v) → (k, v1), (k, v2), …: none, one or several records under the same key, with the
 * same time. State: none. The key stays, so what follows by key needs no repartition. A null value is shown to the
 * function. Values are asked for one by one, so that a record that makes very many needs no room for all of them.
 */

import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import type { ValuesMapper } from './functions.ts';

export const flatMapValues =
  <In, Out>(to: ValuesMapper<In, Out>): OperatorSupplier<In, Out> =>
  (context, forward) => {
    const out = new StreamRecord<Out>();
    return {
      process(record) {
        for (const value of to(record, context)) {
          out.takeEnvelope(record);
          out.value = value;
          forward(out);
        }
      },
    };
  };
