/**
 * From the syntax tree of an expression to a typed one, or an error that names the fault and its place.
 *
 * What a name means is decided by the scope; which function is meant, by the registry. Here each kind of expression
 * finds its rule; the rules are in `expressions/`, one file for each idea: which operands they take, which conversions
 * they imply, what their result is. An operand that has no type of its own yet is a draft (`expressions/draft.ts`).
 */

import { UserError, unreachable } from '../../base/index.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { Expression, ExpressionOf } from '../parser/ast.ts';
import { canConvert } from '../types/cast.ts';
import { literalOfValue } from '../types/literal.ts';
import { bigintType, booleanType, integerType, printType, type SqlType, stringType } from '../types/type.ts';
import { typeField, typeSubscript } from './expressions/access.ts';
import { typeArithmetic, typeSign } from './expressions/arithmetic.ts';
import { typeAggregateCall, typeCall, typeCallOf, typeTableFunctionCall } from './expressions/calls.ts';
import { typeCase } from './expressions/case.ts';
import { typeBetween, typeComparison, typeDistinctFrom, typeIn } from './expressions/compare.ts';
import { typeArray, typeMap, typeStruct } from './expressions/constructors.ts';
import { castTo, convertTo } from './expressions/convert.ts';
import {
  asTyped,
  type Draft,
  decimalLiteral,
  doubleLiteral,
  type ExpressionScope,
  type Typing,
  typedCondition,
  typedOr,
  typedText,
} from './expressions/draft.ts';
import { mismatch, unsupported } from './expressions/faults.ts';
import { typeParameter } from './expressions/lambda.ts';
import { typeOfNode } from './type-of-node.ts';
import type { TypedAggregate, TypedExpression, TypedTableCall } from './typed.ts';

/** The typed form of an expression. `expected` gives a NULL its type; it converts nothing. */
export const typeExpression = (node: Expression, scope: ExpressionScope, expected?: SqlType): TypedExpression =>
  asTyped(typingIn(scope).draft(node, expected), expected);

/** The typed form of an expression, converted to a type: strictly, or laxly as INSERT VALUES does. */
export const typeExpressionAs = (
  node: Expression,
  scope: ExpressionScope,
  target: SqlType,
  grade: 'strict' | 'lax',
): TypedExpression => convertTo(typingIn(scope).draft(node, target), target, grade);

/** The typed form of an expression that has to be a condition. `clause` is named in the error. */
export const typeCondition = (node: Expression, scope: ExpressionScope, clause: string): TypedExpression => {
  const typed = typeExpression(node, scope, booleanType);
  if (typed.type.kind === 'BOOLEAN') return typed;
  throw mismatch(`the condition of ${clause} has to be a BOOLEAN but is ${printType(typed.type)}`, node.at);
};

/** The typed form of a call of an aggregate. */
export const typeAggregate = (node: ExpressionOf<'call'>, scope: ExpressionScope): TypedAggregate =>
  typeAggregateCall(typingIn(scope), node);

/** The typed form of a call of a table function. */
export const typeTableCall = (node: ExpressionOf<'call'>, scope: ExpressionScope): TypedTableCall =>
  typeTableFunctionCall(typingIn(scope), node);

/** Whether the function that a call names is an aggregate. */
export const isAggregateCall = (node: Expression, functions: FunctionRegistry): node is ExpressionOf<'call'> =>
  node.kind === 'call' && functions.isAggregate(node.name);

const typingIn = (scope: ExpressionScope): Typing => {
  const typing: Typing = {
    scope,
    draft: (node, expected): Draft => {
      if (node.kind === 'null') return { kind: 'null', at: node.at };
      return { kind: 'typed', typed: typed(typing, node, expected), at: node.at };
    },
    inLambda: (parameters) => typingIn({ ...scope, parameters }),
  };
  return typing;
};

const typed = (
  typing: Typing,
  node: Exclude<Expression, { kind: 'null' }>,
  expected: SqlType | undefined,
): TypedExpression => {
  switch (node.kind) {
    case 'boolean':
      return { kind: 'literal', value: node.value, type: booleanType };
    case 'integer': {
      const fitsInteger = typeof node.value === 'number' && node.value === (node.value | 0);
      return {
        kind: 'literal',
        value: literalOfValue(node.value, bigintType),
        type: fitsInteger ? integerType : bigintType,
      };
    }
    case 'decimal':
      return decimalLiteral(node.text);
    case 'double':
      return doubleLiteral(node.value);
    case 'string':
      return { kind: 'literal', value: node.value, type: stringType };
    case 'column':
      return typeParameter(typing, node) ?? typing.scope.column(node);
    case 'field':
      return typeField(typing, node);
    case 'subscript':
      return typeSubscript(typing, node);
    case 'call':
      return typeCall(typing, node);
    case 'sign':
      return typeSign(typing, node);
    case 'arithmetic':
      return typeArithmetic(typing, node);
    case 'concat':
      return typeCallOf(typing, 'CONCAT', [node.left, node.right], node.at);
    case 'comparison':
      return typeComparison(typing, node);
    case 'distinct-from':
      return typeDistinctFrom(typing, node);
    case 'logical': {
      const operands = node.operands.map((operand) => typedCondition(typing, operand, node.operator));
      return { kind: 'logical', operator: node.operator, operands, type: booleanType };
    }
    case 'not':
      return { kind: 'not', operand: typedCondition(typing, node.operand, 'NOT'), type: booleanType };
    case 'between':
      return typeBetween(typing, node);
    case 'in':
      return typeIn(typing, node);
    case 'like': {
      const operand = typedText(typing, node.operand, 'LIKE');
      const pattern = typedText(typing, node.pattern, 'LIKE');
      const { negated, escape } = node;
      const like = { kind: 'like', negated, operand, pattern, type: booleanType } as const;
      return escape === undefined ? like : { ...like, escape };
    }
    case 'is-null': {
      const operand = typedOr(typing, node.operand, stringType);
      return { kind: 'is-null', negated: node.negated, operand, type: booleanType };
    }
    case 'case':
      return typeCase(typing, node, expected);
    case 'simple-case':
      throw unsupported('CASE with an operand', node.at, 'Write CASE WHEN operand = value THEN … END.');
    case 'cast':
      return typeCast(typing, node);
    case 'array':
      return typeArray(typing, node, expected);
    case 'map':
      return typeMap(typing, node, expected);
    case 'struct':
      return typeStruct(typing, node, expected);
    case 'lambda':
      throw new UserError('SQL_MISPLACED_LAMBDA', 'a lambda can only be an argument of a function that takes one', {
        at: node.at,
        hint: 'For example TRANSFORM(array, x => x + 1).',
      });
    case 'unit':
      throw new UserError('SQL_MISPLACED_UNIT', `the unit ${node.unit} cannot stand here`, { at: node.at });
    case 'at-time-zone':
      throw unsupported('AT TIME ZONE', node.at);
    default:
      return unreachable(node);
  }
};

const typeCast = (typing: Typing, node: ExpressionOf<'cast'>): TypedExpression => {
  const type = typeOfNode(node.type, typing.scope.customType);
  const draft = typing.draft(node.operand, type);
  if (draft.kind !== 'typed') return convertTo(draft, type, 'lax');
  if (canConvert(draft.typed.type, type, 'explicit')) return castTo(draft.typed, type);
  throw mismatch(`${printType(draft.typed.type)} cannot be cast to ${printType(type)}`, node.at);
};
