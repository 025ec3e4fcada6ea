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
        const columns = made.map((rows) => rows(record)[Symbol.iterator]());
        for (let first = true; ; first = false) {
          let more = false;
          for (failing = 0; failing < columns.length; failing++) {
            const next = (columns[failing] as Iterator<Value>).next();
            row[items.length + failing] = next.done === true ? null : next.value;
            if (next.done !== true) more = true;
          }
          if (!more) break;
          // What failed is noted before the rows go on: steps behind this one have faults of their own.
          if (first) fill(record, within, row);
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
