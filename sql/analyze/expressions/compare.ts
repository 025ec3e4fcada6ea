/** Comparisons: `= <> < <= > >=`, IS DISTINCT FROM, BETWEEN and IN. The operands are compared in one type. */

import { type Position, UserError } from '../../../base/index.ts';
import type { Expression, ExpressionOf } from '../../parser/ast.ts';
import { canConvert } from '../../types/cast.ts';
import { parseTimestamp } from '../../types/time/text.ts';
import { bigintType, booleanType, isOrdered, type SqlType, stringType } from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { comparisonType, unify } from './common-type.ts';
import { convert } from './convert.ts';
import { asTyped, type Draft, type Typing, typeOf } from './draft.ts';
import { notComparable, nullComparison } from './faults.ts';

export const typeComparison = (typing: Typing, node: ExpressionOf<'comparison'>): TypedExpression => {
  const equality = node.operator === '=' || node.operator === '<>';
  const [left, right] = pair(typing, node.left, node.right, node.operator, node.at, equality);
  return { kind: 'comparison', operator: node.operator, left, right, type: booleanType };
};

/** Two operands that are compared with each other. */
const pair = (
  typing: Typing,
  leftNode: Expression,
  rightNode: Expression,
  operator: string,
  at: Position,
  equality: boolean,
): readonly [TypedExpression, TypedExpression] => {
  let left = typing.draft(leftNode);
  let right = typing.draft(rightNode);
  if (left.kind === 'null' || right.kind === 'null') throw nullComparison(at);
  right = timeOfPseudoColumn(left, right, leftNode);
  left = timeOfPseudoColumn(right, left, rightNode);
  const type = comparedAs([left, right], operator, at, equality);
  return [toCompare(left, type), toCompare(right, type)];
};

/** The one type in which operands are compared; none when no operand has a type of its own. */
const comparedAs = (
  drafts: readonly Draft[],
  operator: string,
  at: Position,
  equality: boolean,
): SqlType | undefined => {
  let common: SqlType | undefined;
  for (const draft of drafts) {
    const type = typeOf(draft);
    if (type === null) continue;
    const next: SqlType | undefined = common === undefined ? type : comparisonType(common, type);
    if (next === undefined) throw notComparable(common ?? type, type, operator, at);
    common = next;
  }
  if (common !== undefined && !equality && !isOrdered(common)) {
    throw notComparable(common, common, operator, at);
  }
  return common;
};

/** An operand in the type of the comparison. A text that does not convert fails the comparison, and is not NULL. */
const toCompare = (draft: Draft, type: SqlType | undefined): TypedExpression => {
  if (type === undefined) return asTyped(draft);
  const converted = convert(draft, type, 'strict') ?? asTyped(draft);
  const implied = converted.kind === 'cast' && converted !== (draft.kind === 'typed' ? draft.typed : undefined);
  return implied && converted.operand.type.kind === 'STRING' ? { ...converted, failure: 'comparison' } : converted;
};

/** Values of types that cannot be compared are distinct unless both are NULL. */
export const typeDistinctFrom = (typing: Typing, node: ExpressionOf<'distinct-from'>): TypedExpression => {
  const { negated } = node;
  const made = (left: TypedExpression, right: TypedExpression): TypedExpression => ({
    kind: 'distinct-from',
    negated,
    left,
    right,
    type: booleanType,
  });
  const [a, b] = [typing.draft(node.left), typing.draft(node.right)];
  if (a.kind === 'typed' && b.kind === 'typed' && comparisonType(a.typed.type, b.typed.type) === undefined) {
    return made(a.typed, b.typed);
  }
  const [left, right] = pair(typing, node.left, node.right, 'IS DISTINCT FROM', node.at, true);
  return made(left, right);
};

export const typeBetween = (typing: Typing, node: ExpressionOf<'between'>): TypedExpression => {
  const operand = typing.draft(node.operand);
  const low = timeOfPseudoColumn(operand, typing.draft(node.low), node.operand);
  const high = timeOfPseudoColumn(operand, typing.draft(node.high), node.operand);
  if ([operand, low, high].some((draft) => draft.kind === 'null')) throw nullComparison(node.at);
  if (isTextAmongOthers([operand, low, high].map(typeOf))) return textBetween(typing, node);
  const type = comparedAs([operand, low, high], 'BETWEEN', node.at, false);
  return {
    kind: 'between',
    negated: node.negated,
    operand: toCompare(operand, type),
    low: toCompare(low, type),
    high: toCompare(high, type),
    type: booleanType,
  };
};

/** Whether there are texts, and values that a text is converted to wherever the two meet, such as points in time. */
const isTextAmongOthers = (types: readonly (SqlType | null)[]): boolean =>
  types.some((type) => type?.kind === 'STRING') &&
  types.some((type) => type !== null && type.kind !== 'STRING' && canConvert(stringType, type, 'strict'));

/** BETWEEN over texts and points in time: two comparisons, so that the second text is read only where it counts. */
const textBetween = (typing: Typing, { operand, low, high, negated, at }: ExpressionOf<'between'>): TypedExpression => {
  const operands = [
    typeComparison(typing, { kind: 'comparison', operator: '>=', left: operand, right: low, at }),
    typeComparison(typing, { kind: 'comparison', operator: '<=', left: operand, right: high, at }),
  ];
  const within: TypedExpression = { kind: 'logical', operator: 'AND', operands, type: booleanType };
  return negated ? { kind: 'not', operand: within, type: booleanType } : within;
};

/** `operand IN (…)`: the operand and the values are converted to one type, as the elements of a list are. */
export const typeIn = (typing: Typing, node: ExpressionOf<'in'>): TypedExpression => {
  const drafts = [node.operand, ...node.values].map((each) => typing.draft(each));
  const [operand, ...values] = unify(drafts, undefined) ?? [];
  if (operand === undefined) throw nullComparison(node.at);
  return { kind: 'in', negated: node.negated, operand, values, type: booleanType };
};

const timeNames: ReadonlySet<string> = new Set(['ROWTIME', 'WINDOWSTART', 'WINDOWEND']);

/** A text that is compared with ROWTIME, WINDOWSTART or WINDOWEND is a point in time, in milliseconds as they are. */
const timeOfPseudoColumn = (column: Draft, text: Draft, columnNode: Expression): Draft => {
  if (text.kind !== 'typed' || text.typed.kind !== 'literal' || text.typed.type.kind !== 'STRING') return text;
  if (columnNode.kind !== 'column' || !timeNames.has(columnNode.name)) return text;
  if (column.kind !== 'typed' || column.typed.type.kind !== 'BIGINT') return text;
  const value = String(text.typed.value);
  const epochMs = parseTimestamp(value);
  if (epochMs === undefined) {
    throw new UserError('SQL_BAD_TEXT', `the text '${value}' is not a point in time`, {
      at: text.at,
      hint: "Write it as '2024-01-31T12:00:00', or a beginning of that, with a zone such as Z or +01:00 if needed.",
    });
  }
  return { kind: 'typed', typed: { kind: 'literal', value: epochMs, type: bigintType }, at: text.at };
};
