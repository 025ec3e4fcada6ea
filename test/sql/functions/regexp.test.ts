/** Regular expressions: patterns of Java, matched by an engine that takes linear time. */

import { describe, expect, test } from 'vitest';
import { evaluate } from '../evaluate/support.ts';

const sql = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const extractAll = (pattern: string, text: string): unknown =>
  evaluate(`REGEXP_EXTRACT_ALL(${sql(pattern)}, ${sql(text)})`);

describe('what a pattern means', () => {
  test.each([
    // Classes: unions, intersections, negation, ranges, shorthands.
    ['[a-c&&[^b]]+', 'abcca', ['a', 'cca']],
    ['[a-c[x-z]]+', 'abxdz', ['abx', 'z']],
    ['[]a]+', 'a]b', ['a]']],
    ['[^\\d\\s]+', '1 ab2', ['ab']],
    ['[a\\-c]', 'abc-', ['a', 'c', '-']],
    ['[a-]', 'ab-', ['a', '-']],
    ['[a-c&&]', 'abc', []],
    ['[\\Q[]\\E]', '[a]', ['[', ']']],
    ['\\s', 'a\u000bb', ['\u000b']],
    ['\\h', 'a\u00a0b', ['\u00a0']],
    ['\\p{Punct}', 'a!b_', ['!', '_']],
    ['\\p{IsL}+', 'aé1', ['aé']],
    ['\\P{L}', 'é1', ['1']],
    // Only line breaks of Java end what a dot matches.
    ['.', 'a\u2028\r\nb', ['a', 'b']],
    ['(?s).', 'a\n', ['a', '\n']],
    ['(?d).', '\r\n', ['\r']],
    ['\\R', 'a\r\nb\u0085', ['\r\n', '\u0085']],
    // Without the flag u only letters of ASCII have two cases.
    ['(?i)é', 'éÉ', ['é']],
    ['(?iu)é', 'éÉ', ['é', 'É']],
    ['(?i)k', 'kK\u212a', ['k', 'K']],
    ['a(?i)b(?-i)c', 'aBc abC', ['aBc']],
    ['(?i:a)b', 'Ab aB', ['Ab']],
    ['(?i)[^a]', 'aAb', ['b']],
    ['(?i)\\p{Lu}', 'aB', ['a', 'B']],
    // Anchors, lookbehinds, comments, escapes.
    ['(?m)^b', 'a\nb', ['b']],
    ['(?<=a)b', 'ab b', ['b']],
    ['(?<!a)b', 'abb', ['b']],
    ['(?x) a b # two letters', 'ab', ['ab']],
    ['\\Qa.b\\E', 'a.b axb', ['a.b']],
    ['\\x41\\u0042\\0103\\cA', 'ABC\u0001', ['ABC\u0001']],
    ['\\ud83d\\ude00', '😀', ['😀']],
    ['a{2,3}?', 'aaaa', ['aa', 'aa']],
    ['a|ab', 'ab', ['a']],
    ['', 'ab', ['', '', '']],
  ])('%j in %j', (pattern, text, found) => {
    expect(extractAll(pattern, text)).toEqual(found);
  });

  test('groups that matched nothing are NULL, as elements and in a replacement', () => {
    expect(evaluate("REGEXP_EXTRACT_ALL('(b)|a', 'ab', 1)")).toEqual([null, 'b']);
    expect(evaluate("REGEXP_REPLACE('ab', '(b)|a', '[$1]')")).toBe('[][b]');
  });
});

