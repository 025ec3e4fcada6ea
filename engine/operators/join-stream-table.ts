/**
 * Join of a stream with a table, by key: (k, v) → (k, join(v, row of k)) for each record of the stream; changes of the
 * table emit nothing.
 *
 * State: the table's own, read only: the row is what the table holds when the record is processed (the task takes its
 * inputs in order of time), or, where the table is versioned, what it held at the record's time. Inner: a record
 * without a key or a value is dropped (`null-key`, `null-value`), one without a row is passed over. Left: a record
 * without a key, or without a row, is joined with null; one without a value is dropped. The result has the stream
 * record's time and headers.
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import type { ViewedTable } from './table-view.ts';

export interface StreamTableJoin<V, R, Out> {
  readonly table: ViewedTable<R>;
  readonly join: (record: StreamRecord<V>, row: R | null, context: OperatorContext) => Out | null;
  readonly left: boolean;
}

export const joinStreamTable =
  <V, R, Out>({ table, join, left }: StreamTableJoin<V, R, Out>): OperatorSupplier<V, Out> =>
  (context, forward) => {
    const view = (table.history ?? table).open(context);
    const out = new StreamRecord<Out>();
    return {
      process(record) {
        if (record.value === null) return context.drop('null-value', record, 'a record without a value is not joined');
        let row: R | null = null;
        if (record.keyStart < 0) {
          if (!left) return context.drop('null-key', record, 'a record without a key is not joined');
        } else row = view.find(record);
        if (row === null && !left) return;
        out.takeEnvelope(record);
        out.value = join(record, row, context);
        forward(out);
      },
    };
  };
