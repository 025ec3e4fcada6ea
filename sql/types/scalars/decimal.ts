/** DECIMAL(p, s): numbers of p decimal digits, s of them behind the point, with all their digits exact. */

import { unreachable } from '../../../base/index.ts';
import { divisionByZero } from '../arithmetic.ts';
import {
  type Decimal,
  decimalForm,
  decimalOfDouble,
  digitCount,
  doubleOfDecimal,
  fits,
  javaDecimal,
  parseDecimal,
  plainDecimal,
  powerOfTen,
  rescaleExact,
  rescaleHalfUp,
  widerForm,
} from '../decimal.ts';
import type { ArithmeticOperator, Refusal, TypeDefinition } from '../definition.ts';
import { EvaluationError } from '../evaluation-error.ts';
import type { ScalarTypeOf } from '../kinds.ts';
import { bigintToInteger, normalizeBigint, type Value } from '../value.ts';

type DecimalType = ScalarTypeOf<'DECIMAL'>;

const printForm = ({ precision, scale }: DecimalType): string => `DECIMAL(${precision}, ${scale})`;

/** A number rounded to the type's scale; refused where it then has too many digits before the point. */
const rounded = ({ unscaled, scale }: Decimal, type: DecimalType): bigint | undefined => {
  const value = rescaleHalfUp(unscaled, scale, type.scale);
  return fits(value, type.precision) ? value : undefined;
};

/** A number that the type holds as it is. */
const exact = ({ unscaled, scale }: Decimal, type: DecimalType): bigint | undefined => {
  const value = rescaleExact(unscaled, scale, type.scale);
  return value !== undefined && fits(value, type.precision) ? value : undefined;
};

const overflow = (number: string, type: DecimalType, refuse: Refusal): Value =>
  refuse(`the number ${number} does not fit ${printForm(type)}`);

const fromWhole = (value: Value, refuse: Refusal, own: DecimalType): Value =>
  rounded({ unscaled: BigInt(value as number | bigint), scale: 0 }, own) ?? overflow(String(value), own, refuse);

/** Toward zero. */
const wholePart = (value: bigint, { scale }: DecimalType): number | bigint =>
  normalizeBigint(value / powerOfTen(scale));

/** A number of a program: as text, with all its digits; a number by the digits that JavaScript prints; a bigint. */
const readNumber = (given: unknown): Decimal | undefined => {
  if (typeof given === 'string') return parseDecimal(given);
  if (typeof given === 'number') return decimalOfDouble(given);
  return typeof given === 'bigint' ? { unscaled: given, scale: 0 } : undefined;
};

const decimalType = (precision: number, scale: number): DecimalType => ({ kind: 'DECIMAL', precision, scale });

const resultType = (operator: ArithmeticOperator, a: DecimalType, b: DecimalType): DecimalType => {
  const scale = Math.max(a.scale, b.scale);
  const [wholeA, wholeB] = [a.precision - a.scale, b.precision - b.scale];
  switch (operator) {
    case '+':
    case '-':
      return decimalType(scale + Math.max(wholeA, wholeB) + 1, scale);
    case '*':
      return decimalType(a.precision + b.precision + 1, a.scale + b.scale);
    case '/': {
      const places = Math.max(6, a.scale + b.precision + 1);
      return decimalType(wholeA + b.scale + places, places);
    }
    case '%':
      return decimalType(Math.min(wholeA, wholeB) + scale, scale);
    default:
      return unreachable(operator);
  }
};

/** Arithmetic is exact: a quotient that does not end within the scale of its type raises `EvaluationError`, and so does
 *  a remainder of which the whole quotient has more digits than the precision of its type. */