describe('what cannot be is refused by name', () => {
  test.each([
    ['(a)\\1', 'a reference to a group, which cannot be matched in linear time'],
    ['a(?=b)', 'a lookahead'],
    ['a++', 'the possessive repetition ++'],
    ['(?>a)', 'an atomic group'],
    ['\\G', '\\G'],
    ['(?<=(a))b', 'cannot be used: '],
    ['a{2000}', 'cannot be used: '],
    ['(a', 'a group without its ")"'],
    ['a)', 'a ")" without its "("'],
    ['[a', 'a class without its "]"'],
    ['*a', 'a "*" that repeats nothing'],
    ['a{', 'a "{" that is no repetition'],
    ['[c-a]', 'the range c-a, which runs backwards'],
    ['\\y', 'the unknown escape \\y'],
    ['\\p{Nonsense}', 'cannot be used: '],
    ['(?U)a', 'the flag "U"'],
    ['(?<n>a)(?<n>b)', 'two groups called "n"'],
    ['a\\', 'ends too early'],
  ])('%j', (pattern, why) => {
    expect(() => extractAll(pattern, 'a')).toThrow(why);
  });

  test.each([
    ['$2', 'refers to group 2; the pattern has 1'],
    ['${x}', 'names the group "x"'],
    ['a$', 'has a "$" without'],
    ['\\', 'ends with a backslash'],
  ])('the replacement %j', (replacement, why) => {
    expect(() => evaluate(`REGEXP_REPLACE('a', '(a)', ${sql(replacement)})`)).toThrow(why);
  });
});

test.each([
  ["REGEXP_REPLACE('baaac', 'a*', '-')", '-b--c-'],
  ["REGEXP_REPLACE('abc', '(b)', '$12')", 'ab2c'],
  ["REGEXP_REPLACE('abc', '(?<n>b)', '${n}\\$')", 'ab$c'],
  ["REGEXP_SPLIT_TO_ARRAY('axbc', 'x*')", ['a', '', 'b', 'c']],
  ["REGEXP_SPLIT_TO_ARRAY('xaxx', 'x*')", ['', '', 'a']],
  ["REGEXP_SPLIT_TO_ARRAY('a b', '\\b')", ['a', ' ', 'b']],
  ["REGEXP_SPLIT_TO_ARRAY('abc', '[abc]')", ['', '', '', '']],
  ["REGEXP_SPLIT_TO_ARRAY('', '')", ['']],
  ["REGEXP_EXTRACT('a', CAST(NULL AS STRING))", null],
])('%s is %j', (expression, value) => {
  expect(evaluate(expression)).toEqual(value);
});

test('a pattern that a backtracking engine never ends with takes no longer than others', () => {
  const text = `${'a'.repeat(20_000)}!`;
  const columns = { T: { type: { kind: 'STRING' }, value: text } } as const;
  expect(evaluate("REGEXP_EXTRACT('(a+)+$', T)", columns)).toBe(null);
  expect(evaluate("REGEXP_EXTRACT('(a|aa)*$', T)", columns)).toBe('');
});

describe('what would take too long, or too much memory, is a fault of the record', () => {
  const column = (value: string) => ({ type: { kind: 'STRING' }, value }) as const;
  test.each([
    [
      "REGEXP_EXTRACT(P, 'a')",
      { P: column(`${'('.repeat(5_000)}${')'.repeat(5_000)}`) },
      'its groups are nested too deeply',
    ],
    [
      'REGEXP_EXTRACT(P, T)',
      { P: column('(a|b)*'.repeat(2_000)), T: column('c'.repeat(100_000)) },
      'the regular expression is too large for a text of 100000 characters',
    ],
    ["REGEXP_REPLACE(T, 'a', T)", { T: column('a'.repeat(5_000)) }, 'characters cannot be made; 16777216 is the most'],
    ["REPLACE(T, 'a', T)", { T: column('a'.repeat(5_000)) }, 'a text of 25000000 characters cannot be made'],
    ["REPLACE(T, '', T)", { T: column('a'.repeat(5_000)) }, 'a text of 25010000 characters cannot be made'],
    ["LPAD('a', 20000000, 'b')", {}, 'a text of 20000000 characters cannot be made'],
  ])('%s', (expression, columns, why) => {
    expect(() => evaluate(expression, columns)).toThrow(why);
  });

  test('the same with less works', () => {
    const columns = { T: column('a'.repeat(4_000)) };
    expect(evaluate("LEN(REPLACE(T, 'a', T))", columns)).toBe(16_000_000);
    expect(evaluate("LEN(REGEXP_REPLACE(T, 'a', T))", columns)).toBe(16_000_000);
  });
});
