/** Functions on numbers. INTEGER and BIGINT wrap as in Java; DOUBLE is IEEE 754. */

import { negateLong } from '../types/arithmetic.ts';
import { compareScalars, doubleToBigint, type Value } from '../types/value.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

const perNumber = (name: string): string[] => ['INT', 'BIGINT', 'DOUBLE'].map((type) => `${name}(${type}) -> ${type}`);
const toDouble = (name: string): string[] => ['INT', 'BIGINT', 'DOUBLE'].map((type) => `${name}(${type}) -> DOUBLE`);

const ordered = ['INT', 'BIGINT', 'DOUBLE', 'STRING', 'TIMESTAMP'];

const extreme =
  (sign: number) =>
  (...values: Value[]): Value => {
    let best: Value = null;
    for (const value of values) {
      if (value !== null && (best === null || compareScalars(value, best) * sign > 0)) best = value;
    }
    return best;
  };

/** Rounds the shortest decimal form of a double to so many places, halves toward plus infinity: 2.5 to 3, -2.5 to -2. */
export const roundDouble = (value: number, places: number): number => {
  if (!Number.isFinite(value) || value === 0) return value;
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
      signature: ['CEIL(INT) -> INT', 'CEIL(BIGINT) -> BIGINT'],
      doc: 'The least whole number that is not below.',
      nulls: 'propagate',
      examples: [['CEIL(3)', '3']],
      body: (value: number | bigint) => value,
    }),
    define({
      signature: 'CEIL(DOUBLE) -> DOUBLE',
      doc: 'The least whole number that is not below.',
      nulls: 'propagate',
      examples: [
        ['CEIL(1.2E0)', '2E0'],
        ['CEIL(-1.2E0)', '-1E0'],
      ],
      body: (value: number) => Math.ceil(value),
    }),
    define({
      signature: ['FLOOR(INT) -> INT', 'FLOOR(BIGINT) -> BIGINT'],
      doc: 'The greatest whole number that is not above.',
      nulls: 'propagate',
      examples: [['FLOOR(3)', '3']],
      body: (value: number | bigint) => value,
    }),
    define({
      signature: 'FLOOR(DOUBLE) -> DOUBLE',
      doc: 'The greatest whole number that is not above.',
      nulls: 'propagate',
      examples: [
        ['FLOOR(1.7E0)', '1E0'],
        ['FLOOR(-1.2E0)', '-2E0'],
      ],
      body: (value: number) => Math.floor(value),
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
      doc: 'The nearest number with so many decimal places, of two equally near ones the greater; negative places round to tens, hundreds …',
      nulls: 'propagate',
      examples: [
        ['ROUND(1.234567E0, 2)', '1.23E0'],
        ['ROUND(1.005E0, 2)', '1.01E0'],
        ['ROUND(12345.678E0, -2)', '12300E0'],
      ],
      body: roundDouble,
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
      signature: ordered.map((type) => `GREATEST(${type}, ${type}...) -> ${type}`),
      doc: 'The greatest of the values, NULLs left out.',
      nulls: 'own',
      examples: [
        ['GREATEST(3, NULL, 7, 5)', '7'],
        ["GREATEST('apple', 'pear')", "'pear'"],
      ],
      body: extreme(1),
    }),
    define({
      signature: ordered.map((type) => `LEAST(${type}, ${type}...) -> ${type}`),
      doc: 'The least of the values, NULLs left out.',
      nulls: 'own',
      examples: [['LEAST(3, NULL, 7, 5)', '3']],
      body: extreme(-1),
    }),
    define({
      signature: 'RANDOM() -> DOUBLE',
      doc: 'A random number from 0 up to, but not including, 1; another one for each row.',
      nulls: 'propagate',
      examples: [['RANDOM() BETWEEN 0 AND 1', 'TRUE']],
      bind:
        ({ context }) =>
        () =>
          context.random(),
    }),
  ],
};
