/**
 * Pieces of the tree that take more than a line to build: literals from their text, and chains of operators put
 * together by precedence. Nothing here needs the parser itself.
 */

import type { IToken } from 'chevrotain';
import { assert, type Position, shortened, UserError } from '../../base/index.ts';
import type { ArithmeticOperator } from '../types/definition.ts';
import type { Expression, Literal } from './ast.ts';
import { DoubleText, IntegerText, keyword, placeOf, unquote } from './tokens.ts';

const greatestBigint = 9223372036854775807n;

/** How tightly each operator between values binds. */
const tightness: Readonly<Record<ArithmeticOperator | '||', number>> = {
  '||': 1,
  '+': 2,
  '-': 2,
  '*': 3,
  '/': 3,
  '%': 3,
};

/** From the start of one place to the end of another. */
export const spanning = (first: Position, last: Position): Position => ({
  line: first.line,
  column: first.column,
  offset: first.offset,
  length: last.offset + (last.length ?? 0) - first.offset,
});

// --------------------------------------------------------------------------------------- putting operators together

/** AND binds tighter than OR; a run of the same word becomes one node. */
export function combineLogical(terms: readonly Expression[], operators: readonly IToken[]): Expression {
  const alternatives: Expression[] = [];
  let run: Expression[] = [];
  const endRun = (): void => {
    alternatives.push(logical('AND', run));
    run = [];
  };
  terms.forEach((term, index) => {
    if (index > 0 && operators[index - 1]?.tokenType === keyword.OR) endRun();
    run.push(term);
  });
  endRun();
  return logical('OR', alternatives);
}

function logical(operator: 'AND' | 'OR', operands: readonly Expression[]): Expression {
  const first = operands[0];
  const last = operands.at(-1);
  assert(first !== undefined && last !== undefined, 'a logical expression has operands');
  return operands.length === 1 ? first : { kind: 'logical', operator, operands, at: spanning(first.at, last.at) };
}

/** Puts a flat list together by precedence, each level from the left: operands wait on a stack until an operator comes
 *  that binds no tighter than the one between them. */
export function combineArithmetic(operands: readonly Expression[], operators: readonly IToken[]): Expression {
  const waiting: Expression[] = [];
  const between: (ArithmeticOperator | '||')[] = [];
  const reduce = (): void => {
    const operator = between.pop();
    const right = waiting.pop();
    const left = waiting.pop();
    assert(operator !== undefined && left !== undefined && right !== undefined, 'operators stand between operands');
    const at = spanning(left.at, right.at);
    waiting.push(
      operator === '||' ? { kind: 'concat', left, right, at } : { kind: 'arithmetic', operator, left, right, at },
    );
  };
  operands.forEach((operand, index) => {
    const operator = operators[index - 1]?.image as ArithmeticOperator | '||' | undefined;
    if (operator !== undefined) {
      for (let top = between.at(-1); top !== undefined && tightness[top] >= tightness[operator]; top = between.at(-1)) {
        reduce();
      }
      between.push(operator);
    }
    waiting.push(operand);
  });
  while (between.length > 0) reduce();
  const result = waiting[0];
  assert(result !== undefined, 'a value has an operand');
  return result;
}

// --------------------------------------------------------------------------------------------------------- literals

export function numberLiteral(token: IToken, negative: boolean, at: Position): Literal {
  const text = negative ? `-${token.image}` : token.image;
  if (token.tokenType === DoubleText) {
    const value = Number(text);
    if (!Number.isFinite(value)) throw outOfRange(text, 'DOUBLE', at);
    return { kind: 'double', value, at };
  }
  if (token.tokenType !== IntegerText) return { kind: 'decimal', text, at };
  const digits = token.image.replace(/^0+(?=[0-9])/, '');
  if (digits.length > 19) throw outOfRange(text, 'BIGINT', at);
  const value = negative ? -BigInt(digits) : BigInt(digits);
  if (value > greatestBigint || value < -greatestBigint - 1n) throw outOfRange(text, 'BIGINT', at);
  const short = Number(value);
  return { kind: 'integer', value: Number.isSafeInteger(short) ? short : value, at };
}

export function decimalLiteral(token: IToken, at: Position): Literal {
  const text = unquote(token.image).trim();
  if (!/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(text)) {
    throw new UserError('SQL_SYNTAX', `${token.image} is not a decimal number`, {
      at: placeOf(token),
      hint: "Write digits and at most one point, as in DECIMAL '12.50'.",
    });
  }
  return { kind: 'decimal', text: text.replace(/^\+/, ''), at };
}

export function escapeCharacter(token: IToken): string {
  const text = unquote(token.image);
  if (text.length !== 1) {
    throw new UserError('SQL_SYNTAX', `the ESCAPE of LIKE is one character, not ${token.image}`, {
      at: placeOf(token),
    });
  }
  return text;
}

/** The value of a whole number that counts something: a duration, a limit, a precision. */
export function smallNumber(token: IToken): number {
  const value = Number(token.image);
  if (!Number.isSafeInteger(value)) throw outOfRange(token.image, 'count', placeOf(token));
  return value;
}

const outOfRange = (text: string, what: string, at: Position): UserError =>
  new UserError('SQL_NUMBER_OUT_OF_RANGE', `the number ${shortened(text)} is beyond what a ${what} can hold`, { at });

export const tooDeep = (at: Position, limit: number): UserError =>
  new UserError('SQL_NESTED_TOO_DEEP', `expressions may be nested at most ${limit} deep`, {
    at,
    hint: 'Split the statement into several, or write the expression with less nesting.',
  });
