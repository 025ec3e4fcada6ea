/**
 * Pieces of generated code that read JSON where it stands.
 *
 * A piece reads `bytes` from `at` on, not beyond `end`, with `view`, a DataView of the same bytes, and `last`, the
 * position of the last four of them. It uses the numbers `c d e f p s x y` and the boolean `n`, which the code around
 * it declares, and leaves by the statement that it is given (`break quick;`) where it meets what it was not made for:
 * an escape, a number of many digits, bytes that are no JSON. What is right is then for the plain form to say.
 *
 * Texts and digits that are only stepped over are looked at four bytes at a time. A word is little-endian, so that its
 * lowest byte is the first of the four; `d` has the highest bit of each byte that stops, and of none before the first
 * of these (a borrow or a carry only reaches the bytes behind one that stops).
 */

import { type Code, type Constants, code, joinCode } from './generated-code.ts';

/** 10^0 … 10^22: the powers of ten that a double holds exactly. */
export const powersOfTen: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

const wordOf = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, true);

/** Steps over these bytes, or leaves where others stand at `at`. They are compared four at a time. */
export const expectBytesCode = (wanted: Uint8Array, leave: Code, constants: Constants): Code => {
  const { length } = wanted;
  const tests: Code[] = [code`if (at + ${length} > end) ${leave}`];
  const testWord = (offset: number): void => {
    const word = constants.add(wordOf(wanted, offset));
    tests.push(code`if (view.getInt32(at + ${offset}, true) !== k${word}) ${leave}`);
  };
  if (length >= 4) {
    for (let i = 0; i + 4 < length; i += 4) testWord(i);
    testWord(length - 4);
  } else {
    wanted.forEach((byte, i) => {
      tests.push(code`if (bytes[at + ${i}] !== k${constants.add(byte)}) ${leave}`);
    });
  }
  tests.push(code`at += ${length};`);
  return joinCode(tests);
};

// Four times the same byte.
const ones = 0x01010101;
const quotes = 0x22222222;
const backslashes = 0x5c5c5c5c;
const blanks = 0x20202020;
const zeros = 0x30303030;
const highest = 0x80808080;
/** What makes a byte above 9 reach its highest bit. */
const beyondNine = 0x76767676;

/** Makes `p`, at a word of which `d` says what stops, stand at the first byte that does. */
const firstStopCode = code`p += (31 - Math.clz32(d & -d)) >> 3;`;

/** Walks the text behind the quote at `at`: `p` is at its closing quote, and `y` is 0 where all of it is ASCII. */
export const jsonTextCode = (leave: Code): Code => code`
  p = at + 1; d = 0; y = 0;
  while (p <= last) {
    c = view.getInt32(p, true);
    d = ((c ^ ${quotes}) - ${ones} | (c ^ ${backslashes}) - ${ones} | c - ${blanks}) & ~c & ${highest};
    if (d !== 0) { y |= c & ((d & -d) - 1); ${firstStopCode} break; }
    y |= c; p += 4;
  }
  if (d === 0) while ((c = bytes[p]) >= 32 && c !== 34 && c !== 92) { y |= c; p++; }
  if (bytes[p] !== 34 || p >= end) ${leave}
  y &= ${highest};`;

/** As `jsonTextCode` byte by byte, for text that is ASCII where `d` is below 128; `each` is done for each byte `c`. */
export const jsonBytesCode = (each: Code, leave: Code): Code => code`
  p = at + 1; d = 0;
  while ((c = bytes[p]) !== 34) {
    if (c === 92 || c < 32 || p >= end) ${leave}
    d |= c; ${each} p++;
  }`;

const skipDigitsCode: Code = code`
  d = 0;
  while (p <= last) {
    c = view.getInt32(p, true) ^ ${zeros};
    d = (c + ${beyondNine} | c) & ${highest};
    if (d !== 0) { ${firstStopCode} break; }
    p += 4;
  }
  if (d === 0) while ((bytes[p] ^ 48) < 10) p++;`;

/** Steps over the number at `at`, without an exponent: `p` is behind it. */
export const skipNumberCode = (leave: Code): Code => code`
  p = at;
  if (bytes[p] === 45) p++;
  s = p;
  ${skipDigitsCode}
  if (p === s || (p - s > 1 && bytes[s] === 48)) ${leave}
  if (bytes[p] === 46) {
    s = ++p;
    ${skipDigitsCode}
    if (p === s) ${leave}
  }`;

/** The sign and the whole digits at `at` into `n` and `x`; `d` counts the digits, and `p` is behind them. No leading
 *  zero, at most 15. Nine digits fit 32 bits: the rest is added to them. `powers` is the constant of `powersOfTen`. */
export const wholeDigitsCode = (powers: number, leave: Code): Code => code`
  p = at;
  n = bytes[p] === 45;
  if (n) p++;
  x = 0; s = p; e = p + 9;
  while ((c = bytes[p] ^ 48) < 10 && p < e) { x = (x * 10 + c) | 0; p++; }
  d = p - s;
  if (c < 10) {
    y = 0;
    while ((c = bytes[p] ^ 48) < 10) { y = (y * 10 + c) | 0; p++; }
    d = p - s;
    if (d > 15) ${leave}
    x = x * k${powers}[p - e] + y;
  }
  if (d === 0 || (d > 1 && bytes[s] === 48)) ${leave}`;

/** Digits behind a point at `p`, if there is one, into `x` too; `f` counts them. At most 15 digits in all. */
export const fractionDigitsCode = (leave: Code): Code => code`
  f = 0;
  if (bytes[p] === 46) {
    s = ++p;
    while ((c = bytes[p] ^ 48) < 10) { x = x * 10 + c; p++; }
    f = p - s;
    if (f === 0 || d + f > 15) ${leave}
  }`;

/** The sign and the magnitude of the number at `at` into `n` and `x`, rounded once; `p` is behind it. At most 15
 *  digits and a power of ten of at most 22: both are exact, so that one operation rounds. */
export const jsonNumberCode = (powers: number, leave: Code): Code => code`
  ${wholeDigitsCode(powers, leave)}
  ${fractionDigitsCode(leave)}
  if ((bytes[p] | 32) === 101) {
    e = bytes[++p] === 45 ? -1 : 1;
    if (e < 0 || bytes[p] === 43) p++;
    s = p; y = 0;
    while ((c = bytes[p] ^ 48) < 10 && p < s + 3) { y = y * 10 + c; p++; }
    if (p === s || c < 10) ${leave}
    f -= e * y;
    if (f > 22 || f < -22) ${leave}
  }
  if (f > 0) x /= k${powers}[f];
  else if (f < 0) x *= k${powers}[-f];`;
