/**
 * JSON as bytes: a reader at a position, and the writing of its scalars.
 *
 * The reader never makes a value that nobody asked for, never uses `JSON.parse`, and checks the whole grammar (RFC 8259), also of what
 * it skips: a text is bad wherever it is bad. Depth is counted, not recursed, and ends at `maxDepth`. Numbers keep their digits: a
 * 64-bit integer is exact, a fraction is rounded once.
 *
 * Text is UTF-8; malformed bytes read as U+FFFD. A lone surrogate can be written as an escape only (`\ud800`) and is read back from it.
 */

import { type ByteWriter, readLatin1, readUtf8, writeLatin1, writeUtf8 } from '../../base/index.ts';
import { asciiText } from '../types/text-cache.ts';
import { normalizeBigint } from '../types/value.ts';
import { SerdeError } from './format.ts';

/** How deep a text may be nested. */
export const maxDepth = 1000;

const quote = 34;
const comma = 44;
const minus = 45;
const point = 46;
const zero = 48;
const nine = 57;
const colon = 58;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;

/** 10^0 … 10^22: the powers of ten that a double holds exactly. */
export const powersOfTen: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

const isBlank = (byte: number): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9;
const isDigit = (byte: number): boolean => byte >= zero && byte <= nine;

/** What stands at a position. */
export type Token = 'object' | 'array' | 'text' | 'number' | 'true' | 'false' | 'null';

export class JsonInput {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  #start = 0;
  /** The kinds of the containers around the place, while a value is skipped: 1 for an object. */
  readonly #open = new Uint8Array(maxDepth);

  /** Starts at the first token of `bytes[start, end)`. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.#start = start;
    this.at = start;
    this.end = end;
    this.blanks();
  }

  /** Stands at `at`, a place where a value begins, of bytes that end at `end`. Faults then count from there. */
  place(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.#start = at;
    this.at = at;
    this.end = end;
  }

  /** Raises a fault at the present place, or at `at`. */
  fail(what: string, at = this.at): never {
    throw new SerdeError(`not readable as JSON: ${what} at byte ${at - this.#start}`);
  }

  /** The byte here, or -1 at the end. */
  peek(): number {
    return this.at < this.end ? (this.bytes[this.at] as number) : -1;
  }

