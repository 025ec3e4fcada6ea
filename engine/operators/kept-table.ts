/**
 * Keeps the rows of a table that another operator makes, in the same node: what the operator emits goes to the store
 * and then on, with the row before from there.
 *
 * State: a key-value store, as that of a table source (`table-source.ts`).
 */

import type { OperatorSupplier } from '../operator.ts';
import { type TableFields, tableSource } from './table-source.ts';

export const keptTable = <In, V>(
  operator: OperatorSupplier<In, V>,
  fields: TableFields<V>,
): OperatorSupplier<In, V> => {
  const { stores = [], schedules = false } = operator;
  const kept: OperatorSupplier<In, V> = (context, forward) => {
    const table = tableSource<V>(fields)(context, forward);
    const inner = operator(context, (record) => table.process(record));
    if (table.flush === undefined) return inner;
    return {
      ...inner,
      flush() {
        inner.flush?.();
        table.flush?.();
      },
      rollback() {
        inner.rollback?.();
        table.rollback?.();
      },
    };
  };
  return Object.assign(kept, { stores, schedules });
};
