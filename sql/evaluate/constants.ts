/** Values of expressions without columns, worked out once: literals of a plan, the values of INSERT … VALUES. */

import { SerdeError, StreamRecord } from '../../engine/index.ts';
import type { TypedExpression } from '../analyze/typed.ts';
import type { FunctionContext } from '../functions/define.ts';
import { FunctionRegistry } from '../functions/registry.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { literalOfValue } from '../types/literal.ts';
import type { Value } from '../types/value.ts';
import type { ColumnScope } from './closure.ts';
import { compileExpression } from './expression.ts';
import { takePartFaults } from './part-faults.ts';

const noColumns: ColumnScope = { column: () => () => null };
const noFunctions = new FunctionRegistry();
const noWorld: FunctionContext = { now: () => 0, random: () => 0 };

/** The value of an expression that reads no column. Raises `EvaluationError` where it, or a part of it, fails. */
export const valueOf = (expression: TypedExpression, functions: FunctionRegistry, context: FunctionContext): Value => {
  const evaluate = compileExpression(expression, noColumns, functions, context);
  let value: Value;
  let faults: readonly string[] = [];
  try {
    value = evaluate(new StreamRecord<unknown>());
  } finally {
    // Also where it fails: the next expression must not be blamed for them.
    faults = takePartFaults();
  }
  const [fault] = faults;
  if (fault !== undefined) throw new EvaluationError(fault);
  return value;
};

/** The expression of literals and operators as one literal; undefined where it fails, or where its value is not a
 *  literal. */
export const literalOf = (expression: TypedExpression): TypedExpression | undefined => {
  let value: Value;
  try {
    value = valueOf(expression, noFunctions, noWorld);
  } catch (error) {
    if (error instanceof EvaluationError || error instanceof SerdeError) return undefined;
    throw error;
  }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return undefined;
  if (value !== null && typeof value === 'object') return undefined;
  return { kind: 'literal', value: literalOfValue(value, expression.type), type: expression.type };
};
