/**
 * The rows that table functions make of one: the first values of all of them, then the second ones, and so on to the
 * end of the longest; where one has no more values its column is NULL. The other columns are the same in each row.
 *
 * A call that fails, in its arguments or in its body, ends the rows of its record, and is noted: rows that went on
 * before stay.
 */

import { flatMapValues, type OperatorContext, type OperatorSupplier, type StreamRecord } from '../../engine/index.ts';
import type { NamedExpression, TableCall } from '../analyze/logical.ts';
import type { ColumnScope } from '../evaluate/closure.ts';
import { tableCall } from '../evaluate/table-call.ts';
import type { Row, Value } from '../types/value.ts';
import type { CompileEnvironment } from './environment.ts';
import { causeOf, compileAll, noteParts, rowFiller } from './select.ts';

export interface FlatMapping {
  readonly items: readonly NamedExpression[];
  readonly calls: readonly TableCall[];
  /** Made for each task. */
  readonly scope: () => ColumnScope;
  readonly environment: CompileEnvironment;
}

export const flatMapRows =
  ({ items, calls, scope: makeScope, environment }: FlatMapping): OperatorSupplier<Row, Row> =>
  (context, forward) => {
    const scope = makeScope();
    const { functions } = environment;
    const fill = rowFiller(items, scope, environment);
    const made = calls.map((call) =>
      tableCall(call, compileAll(call.args, scope, environment), functions, environment.context),
    );
    const row: Row = new Array<Value>(items.length + calls.length).fill(null);
    function* rowsOf(record: StreamRecord<Row>, within: OperatorContext): Generator<Row> {
      if (record.value === null) return;
      let failing = 0;
      try {
        const columns = made.map((rows, i) => {
          failing = i;
          return valuesOf(rows(record));
        });
        for (let at = 0; ; at++) {
          let more = false;
          for (failing = 0; failing < columns.length; failing++) {
            const value = (columns[failing] as Values)(at);
            row[items.length + failing] = value ?? null;
            if (value !== undefined) more = true;
          }
          if (!more) break;
          // What failed is noted before the rows go on: steps behind this one have faults of their own.
          if (at === 0) fill(record, within, row);
          else noteParts(record, within);
          yield row;
        }
      } catch (error) {
        const cause = causeOf(error);
        within.drop(
          'processing',
          record,
          `the rows of ${(calls[failing] as TableCall).function} are left out: ${cause}`,
        );
      }
      noteParts(record, within);
    }
    return flatMapValues<Row, Row>(rowsOf)(context, forward);
  };

/** The value of a column in one row after the other; undefined behind the last. */
type Values = (at: number) => Value | undefined;

/** An array is read by its places, which takes half of the time of its iterator. */
const valuesOf = (rows: Iterable<Value>): Values => {
  if (Array.isArray(rows)) return (at) => rows[at] as Value | undefined;
  const iterator = rows[Symbol.iterator]();
  let ended = false;
  return () => {
    const next = ended ? undefined : iterator.next();
    ended ||= next?.done === true;
    return next === undefined || next.done === true ? undefined : next.value;
  };
};
