/** Functions on text. Lengths and positions count UTF-16 units, positions from 1. */

import { javaTrim } from '../types/numbers.ts';
import { checkLength, joinTexts, longestText } from '../types/text-length.ts';
import type { Value } from '../types/value.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

const replaceAll = (text: string, old: string, fresh: string): string => {
  if (text.length * fresh.length > longestText) {
    const matches = old === '' ? text.length + 1 : text.split(old).length - 1;
    checkLength(text.length + matches * (fresh.length - old.length));
  }
  return text.replaceAll(old, () => fresh);
};

const padding = (text: string, length: number, fill: string): string | null => {
  if (length < 0 || fill === '') return null;
  checkLength(length);
  return fill
    .repeat(Math.ceil(Math.max(0, length - text.length) / fill.length))
    .slice(0, Math.max(0, length - text.length));
};

/** Where the part begins and ends that SUBSTRING takes, of so many units. */
export const substringBounds = (
  units: number,
  position: number,
  length?: number,
): readonly [start: number, end: number] => {
  const start = position < 0 ? Math.max(units + position, 0) : Math.min(Math.max(position - 1, 0), units);
  return [start, length === undefined ? units : Math.max(Math.min(start + length, units), start)];
};

const substring = (text: string, position: number, length?: number): string =>
  text.slice(...substringBounds(text.length, position, length));

const instr = (
  text: string | null,
  part: string | null,
  position: number | null = 1,
  occurrence: number | null = 1,
): number | null => {
  if (position === null || occurrence === null) return null;
  if (text === null || part === null || occurrence < 1 || position === 0) return 0;
  if (position > 0) {
    if (part === '') return position <= text.length ? position : 0;
    let at = position - 2;
    for (let found = 0; found < occurrence; found++) {
      at = text.indexOf(part, at + 1);
      if (at < 0) return 0;
    }
    return at + 1;
  }
  // Backwards: within what ends at that place.
  const within = text.slice(0, Math.max(text.length + position + 1, 0));
  if (part === '') return within === '' ? 0 : within.length + 1;
  let at = within.length;
  for (let found = 0; found < occurrence; found++) {
    at = at > 0 ? within.lastIndexOf(part, at - 1) : -1;
    if (at < 0) return 0;
  }
  return at + 1;
};

