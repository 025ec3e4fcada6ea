/** Comparisons: `= <> < <= > >=`, IS DISTINCT FROM, BETWEEN and IN. The operands are compared in one type. */

import { type Position, UserError } from '../../../base/index.ts';
import type { ComparisonOperator, Expression, ExpressionOf } from '../../parser/ast.ts';
import { parseDecimal } from '../../types/decimal.ts';
import { mixedOrder } from '../../types/equality.ts';
import { parseTimestamp } from '../../types/time/text.ts';
import { bigintType, booleanType, isNumeric, isOrdered, type SqlType } from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { comparisonType, unify } from './common-type.ts';
import { castTo, convert } from './convert.ts';
import { asTyped, type Draft, decimalLiteral, type Typing, typeOf } from './draft.ts';
import { notComparable, nullComparison } from './faults.ts';

export const typeComparison = (typing: Typing, node: ExpressionOf<'comparison'>): TypedExpression =>
  comparison(node.operator, operandOf(typing, node.left), operandOf(typing, node.right), node.at);

/** An operand as written, and its draft: it is typed once, so that nested comparisons take no more time than others. */
interface Operand {
  readonly node: Expression;
  readonly draft: Draft;
}

const operandOf = (typing: Typing, node: Expression): Operand => ({ node, draft: typing.draft(node) });

const comparison = (operator: ComparisonOperator, a: Operand, b: Operand, at: Position): TypedExpression => {
  const [left, right] = pair(a, b, operator, at, operator === '=' || operator === '<>');
  return { kind: 'comparison', operator, left, right, type: booleanType };
};

/** Two operands that are compared with each other. */
const pair = (
  a: Operand,
  b: Operand,
  operator: string,
  at: Position,
  equality: boolean,
): readonly [TypedExpression, TypedExpression] => {
  if (a.draft.kind === 'null' || b.draft.kind === 'null') throw nullComparison(at);
  const right = boundDecimal(a.draft, { ...b, draft: timeOfPseudoColumn(a, b.draft) });
  const left = boundDecimal(b.draft, { ...a, draft: timeOfPseudoColumn(b, a.draft) });
  if (isMixed(typeOf(left), typeOf(right))) return [asTyped(left), asTyped(right)];
  const type = comparedAs([left, right], operator, at, equality);
  return [toCompare(left, type), toCompare(right, type)];
};

/** Whether values of the two types are compared as they are. */
const isMixed = (a: SqlType | null, b: SqlType | null): boolean =>
  a !== null && b !== null && mixedOrder(a, b) !== undefined;

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
  const converted = convert(draft, type, 'strict') ?? castTo(asTyped(draft), type);
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
  const [a, b] = [operandOf(typing, node.left), operandOf(typing, node.right)];
  if (
    a.draft.kind === 'typed' &&
    b.draft.kind === 'typed' &&
    comparisonType(a.draft.typed.type, b.draft.typed.type) === undefined
  ) {
    return made(a.draft.typed, b.draft.typed);
  }
  const [left, right] = pair(a, b, 'IS DISTINCT FROM', node.at, true);
  return made(left, right);
};

export const typeBetween = (typing: Typing, node: ExpressionOf<'between'>): TypedExpression => {
  const operand = operandOf(typing, node.operand);
  const bound = (one: Expression): Draft =>
    boundDecimal(operand.draft, { node: one, draft: timeOfPseudoColumn(operand, typing.draft(one)) });
  const low = bound(node.low);
  const high = bound(node.high);
  const drafts = [operand.draft, low, high];
  if (drafts.some((draft) => draft.kind === 'null')) throw nullComparison(node.at);
  const [type, ...bounds] = drafts.map(typeOf);
  if (bounds.some((bound) => !comparesAlike(type ?? null, bound))) {
    return twoComparisons(operand, { node: node.low, draft: low }, { node: node.high, draft: high }, node);
  }
  const common = comparedAs(drafts, 'BETWEEN', node.at, false);
  return {
    kind: 'between',
    negated: node.negated,
    operand: toCompare(operand.draft, common),
    low: toCompare(low, common),
    high: toCompare(high, common),
    type: booleanType,
  };
};

/** Whether values of the two types are of one kind, or numbers that are compared as one type. */
const comparesAlike = (a: SqlType | null, b: SqlType | null): boolean =>
  a === null || b === null || a.kind === b.kind || (isNumeric(a) && isNumeric(b) && !isMixed(a, b));

/** BETWEEN over values of different kinds, such as texts and points in time: two comparisons, each in a type of its
 *  own, and the second text is read only where it counts. */
const twoComparisons = (
  operand: Operand,
  low: Operand,
  high: Operand,
  { negated, at }: ExpressionOf<'between'>,
): TypedExpression => {
  const operands = [comparison('>=', operand, low, at), comparison('<=', operand, high, at)];
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

/** The text of a parameter beside a DECIMAL is one: programs have a DECIMAL as its text. */
const boundDecimal = (other: Draft, { node, draft }: Operand): Draft => {
  if (typeOf(other)?.kind !== 'DECIMAL' || node.kind !== 'string' || node.bound !== true) return draft;
  if (parseDecimal(node.value) !== undefined) return { kind: 'typed', typed: decimalLiteral(node.value), at: node.at };
  throw new UserError('SQL_BAD_TEXT', `the text '${node.value}' is not a DECIMAL`, { at: node.at });
};

const timeNames: ReadonlySet<string> = new Set(['ROWTIME', 'WINDOWSTART', 'WINDOWEND']);

/** A text that is compared with ROWTIME, WINDOWSTART or WINDOWEND is a point in time: it becomes milliseconds, like
 *  them. */
const timeOfPseudoColumn = ({ node, draft: column }: Operand, text: Draft): Draft => {
  if (text.kind !== 'typed' || text.typed.kind !== 'literal' || text.typed.type.kind !== 'STRING') return text;
  if (node.kind !== 'column' || !timeNames.has(node.name)) return text;
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
