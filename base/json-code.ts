/**
 * Pieces of generated code that read JSON where it stands.
 *
 * A piece reads `bytes` from `at` on, not beyond `end`, with `view`, a DataView of the same bytes. It uses the numbers
 * `c d e f p s x y` and the boolean `n`, which the code around it declares, and leaves by the statement that it is
 * given (`break quick;`) where it meets what it was not made for: an escape, a number of many digits, bytes that are no
 * JSON. What is right is then for the plain form to say.
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

/** Walks the text behind the quote at `at`: `p` is at its closing quote, and `d` is below 128 where all of it is ASCII.
 *  `each` is done for each byte `c`. */
export const jsonTextCode = (each: Code, leave: Code): Code => code`
  p = at + 1; d = 0;
  while ((c = bytes[p]) !== 34) {
    if (c === 92 || c < 32 || p >= end) ${leave}
    d |= c; ${each} p++;
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
