/** Where statements end: what the prompt and a script are cut at. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isQuery, settingOf, splitStatements } from '../../cli/statements.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { printStatement } from '../../sql/parser/statements/index.ts';
import { statement } from '../sql/parser/arbitrary.ts';

test.each([
  ['a; b ;c', ['a', 'b'], 'c'],
  ['', [], undefined],
  [' \n -- only a comment\n /* and another */ ;; ', [], undefined],
  ["select ';' from `a;b` where \"c;\" = 'it''s;';", ["select ';' from `a;b` where \"c;\" = 'it''s;'"], undefined],
  ['a /* ; */ b -- ;\n c;', ['a /* ; */ b -- ;\n c'], undefined],
  ["a 'never; closed", [], "a 'never; closed"],
  ['a /* never; closed', [], 'a /* never; closed'],
  ['-- first\nshow streams;', ['show streams'], undefined],
])('%j is cut at its semicolons', (text, statements, rest) => {
  const split = splitStatements(text);
  expect(split.statements.map((piece) => piece.text)).toEqual(statements);
  expect(split.rest?.text).toBe(rest);
});

test('a piece knows where it begins', () => {
  const { statements, rest } = splitStatements('a;\n  -- note\n  b\n c; d');
  expect([...statements, rest]).toEqual([
    { text: 'a', line: 1, column: 1 },
    { text: 'b\n c', line: 3, column: 3 },
    { text: 'd', line: 4, column: 5 },
  ]);
});

test('the statements are the statements that the parser finds', () => {
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 3 }), (trees) => {
      const text = trees.map((tree) => `${printStatement(tree)};`).join('\n');
      expect(splitStatements(text).statements.map((piece) => piece.text)).toEqual(
        parseStatements(text).map((one) => one.text),
      );
    }),
  );
});

test('a query is told from other statements by its first word', () => {
  expect(isQuery('SELECT 1 FROM s')).toBe(true);
  expect(isQuery('select\n* from s')).toBe(true);
  expect(isQuery('SELECTED')).toBe(false);
  expect(isQuery('CREATE STREAM a AS SELECT 1 FROM s')).toBe(false);
});

test('what SET and UNSET set is known', () => {
  expect(settingOf("SET 'a' = 'it''s'")).toEqual({ name: 'a', value: "it's" });
  expect(settingOf("set 'a'='b'")).toEqual({ name: 'a', value: 'b' });
  expect(settingOf("UNSET 'a'")).toEqual({ name: 'a', value: undefined });
  expect(settingOf('SHOW STREAMS')).toBeUndefined();
});
