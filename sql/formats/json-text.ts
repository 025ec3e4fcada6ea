/**
 * JSON as bytes: a reader at a position. `json-output.ts` writes.
 *
 * The reader makes no value that was not requested, never uses `JSON.parse`, and checks the whole grammar (RFC
 * 8259), also of what it skips: a text is bad wherever it is bad. Depth is counted, not recursed, and ends at
 * `maxDepth`. Numbers keep their digits: a 64-bit integer is exact, a fraction is rounded once.
 *
 * Text is UTF-8; malformed bytes read as U+FFFD. A lone surrogate can be written as an escape only (`\ud800`) and is
 * read back from it.
 *
 * It is one class, and so one file: every method moves the same position over the same bytes.
 */

import { asciiText, powersOfTen, readLatin1, readUtf8 } from '../../base/index.ts';
import { normalizeBigint } from '../types/value.ts';
import { SerdeError } from './format.ts';
import { jsonText } from './json-output.ts';

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

  /** Starts at the first token of `bytes[start, end)`, behind a byte order mark if there is one. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.#start = start;
    const marked = bytes[start] === 0xef && start + 2 < end && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
    this.at = marked ? start + 3 : start;
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

  /** What follows the value is not looked at, as in ksqlDB; only a number or a word must not run on. */
  finish(): void {
    const { bytes, at, end } = this;
    if (at >= end) return;
    const last = bytes[at - 1];
    if (last === quote || last === closeBrace || last === closeBracket) return;
    if (!isBlank(bytes[at] as number)) this.fail('something follows the value');
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

  /** Steps over a text. True when it is plain ASCII without escapes, so that the bytes between the quotes are the
   *  text. */
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

  /** Reads a number as it is written. */
  numberText(): string {
    const start = this.at;
    this.skipNumber();
    return readLatin1(this.bytes, start, this.at);
  }

  /** Reads a number as a double, rounded once; beyond the range it is infinite, and there is no negative zero. */
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
        return negative ? 0 - value : value;
      }
    }
    this.skipNumber();
    return Number(readLatin1(bytes, start, this.at)) + 0;
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

  /** Reads the value here as JSON text: no blanks, texts escaped in one way, numbers as `numberText` has them. */
  valueText(plain = false): string {
    const start = this.at;
    this.skip();
    const end = this.at;
    const { bytes } = this;
    let text = '';
    this.at = start;
    while (this.at < end) {
      const byte = this.peek();
      if (byte === quote) text += jsonText(this.text());
      else if (byte === minus || isDigit(byte)) {
        const from = this.at;
        this.skipNumber();
        text += numberText(readLatin1(bytes, from, this.at), plain);
      } else {
        if (!isBlank(byte)) text += String.fromCharCode(byte);
        this.at++;
      }
    }
    return text;
  }

  /**
   * Reads the value here, which is not null, as ksqlDB puts it into a STRING column: a text as it is, an array as its
   * elements between `[`, `, ` and `]`, anything else as JSON text.
   */
  columnText(): string {
    if (this.peek() !== openBracket) return this.peek() === quote ? this.text() : this.valueText();
    // Checked as a whole first, its depth too.
    const start = this.at;
    this.skip();
    this.at = start;
    return this.#arrayText();
  }

  #arrayText(): string {
    const elements: string[] = [];
    this.at++;
    this.blanks();
    while (this.peek() !== closeBracket) {
      const nested = this.peek() === openBracket;
      elements.push(nested ? this.#arrayText() : this.takeNull() ? 'null' : this.columnText());
      this.blanks();
      if (this.peek() === comma) this.expect(comma, '","');
    }
    this.at++;
    return `[${elements.join(', ')}]`;
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

/**
 * A JSON number as Java prints a decimal: as it was written, but for an exponent, and for one that has more than six
 * zeros behind the point. Those have one digit before the point and a signed exponent: `1e5` is `1E+5`, `0.00000012` is
 * `1.2E-7`. `plain`: without exponent, up to 1000 zeros.
 */
const numberText = (text: string, plain: boolean): string => {
  if (/^-?\d+$/.test(text)) return text === '-0' ? '0' : text;
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+(?=\d)/, '');
  const scale = fraction.length - Number(exponent);
  const adjusted = digits.length - 1 - scale;
  const signed = digits === '0' ? '' : sign;
  if (plain && scale < 0 && scale > -1000) return `${signed}${digits}${digits === '0' ? '' : '0'.repeat(-scale)}`;
  if (scale < 0 || (adjusted < -6 && !(plain && scale < 1000))) {
    const tail = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${signed}${digits.slice(0, 1)}${tail}E${adjusted < 0 ? '' : '+'}${adjusted}`;
  }
  const padded = digits.padStart(scale + 1, '0');
  return scale === 0 ? `${signed}${padded}` : `${signed}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
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
  // Only the low 64 bits count, and of them only the last 64 digits matter.
  const magnitude = BigInt(digits.length > 64 ? digits.slice(-64) : digits);
  return normalizeBigint(sign === '-' ? -magnitude : magnitude);
};
