/**
 * What follows from a condition, beforehand, about the rows that it lets through, put together from its comparisons of
 * columns with literals: AND takes what both sides allow, OR what either does. Nothing follows from anything else in a
 * condition, so a fold may only be used to read less: the condition itself is evaluated for every row that was read.
 */

import type { ColumnReference, TypedExpression, TypedOf } from '../analyze/typed.ts';
import type { ComparisonOperator } from '../parser/ast.ts';
import { typesEqual } from '../types/type.ts';

export interface ConditionFold<R> {
  /** What is known without any condition. */
  readonly nothing: R;
  both(a: R, b: R): R;
  either(a: R, b: R): R;
  compare(column: ColumnReference, operator: ComparisonOperator, literal: TypedOf<'literal'>): R;
  /** `column IN (literals)`; left out where nothing follows from it. */
  among?(column: ColumnReference, literals: readonly TypedOf<'literal'>[]): R;
}

const mirrored = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

const isLiteral = (expression: TypedExpression): expression is TypedOf<'literal'> => expression.kind === 'literal';

export const foldCondition = <R>(predicate: TypedExpression, fold: ConditionFold<R>): R => {
  const { nothing } = fold;
  const compare = (left: TypedExpression, operator: ComparisonOperator, right: TypedExpression): R => {
    if (!typesEqual(left.type, right.type)) return nothing;
    if (left.kind === 'column' && right.kind === 'literal') return fold.compare(left, operator, right);
    if (right.kind === 'column' && left.kind === 'literal') return fold.compare(right, mirrored[operator], left);
    return nothing;
  };
  switch (predicate.kind) {
    case 'logical': {
      const parts = predicate.operands.map((operand) => foldCondition(operand, fold));
      return parts.reduce(predicate.operator === 'AND' ? fold.both : fold.either);
    }
    case 'comparison':
      return compare(predicate.left, predicate.operator, predicate.right);
    case 'between': {
      const { operand, low, high, negated } = predicate;
      return negated ? nothing : fold.both(compare(operand, '>=', low), compare(operand, '<=', high));
    }
    case 'in': {
      const { operand, values, negated } = predicate;
      if (negated || operand.kind !== 'column' || !values.every(isLiteral)) return nothing;
      return fold.among?.(operand, values) ?? nothing;
    }
    case 'literal':
    case 'column':
    case 'field':
    case 'element':
    case 'entry':
    case 'call':
    case 'lambda':
    case 'parameter':
    case 'negate':
    case 'arithmetic':
    case 'distinct-from':
    case 'not':
    case 'like':
    case 'is-null':
    case 'case':
    case 'cast':
    case 'array':
    case 'map':
    case 'struct':
      return nothing;
  }
};
