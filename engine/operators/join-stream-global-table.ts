/**
 * Join of a stream with a global table: (k, v) → (k, join(v, row of g(k, v))) for each record of the stream; changes of
 * the table emit nothing. All rows of the table are at hand in every task, so that any key can be looked up.
 *
 * State: the global store, read only: the row is what the thread has read of the table's topic when the record is
 * processed; times are not compared. A record without a value is dropped (`null-value`). Inner: one for which g gives
 * no key is dropped (`null-key`), one without a row is passed over. Left: one without a row is joined with null, and so
 * is one without a key of its own; else one for which g gives no key is dropped (as in Kafka Streams). The result has
 * the stream record's time and headers.
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import type { KeyWriter } from './functions.ts';
import type { ViewedTable } from './table-view.ts';

export interface StreamGlobalTableJoin<V, R, Out> {
  readonly table: ViewedTable<R>;
  /** Writes the key of the row that the record is joined with. */
  readonly key: KeyWriter<V>;
  readonly join: (record: StreamRecord<V>, row: R | null, context: OperatorContext) => Out | null;
  readonly left: boolean;
}

export const joinStreamGlobalTable =
  <V, R, Out>({ table, key, join, left }: StreamGlobalTableJoin<V, R, Out>): OperatorSupplier<V, Out> =>
  (context, forward) => {
    const view = table.open(context);
    const selected = context.scratch();
    const probe = new StreamRecord<unknown>();
    const out = new StreamRecord<Out>();
    return {
      process(record) {
        if (record.value === null) return context.drop('null-value', record, 'a record without a value is not joined');
        selected.reset();
        let row: R | null = null;
        if (key(record, selected, context)) {
          probe.takeEnvelope(record);
          probe.keyBytes = selected.buffer;
          probe.keyStart = 0;
          probe.keyEnd = selected.length;
          row = view.find(probe);
        } else if (!left || record.keyStart >= 0)
          return context.drop('null-key', record, 'a record for which no key is selected is not joined');
        if (row === null && !left) return;
        out.takeEnvelope(record);
        out.value = join(record, row, context);
        forward(out);
      },
    };
  };
