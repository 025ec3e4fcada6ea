/**
 * Join of two inputs on equality: the rows of the right one are kept by what has to be equal, those of the left one
 * look up their partners. A row with NULL (or NaN) there has none. LEFT and FULL show left rows without a partner,
 * RIGHT and FULL right ones, behind all others. State: the rows of the right input.
 */

import { StreamRecord } from '../../../engine/index.ts';
import type { JoinNow } from '../../analyze/join-now.ts';
import { mapColumns, printTyped, type TypedExpression } from '../../analyze/typed.ts';
import type { CompileEnvironment } from '../../compile/environment.ts';
import { columnScope } from '../../compile/reading.ts';
import { compileAll, condition } from '../../compile/select.ts';
import type { Evaluate } from '../../evaluate/closure.ts';
import { takePartFaults } from '../../evaluate/part-faults.ts';
import { keylessFormat } from '../../formats/index.ts';
import { rebind } from '../../plan/rules/prune-columns.ts';
import { EvaluationError } from '../../types/evaluation-error.ts';
import type { Column } from '../../types/schema.ts';
import type { Row, Value } from '../../types/value.ts';
import { silentContext } from '../materialized.ts';
import { bytesOf, bytesOfRow, entryBytes, type QueryMemory } from './memory.ts';
import { rowKey } from './row-key.ts';
import { batchRows, type PullStep } from './step.ts';

export interface JoinSide {
  readonly step: PullStep;
  readonly columns: readonly Column[];
}

interface Kept {
  readonly row: Row;
  met: boolean;
}

export const hashJoin = (
  left: JoinSide,
  right: JoinSide,
  join: JoinNow,
  environment: CompileEnvironment,
  memory: QueryMemory,
): PullStep => {
  const { type } = join;
  const columns = [...left.columns, ...right.columns];
  const width = left.columns.length;
  const schema = { key: [], value: columns };
  const scope = columnScope(schema, { name: keylessFormat.name }, 'row');
  const bound = (expression: TypedExpression): TypedExpression => rebind(expression, schema);
  const conditions = join.conditions.map(bound);
  const tests = conditions.map((predicate) => condition(predicate, scope, environment));
  const pairs = join.pairs.map((pair) => ({ left: bound(pair.left), right: bound(pair.right) }));
  const leftKeys = compileAll(
    pairs.map((pair) => pair.left),
    scope,
    environment,
  );
  // Of a right row by itself, where its columns are the first.
  const rightKeys = compileAll(
    pairs.map((pair) => mapColumns(pair.right, (column) => ({ ...column, index: column.index - width }))),
    columnScope({ key: [], value: right.columns }, { name: keylessFormat.name }, 'row'),
    environment,
  );
  const on = [
    ...pairs.map((pair) => `${printTyped(pair.left)} = ${printTyped(pair.right)}`),
    ...conditions.map(printTyped),
  ];
  return {
    text: `Hash join ${type} on ${on.join(' and ')}`,
    inputs: [left.step, right.step],
    async *rows() {
      const keyOfRow = rowKey(pairs.map((pair) => pair.left.type));
      const record = new StreamRecord<Row>();
      const key = (row: Row, evaluators: readonly Evaluate[]): Value => {
        record.value = row;
        const values = evaluators.map((evaluate) => valueOf(evaluate, record));
        return values.some((value) => value === null || Number.isNaN(value)) ? null : keyOfRow(values);
      };
      const byKey = new Map<Value, Kept[]>();
      const alone: Row[] = [];
      const showsRight = type === 'right' || type === 'full';
      for await (const batch of right.step.rows()) {
        let bytes = 0;
        for (const row of batch) {
          const own = key(row, rightKeys);
          if (own === null) {
            if (!showsRight) continue;
            alone.push(row);
            bytes += bytesOfRow(row);
            continue;
          }
          const others = byKey.get(own);
          if (others === undefined) byKey.set(own, [{ row, met: false }]);
          else others.push({ row, met: false });
          bytes += bytesOfRow(row) + (others === undefined ? 2 * entryBytes + bytesOf(own) : entryBytes);
        }
        memory.take(bytes, 'a join');
        yield [];
      }
      const nobodyRight = new Array<Value>(right.columns.length).fill(null);
      let page: Row[] = [];
      for await (const batch of left.step.rows()) {
        for (const row of batch) {
          const own = key(row, leftKeys);
          let met = false;
          for (const partner of own === null ? [] : (byKey.get(own) ?? [])) {
            const joined = [...row, ...partner.row];
            record.value = joined;
            if (!tests.every((test) => test(record, silentContext))) continue;
            met = true;
            partner.met = true;
            page.push(joined);
            // One row may have very many partners.
            if (page.length < batchRows) continue;
            yield page;
            page = [];
          }
          if (!met && (type === 'left' || type === 'full')) page.push([...row, ...nobodyRight]);
        }
        yield page;
        page = [];
      }
      if (!showsRight) return;
      const nobodyLeft = new Array<Value>(width).fill(null);
      const unmet = function* (): Generator<Row> {
        yield* alone;
        for (const rows of byKey.values()) for (const { row, met } of rows) if (!met) yield row;
      };
      for (const row of unmet()) {
        page.push([...nobodyLeft, ...row]);
        if (page.length < batchRows) continue;
        yield page;
        page = [];
      }
      yield page;
    },
  };
};

/** What fails is NULL, and meets nothing. */
const valueOf = (evaluate: Evaluate, record: StreamRecord<Row>): Value => {
  try {
    return evaluate(record);
  } catch (error) {
    if (error instanceof EvaluationError) return null;
    throw error;
  } finally {
    takePartFaults();
  }
};
