/**
 * Arithmetic on values that are not NULL, by type.
 *
 * INTEGER and BIGINT wrap as in Java, their division cuts the fraction off, and dividing by zero raises
 * `EvaluationError`; a DOUBLE is IEEE 754 throughout. BIGINT takes the way of plain numbers while the result is a safe
 * integer, which then is exact. DECIMAL has its own in `scalars/decimal.ts`.
 */

import type { ArithmeticOperator, NumericDefinition } from './definition.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { ScalarKind, ScalarType } from './kinds.ts';
import { normalizeBigint } from './value.ts';

/** A BIGINT: a number while it is a safe integer. */
export type Long = number | bigint;

type Operators<V> = Readonly<Record<ArithmeticOperator, (a: V, b: V) => V>>;

/** Arithmetic of a type without parameters: the result is of that type. */
export const plainNumeric = <K extends ScalarKind, V>(
  type: ScalarType,
  numeric: Pick<NumericDefinition<K, V>, 'rank' | 'zero' | 'negate' | 'divisionFails'> & {
    readonly operators: Operators<V>;
  },
): NumericDefinition<K, V> => {
  const { operators, ...rest } = numeric;
  const own = (): ScalarType => type;
  return { ...rest, operand: own, result: own, common: own, operator: (operator) => operators[operator] };
};

export const divisionByZero = (): never => {
  throw new EvaluationError('division by zero');
};

export const integerOperators: Operators<number> = {
  '+': (a, b) => (a + b) | 0,
  '-': (a, b) => (a - b) | 0,
  '*': (a, b) => Math.imul(a, b),
  '/': (a, b) => (b === 0 ? divisionByZero() : (a / b) | 0),
  '%': (a, b) => (b === 0 ? divisionByZero() : (a % b) | 0),
};

export const doubleOperators: Operators<number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

export const addLongs = (a: Long, b: Long): Long => {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return normalizeBigint(BigInt(a) + BigInt(b));
};

export const subtractLongs = (a: Long, b: Long): Long => {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return normalizeBigint(BigInt(a) - BigInt(b));
};

const multiplyLongs = (a: Long, b: Long): Long => {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product === 0 ? 0 : product;
  }
  return normalizeBigint(BigInt(a) * BigInt(b));
};

const divideLongs = (a: Long, b: Long): Long => {
  if (b === 0) return divisionByZero();
  if (typeof a === 'number' && typeof b === 'number') {
    // The dividend less its remainder is a multiple of the divisor: the quotient of the two is exact.
    const quotient = (a - (a % b)) / b;
    return quotient === 0 ? 0 : quotient;
  }
  return normalizeBigint(BigInt(a) / BigInt(b));
};

const remainderOfLongs = (a: Long, b: Long): Long => {
  if (b === 0) return divisionByZero();
  if (typeof a === 'number' && typeof b === 'number') {
    const remainder = a % b;
    return remainder === 0 ? 0 : remainder;
  }
  return normalizeBigint(BigInt(a) % BigInt(b));
};

export const longOperators: Operators<Long> = {
  '+': addLongs,
  '-': subtractLongs,
  '*': multiplyLongs,
  '/': divideLongs,
  '%': remainderOfLongs,
};

export const negateLong = (value: Long): Long =>
  typeof value === 'number' ? (value === 0 ? 0 : -value) : normalizeBigint(-value);
