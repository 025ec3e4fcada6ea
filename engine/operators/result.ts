/**
 * Result: hands rows to the client of a transient query, as record batches without keys: the value by a serde, the
 * record's timestamp.
 *
 * A deletion has no row to show and is left out. A row larger than a batch may be is dropped (`serialization`). State:
 * none.
 */

import type { OperatorSupplier } from '../operator.ts';
import { type Serde, SerdeError } from '../serde.ts';
import { resultTopic } from '../topology-nodes.ts';

export const result =
  <V>(value: Pick<Serde<V>, 'write'>): OperatorSupplier<V, never> =>
  (context) => {
    const writer = context.output(resultTopic);
    const out = context.scratch();
    return {
      process(record) {
        if (record.value === null) return;
        out.reset();
        try {
          value.write(record.value, out);
        } catch (error) {
          if (!(error instanceof SerdeError)) throw error;
          context.drop('serialization', record, error.message);
          return;
        }
        const { buffer, length } = out;
        if (writer.append(0, buffer, -1, -1, buffer, 0, length, record.timestamp)) return;
        context.drop('serialization', record, `the row takes ${length} bytes, more than a batch of rows may have`);
      },
    };
  };
