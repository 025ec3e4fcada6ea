/** Functions on numbers. INTEGER and BIGINT wrap as in Java; DOUBLE is IEEE 754. */

import { assert } from '../../base/index.ts';
import { negateLong } from '../types/arithmetic.ts';
import { type DecimalForm, decimalForm, fits, powerOfTen, rescaleHalfUp } from '../types/decimal.ts';
import { orderOf } from '../types/equality.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { isScalar, printType, type SqlType, scalarOf } from '../types/type.ts';
import { doubleToBigint, type Value } from '../types/value.ts';
import { type Body, type Call, define } from './define.ts';
import type { Family } from './registry.ts';
import { orderedKinds } from './signature.ts';

const perNumber = (name: string): string[] => ['INT', 'BIGINT', 'DOUBLE'].map((type) => `${name}(${type}) -> ${type}`);
const toDouble = (name: string): string[] => ['INT', 'BIGINT', 'DOUBLE'].map((type) => `${name}(${type}) -> DOUBLE`);

const extreme = ({ result }: Call, sign: number): ((...values: readonly Value[]) => Value) => {
  const order = orderOf(result);
  return (...values) => {
    let best: Value = null;
    for (const value of values) {
      if (value !== null && (best === null || order(value, best) * sign > 0)) best = value;
    }
    return best;
  };
};

/** Rounds the shortest decimal form of a double to so many places, halves toward plus infinity: 2.5 to 3, -2.5 to
 *  -2. */
export const roundDouble = (value: number, places: number): number => {
  if (!Number.isFinite(value)) throw new EvaluationError(`${value} has no decimal places`);
  if (value === 0) return 0;
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = BigInt(whole + fraction);
  const scale = fraction.length - Number(exponent);
  if (scale <= places) return value;
  // More places are dropped than there are digits: nothing is left.
  if (scale - places > 400) return 0;
  const unit = 10n ** BigInt(scale - places);
  const rest = digits % unit;
  const up = value > 0 ? rest * 2n >= unit : rest * 2n > unit;
  const rounded = digits / unit + (up ? 1n : 0n);
  if (rounded === 0n) return 0;
  const magnitude = Number(`${rounded}e${-places}`);
  return value > 0 ? magnitude : -magnitude;
};

/** How many units a number is, rounded to whole ones. */
type Rounding = (value: bigint, unit: bigint) => bigint;

const toZero: Rounding = (value, unit) => value / unit;
const floor: Rounding = (value, unit) => (value < 0n && value % unit !== 0n ? value / unit - 1n : value / unit);
const ceiling: Rounding = (value, unit) => -floor(-value, unit);
const half: Rounding = (value, unit) => floor(value * 2n + unit, unit * 2n);

/** A DECIMAL of whole numbers, for those that a DECIMAL has before its point. */
const wholeDecimal = ([type]: readonly SqlType[]): SqlType => {
  const { precision, scale } = formOf(type);
  return scalarOf('DECIMAL', [Math.max(1, precision - scale), 0]);
};

const formOf = (type: SqlType | undefined): DecimalForm => {
  assert(type !== undefined && isScalar(type), 'a DECIMAL is a scalar');
  return decimalForm(type);
};

/** Rounds a DECIMAL to decimal places, those of the second argument where none are given, into the type of the
 *  result. */
const rounding = ({ args: [type], result }: Call, places: number | undefined, round: Rounding): Body => {
  const { precision, scale } = formOf(type);
  const target = formOf(result);
  return (value: bigint, given: number = places ?? 0) => {
    // Beyond all digits there is nothing to round, or nothing is left.
    const to = Math.max(given, scale - precision - 1);
    if (to >= scale) return rescaleHalfUp(value, scale, target.scale);
    const rounded = round(value, powerOfTen(scale - to)) * powerOfTen(scale - to);
    const number = rescaleHalfUp(rounded, scale, target.scale);
    if (!fits(number, target.precision)) throw new EvaluationError(`the number does not fit ${printType(result)}`);
    return number;
  };
};

