/**
 * GroupBy over a table: k: before → after becomes changes of groups, under the group's key: before is taken out of its
 * group g(before), after is put into g(after). Where that is the same group, one change has both; else the former group
 * comes first.
 *
 * State: none; the row before is needed. What goes on is the change as a value (`change.ts`), lent, so that it can be
 * sent through a repartition; `table-aggregate.ts` applies it. A row whose group or value is null belongs to no group.
 * An outdated change of a versioned table is passed over.
 */

import type { ByteWriter } from '../../base/index.ts';
import { assert, equalBytes } from '../../base/index.ts';
import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { Change } from './change.ts';

/** Writes the key of the row's group to `out`, and answers what the group takes of the row; null: it has no group. */
export type GroupOf<V, G> = (row: V, record: StreamRecord<V>, out: ByteWriter, context: OperatorContext) => G | null;

export const tableGroupBy =
  <V, G>(groupOf: GroupOf<V, G>): OperatorSupplier<V, Change<G>> =>
  (context, forward) => {
    context.usesBefore('needed');
    const oldKey = context.scratch();
    const newKey = context.scratch();
    const change: Change<G> = { before: null, after: null };
    const out = new StreamRecord<Change<G>>();
    const send = (record: StreamRecord<V>, key: ByteWriter, before: G | null, after: G | null): void => {
      change.before = before;
      change.after = after;
      out.takeEnvelope(record);
      out.keyBytes = key.buffer;
      out.keyStart = 0;
      out.keyEnd = key.length;
      out.value = change;
      forward(out);
    };
    return {
      process(record) {
        const { before, value } = record;
        if (record.outdated) return;
        assert(before !== unknown, 'a table that is grouped has the row before');
        oldKey.reset();
        newKey.reset();
        const from = before === null ? null : groupOf(before, record, oldKey, context);
        const to = value === null ? null : groupOf(value, record, newKey, context);
        if (from !== null && to !== null) {
          if (equalBytes(oldKey.buffer, 0, oldKey.length, newKey.buffer, 0, newKey.length))
            return send(record, newKey, from, to);
        }
        if (from !== null) send(record, oldKey, from, null);
        if (to !== null) send(record, newKey, null, to);
      },
    };
  };
