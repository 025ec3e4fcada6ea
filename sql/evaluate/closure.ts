/** What an expression is compiled to, and what it reads. */

import type { StreamRecord } from '../../engine/index.ts';
import type { ColumnReference, TypedExpression, TypedOf } from '../analyze/typed.ts';
import { valueOfLiteral } from '../types/literal.ts';
import type { Value } from '../types/value.ts';

/** Evaluates one expression over a record. Raises `EvaluationError` on data that it cannot work with. */
export type Evaluate = (record: StreamRecord<unknown>) => Value;

/** Compiles a part of an expression. */
export type Compile = (part: TypedExpression) => Evaluate;

/** How columns are read at one place of a topology. */
export interface ColumnScope {
  column(reference: ColumnReference): Evaluate;
  /** A test of one column that is done here without making its value; undefined: as everywhere. `plain` makes the test
   *  over the values of that column. */
  test?(part: TypedExpression, plain: (column: Evaluate) => Evaluate): Evaluate | undefined;
  /** The evaluation of a whole expression, where queries share its values. */
  share?: ((expression: TypedExpression, evaluate: Evaluate) => Evaluate) | undefined;
}

/** The value of a literal. */
export const constantOf = ({ value, type }: TypedOf<'literal'>): Value => valueOfLiteral(value, type);
