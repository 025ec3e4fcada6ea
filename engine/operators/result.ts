/**
 * Result: hands rows to the client of a transient query, as record batches without keys: the value by a serde, the
 * record's timestamp.
 *
 * A deletion has no row to show and is left out, unless `deleted` makes one of its key: that row goes out with an empty
 * key, which marks it. A row larger than a batch may be is dropped (`serialization`). State: none.
 */

import type { OperatorSupplier } from '../operator.ts';
import type { StreamRecord } from '../record.ts';
import { type Serde, SerdeError } from '../serde.ts';
import { resultTopic } from '../topology-nodes.ts';

export const result =
  <V>(value: Pick<Serde<V>, 'write'>, deleted?: (record: StreamRecord<V>) => V): OperatorSupplier<V, never> =>
  (context) => {
    const writer = context.output(resultTopic);
    const out = context.scratch();
    return {
      process(record) {
        out.reset();
        try {
          const row = record.value ?? deleted?.(record);
          if (row === undefined) return;
          value.write(row, out);
        } catch (error) {
          if (!(error instanceof SerdeError)) throw error;
          context.drop('serialization', record, error.message);
          return;
        }
        const { buffer, length } = out;
        const key = record.value === null ? 0 : -1;
        if (writer.append(0, buffer, key, key, buffer, 0, length, record.timestamp)) return;
        context.drop('serialization', record, `the row takes ${length} bytes, more than a batch of rows may have`);
      },
    };
  };