/** Functions of one number that Math has, as Java has them too. */
const ofOneNumber: readonly (readonly [
  name: string,
  doc: string,
  example: readonly [string, string],
  body: (x: number) => number,
])[] = [
  ['SIN', 'The sine of an angle in radians.', ['SIN(0)', '0E0'], Math.sin],
  ['COS', 'The cosine of an angle in radians.', ['COS(0)', '1E0'], Math.cos],
  ['TAN', 'The tangent of an angle in radians.', ['TAN(0)', '0E0'], Math.tan],
  ['COT', 'The cotangent of an angle in radians.', ['CAST(COT(0) AS STRING)', "'Infinity'"], (x) => 1 / Math.tan(x)],
  ['ASIN', 'The angle in radians with this sine; NaN beyond -1 and 1.', ['ASIN(0)', '0E0'], Math.asin],
  ['ACOS', 'The angle in radians with this cosine; NaN beyond -1 and 1.', ['ACOS(1)', '0E0'], Math.acos],
  ['ATAN', 'The angle in radians with this tangent.', ['ATAN(0)', '0E0'], Math.atan],
  ['SINH', 'The hyperbolic sine.', ['SINH(0)', '0E0'], Math.sinh],
  ['COSH', 'The hyperbolic cosine.', ['COSH(0)', '1E0'], Math.cosh],
  ['TANH', 'The hyperbolic tangent.', ['TANH(0)', '0E0'], Math.tanh],
  ['CBRT', 'The cube root.', ['CBRT(-8)', '-2E0'], Math.cbrt],
  ['EXP', 'e to the power of the number.', ['EXP(0)', '1E0'], Math.exp],
  ['LN', 'The natural logarithm; NaN for a negative number.', ['LN(1)', '0E0'], Math.log],
  ['DEGREES', 'An angle in radians, in degrees.', ['DEGREES(PI())', '180E0'], (x) => x * 57.29577951308232],
  ['RADIANS', 'An angle in degrees, in radians.', ['RADIANS(180) = PI()', 'TRUE'], (x) => x * 0.017453292519943295],
];

/** Both arguments of any number, as doubles. */
const ofTwoNumbers = (name: string): string[] =>
  ['INT', 'BIGINT', 'DOUBLE'].map((type) => `${name}(${type}, ${type}) -> DOUBLE`);

/** Cuts the shortest decimal form of a double off behind so many places. */
const truncateDouble = (value: number, places: number): number => {
  const rounded = roundDouble(value, places);
  // Where rounding moved away from zero, the result is one unit too large.
  return Math.abs(rounded) > Math.abs(value)
    ? roundDouble(rounded - Math.sign(value) * 10 ** -places, places)
    : rounded;
};

