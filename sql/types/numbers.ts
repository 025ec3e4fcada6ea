/** Numbers as text: what texts stand for a number, and how Java prints a double. */

import { normalizeBigint } from './value.ts';

/** A text that stands for a whole number, as `Long.parseLong` reads it; none when it is no such text or out of range. */
export const parseBigint = (text: string): number | bigint | undefined => {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  if (text.length <= 15) return Number(text) || 0;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? normalizeBigint(value) : undefined;
};

export const parseInteger = (text: string): number | undefined => {
  const value = parseBigint(text);
  return typeof value === 'number' && value >= -2147483648 && value <= 2147483647 ? value : undefined;
};

/** A text that stands for a double, as `Double.parseDouble` reads it (but for hexadecimal forms); none when it does not. */
export const parseDouble = (text: string): number | undefined => {
  const trimmed = text.trim();
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?$/.test(trimmed)) {
    return Number(/[dDfF]$/.test(trimmed) ? trimmed.slice(0, -1) : trimmed);
  }
  if (trimmed === 'NaN' || trimmed === '+NaN' || trimmed === '-NaN') return Number.NaN;
  if (trimmed === 'Infinity' || trimmed === '+Infinity') return Number.POSITIVE_INFINITY;
  return trimmed === '-Infinity' ? Number.NEGATIVE_INFINITY : undefined;
};

/** A double as Java prints it: shortest digits, always with a point; `1.0E10` from ten million up and below a thousandth. */
export const printDouble = (value: number): string => {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent.replace('+', '')}`;
};
