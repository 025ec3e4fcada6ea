/**
 * Evaluating the expressions of a step, with the rules for failures: an expression that fails makes its column NULL, a
 * condition that fails drops the record, a key that fails is NULL; each is noted in the processing log with the
 * expression and the cause.
 */

import { type OperatorContext, SerdeError, StreamRecord } from '../../engine/index.ts';
import type { NamedExpression } from '../analyze/logical.ts';
import { printTyped, type TypedExpression } from '../analyze/typed.ts';
import type { ColumnScope, Evaluate } from '../evaluate/closure.ts';
import { compileExpression } from '../evaluate/expression.ts';
import { takePartFaults } from '../evaluate/part-faults.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import type { Row, Value } from '../types/value.ts';
import type { CompileEnvironment } from './environment.ts';
import type { RecordValue } from './reading.ts';

export type RowOf = (record: StreamRecord<RecordValue>, context: OperatorContext) => Row;
export type Test = (record: StreamRecord<RecordValue>, context: OperatorContext) => boolean;

/** Bad data in an expression is an ordinary thing; anything else is a fault of ours and stops the task. */
export const causeOf = (error: unknown): string => {
  if (error instanceof EvaluationError || error instanceof SerdeError) return error.message;
  throw error;
};

export const compileAll = (
  expressions: readonly TypedExpression[],
  scope: ColumnScope,
  environment: CompileEnvironment,
): readonly Evaluate[] =>
  expressions.map((expression) => {
    const evaluate = compileExpression(expression, scope, environment.functions, environment.context);
    return scope.share?.(expression, evaluate) ?? evaluate;
  });

/** Logs what failed within the values just made. Each place that evaluates expressions calls this, or drops the faults,
 *  before the next record. */
export const noteParts = (record: StreamRecord<unknown>, context: OperatorContext): void => {
  const faults = takePartFaults();
  for (let i = 0; i < faults.length; i++) {
    context.drop('processing', record, `a part of a value is NULL: ${faults[i]}`);
  }
};

/** Fills `into[at …]` with the values of the expressions. */
export const rowFiller = (
  items: readonly NamedExpression[],
  scope: ColumnScope,
  environment: CompileEnvironment,
  at = 0,
): ((record: StreamRecord<RecordValue>, context: OperatorContext, into: Row) => void) => {
  const evaluators = compileAll(
    items.map((item) => item.expression),
    scope,
    environment,
  );
  const count = evaluators.length;
  return (record, context, into) => {
    for (let i = 0; i < count; i++) {
      try {
        for (; i < count; i++) into[at + i] = (evaluators[i] as Evaluate)(record);
      } catch (error) {
        const { name, expression } = items[i] as NamedExpression;
        into[at + i] = null;
        context.drop(
          'processing',
          record,
          `the column "${name}" is NULL: ${printTyped(expression)} failed: ${causeOf(error)}`,
        );
      }
    }
    noteParts(record, context);
  };
};

/** A row of the expressions' values, lent until the next call. */
export const rowMaker = (
  items: readonly NamedExpression[],
  scope: ColumnScope,
  environment: CompileEnvironment,
): RowOf => {
  const fill = rowFiller(items, scope, environment);
  const row: Row = new Array<Value>(items.length).fill(null);
  return (record, context) => {
    fill(record, context, row);
    return row;
  };
};

export const condition = (predicate: TypedExpression, scope: ColumnScope, environment: CompileEnvironment): Test => {
  const evaluate = compileAll([predicate], scope, environment)[0] as Evaluate;
  return (record, context) => {
    try {
      const passes = evaluate(record) === true;
      noteParts(record, context);
      return passes;
    } catch (error) {
      noteParts(record, context);
      context.drop('processing', record, `the record is left out: ${printTyped(predicate)} failed: ${causeOf(error)}`);
      return false;
    }
  };
};

/** A function of a table's row, before or after a change: rows of both may be alive at once, so two are lent in
 *  turn. */
export const tableRowMaker = (
  fill: (record: StreamRecord<RecordValue>, context: OperatorContext, into: Row) => void,
  width: number,
): ((row: Row, record: StreamRecord<RecordValue>, context: OperatorContext) => Row) => {
  const rows: [Row, Row] = [new Array<Value>(width).fill(null), new Array<Value>(width).fill(null)];
  let turn: 0 | 1 = 0;
  const probe = new StreamRecord<Row>();
  return (row, record, context) => {
    probe.takeEnvelope(record);
    probe.value = row;
    turn = turn === 0 ? 1 : 0;
    const into = rows[turn];
    fill(probe, context, into);
    return into;
  };
};
