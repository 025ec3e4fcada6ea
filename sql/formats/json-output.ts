/**
 * Scalars as JSON bytes, byte for byte as ksqlDB writes them, because keys are compared by their bytes.
 *
 * - A DOUBLE is written as Java 19 and later print it: the shortest digits that give it back, always with a point, with
 *   an exponent from ten million up and below a thousandth (`1.0`, `1.0E7`, `1.0E-5`).
 * - In a text, control characters, quotes, backslashes and everything beyond the basic plane are escaped (`\\u001F`,
 *   `\\uD83D\\uDE00`).
 *
 * Two forms of each: `put…(buffer, at, value)` writes where the caller has made room and returns where to go on;
 * `write…` makes room.
 */

import { type ByteWriter, writeLatin1, writeUtf8 } from '../../base/index.ts';
import { printDouble } from '../types/numbers.ts';
import { spanLength, spanStart } from './text-span.ts';

const quote = 34;
const minus = 45;
const point = 46;
const zero = 48;
const backslash = 92;
const letterE = 69;

/** The most bytes that a number can take. */
export const numberRoom = 26;

/** The most bytes that a text of so many UTF-16 units can take: each may become an escape. */
export const textRoom = (length: number): number => length * 6 + 2;

const shortEscapes = new Map([
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [12, '\\f'],
  [13, '\\r'],
  [quote, '\\"'],
  [backslash, '\\\\'],
]);

/** Quotes the text; units that `escapes` names are escaped. */
const quoted = (text: string, escapes: (unit: number) => boolean): string => {
  let made = '"';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (!escapes(unit)) continue;
    const escape = shortEscapes.get(unit) ?? `\\u${unit.toString(16).toUpperCase().padStart(4, '0')}`;
    made += text.slice(from, i) + escape;
    from = i + 1;
  }
  return `${made}${text.slice(from)}"`;
};

/** A text as JSON within a text, as functions on JSON make it: only what JSON forbids is escaped. */
export const jsonText = (text: string): string =>
  quoted(text, (unit) => unit < 32 || unit === quote || unit === backslash);

/** A text as JSON within a record. */
export const recordText = (text: string): string => quoted(text, isEscaped);

const isEscaped = (unit: number): boolean =>
  unit < 32 || unit === quote || unit === backslash || (unit >= 0xd800 && unit < 0xe000);

/** Puts a text as JSON where there is `textRoom` for it. */
export const putText = (buffer: Uint8Array, at: number, text: string): number => {
  const { length } = text;
  if (length <= 64) {
    buffer[at] = quote;
    let to = at + 1;
    let i = 0;
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 126 || unit < 32 || unit === quote || unit === backslash) break;
      buffer[to++] = unit;
    }
    if (i === length) {
      buffer[to] = quote;
      return to + 1;
    }
  }
  if (needsEscape(text)) return at + writeUtf8(buffer, recordText(text), at);
  buffer[at] = quote;
  const end = at + 1 + writeUtf8(buffer, text, at + 1);
  buffer[end] = quote;
  return end + 1;
};

/** Puts a text that stands among `bytes` where there is room for it; -1 where it is not plain ASCII. */
export const putSpan = (buffer: Uint8Array, at: number, bytes: Uint8Array, span: number): number => {
  const end = spanStart(span) + spanLength(span);
  let to = at;
  buffer[to++] = quote;
  for (let i = spanStart(span); i < end; i++) {
    const byte = bytes[i] as number;
    if (byte > 126 || byte < 32 || byte === quote || byte === backslash) return -1;
    buffer[to++] = byte;
  }
  buffer[to] = quote;
  return to + 1;
};

const needsEscape = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (isEscaped(text.charCodeAt(i))) return true;
  return false;
};

/** Puts a whole number's digits. */
export const putInteger = (buffer: Uint8Array, at: number, value: number | bigint): number => {
  if (typeof value === 'bigint') return at + writeLatin1(buffer, value.toString(), at);
  let rest = value;
  if (rest < 0) {
    buffer[at++] = minus;
    rest = -rest;
  }
  const end = at + digitCount(rest);
  let to = end;
  // Beyond 31 bits eight digits are split off by one division of doubles, then taken apart as a small number, two at a
  // time.
  while (rest >= 0x4000_0000) {
    const next = Math.floor(rest / 100_000_000);
    let low = (rest - next * 100_000_000) | 0;
    for (let i = 0; i < 4; i++) {
      const hundreds = (low / 100) | 0;
      const pair = (low - hundreds * 100) << 1;
      to -= 2;
      buffer[to] = pairs[pair] as number;
      buffer[to + 1] = pairs[pair + 1] as number;
      low = hundreds;
    }
    rest = next;
  }
  let small = rest | 0;
  while (small >= 10) {
    const hundreds = (small / 100) | 0;
    const pair = (small - hundreds * 100) << 1;
    to -= 2;
    buffer[to] = pairs[pair] as number;
    buffer[to + 1] = pairs[pair + 1] as number;
    small = hundreds;
  }
  if (to > at) buffer[to - 1] = zero + small;
  return end;
};

/** `00`, `01` … `99`. */
const pairs: Uint8Array = Uint8Array.from(
  { length: 200 },
  (_, i) => zero + (i % 2 === 0 ? Math.floor(i / 20) : Math.floor(i / 2) % 10),
);

const digitCount = (value: number): number => {
  if (value < 100_000) return value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : value < 10_000 ? 4 : 5;
  if (value < 1e10) return value < 1e6 ? 6 : value < 1e7 ? 7 : value < 1e8 ? 8 : value < 1e9 ? 9 : 10;
  return value < 1e13 ? (value < 1e11 ? 11 : value < 1e12 ? 12 : 13) : value < 1e14 ? 14 : value < 1e15 ? 15 : 16;
};

