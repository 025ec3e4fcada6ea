/** Variables: what `${name}` stands for, and where. */

import { expect, test } from 'vitest';
import type { UserError } from '../../../base/index.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import { tokenize } from '../../../sql/parser/tokens.ts';
import { substituted, variablesOf } from '../../../sql/parser/variables.ts';

const read = (text: string, given: Record<string, unknown> = {}, substitute = true): string[] => {
  try {
    return parseStatements(text, { variables: variablesOf(given), substitute }).map((one) => one.text);
  } catch (error) {
    const { code, message, at } = error as UserError;
    return [`${code}${at === undefined ? '' : ` ${at.line}:${at.column}`} ${message}`];
  }
};

test.each([
  ['names', 'DROP STREAM ${s};', { s: 'orders' }, 'DROP STREAM orders'],
  ['quoted names', 'DROP STREAM ${s};', { s: '`a b`' }, 'DROP STREAM `a b`'],
  [
    'numbers, signs and truth',
    'INSERT INTO s VALUES (${a}, ${b}, ${c});',
    { a: '1.5', b: '-2', c: 'true' },
    'INSERT INTO s VALUES (1.5, -2, true)',
  ],
  ['texts, as literals', 'INSERT INTO s VALUES (${a});', { a: "'it''s'" }, "INSERT INTO s VALUES ('it''s')"],
  [
    'within texts, quotes doubled',
    "INSERT INTO s VALUES ('<${a}>');",
    { a: "it's" },
    "INSERT INTO s VALUES ('<it''s>')",
  ],
  ['within quoted names', 'DROP STREAM `x_${a}`;', { a: 'y`z' }, 'DROP STREAM `x_y``z`'],
  ['without regard to case', 'DROP STREAM ${NAME};', { name: 'orders' }, 'DROP STREAM orders'],
  ['a text that is no variable', "INSERT INTO s VALUES ('${nothing}');", {}, "INSERT INTO s VALUES ('${nothing}')"],
  ['a value is not looked at again', "INSERT INTO s VALUES ('${a}');", { a: '${a}' }, "INSERT INTO s VALUES ('${a}')"],
])('%s', (_, text, given, expected) => {
  expect(read(text, given)).toEqual([expected]);
});

test('DEFINE and UNDEFINE hold for the statements behind them', () => {
  expect(read("DEFINE a = 'orders'; DROP STREAM ${a}; UNDEFINE A; DROP STREAM ${a};")).toEqual([
    'SQL_UNDEFINED_VARIABLE 1:64 the variable ${a} is not defined',
  ]);
  expect(read("DEFINE a = 'orders'; DEFINE b = '${a}_2'; DROP STREAM ${b};")).toEqual([
    "DEFINE a = 'orders'",
    "DEFINE b = 'orders_2'",
    'DROP STREAM orders_2',
  ]);
});

test('a value cannot change what a statement does', () => {
  for (const value of ['s DELETE TOPIC', 's; DROP STREAM t', '', 'a.b', "'", 'SELECT', '-- x', '- 1 + 1', '${b}']) {
    expect(read('DROP STREAM ${a};', { a: value })).toEqual([
      `SQL_INVALID_VARIABLE 1:13 the variable \${a} stands for ${value === '' ? 'an empty text' : value}, which is neither a name nor a literal`,
    ]);
  }
  expect(read("INSERT INTO s VALUES ('${a}');", { a: "'); DROP STREAM s; --" })).toEqual([
    "INSERT INTO s VALUES ('''); DROP STREAM s; --')",
  ]);
});

test('errors behind a variable have their place in the text as it was written', () => {
  expect(read('DROP STREAM ${a} NONSENSE;', { a: 'a_rather_long_name' })[0]).toMatch(/^SQL_SYNTAX 1:18 /);
});

test('variables can be switched off, and on again within the text', () => {
  expect(read('DROP STREAM ${a};', { a: 's' }, false)[0]).toMatch(/^SQL_UNDEFINED_VARIABLE 1:13 /);
  expect(read("SET 'ksql.variable.substitution.enable' = 'true'; DROP STREAM ${a};", { a: 's' }, false)[1]).toBe(
    'DROP STREAM s',
  );
});

test('names of variables are checked', () => {
  expect(() => variablesOf({ 'a b': 1 })).toThrow('"a b" cannot name a variable');
});

test('there are at most a thousand at a time', () => {
  const defined = (count: number): string => Array.from({ length: count }, (_, i) => `DEFINE v${i}='${i}';`).join('\n');
  expect(read(`${defined(1000)}\nDEFINE V7='x'; UNDEFINE v8; DEFINE w='y'; DROP STREAM ${'${w}'};`).at(-1)).toBe(
    'DROP STREAM y',
  );
  expect(read(defined(1001))).toEqual(['SQL_INVALID_VARIABLE "v1000" would be more than 1000 variables']);
});

test('values that hold others many times are not longer together than a statement may be', () => {
  const ten = (name: string): string => '${NAME}'.replace('NAME', name).repeat(10);
  const levels = Array.from({ length: 20 }, (_, i) => `DEFINE v${i + 1}='${ten(`v${i}`)}';`).join('\n');
  const tooLong =
    'a statement may have at most 1048576 characters, those of its variables included, and this one has more';
  expect(read(`DEFINE v0='0123456789';\n${levels}`)[0]).toBe(`SQL_STATEMENT_TOO_LONG 7:11 ${tooLong}`);
  const list = Array.from({ length: 200 }, () => '${v}').join();
  expect(read(`INSERT INTO s VALUES (${list});`, { v: `'${'x'.repeat(10_000)}'` })[0]).toMatch(tooLong);
});

test('variables that are used many times are replaced as quickly as a few', () => {
  const variables = variablesOf(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`Some_Name_${i}`, `${i}`])));
  const list = Array.from({ length: 20_000 }, () => '${some_name_999}').join();
  const tokens = tokenize(`INSERT INTO s VALUES (${list}, '${list}');`);
  const started = performance.now();
  expect(substituted(tokens, variables)).toHaveLength(tokens.length);
  expect(performance.now() - started).toBeLessThan(2000);
});