  blanks(): void {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && isBlank(bytes[at] as number)) at++;
    this.at = at;
  }

  /** Steps over one byte that has to be here, and blanks behind it. */
  expect(byte: number, what: string): void {
    if (this.peek() !== byte)
      this.fail(this.at >= this.end ? `the text ends where ${what} is expected` : `${what} is expected`);
    this.at++;
    this.blanks();
  }

  /** Nothing but blanks may be left. */
  finish(): void {
    this.blanks();
    if (this.at < this.end) this.fail('something follows the value');
  }

  token(): Token {
    switch (this.peek()) {
      case quote:
        return 'text';
      case openBrace:
        return 'object';
      case openBracket:
        return 'array';
      case 116:
        return 'true';
      case 102:
        return 'false';
      case 110:
        return 'null';
      case -1:
        return this.fail('the text ends where a value is expected');
      default:
        return isDigit(this.peek()) || this.peek() === minus ? 'number' : this.fail('a value is expected');
    }
  }

  /** Steps over `true`, `false` or `null`, which has to be here in full. */
  word(word: 'true' | 'false' | 'null'): void {
    for (let i = 0; i < word.length; i++) {
      if (this.at + i >= this.end || this.bytes[this.at + i] !== word.charCodeAt(i)) this.fail(`"${word}" is expected`);
    }
    this.at += word.length;
  }

  /** Steps over `null` if it is here. */
  takeNull(): boolean {
    if (this.peek() !== 110) return false;
    this.word('null');
    return true;
  }

  // ------------------------------------------------------------------------------------------------------- text

  /** Steps over a text. True when it is plain ASCII without escapes, so that the bytes between the quotes are the text. */
  skipText(): boolean {
    const { bytes, end } = this;
    let at = this.at + 1;
    let every = 0;
    for (;;) {
      if (at >= end) this.fail('the text ends within a string', at);
      const byte = bytes[at] as number;
      if (byte === quote) break;
      if (byte === backslash) {
        at = this.#escapeEnd(at);
        every = 128;
        continue;
      }
      if (byte < 32) this.fail('a control character must be escaped', at);
      every |= byte;
      at++;
    }
    this.at = at + 1;
    return every < 128;
  }

  /** Checks the escape at `at`; where it ends. */
  #escapeEnd(at: number): number {
    const { bytes, end } = this;
    const kind = at + 1 < end ? (bytes[at + 1] as number) : -1;
    switch (kind) {
      case quote:
      case backslash:
      case 47:
      case 98:
      case 102:
      case 110:
      case 114:
      case 116:
        return at + 2;
      case 117:
        for (let i = 2; i < 6; i++) {
          if (at + i >= end || hexDigit(bytes[at + i] as number) < 0)
            this.fail('four hexadecimal digits are expected', at);
        }
        return at + 6;
      default:
        return this.fail('no such escape', at);
    }
  }

  /** Reads the text here. */
  text(): string {
    const { bytes, end } = this;
    const start = this.at + 1;
    let at = start;
    let hash = 0;
    let every = 0;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === quote) {
        this.at = at + 1;
        return every < 128 ? asciiText(bytes, start, at, hash) : readUtf8(bytes, start, at);
      }
      if (byte === backslash || byte < 32) break;
      every |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
      at++;
    }
    this.skipText();
    return this.#unescape(start, this.at - 1);
  }

  /** The text in a checked range that has escapes. */
  #unescape(start: number, end: number): string {
    const { bytes } = this;
    let text = '';
    let from = start;
    let at = start;
    while (at < end) {
      if (bytes[at] !== backslash) {
        at++;
        continue;
      }
      if (at > from) text += readUtf8(bytes, from, at);
      const kind = bytes[at + 1] as number;
      if (kind === 117) {
        let unit = 0;
        for (let i = 2; i < 6; i++) unit = unit * 16 + hexDigit(bytes[at + i] as number);
        text += String.fromCharCode(unit);
        at += 6;
      } else {
        text += escapedCharacter(kind);
        at += 2;
      }
      from = at;
    }
    return at > from ? text + readUtf8(bytes, from, at) : text;
  }

  // ----------------------------------------------------------------------------------------------------- numbers

  /** Steps over a number. */
  skipNumber(): void {
    const { bytes, end } = this;
    let at = this.at;
    if (bytes[at] === minus) at++;
    const first = at < end ? (bytes[at] as number) : -1;
    if (!isDigit(first)) this.fail('a digit is expected', at);
    at++;
    if (first !== zero) while (at < end && isDigit(bytes[at] as number)) at++;
    if (at < end && bytes[at] === point) {
      at++;
      if (at >= end || !isDigit(bytes[at] as number)) this.fail('a digit is expected', at);
      while (at < end && isDigit(bytes[at] as number)) at++;
    }
    if (at < end && ((bytes[at] as number) | 32) === 101) {
      at++;
      if (at < end && (bytes[at] === 43 || bytes[at] === minus)) at++;
      if (at >= end || !isDigit(bytes[at] as number)) this.fail('a digit is expected', at);
      while (at < end && isDigit(bytes[at] as number)) at++;
    }
    this.at = at;
  }

  /** Reads a number as a double, rounded once. One beyond the range of a double is a fault. */
  double(): number {
    const { bytes, end } = this;
    const start = this.at;
    let at = start;
    const negative = bytes[at] === minus;
    if (negative) at++;
    // Up to 15 digits and a small power of ten: both are exact, so one division rounds once.
    const digitsFrom = at;
    let mantissa = 0;
    let byte = 0;
    while (at < end && isDigit((byte = bytes[at] as number))) {
      mantissa = mantissa * 10 + (byte - zero);
      at++;
    }
    const wholeDigits = at - digitsFrom;
    if (wholeDigits > 0 && (wholeDigits === 1 || bytes[digitsFrom] !== zero)) {
      let fraction = 0;
      if (at < end && byte === point) {
        at++;
        const fractionFrom = at;
        while (at < end && isDigit((byte = bytes[at] as number))) {
          mantissa = mantissa * 10 + (byte - zero);
          at++;
        }
        fraction = at - fractionFrom;
        if (fraction === 0) fraction = 99;
      }
      if (wholeDigits + fraction <= 15 && (at >= end || ((bytes[at] as number) | 32) !== 101)) {
        this.at = at;
        const value = fraction === 0 ? mantissa : mantissa / (powersOfTen[fraction] as number);
        return negative ? -value : value;
      }
    }
    this.skipNumber();
    const value = Number(readLatin1(bytes, start, this.at));
    if (!Number.isFinite(value)) this.fail('the number is beyond the range of a double', start);
    return value;
  }

  /** Reads a number as a 64-bit integer: the fraction is cut off, bits beyond the 64th are lost, as in Java. */
  bigint(): number | bigint {
    const { bytes, end } = this;
    const start = this.at;
    let at = start;
    const negative = bytes[at] === minus;
    if (negative) at++;
    const digitsFrom = at;
    let value = 0;
    let byte = 0;
    while (at < end && isDigit((byte = bytes[at] as number))) {
      value = value * 10 + (byte - zero);
      at++;
    }
    const digits = at - digitsFrom;
    if (
      digits > 0 &&
      digits <= 15 &&
      (digits === 1 || bytes[digitsFrom] !== zero) &&
      (at >= end || (byte !== point && (byte | 32) !== 101))
    ) {
      this.at = at;
      return negative && value !== 0 ? -value : value;
    }
    this.skipNumber();
    return wholePart(readLatin1(bytes, start, this.at));
  }

  // ------------------------------------------------------------------------------------------------ whole values

  /** Steps over the value here, whatever it is. */
  skip(): void {
    const opened = this.#open;
    let depth = 0;
    for (;;) {
      switch (this.peek()) {
        case quote:
          this.skipText();
          break;
        case openBrace:
        case openBracket: {
          const object = this.peek() === openBrace;
          if (depth === maxDepth) this.fail(`the value is nested more than ${maxDepth} deep`);
          this.at++;
          this.blanks();
          if (this.peek() === (object ? closeBrace : closeBracket)) {
            this.at++;
            break;
          }
          opened[depth++] = object ? 1 : 0;
          if (object) this.#skipKey();
          continue;
        }
        case 116:
          this.word('true');
          break;
        case 102:
          this.word('false');
          break;
        case 110:
          this.word('null');
          break;
        default:
          if (this.token() === 'number') this.skipNumber();
      }
      // Behind a value: close what ends here, then go on to the next one.
      for (;;) {
        if (depth === 0) return;
        this.blanks();
        const object = opened[depth - 1] === 1;
        const byte = this.peek();
        if (byte === (object ? closeBrace : closeBracket)) {
          this.at++;
          depth--;
          continue;
        }
        if (byte !== comma)
          this.fail(byte < 0 ? 'the text ends within a value' : `"," or "${object ? '}' : ']'}" is expected`);
        this.at++;
        this.blanks();
        if (object) this.#skipKey();
        break;
      }
    }
  }

  #skipKey(): void {
    if (this.peek() !== quote) this.fail('a name between quotes is expected');
    this.skipText();
    this.blanks();
    this.expect(colon, '":"');
  }

  /** Reads the value here as JSON text: no blanks, texts escaped in one way, numbers as they were written. */
  valueText(): string {
    const start = this.at;
    this.skip();
    const end = this.at;
    const { bytes } = this;
    let text = '';
    let from = start;
    for (let at = start; at < end; ) {
      const byte = bytes[at] as number;
      if (byte === quote) {
        if (at > from) text += readLatin1(bytes, from, at);
        this.at = at;
        text += jsonText(this.text());
        at = this.at;
        from = at;
      } else if (isBlank(byte)) {
        if (at > from) text += readLatin1(bytes, from, at);
        from = ++at;
      } else at++;
    }
    if (end > from) text += readLatin1(bytes, from, end);
    this.at = end;
    return text;
  }
}

