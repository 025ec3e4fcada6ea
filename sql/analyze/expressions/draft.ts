/**
 * Drafts: expressions whose type may still depend on their surroundings.
 *
 * NULL has no type of its own until something next to it gives it one. `asTyped` gives a draft the type that is
 * expected of it, and raises an error where nothing is expected.
 */

import { assert, type Position, UserError } from '../../../base/index.ts';
import type { FunctionRegistry } from '../../functions/registry.ts';
import type { Expression, ExpressionOf } from '../../parser/ast.ts';
import { formOfLiteral, parseDecimal } from '../../types/decimal.ts';
import { literalOfValue } from '../../types/literal.ts';
import { booleanType, doubleType, printType, type SqlType, stringType } from '../../types/type.ts';
import type { ColumnReference, TypedExpression } from '../typed.ts';
import { mismatch } from './faults.ts';

export interface ExpressionScope {
  readonly functions: FunctionRegistry;
  /** The column that a name means here. Raises a `UserError` when there is none, or more than one. */
  column(node: ExpressionOf<'column'>): ColumnReference;
  /** Parameters of the lambdas around. */
  readonly parameters?: ReadonlyMap<string, SqlType>;
  /** The properties `ksql.functions.NAME.…` of the statement. */
  settingsOf?(name: string): Readonly<Record<string, string>>;
  /** Custom types by name. */
  customType?(name: string): SqlType | undefined;
}

/** What the rules of each kind of expression work with: the names they may use, and the way to type their parts. */
export interface Typing {
  readonly scope: ExpressionScope;
  /** `expected` gives a NULL its type; it converts nothing. */
  draft(node: Expression, expected?: SqlType): Draft;
  /** The same inside a lambda: with all the parameters that can be named there. */
  inLambda(parameters: ReadonlyMap<string, SqlType>): Typing;
}

export type Draft =
  | { readonly kind: 'typed'; readonly typed: TypedExpression; readonly at: Position }
  | { readonly kind: 'null'; readonly at: Position };

/** The draft's own type; `null` where it has none. */
export const typeOf = (draft: Draft): SqlType | null => (draft.kind === 'typed' ? draft.typed.type : null);

/** The draft as an error message names it. */
export const describe = (draft: Draft): string =>
  draft.kind === 'typed' ? `a value of type ${printType(draft.typed.type)}` : 'NULL';

/** The draft as it is where it has a type, else with the one that is expected. */
export const asTyped = (draft: Draft, expected?: SqlType | null): TypedExpression => {
  switch (draft.kind) {
    case 'typed':
      return draft.typed;
    case 'null':
      if (expected === undefined || expected === null) {
        throw new UserError('SQL_UNTYPED_NULL', 'the type of this NULL is not known', {
          at: draft.at,
          hint: 'Write CAST(NULL AS type).',
        });
      }
      return { kind: 'literal', value: null, type: expected };
  }
};

/** A literal with a point: a DECIMAL of its digits. */
export const decimalLiteral = (text: string): TypedExpression => {
  const number = parseDecimal(text);
  assert(number !== undefined, 'the parser makes literals of digits and a point only');
  const type: SqlType = { kind: 'DECIMAL', ...formOfLiteral(number) };
  return { kind: 'literal', value: literalOfValue(number.unscaled, type), type };
};

/** A finite double. A plan is JSON, which has no negative zero: it is 0 with a sign. */
export const doubleLiteral = (value: number): TypedExpression =>
  Object.is(value, -0)
    ? { kind: 'negate', operand: { kind: 'literal', value: 0, type: doubleType }, type: doubleType }
    : { kind: 'literal', value, type: doubleType };

/** The typed form of an operand; `typeOfNull` is the type that a NULL gets. */
export const typedOr = (typing: Typing, node: Expression, typeOfNull: SqlType): TypedExpression => {
  const draft = typing.draft(node);
  return asTyped(draft, draft.kind === 'null' ? typeOfNull : undefined);
};

/** The typed form of an operand that has to be a BOOLEAN. */
export const typedCondition = (typing: Typing, node: Expression, operator: string): TypedExpression => {
  const typed = typedOr(typing, node, booleanType);
  if (typed.type.kind === 'BOOLEAN') return typed;
  throw mismatch(`${operator} needs a BOOLEAN, not ${printType(typed.type)}`, node.at);
};

/** The typed form of an operand that has to be a STRING. */
export const typedText = (typing: Typing, node: Expression, operator: string): TypedExpression => {
  const typed = typedOr(typing, node, stringType);
  if (typed.type.kind === 'STRING') return typed;
  throw mismatch(`${operator} needs a STRING, not ${printType(typed.type)}`, node.at);
};
