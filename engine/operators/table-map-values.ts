/**
 * MapValues over a table: emits f(before) → f(after). State: none. An absent row stays absent (the function is not
 * called); a row that the function maps to null is absent as well. The row before is mapped only where a child asks for
 * it; an unknown one stays unknown.
 */

import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { RowMapper } from './functions.ts';

export const tableMapValues =
  <In, Out>(to: RowMapper<In, Out>): OperatorSupplier<In, Out> =>
  (context, forward) => {
    context.usesBefore('passed on');
    const { sendsBefore } = context;
    const out = new StreamRecord<Out>();
    return {
      process(record) {
        const { before, value } = record;
        out.takeEnvelope(record);
        if (sendsBefore)
          out.before = before === unknown ? unknown : before === null ? null : to(before, record, context);
        out.value = value === null ? null : to(value, record, context);
        forward(out);
      },
    };
  };