const operatorOf = (
  operator: ArithmeticOperator,
  a: DecimalType,
  b: DecimalType,
): ((x: bigint, y: bigint) => bigint) => {
  const result = resultType(operator, a, b);
  // What brings an operand to the scale of a sum or a remainder.
  const [unitA, unitB] = [a, b].map(({ scale }) => powerOfTen(Math.max(a.scale, b.scale) - scale)) as [bigint, bigint];
  switch (operator) {
    case '+':
      if (a.scale === b.scale) return (x, y) => x + y;
      return (x, y) => x * unitA + y * unitB;
    case '-':
      if (a.scale === b.scale) return (x, y) => x - y;
      return (x, y) => x * unitA - y * unitB;
    case '*':
      return (x, y) => x * y;
    case '/': {
      const unit = powerOfTen(result.scale + b.scale - a.scale);
      return (x, y) => {
        if (y === 0n) return divisionByZero();
        const dividend = x * unit;
        if (dividend % y !== 0n) throw new EvaluationError('the quotient has more digits than its type');
        return dividend / y;
      };
    }
    case '%':
      return (x, y) => {
        if (y === 0n) return divisionByZero();
        const dividend = x * unitA;
        const divisor = y * unitB;
        const quotient = dividend / divisor;
        const excess = fits(quotient, result.precision) ? 0 : digitCount(quotient) - result.precision;
        if (excess > 0 && quotient % powerOfTen(excess) !== 0n) {
          throw new EvaluationError('the quotient has more digits than the type of the remainder');
        }
        return dividend % divisor;
      };
    default:
      return unreachable(operator);
  }
};

export const decimal: TypeDefinition<'DECIMAL', 'decimal'> = {
  kind: 'DECIMAL',
  words: ['DECIMAL'],
  elsewhere: ['NUMERIC'],
  parameters: ['precision', 'scale'],
  parametersFault: ({ precision, scale }) =>
    precision < 1
      ? `the precision of a DECIMAL is at least 1, not ${precision}`
      : scale > precision
        ? `a DECIMAL of ${precision} digits cannot have ${scale} of them behind the point`
        : undefined,
  carrier: 'decimal',
  logical: false,
  accepts: (value, { precision }) => fits(value, precision),
  ordered: true,
  numeric: {
    rank: 3,
    zero: 0n,
    operand: (type) =>
      type.kind === 'DECIMAL' ? type : { kind: 'DECIMAL', precision: type.kind === 'INTEGER' ? 10 : 19, scale: 0 },
    result: resultType,
    common: (a, b) => ({ kind: 'DECIMAL', ...widerForm(a, b) }),
    operator: operatorOf,
    negate: (value) => -value,
    divisionFails: true,
  },
  comparedWith: [],
  text: {
    print: (value, { scale }) => plainDecimal(value, scale),
    printMember: (value, { scale }) => javaDecimal(value, scale),
    printed: 'lax',
    grade: 'lax',
    /** Only CAST rounds. */
    parse(text, grade, type) {
      const number = parseDecimal(text);
      if (number === undefined) return undefined;
      return grade === 'explicit' ? rounded(number, type) : exact(number, type);
    },
  },
  casts: {
    to: {
      INTEGER: { grade: 'explicit', convert: (value, _refuse, own) => bigintToInteger(wholePart(value, own)) },
      BIGINT: { grade: 'explicit', convert: (value, _refuse, own) => wholePart(value, own) },
      DOUBLE: { grade: 'strict', convert: (value, _refuse, own) => doubleOfDecimal(value, own.scale) },
      DECIMAL: {
        // To a type that has a place for every digit.
        grade: (own, other) =>
          own.scale <= decimalForm(other).scale &&
          own.precision - own.scale <= decimalForm(other).precision - decimalForm(other).scale
            ? 'strict'
            : 'explicit',
        convert(value, refuse, own, other) {
          const to = other as DecimalType;
          return (
            rounded({ unscaled: value, scale: own.scale }, to) ?? overflow(plainDecimal(value, own.scale), to, refuse)
          );
        },
      },
    },
    from: {
      INTEGER: { grade: 'strict', convert: fromWhole },
      BIGINT: { grade: 'strict', convert: fromWhole },
      DOUBLE: {
        grade: 'explicit',
        convert(value, refuse, own) {
          const number = decimalOfDouble(value as number);
          const result = number === undefined ? undefined : rounded(number, own);
          return result ?? overflow(String(value), own, refuse);
        },
      },
    },
  },
  object: {
    read(given, type) {
      const number = readNumber(given);
      return number === undefined ? undefined : exact(number, type);
    },
    make: (value, { scale }) => plainDecimal(value, scale),
  },
};