export const math: Family = {
  category: 'MATHEMATICAL',
  functions: [
    define({
      signature: 'ABS(INT) -> INT',
      doc: 'The number without its sign.',
      nulls: 'propagate',
      examples: [['ABS(-3)', '3']],
      body: (value: number) => Math.abs(value) | 0,
    }),
    define({
      signature: 'ABS(BIGINT) -> BIGINT',
      doc: 'The number without its sign.',
      nulls: 'propagate',
      examples: [['ABS(-9007199254740993)', '9007199254740993']],
      body: (value: number | bigint) => (value < 0 ? negateLong(value) : value),
    }),
    define({
      signature: 'ABS(DOUBLE) -> DOUBLE',
      doc: 'The number without its sign.',
      nulls: 'propagate',
      examples: [['ABS(-1.5E0)', '1.5E0']],
      body: (value: number) => Math.abs(value),
    }),
    define({
      signature: 'ABS(DECIMAL) -> DECIMAL',
      doc: 'The number without its sign.',
      nulls: 'propagate',
      examples: [['ABS(-1.50)', '1.50']],
      body: (value: bigint) => (value < 0n ? -value : value),
    }),
    define({
      signature: ['CEIL(INT) -> INT', 'CEIL(BIGINT) -> BIGINT'],
      doc: 'The least whole number that is not below the argument.',
      elsewhere: ['CEILING'],
      nulls: 'propagate',
      examples: [['CEIL(3)', '3']],
      body: (value: number | bigint) => value,
    }),
    define({
      signature: 'CEIL(DOUBLE) -> DOUBLE',
      doc: 'The least whole number that is not below the argument.',
      nulls: 'propagate',
      examples: [
        ['CEIL(1.2E0)', '2E0'],
        ['CEIL(-1.2E0)', '-1E0'],
      ],
      body: (value: number) => Math.ceil(value),
    }),
    define({
      signature: 'CEIL(DECIMAL) -> DECIMAL',
      doc: 'The least whole number that is not below the argument.',
      nulls: 'propagate',
      examples: [['CEIL(01.20 + 10)', 'CAST(12 AS DECIMAL(13, 2))']],
      bind: (call) => rounding(call, 0, ceiling),
    }),
    define({
      signature: ['FLOOR(INT) -> INT', 'FLOOR(BIGINT) -> BIGINT'],
      doc: 'The greatest whole number that is not above the argument.',
      nulls: 'propagate',
      examples: [['FLOOR(3)', '3']],
      body: (value: number | bigint) => value,
    }),
    define({
      signature: 'FLOOR(DOUBLE) -> DOUBLE',
      doc: 'The greatest whole number that is not above the argument.',
      nulls: 'propagate',
      examples: [
        ['FLOOR(1.7E0)', '1E0'],
        ['FLOOR(-1.2E0)', '-2E0'],
      ],
      body: (value: number) => Math.floor(value),
    }),
    define({
      signature: 'FLOOR(DECIMAL) -> DECIMAL',
      doc: 'The greatest whole number that is not above the argument.',
      nulls: 'propagate',
      examples: [['FLOOR(1.70)', '1.00']],
      bind: (call) => rounding(call, 0, floor),
    }),
    define({
      signature: ['ROUND(INT) -> BIGINT', 'ROUND(BIGINT) -> BIGINT'],
      doc: 'The number itself.',
      nulls: 'propagate',
      examples: [['ROUND(3)', '3']],
      body: (value: number | bigint) => value,
    }),
    define({
      signature: 'ROUND(DOUBLE) -> BIGINT',
      doc: 'The nearest whole number, of two equally near ones the greater.',
      nulls: 'propagate',
      examples: [
        ['ROUND(1.5E0)', '2'],
        ['ROUND(-1.5E0)', '-1'],
        ['ROUND(0.49999999999999994E0)', '0'],
      ],
      body: (value: number) => doubleToBigint(Math.round(value)),
    }),
    define({
      signature: 'ROUND(DOUBLE, INT) -> DOUBLE',
      doc:
        'The number rounded to a number of decimal places, of two equally near ones to the greater; negative places ' +
        'round to tens, hundreds …',
      nulls: 'propagate',
      examples: [
        ['ROUND(1.234567E0, 2)', '1.23E0'],
        ['ROUND(1.005E0, 2)', '1.01E0'],
        ['ROUND(12345.678E0, -2)', '12300E0'],
      ],
      body: roundDouble,
    }),
    define({
      signature: 'ROUND(DECIMAL) -> DECIMAL',
      doc: 'The nearest whole number, of two equally near ones the greater.',
      resultOf: wholeDecimal,
      nulls: 'propagate',
      examples: [
        ['ROUND(11.50)', "DECIMAL '12'"],
        ['ROUND(-11.50)', "DECIMAL '-11'"],
      ],
      bind: (call) => rounding(call, 0, half),
    }),
    define({
      signature: 'ROUND(DECIMAL, INT) -> DECIMAL',
      doc:
        'The number rounded to a number of decimal places, of two equally near ones to the greater, in the type of ' +
        'the argument; negative places round to tens, hundreds …',
      nulls: 'propagate',
      examples: [
        ['ROUND(11.25, 1)', '11.30'],
        ['ROUND(-11.25, 1)', '-11.20'],
        ['ROUND(123.4, -2)', '100.0'],
      ],
      bind: (call) => rounding(call, undefined, half),
    }),
    define({
      signature: toDouble('SQRT'),
      doc: 'The square root; NaN for a negative number.',
      nulls: 'propagate',
      examples: [
        ['SQRT(9)', '3E0'],
        ['CAST(SQRT(-1) AS STRING)', "'NaN'"],
      ],
      body: (value: number | bigint) => Math.sqrt(Number(value)),
    }),
    define({
      signature: ['TRUNC(INT) -> BIGINT', 'TRUNC(BIGINT) -> BIGINT'],
      doc: 'The number itself.',
      elsewhere: ['TRUNCATE'],
      nulls: 'propagate',
      examples: [['TRUNC(3)', '3']],
      body: (value: number | bigint) => value,
    }),
    define({
      signature: 'TRUNC(DOUBLE) -> BIGINT',
      doc: 'The number without its fraction.',
      nulls: 'propagate',
      examples: [
        ['TRUNC(1.7E0)', '1'],
        ['TRUNC(-1.7E0)', '-1'],
      ],
      body: doubleToBigint,
    }),
    define({
      signature: 'TRUNC(DOUBLE, INT) -> DOUBLE',
      doc: 'The number cut off behind a number of decimal places; negative places cut off tens, hundreds …',
      nulls: 'propagate',
      examples: [
        ['TRUNC(12345.678E0, 2)', '12345.67E0'],
        ['TRUNC(-12345.678E0, 1)', '-12345.6E0'],
        ['TRUNC(12345.678E0, -2)', '12300E0'],
      ],
      body: truncateDouble,
    }),
    define({
      signature: 'TRUNC(DECIMAL) -> DECIMAL',
      doc: 'The number without its fraction.',
      resultOf: wholeDecimal,
      nulls: 'propagate',
      examples: [['TRUNC(-11.50)', "DECIMAL '-11'"]],
      bind: (call) => rounding(call, 0, toZero),
    }),
    define({
      signature: 'TRUNC(DECIMAL, INT) -> DECIMAL',
      doc:
        'The number cut off behind a number of decimal places, in the type of the argument; negative places cut off ' +
        'tens, hundreds …',
      nulls: 'propagate',
      examples: [
        ['TRUNC(11.29, 1)', '11.20'],
        ['TRUNC(-123.4, -2)', '-100.0'],
      ],
      bind: (call) => rounding(call, undefined, toZero),
    }),
    ...ofOneNumber.map(([name, doc, example, body]) =>
      define({
        signature: toDouble(name),
        doc,
        nulls: 'propagate',
        examples: [example],
        body: (value: number | bigint) => body(Number(value)),
      }),
    ),
    define({
      signature: ofTwoNumbers('ATAN2'),
      doc: 'The angle in radians from the x axis to the point with these coordinates, y first.',
      nulls: 'propagate',
      examples: [['ATAN2(0, 1)', '0E0']],
      body: (y: number | bigint, x: number | bigint) => Math.atan2(Number(y), Number(x)),
    }),
    define({
      signature: ofTwoNumbers('POWER'),
      doc: 'The first number to the power of the second.',
      elsewhere: ['POW'],
      nulls: 'propagate',
      examples: [['POWER(2, 10)', '1024E0']],
      body: (base: number | bigint, exponent: number | bigint) => Number(base) ** Number(exponent),
    }),
    define({
      signature: toDouble('LOG'),
      doc: 'The natural logarithm, as LN.',
      elsewhere: [
        ['LOG10', 'LOG(10, value)'],
        ['LOG2', 'LOG(2, value)'],
      ],
      nulls: 'propagate',
      examples: [['LOG(1)', '0E0']],
      body: (value: number | bigint) => Math.log(Number(value)),
    }),
    define({
      signature: ofTwoNumbers('LOG'),
      doc: 'The logarithm of the second number to the base of the first; NaN for a base that is not positive, or is 1.',
      nulls: 'propagate',
      examples: [['LOG(2, 8)', '3E0']],
      body: (base: number | bigint, value: number | bigint) =>
        base <= 0 || base === 1 ? Number.NaN : Math.log(Number(value)) / Math.log(Number(base)),
    }),
    define({
      signature: 'PI() -> DOUBLE',
      doc: 'The ratio of the circumference of a circle to its diameter.',
      nulls: 'propagate',
      examples: [['PI()', '3.141592653589793E0']],
      body: () => Math.PI,
    }),
    define({
      signature: perNumber('SIGN').map((signature) => signature.replace(/-> \w+/, '-> INT')),
      doc: '-1, 0 or 1, as the number is negative, zero or positive.',
      nulls: 'propagate',
      examples: [
        ['SIGN(-7)', '-1'],
        ['SIGN(0)', '0'],
      ],
      body: (value: number | bigint) => (value > 0 ? 1 : value < 0 ? -1 : 0),
    }),
    define({
      signature: orderedKinds.map((type) => `GREATEST(${type}, ${type}...) -> ${type}`),
      doc: 'The greatest of the values, NULLs left out.',
      nulls: 'own',
      examples: [
        ['GREATEST(3, NULL, 7, 5)', '7'],
        ["GREATEST('apple', 'pear')", "'pear'"],
      ],
      bind: (call) => extreme(call, 1),
    }),
    define({
      signature: orderedKinds.map((type) => `LEAST(${type}, ${type}...) -> ${type}`),
      doc: 'The least of the values, NULLs left out.',
      nulls: 'own',
      examples: [['LEAST(3, NULL, 7, 5)', '3']],
      bind: (call) => extreme(call, -1),
    }),
    define({
      signature: 'RANDOM() -> DOUBLE',
      doc: 'A random number from 0 up to, but not including, 1; another one for each row.',
      elsewhere: ['RAND'],
      nulls: 'propagate',
      examples: [['RANDOM() BETWEEN 0 AND 1', 'TRUE']],
      bind:
        ({ context }) =>
        () =>
          context.random(),
    }),
  ],
};
