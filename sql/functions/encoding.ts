/** Functions that write text in another way: as bytes of an encoding, with characters masked, from code points. */

import { md5 } from '../../base/index.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

interface Encoding {
  toBytes(text: string): Uint8Array;
  toText(bytes: Uint8Array): string;
}

const characters = (bytes: Uint8Array, of: (byte: number) => string): string => Array.from(bytes, of).join('');

/** Digits of a hexadecimal text: plain, behind 0x, or within X'…'; behind 0x the first may be left out when it is 0. */
const hexDigits = (text: string): string => {
  const marked = /^(?:0x([\da-f]*)|x'([\da-f]*)')$/i.exec(text);
  const digits = marked === null ? text : (marked[1] ?? marked[2] ?? '');
  const even = marked?.[1] !== undefined && digits.length % 2 === 1 ? `0${digits}` : digits;
  if (!/^(?:[\da-f]{2})*$/i.test(even)) throw new EvaluationError('the text is not hexadecimal');
  return even;
};

const encodings: Readonly<Record<string, Encoding>> = {
  hex: {
    toBytes: (text) => Uint8Array.from(hexDigits(text).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
    toText: (bytes) => characters(bytes, (byte) => byte.toString(16).padStart(2, '0')),
  },
  utf8: {
    toBytes: (text) => new TextEncoder().encode(text),
    toText: (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
  },
  ascii: {
    toBytes: (text) => Uint8Array.from(Array.from(text), (one) => (one.charCodeAt(0) < 128 ? one.charCodeAt(0) : 63)),
    toText: (bytes) => characters(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : '\ufffd')),
  },
  base64: {
    // Up to the first padding, of both alphabets; other characters, and a last one that makes no byte, are passed over.
    toBytes(text) {
      const [digits = ''] = text
        .replaceAll('-', '+')
        .replaceAll('_', '/')
        .replaceAll(/[^\w+/=]/g, '')
        .split('=');
      return Uint8Array.from(atob(digits.slice(0, digits.length - Number(digits.length % 4 === 1))), (one) =>
        one.charCodeAt(0),
      );
    },
    toText: (bytes) => btoa(characters(bytes, (byte) => String.fromCharCode(byte))),
  },
};

export const encodingNamed = (name: string): Encoding => {
  const lower = name.toLowerCase();
  const found = Object.hasOwn(encodings, lower) ? encodings[lower] : undefined;
  if (found === undefined) {
    throw new EvaluationError(`there is no encoding called '${name}'; hex, utf8, ascii and base64 are known`);
  }
  return found;
};

/** What replaces a character of a class; NULL leaves it as it is. */
type Masks = readonly [upper: string | null, lower: string | null, digit: string | null, other: string | null];

/** Masks each UTF-16 unit: a character beyond the basic plane counts as two others. */
const masked = (text: string, [upper, lower, digit, other]: Masks): string =>
  text
    .split('')
    .map((unit) => {
      const mask = /\p{Uppercase}/u.test(unit)
        ? upper
        : /\p{Lowercase}/u.test(unit)
          ? lower
          : /\p{Nd}/u.test(unit)
            ? digit
            : other;
      return mask ?? unit;
    })
    .join('');

const masksOf = (given: readonly (string | null)[]): Masks => {
  for (const mask of given) {
    if (mask !== null && mask.length !== 1) throw new EvaluationError(`a mask is one character, not '${mask}'`);
  }
  const [upper, lower, digit, other] = given;
  return given.length === 0 ? ['X', 'x', 'n', '-'] : [upper ?? null, lower ?? null, digit ?? null, other ?? null];
};

const fourMasks = 'STRING, STRING, STRING, STRING';

/** Masks a part of the text, from one place to another. */
const masking = (
  name: string,
  doc: string,
  example: string,
  bounds: (length: number, n: number) => readonly [number, number],
) =>
  define({
    signature: [`${name}(STRING, INT) -> STRING`, `${name}(STRING, INT, ${fourMasks}) -> STRING`],
    doc,
    nulls: 'own',
    examples: [[`${name}('My Test $123', 4)`, example]],
    body: (text: string | null, n: number | null, ...given: (string | null)[]) => {
      if (text === null || n === null) return null;
      if (n < 0) throw new EvaluationError(`${name} takes a number from 0, not ${n}`);
      const [from, to] = bounds(text.length, Math.min(n, text.length));
      return text.slice(0, from) + masked(text.slice(from, to), masksOf(given)) + text.slice(to);
    },
  });

/** Java's escapes behind the first one: `\\n`, `\\101`, `\\u004b`. */
const escapes = /\\(?:u+([\da-fA-F]{4})|([0-3]?[0-7]{1,2})|([^u]))/g;
const controls: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

export const encoding: Family = {
  category: 'STRING',
  functions: [
    define({
      signature: 'ENCODE(STRING, STRING, STRING) -> STRING',
      doc: "A text of one encoding in another: 'hex', 'utf8', 'ascii' or 'base64'.",
      nulls: 'propagate',
      examples: [
        ["ENCODE('Example!', 'utf8', 'hex')", "'4578616d706c6521'"],
        ["ENCODE('0x4578', 'hex', 'ascii')", "'Ex'"],
        ["ENCODE('w5w=', 'base64', 'utf8')", "'Ü'"],
      ],
      body: (text: string, from: string, to: string) => {
        if (from.toLowerCase() === to.toLowerCase()) throw new EvaluationError('the encodings are the same');
        return encodingNamed(to).toText(encodingNamed(from).toBytes(text));
      },
    }),
    define({
      signature: 'MD5(STRING) -> STRING',
      doc: "The MD5 digest of the text's UTF-8, as 32 hexadecimal digits.",
      nulls: 'propagate',
      examples: [["MD5('abc')", "'900150983cd24fb0d6963f7d28e17f72'"]],
      body: md5,
    }),
    define({
      signature: 'CHR(INT) -> STRING',
      doc: 'The character with this code point; NULL when there is none.',
      elsewhere: ['CHAR'],
      nulls: 'propagate',
      examples: [
        ['CHR(75)', "'K'"],
        ['CHR(128512)', "'😀'"],
        ['CHR(-1)', 'NULL'],
      ],
      body: (point: number) => (point < 0 || point > 0x10ffff ? null : String.fromCodePoint(point)),
    }),
    define({
      signature: 'CHR(STRING) -> STRING',
      doc:
        'The text with escapes such as \\u004b replaced by their characters; NULL for text that does not begin with ' +
        'one.',
      nulls: 'propagate',
      examples: [["CHR('\\u004b')", "'K'"]],
      body: (text: string) =>
        text.length < 6 || !text.startsWith('\\u') || /\\u+(?!u|[\da-fA-F]{4})/.test(text)
          ? null
          : text.replaceAll(escapes, (_, unit?: string, octal?: string, other = '') =>
              unit !== undefined
                ? String.fromCharCode(Number.parseInt(unit, 16))
                : octal !== undefined
                  ? String.fromCharCode(Number.parseInt(octal, 8))
                  : (controls[other] ?? other),
            ),
    }),
    define({
      signature: ['MASK(STRING) -> STRING', `MASK(STRING, ${fourMasks}) -> STRING`],
      doc:
        'The text with every capital as X, small letter as x, digit as n and other character as -, or as the four ' +
        'masks; a NULL mask leaves its kind.',
      nulls: 'own',
      examples: [
        ["MASK('My Test $123')", "'Xx-Xxxx--nnn'"],
        ["MASK('My Test $123', '*', NULL, '1', NULL)", "'*y *est $111'"],
      ],
      body: (text: string | null, ...given: (string | null)[]) => (text === null ? null : masked(text, masksOf(given))),
    }),
    masking('MASK_LEFT', 'Masks so many characters on the left, as MASK does.', "'Xx-Xest $123'", (_, n) => [0, n]),
    masking('MASK_RIGHT', 'Masks so many characters on the right.', "'My Test -nnn'", (length, n) => [
      length - n,
      length,
    ]),
    masking('MASK_KEEP_LEFT', 'Masks all but so many characters on the left.', "'My Txxx--nnn'", (length, n) => [
      n,
      length,
    ]),
    masking('MASK_KEEP_RIGHT', 'Masks all but so many characters on the right.', "'Xx-Xxxx-$123'", (length, n) => [
      0,
      length - n,
    ]),
    define({
      signature: 'UUID() -> STRING',
      doc: 'A random UUID of version 4, another one for each row.',
      elsewhere: ['GEN_RANDOM_UUID', 'NEWID'],
      nulls: 'propagate',
      examples: [["UUID() LIKE '________-____-4___-____-____________'", 'TRUE']],
      bind:
        ({ context }) =>
        () =>
          'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replaceAll(/[xy]/g, (place) => {
            const digit = Math.floor(context.random() * 16);
            return (place === 'x' ? digit : (digit % 4) + 8).toString(16);
          }),
    }),
  ],
};