/** Puts a double. What JSON has no number for is a text: "NaN", "Infinity", "-Infinity". */
export const putDouble = (buffer: Uint8Array, at: number, value: number): number => {
  if (value < 1e9 && value > -1e9) {
    // Amounts have few decimals. If m / 100 gives the double back, m's digits with a point are its shortest form.
    const hundreds = Math.round(value * 100);
    if (hundreds / 100 === value) {
      if (hundreds % 100 !== 0) return scientific(buffer, at, putScaled(buffer, at, hundreds, 2), value);
      if (value !== 0) return scientific(buffer, at, putPointZero(buffer, putInteger(buffer, at, value)), value);
    } else if (value >= 1e-3 || value <= -1e-3) {
      const millions = Math.round(value * 1e6);
      if (millions / 1e6 === value) return scientific(buffer, at, putScaled(buffer, at, millions, 6), value);
      if (value >= 1 || value <= -1) {
        const end = putFraction(buffer, at, value);
        if (end >= 0) return scientific(buffer, at, end, value);
      }
    }
  }
  return at + writeLatin1(buffer, Number.isFinite(value) ? printDouble(value) : `"${String(value)}"`, at);
};

const putPointZero = (buffer: Uint8Array, at: number): number => {
  buffer[at] = point;
  buffer[at + 1] = zero;
  return at + 2;
};

/** From ten million up: moves the point of the number in `[at, end)` behind its first digit. Below 10^9, so one digit
 *  of exponent is enough. */
const scientific = (buffer: Uint8Array, at: number, end: number, value: number): number => {
  if (value < 1e7 && value > -1e7) return end;
  const first = value < 0 ? at + 1 : at;
  const places = value >= 1e8 || value <= -1e8 ? 8 : 7;
  buffer.copyWithin(first + 2, first + 1, first + 1 + places);
  buffer[first + 1] = point;
  let to = end;
  while (buffer[to - 1] === zero && to > first + 3) to--;
  buffer[to] = letterE;
  buffer[to + 1] = zero + places;
  return to + 2;
};

const two26 = 2 ** 26;
const two27 = 2 ** 27;
const two53 = 2 ** 53;

/**
 * Puts a double that is not whole, between 1 and 2^30 in magnitude, by its shortest digits: what sums of amounts
 * look like after some roundings. Answers −1 where two ways of rounding are equally good: the host then decides.
 *
 * The way of Steele and White: the fraction in units of 2^-53 is multiplied by ten, digit by digit, until what is left,
 * or what is missing to the next digit, is less than half the distance to the neighbouring doubles, which grows tenfold
 * as well. All of it is exact: the rest is kept in two parts of 26 and 27 bits. A quarter of the time that the host's
 * own text of the number, and copying it, takes.
 */
const putFraction = (buffer: Uint8Array, at: number, value: number): number => {
  const magnitude = Math.abs(value);
  const whole = Math.floor(magnitude);
  const units = (magnitude - whole) * two53;
  let high = Math.floor(units / two27) | 0;
  let low = (units - high * two27) | 0;
  let half = 1 << (31 - Math.clz32(whole));
  let to = at;
  if (value < 0) buffer[to++] = minus;
  to = putInteger(buffer, to, whole);
  buffer[to++] = point;
  for (;;) {
    low *= 10;
    high = high * 10 + (low >>> 27);
    low &= two27 - 1;
    const digit = high >>> 26;
    high &= two26 - 1;
    half *= 10;
    const rest = high * two27 + low;
    const missing = two53 - rest;
    if (rest === half || missing === half) return -1;
    if (rest > half && missing > half) {
      buffer[to++] = zero + digit;
      continue;
    }
    if (rest === missing) return -1;
    buffer[to++] = zero + (rest < missing ? digit : digit + 1);
    return to;
  }
};

/** Puts `scaled / 10^places` without closing zeros; `scaled` is a whole number and not a multiple of `10^places`. */
const putScaled = (buffer: Uint8Array, at: number, scaled: number, places: number): number => {
  let magnitude = scaled;
  if (scaled < 0) {
    buffer[at++] = minus;
    magnitude = -scaled;
  }
  const unit = places === 2 ? 100 : 1e6;
  const whole = Math.floor(magnitude / unit);
  let rest = (magnitude - whole * unit) | 0;
  at = putInteger(buffer, at, whole);
  buffer[at] = point;
  let last = places;
  while (rest % 10 === 0) {
    rest = (rest / 10) | 0;
    last--;
  }
  for (let to = at + last; to > at; to--) {
    const tens = (rest / 10) | 0;
    buffer[to] = zero + (rest - tens * 10);
    rest = tens;
  }
  return at + last + 1;
};

export const writeJsonText = (out: ByteWriter, text: string): void => {
  // Room for escapes is made only for texts that are short, or have some.
  if (text.length > 256 && !needsEscape(text)) {
    out.reserve(text.length * 3 + 2);
    out.i8(quote);
    out.utf8(text);
    out.i8(quote);
    return;
  }
  out.reserve(textRoom(text.length));
  out.length = putText(out.buffer, out.length, text);
};

export const writeJsonInteger = (out: ByteWriter, value: number | bigint): void => {
  out.reserve(numberRoom);
  out.length = putInteger(out.buffer, out.length, value);
};

export const writeJsonDouble = (out: ByteWriter, value: number): void => {
  out.reserve(numberRoom);
  out.length = putDouble(out.buffer, out.length, value);
};