const hexDigit = (byte: number): number => {
  if (isDigit(byte)) return byte - zero;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
};

const escapedCharacter = (kind: number): string => {
  switch (kind) {
    case 98:
      return '\b';
    case 102:
      return '\f';
    case 110:
      return '\n';
    case 114:
      return '\r';
    case 116:
      return '\t';
    default:
      return String.fromCharCode(kind);
  }
};

/** The whole part of a JSON number, wrapped to 64 bits. However large the exponent, the work is bounded by the text. */
const wholePart = (text: string): number | bigint => {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return 0;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  let digits = whole + fraction;
  const keep = whole.length + exponent;
  if (keep <= 0) return 0;
  if (keep <= digits.length) digits = digits.slice(0, keep);
  else {
    // A multiple of 10^64 is a multiple of 2^64: only what is below counts.
    const zeros = keep - digits.length;
    if (zeros >= 64) return 0;
    digits += '0'.repeat(zeros);
  }
  // Only the low 64 bits count, and of them only the last 64 digits can say anything.
  const magnitude = BigInt(digits.length > 64 ? digits.slice(-64) : digits);
  return normalizeBigint(sign === '-' ? -magnitude : magnitude);
};

// ------------------------------------------------------------------------------------------------------- writing
//
// Two forms of each: `put…(buffer, at, value)` writes where the caller has made room and answers where to go on; `write…` makes room.

