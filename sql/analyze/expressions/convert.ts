/**
 * Conversions in the typed tree: where a value of another type is expected, a `cast` is put around it.
 *
 * Which types convert is `types/cast.ts`; here a conversion goes into the parts of a constructor, and a literal is
 * converted at once, so that a text that is not a value of its type is an error before the query runs.
 */

import { type Position, UserError } from '../../../base/index.ts';
import { canConvert, converter } from '../../types/cast.ts';
import { EvaluationError } from '../../types/evaluation-error.ts';
import { type LiteralValue, literalOfValue, valueOfLiteral } from '../../types/literal.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import { isNumeric, isScalar, printType, type SqlType, typesEqual } from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { type Draft, describe } from './draft.ts';
import { mismatch } from './faults.ts';

/** A cast around an expression where its type is another; the caller knows that the conversion is possible. */
export const castTo = (expression: TypedExpression, type: SqlType): TypedExpression => {
  if (typesEqual(expression.type, type)) return expression;
  if (expression.kind === 'literal') {
    const { value } = expression;
    if (value === null) return { kind: 'literal', value, type };
    if (isNumeric(expression.type) && isNumeric(type) && canConvert(expression.type, type, 'strict')) {
      const converted = convertedNow(value, expression.type, type);
      if (converted !== undefined) return converted;
    }
  }
  return { kind: 'cast', operand: expression, type };
};

/** A literal of another type; none where it has no such value, which is a fault of the rows in which it is used. */
const convertedNow = (literal: LiteralValue, from: SqlType, to: SqlType): TypedExpression | undefined => {
  try {
    const value = converter(from, to)(valueOfLiteral(literal, from));
    // A plan is JSON, which has no infinity.
    if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
    return { kind: 'literal', value: literalOfValue(value, to), type: to };
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
};

/** The draft converted to a type, or none when that is not possible. A text that is not a value of the type raises
 *  an error. */
export const convert = (draft: Draft, target: SqlType, grade: 'strict' | 'lax'): TypedExpression | undefined => {
  switch (draft.kind) {
    case 'null':
      return { kind: 'literal', value: null, type: target };
    case 'typed':
      return convertTyped(draft.typed, target, grade, draft.at);
  }
};

/** The draft converted to a type; an error where that is not possible. */
export const convertTo = (draft: Draft, target: SqlType, grade: 'strict' | 'lax'): TypedExpression => {
  const converted = convert(draft, target, grade);
  if (converted !== undefined) return converted;
  throw mismatch(`${describe(draft)} cannot be used as ${printType(target)}`, draft.at);
};

const convertTyped = (
  typed: TypedExpression,
  target: SqlType,
  grade: 'strict' | 'lax',
  at: Position,
): TypedExpression | undefined => {
  const { type } = typed;
  if (typesEqual(type, target)) return typed;
  const part = (each: TypedExpression, to: SqlType): TypedExpression | undefined => convertTyped(each, to, grade, at);
  if (typed.kind === 'array' && target.kind === 'ARRAY') {
    const elements = typed.elements.map((element) => part(element, target.element));
    return elements.every((each) => each !== undefined) ? { kind: 'array', elements, type: target } : undefined;
  }
  if (typed.kind === 'map' && target.kind === 'MAP') {
    const entries: { key: TypedExpression; value: TypedExpression }[] = [];
    for (const entry of typed.entries) {
      const key = part(entry.key, target.key);
      const value = part(entry.value, target.value);
      if (key === undefined || value === undefined) return undefined;
      entries.push({ key, value });
    }
    return { kind: 'map', entries, type: target };
  }
  if (typed.kind === 'struct' && target.kind === 'STRUCT' && type.kind === 'STRUCT') {
    if (type.fields.some((field) => !target.fields.some((other) => other.name === field.name))) return undefined;
    const fields = target.fields.map((field): TypedExpression | undefined => {
      const index = type.fields.findIndex((other) => other.name === field.name);
      const value = typed.fields[index];
      return value === undefined ? { kind: 'literal', value: null, type: field.type } : part(value, field.type);
    });
    return fields.every((each) => each !== undefined) ? { kind: 'struct', fields, type: target } : undefined;
  }
  if (typed.kind === 'literal' && typed.value !== null && canConvert(type, target, grade)) {
    return convertLiteral(typed.value, type, target, at);
  }
  return canConvert(type, target, grade) ? castTo(typed, target) : undefined;
};

/** A literal of another type, converted now: what a text stands for is known before the query runs. */
const convertLiteral = (value: LiteralValue, from: SqlType, to: SqlType, at: Position): TypedExpression => {
  try {
    const converted = converter(from, to, 'lax')(valueOfLiteral(value, from));
    return { kind: 'literal', value: literalOfValue(converted, to), type: to };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    const example = isScalar(to) ? definitionOf(to).text.example : undefined;
    throw new UserError('SQL_BAD_TEXT', `invalid input for type ${printType(to)}: ${error.message}`, {
      at,
      hint: example && `Write it as ${example}.`,
    });
  }
};
