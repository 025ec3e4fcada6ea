/**
 * Join of two tables, by key. A change of one side, before → after, emits k: join(before, other) → join(after, other),
 * where `other` is the row that the other side has at that moment. Each side is a processor of its own, and both feed
 * one node.
 *
 * Which rows without a partner are joined with null: none (inner), those of the left side (left), all (outer). Where
 * the other side has no row and this side's are not kept alone, nothing goes out; nor where this side has no row before
 * and after. Else a change goes out, and a deletion also when nothing was there before (as in Kafka Streams). The
 * result's time is the later one of the two rows. A change without a key is dropped (`null-key`), and an outdated one
 * of a versioned table passed over.
 *
 * State: none; both sides are looked up where their tables have their rows. The row before is joined only where a
 * child asks for it, with the other side's row of now.
 *
 * Where one record may change both sides (`together`: tables that stem from the same one), that row may never have been
 * there, and each side finds the other one changed already. So the result has to be kept behind the join: its store
 * has the row before, and a side that finds no partner sends a deletion, which goes on where there is a row.
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord, type Unknown, unknown } from '../record.ts';
import type { TableView, ViewedTable } from './table-view.ts';

/** Which rows are joined with null where they have no partner. */
export interface KeptAlone {
  readonly left: boolean;
  readonly right: boolean;
}

/** Makes the joined row. Where a side without a partner is kept, the other one is null. */
export type JoinRows<L, R, Out> = (
  left: L | null,
  right: R | null,
  record: StreamRecord<unknown>,
  context: OperatorContext,
) => Out | null;

export interface TableTableJoin<V, O, Out> {
  /** The other side. */
  readonly other: ViewedTable<O>;
  readonly join: JoinRows<V, O, Out>;
  /** Whether this side's rows are joined with null where the other side has none. */
  readonly keepsOwn: boolean;
  /** The same of the other side's rows. */
  readonly keepsOther: boolean;
  /** One record may change both sides. */
  readonly together?: boolean;
}

/** One side of the join. Its node declares `before` as `tableTableJoinBefore` has it. */
export const joinTableTable =
  <V, O, Out>({
    other: table,
    join,
    keepsOwn,
    keepsOther,
    together = false,
  }: TableTableJoin<V, O, Out>): OperatorSupplier<V, Out> =>
  (context, forward) => {
    context.usesBefore(tableTableJoinBefore(keepsOwn));
    const { sendsBefore } = context;
    const view = table.open(context);
    const out = new StreamRecord<Out>();
    const joined = (row: V | null, other: O | null, record: StreamRecord<V>): Out | null =>
      row === null && !(keepsOther && other !== null) ? null : join(row, other, record, context);
    return {
      process(record) {
        if (record.keyStart < 0) return context.drop('null-key', record, 'a row of a table needs a key');
        if (record.outdated) return;
        const { before, value, timestamp } = record;
        const other = view.find(record);
        const alone = other === null && !keepsOwn;
        if (alone && !together) return;
        if (other === null && keepsOwn && value === null && before === null) return;
        out.takeEnvelope(record);
        if (other !== null && view.timestamp > timestamp) out.timestamp = view.timestamp;
        let was: Out | null | Unknown = unknown;
        if (sendsBefore && before !== unknown && !alone) was = joined(before, other, record);
        out.before = was;
        out.value = alone ? null : joined(value, other, record);
        forward(out);
      },
    };
  };

/** A side whose rows are kept alone tells a row that was never there from one that was deleted. */
export const tableTableJoinBefore = (keepsOwn: boolean): 'needed' | 'passed on' => (keepsOwn ? 'needed' : 'passed on');

/** The rows of the join's result, joined when they are looked up. */
export const joinedRows = <L, R, Out>(
  left: ViewedTable<L>,
  right: ViewedTable<R>,
  alone: KeptAlone,
  join: JoinRows<L, R, Out>,
): ViewedTable<Out> => ({
  stores: [...new Set([...left.stores, ...right.stores])],
  open(context) {
    const lefts: TableView<L> = left.open(context);
    const rights: TableView<R> = right.open(context);
    const view = {
      timestamp: 0,
      find(record: StreamRecord<unknown>): Out | null {
        const a = lefts.find(record);
        if (a === null && !alone.right) return null;
        const b = rights.find(record);
        if (b === null && (a === null || !alone.left)) return null;
        view.timestamp =
          a === null ? rights.timestamp : b === null ? lefts.timestamp : Math.max(lefts.timestamp, rights.timestamp);
        return join(a, b, record, context);
      },
    };
    return view;
  },
  fingerprints(context) {
    const lefts = left.fingerprints(context);
    const rights = right.fingerprints(context);
    return (record) => (lefts(record) % 0x20_0000) * 0x1_0000_0000 + (rights(record) % 0x1_0000_0000);
  },
});