/** The most bytes that a number can take. */
export const numberRoom = 26;

/** The most bytes that a text of so many UTF-16 units can take: each may become an escape. */
export const textRoom = (length: number): number => length * 6 + 2;

/** 1 for the bytes that end the plain run of a JSON string: quote, backslash, control characters; and for what is not ASCII. */
export const stops: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 32 || byte > 126 || byte === quote || byte === backslash ? 1 : 0,
);

/** A text as JSON: quotes, backslashes, control characters and lone surrogates escaped, all else as it is. */
export const jsonText = (text: string): string => JSON.stringify(text);

/** Puts a text as JSON where there is `textRoom` for it. */
export const putText = (buffer: Uint8Array, at: number, text: string): number => {
  const { length } = text;
  if (length <= 64) {
    buffer[at] = quote;
    let to = at + 1;
    let i = 0;
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 126 || stops[unit] === 1) break;
      buffer[to++] = unit;
    }
    if (i === length) {
      buffer[to] = quote;
      return to + 1;
    }
  }
  if (needsEscape(text)) return at + writeUtf8(buffer, jsonText(text), at);
  buffer[at] = quote;
  const end = at + 1 + writeUtf8(buffer, text, at + 1);
  buffer[end] = quote;
  return end + 1;
};

/** Whether JSON must escape a character of the text, lone surrogates included. */
const needsEscape = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 32 || unit === quote || unit === backslash || (unit >= 0xd800 && unit < 0xe000)) return true;
  }
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
  // Beyond 31 bits eight digits are split off by one division of doubles, then taken apart as a small number, two at a time.
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

/** Puts a double by its shortest digits. What JSON has no number for is a text: "NaN", "Infinity", "-Infinity". */
export const putDouble = (buffer: Uint8Array, at: number, value: number): number => {
  if (value < 1e9 && value > -1e9) {
    // Amounts have few decimals. If m / 100 gives the double back, m's digits with a point are its shortest form.
    const hundreds = Math.round(value * 100);
    if (hundreds / 100 === value) {
      if (hundreds % 100 !== 0) return putScaled(buffer, at, hundreds, 2);
      if (value !== 0 || !Object.is(value, -0)) return putInteger(buffer, at, value);
      return at + writeLatin1(buffer, '-0.0', at);
    }
    const millions = Math.round(value * 1e6);
    if (millions / 1e6 === value) return putScaled(buffer, at, millions, 6);
    if (value >= 1 || value <= -1) {
      const end = putFraction(buffer, at, value);
      if (end >= 0) return end;
    }
  }
  return at + writeLatin1(buffer, Number.isFinite(value) ? String(value) : `"${String(value)}"`, at);
};

const two26 = 2 ** 26;
const two27 = 2 ** 27;
const two53 = 2 ** 53;

/**
 * Puts a double that is no whole number, between 1 and 2^30 in magnitude, by its shortest digits: what sums of amounts look like after some
 * roundings. Answers −1 where two ways of rounding are equally good: the host then decides.
 *
 * The way of Steele and White: the fraction in units of 2^-53 is multiplied by ten, digit by digit, until what is left, or what is missing to the next
 * digit, is less than half the distance to the neighbouring doubles, which grows tenfold as well. All of it is exact: the rest is kept in two parts
 * of 26 and 27 bits. A quarter of the time that the host's own text of the number, and copying it, takes.
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
