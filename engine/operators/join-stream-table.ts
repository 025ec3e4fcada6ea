/**
 * Join of a stream with a table, by key: (k, v) → (k, join(v, row of k)) for each record of the stream; changes of the
 * table emit nothing.
 *
 * State: the table's own store, read only: the row is what the table holds when the record is processed (the task takes
 * its inputs in order of time). Inner: a record without a key or a value is dropped (`null-key`, `null-value`), one
 * without a row is passed over. Left: a record without a key, or without a row, is joined with null; one without a
 * value is dropped. The result has the stream record's time and headers.
 */

import type { ProcessorContext, ProcessorSupplier } from '../processor.ts';
import { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import { timestampBytes } from './timestamped.ts';

export interface StreamTableJoin<V, S, R, Out> {
  /** The table's store. */
  readonly store: string;
  readonly row: Pick<Serde<S>, 'read'>;
  /** What the joined table shows of a stored row; null where it shows none (a filtered table). Left out: the row
   *  itself. */
  readonly view: (row: S, record: StreamRecord<V>, context: ProcessorContext) => R | null;
  readonly join: (record: StreamRecord<V>, row: R | null, context: ProcessorContext) => Out | null;
  readonly left: boolean;
}

export const joinStreamTable =
  <V, S, R, Out>({
    store: name,
    row: serde,
    view,
    join,
    left,
  }: StreamTableJoin<V, S, R, Out>): ProcessorSupplier<V, Out> =>
  (context, forward) => {
    const store = context.store(name, 'key-value');
    const out = new StreamRecord<Out>();
    return {
      process(record) {
        const { keyBytes, keyStart, keyEnd } = record;
        if (record.value === null) return context.drop('null-value', record, 'a record without a value is not joined');
        let row: R | null = null;
        if (keyStart < 0) {
          if (!left) return context.drop('null-key', record, 'a record without a key is not joined');
        } else if (store.get(keyBytes, keyStart, keyEnd)) {
          row = view(serde.read(store.valueBytes, store.valueStart + timestampBytes, store.valueEnd), record, context);
        }
        if (row === null && !left) return;
        out.takeEnvelope(record);
        out.value = join(record, row, context);
        forward(out);
      },
    };
  };
