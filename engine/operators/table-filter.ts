/**
 * Filter over a table: emits p(before) → p(after), where p(row) is the row where `keeps` (or, with `not`, where it does
 * not) and absent otherwise.
 *
 * State: none. A row that stops matching is retracted once; what was absent on both sides goes nowhere. Where the row
 * before is unknown, a retraction goes out to be safe. Of a versioned table every change goes out: a row that matches
 * may come later and be older than the one that does not, which then has to be found behind it in the history of
 * whatever reads these changes.
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord, type Unknown, unknown } from '../record.ts';
import type { RowPredicate } from './functions.ts';

export const tableFilter =
  <V>(
    keeps: RowPredicate<V>,
    { not = false, versioned = false }: { readonly not?: boolean; readonly versioned?: boolean } = {},
  ): OperatorSupplier<V, V> =>
  (context, forward) => {
    context.usesBefore('needed');
    const out = new StreamRecord<V>();
    const kept = (row: V | null, record: StreamRecord<V>, within: OperatorContext): V | null =>
      row !== null && keeps(row, record, within) !== not ? row : null;
    return {
      process(record) {
        const was: V | null | Unknown = record.before === unknown ? unknown : kept(record.before, record, context);
        const is = kept(record.value, record, context);
        if (was === null && is === null && !versioned) return;
        out.takeEnvelope(record);
        out.before = was;
        out.value = is;
        forward(out);
      },
    };
  };
