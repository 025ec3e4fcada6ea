/** Numbers as text: what texts stand for a number, and how Java prints a double. */

import { normalizeBigint } from './value.ts';

/** The text without blanks and control characters at its ends: what Java's `trim` takes away, which is less than
 *  JavaScript's. */
export const javaTrim = (text: string): string => {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 32) start++;
  while (end > start && text.charCodeAt(end - 1) <= 32) end--;
  return text.slice(start, end);
};

/** Decimal digits of other scripts as those of ours: they come in runs of ten. */
export const plainDigits = (text: string): string =>
  text.replaceAll(/\p{Nd}/gu, (digit) => {
    const point = digit.codePointAt(0) ?? 0;
    let zero = point;
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
    return String((point - zero) % 10);
  });

/** A text that stands for a whole number, as `Long.parseLong` reads it; none when it is not one or out of range. */
export const parseBigint = (text: string): number | bigint | undefined => {
  if (!/^[+-]?\d+$/.test(text)) return /^[+-]?\p{Nd}+$/u.test(text) ? parseBigint(plainDigits(text)) : undefined;
  if (text.length <= 15) return Number(text) || 0;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? normalizeBigint(value) : undefined;
};

export const parseInteger = (text: string): number | undefined => {
  const value = parseBigint(text);
  return typeof value === 'number' && value >= -2147483648 && value <= 2147483647 ? value : undefined;
};

/** A whole number that may also be written like a double, as '2e1' is: where `read` does not take the text, the double
 *  that it stands for is read, if that is a whole number. */
export const parseWhole = <N extends number | bigint>(
  text: string,
  read: (text: string) => N | undefined,
): N | undefined => {
  const direct = read(text);
  if (direct !== undefined) return direct;
  const value = parseDouble(text);
  return value !== undefined && Number.isSafeInteger(value) ? read(String(value)) : undefined;
};

/** A text that stands for a double, as `Double.parseDouble` reads it; none when it does not. */
export const parseDouble = (text: string): number | undefined => {
  const trimmed = javaTrim(text);
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?$/.test(trimmed)) {
    return Number(/[dDfF]$/.test(trimmed) ? trimmed.slice(0, -1) : trimmed);
  }
  if (trimmed === 'NaN' || trimmed === '+NaN' || trimmed === '-NaN') return Number.NaN;
  if (trimmed === 'Infinity' || trimmed === '+Infinity') return Number.POSITIVE_INFINITY;
  return trimmed === '-Infinity' ? Number.NEGATIVE_INFINITY : parseHexadecimal(trimmed);
};

/** `0x1.8p3`: hexadecimal digits, of which up to 13 are exact, times a power of two. */
const parseHexadecimal = (text: string): number | undefined => {
  const match = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)[dDfF]?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = ''] = match;
  if (whole + fraction === '') return undefined;
  const magnitude = Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -magnitude : magnitude;
};

/**
 * A double as Java prints it, from its release 19 on: shortest digits, always with a point; `1.0E7` from ten million up
 * and below a thousandth. Of two digits, where one would do, those that are nearest: `4.9E-324`.
 */
export const printDouble = (value: number): string => {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const shortest = value.toExponential();
  const text = shortest.includes('.') ? shortest : value.toExponential(1);
  return text.replace(/e\+?/, 'E');
};