export const strings: Family = {
  category: 'STRING',
  functions: [
    define({
      signature: 'UCASE(STRING) -> STRING',
      doc: 'The text in capital letters.',
      elsewhere: ['UPPER'],
      nulls: 'propagate',
      examples: [["UCASE('Straße')", "'STRASSE'"]],
      body: (text: string) => text.toUpperCase(),
    }),
    define({
      signature: 'LCASE(STRING) -> STRING',
      doc: 'The text in small letters.',
      elsewhere: ['LOWER'],
      nulls: 'propagate',
      examples: [["LCASE('ABC')", "'abc'"]],
      body: (text: string) => text.toLowerCase(),
    }),
    define({
      signature: 'LEN(STRING) -> INT',
      doc: 'The length of the text in UTF-16 units.',
      elsewhere: ['LENGTH', 'CHAR_LENGTH', 'CHARACTER_LENGTH'],
      nulls: 'propagate',
      examples: [
        ["LEN('abc')", '3'],
        ["LEN('😀')", '2'],
      ],
      body: (text: string) => text.length,
    }),
    define({
      signature: ['SUBSTRING(STRING, INT) -> STRING', 'SUBSTRING(STRING, INT, INT) -> STRING'],
      doc:
        'The part of the text from a position on, or of a length from there. A negative position counts from the ' +
        'end; what lies outside of the text is left out.',
      elsewhere: ['SUBSTR', 'MID', ['LEFT', 'SUBSTRING(text, 1, n)'], ['RIGHT', 'SUBSTRING(text, -n)']],
      nulls: 'propagate',
      examples: [
        ["SUBSTRING('stream', 3)", "'ream'"],
        ["SUBSTRING('stream', 3, 2)", "'re'"],
        ["SUBSTRING('stream', -2)", "'am'"],
        ["SUBSTRING('stream', 0, 2)", "'st'"],
        ["SUBSTRING('stream', 7)", "''"],
      ],
      body: substring,
    }),
    define({
      signature: 'CONCAT(STRING...) -> STRING',
      doc: 'The texts joined, NULLs left out; empty when there are none. The operator || is the same.',
      nulls: 'own',
      examples: [
        ["CONCAT('a', 'b', 'c')", "'abc'"],
        ["CONCAT('a', NULL)", "'a'"],
        ["'a' || 'b'", "'ab'"],
      ],
      body: (...texts: (string | null)[]) => joinTexts(texts.filter((text) => text !== null)),
    }),
    define({
      signature: 'CONCAT_WS(STRING, STRING, STRING...) -> STRING',
      doc:
        'The second and later texts joined, with the first between them; NULLs left out. NULL when the first is ' +
        'NULL.',
      nulls: 'own',
      examples: [
        ["CONCAT_WS(', ', 'a', NULL, 'b')", "'a, b'"],
        ["CONCAT_WS(NULL, 'a', 'b')", 'NULL'],
      ],
      body: (separator: string | null, ...texts: (string | null)[]) =>
        separator === null
          ? null
          : joinTexts(
              texts.filter((text) => text !== null),
              separator,
            ),
    }),
    define({
      signature: 'INITCAP(STRING) -> STRING',
      doc:
        'The text with a capital at the beginning of every word and small letters behind it. White space separates ' +
        'words; in front of the first it is left out.',
      nulls: 'propagate',
      examples: [
        ["INITCAP('the qUICK  fox-trot')", "'The Quick  Fox-trot'"],
        ["INITCAP(' 123 ')", "'123 '"],
      ],
      body: (text: string) =>
        (text.toLowerCase().match(/[^ \t\n\v\f\r]+[ \t\n\v\f\r]*/g) ?? [])
          .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
          .join(''),
    }),
    define({
      signature: 'ELT(INT, STRING...) -> STRING',
      doc: 'The text at a position of the list, counted from 1; NULL when there is none.',
      nulls: 'own',
      examples: [
        ["ELT(2, 'a', 'b')", "'b'"],
        ["ELT(3, 'a', 'b')", 'NULL'],
      ],
      body: (position: number | null, ...texts: (string | null)[]) =>
        position === null ? null : (texts[position - 1] ?? null),
    }),
    define({
      signature: 'FIELD(STRING, STRING...) -> INT',
      doc: 'The position of the first text in the list behind it, counted from 1; 0 when it is not there, or NULL.',
      nulls: 'own',
      examples: [
        ["FIELD('b', 'a', 'b')", '2'],
        ["FIELD(NULL, 'a', NULL)", '0'],
      ],
      body: (text: string | null, ...texts: (string | null)[]) => (text === null ? 0 : texts.indexOf(text) + 1),
    }),
    define({
      signature: 'TRIM(STRING) -> STRING',
      doc: 'The text without blanks and control characters at its ends.',
      elsewhere: ['LTRIM', 'RTRIM', 'BTRIM'],
      nulls: 'propagate',
      examples: [["TRIM('  a b ')", "'a b'"]],
      body: javaTrim,
    }),
    define({
      signature: 'REPLACE(STRING, STRING, STRING) -> STRING',
      doc: 'The text with every occurrence of the second text replaced by the third.',
      elsewhere: ['TRANSLATE'],
      nulls: 'propagate',
      examples: [["REPLACE('anaconda', 'a', 'o')", "'onocondo'"]],
      body: replaceAll,
    }),
    define({
      signature: 'LPAD(STRING, INT, STRING) -> STRING',
      doc: 'Pads on the left up to a length; longer text is cut. NULL for a negative length or an empty padding.',
      nulls: 'propagate',
      examples: [
        ["LPAD('7', 3, '0')", "'007'"],
        ["LPAD('abcd', 2, '-')", "'ab'"],
        ["LPAD('foo', 7, 'Bar')", "'BarBfoo'"],
        ["LPAD('a', 2, '')", 'NULL'],
      ],
      body: (text: string, length: number, fill: string) => {
        const pad = padding(text, length, fill);
        return pad === null ? null : (pad + text).slice(0, length);
      },
    }),
    define({
      signature: 'RPAD(STRING, INT, STRING) -> STRING',
      doc: 'Pads on the right up to a length; longer text is cut. NULL for a negative length or an empty padding.',
      nulls: 'propagate',
      examples: [
        ["RPAD('foo', 7, 'Bar')", "'fooBarB'"],
        ["RPAD('foo', -1, 'Bar')", 'NULL'],
      ],
      body: (text: string, length: number, fill: string) => {
        const pad = padding(text, length, fill);
        return pad === null ? null : (text + pad).slice(0, length);
      },
    }),
    define({
      signature: 'SPLIT(STRING, STRING) -> ARRAY<STRING>',
      doc:
        'The parts of the text between the occurrences of a delimiter, empty ones kept; an empty delimiter splits ' +
        'into UTF-16 units.',
      elsewhere: [['SPLIT_PART', 'SPLIT(text, delimiter)[n]'], 'STRING_SPLIT', 'STRING_TO_ARRAY'],
      nulls: 'propagate',
      examples: [
        ["SPLIT('a.b.c', '.')", "ARRAY['a', 'b', 'c']"],
        ["SPLIT('.abc.', '.')", "ARRAY['', 'abc', '']"],
        ["SPLIT('abc', '')", "ARRAY['a', 'b', 'c']"],
      ],
      body: (text: string, delimiter: string) => (text === '' ? [''] : text.split(delimiter)),
    }),
    define({
      signature: 'SPLIT_TO_MAP(STRING, STRING, STRING) -> MAP<STRING, STRING>',
      doc:
        'A text such as a=1;b=2 as a map: the second argument separates entries, the third keys from values. What is ' +
        'not an entry is left out; of equal keys the last counts. NULL for delimiters that are empty or equal.',
      nulls: 'propagate',
      examples: [
        ["SPLIT_TO_MAP('a=1;b=2;c', ';', '=')", "MAP('a' := '1', 'b' := '2')"],
        ["SPLIT_TO_MAP('a=1', '', '=')", 'NULL'],
      ],
      body: (text: string, between: string, within: string) => {
        if (between === '' || within === '' || between === within) return null;
        const found = new Map<string, Value>();
        for (const entry of text.split(between)) {
          const at = entry.indexOf(within);
          if (at < 0) continue;
          const [key = '', value = ''] = entry.split(within);
          found.delete(key);
          found.set(key, value);
        }
        return found;
      },
    }),
    define({
      signature: [
        'INSTR(STRING, STRING) -> INT',
        'INSTR(STRING, STRING, INT) -> INT',
        'INSTR(STRING, STRING, INT, INT) -> INT',
      ],
      doc:
        'Where a part first occurs in the text, from a position on, or its n-th occurrence; 0 when it does not, or ' +
        'one of the two is NULL. A negative position searches backwards within what ends there, counted from the ' +
        'end.',
      elsewhere: ['POSITION', 'LOCATE', 'STRPOS', 'CHARINDEX'],
      nulls: 'own',
      examples: [
        ["INSTR('corporate floor', 'or')", '2'],
        ["INSTR('corporate floor', 'or', 3)", '5'],
        ["INSTR('corporate floor', 'or', 3, 2)", '14'],
        ["INSTR('corporate floor', 'or', -4)", '5'],
        ["INSTR('short', 'x')", '0'],
        ["INSTR(NULL, 'x')", '0'],
      ],
      body: instr,
    }),
  ],
};
