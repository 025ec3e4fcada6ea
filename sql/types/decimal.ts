/**
 * Decimals: whole numbers of any length ("unscaled") with a place for the point, which the type has and not the value.
 * `12.50` as DECIMAL(4, 2) is `1250n`.
 */

import { assert } from '../../base/index.ts';
import type { ScalarType } from './kinds.ts';
import { plainDigits } from './numbers.ts';

/** How many digits a number has, and how many of them are behind the point. */
export interface DecimalForm {
  readonly precision: number;
  readonly scale: number;
}

/** The form of a type whose carrier is `decimal`. */
export const decimalForm = (type: ScalarType): DecimalForm => {
  assert('precision' in type && 'scale' in type, `${type.kind} has no precision and scale`);
  return type;
};

/** The least form that has a place for every digit of both. */
export const widerForm = (a: DecimalForm, b: DecimalForm): DecimalForm => {
  const scale = Math.max(a.scale, b.scale);
  return { precision: Math.max(a.precision - a.scale, b.precision - b.scale) + scale, scale };
};

/** A number by itself: `unscaled / 10^scale`. A scale below zero means zeros before the point. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

const powers: bigint[] = [1n];

/** `10^exponent` */
export const powerOfTen = (exponent: number): bigint => {
  if (exponent > 400) return 10n ** BigInt(exponent);
  for (let i = powers.length; i <= exponent; i++) powers.push((powers[i - 1] as bigint) * 10n);
  return powers[exponent] as bigint;
};

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** Whether the number has no more digits than the precision. */
export const fits = (unscaled: bigint, precision: number): boolean => {
  const bound = powerOfTen(precision);
  return unscaled < bound && unscaled > -bound;
};

/** The number of decimal digits; 1 for zero. */
export const digitCount = (unscaled: bigint): number => magnitude(unscaled).toString().length;

/** The unscaled number of another scale: what is too much behind the point is rounded, halves away from zero. */
export const rescaleHalfUp = (unscaled: bigint, from: number, to: number): bigint =>
  to >= from ? unscaled * powerOfTen(to - from) : divideHalfUp(unscaled, powerOfTen(from - to));

/** The same without rounding: none where digits would be lost. */
export const rescaleExact = (unscaled: bigint, from: number, to: number): bigint | undefined => {
  if (to >= from) return unscaled * powerOfTen(to - from);
  const divisor = powerOfTen(from - to);
  return unscaled % divisor === 0n ? unscaled / divisor : undefined;
};

/** The quotient, rounded to a whole number; halves away from zero. The divisor is above zero. */
export const divideHalfUp = (dividend: bigint, divisor: bigint): bigint => {
  const quotient = dividend / divisor;
  const rest = magnitude(dividend % divisor);
  if (rest * 2n < divisor) return quotient;
  return dividend < 0n ? quotient - 1n : quotient + 1n;
};

/** Scales beyond these come from texts such as `1e999999999` only, and would ask for gigabytes of digits. */
const mostScale = 100_000;

/** The number that a text stands for, as `new BigDecimal(text)` reads it, with its own scale; none when it is not one,
 *  or has an exponent beyond all types. */
export const parseDecimal = (text: string): Decimal | undefined => {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,10}))?$/.exec(text);
  if (match === null) {
    const plain = plainDigits(text);
    return plain === text ? undefined : parseDecimal(plain);
  }
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  const scale = fraction.length - Number(exponent);
  if (digits === '' || Math.abs(scale) > mostScale) return undefined;
  const unscaled = BigInt(digits);
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale };
};

/** The form of a number that is written as a literal: that of its digits, with one before the point at least. */
export const formOfLiteral = ({ unscaled, scale }: Decimal): DecimalForm => ({
  precision: Math.max(digitCount(unscaled) - Math.min(scale, 0), scale + 1),
  scale: Math.max(scale, 0),
});

/** The double as a decimal: the shortest digits that stand for it. None for NaN and infinities. */
export const decimalOfDouble = (value: number): Decimal | undefined =>
  Number.isFinite(value) ? parseDecimal(String(value)) : undefined;

/** The double that is nearest. */
export const doubleOfDecimal = (unscaled: bigint, scale: number): number =>
  scale <= 22 && unscaled <= 9007199254740991n && unscaled >= -9007199254740991n
    ? // Both are exact, so that the division is rounded once.
      Number(unscaled) / Number(powerOfTen(scale))
    : Number(`${unscaled}e${-scale}`);

/** All digits, and the point before the last `scale` of them: `-0.05`. */
export const plainDecimal = (unscaled: bigint, scale: number): string => {
  if (scale === 0) return unscaled.toString();
  if (scale < 0) return unscaled === 0n ? '0' : `${unscaled}${'0'.repeat(-scale)}`;
  const digits = magnitude(unscaled)
    .toString()
    .padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
};

/** The order of a decimal and a double, as numbers: the double counts as its shortest digits. None for NaN and
 *  infinities, which are not decimals. */
export const compareWithDouble = (unscaled: bigint, scale: number, double: number): number | undefined => {
  const nearest = doubleOfDecimal(unscaled, scale);
  // Where the nearest double of the decimal is another one, it lies on the same side as the decimal itself.
  if (nearest !== double) return Number.isFinite(double) ? (nearest < double ? -1 : 1) : undefined;
  const other = decimalOfDouble(double);
  if (other === undefined) return undefined;
  const digits = Math.max(scale, other.scale);
  const [a, b] = [rescaleHalfUp(unscaled, scale, digits), rescaleHalfUp(other.unscaled, other.scale, digits)];
  return a < b ? -1 : a > b ? 1 : 0;
};

/** As Java's `BigDecimal.toString`: plain, but for numbers whose first digit is more than six places behind the point:
 *  `1.2E-9`, and for scales below zero. */
export const javaDecimal = (unscaled: bigint, scale: number): string => {
  if (scale >= 0 && scale <= 6) return plainDecimal(unscaled, scale);
  const digits = magnitude(unscaled).toString();
  const exponent = digits.length - 1 - scale;
  if (scale >= 0 && exponent >= -6) return plainDecimal(unscaled, scale);
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, 1)}${fraction}E${exponent < 0 ? '' : '+'}${exponent}`;
};
