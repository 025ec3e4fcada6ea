/** Expressions: what belongs to what, and what each literal means. */

import { expect, test } from 'vitest';
import { parseExpression } from '../../../sql/parser/parse.ts';
import { outline } from './outline.ts';

const table: readonly (readonly [sentence: string, pairs: readonly (readonly [text: string, tree: string])[]])[] = [
  [
    'names are in upper case unless they are quoted',
    [
      ['total', 'TOTAL'],
      ['Total_2@x', 'TOTAL_2@X'],
      ['`total`', '`total`'],
      ['"to""tal"', '`to"tal`'],
      ['`to``tal`', '`to``tal`'],
      ['1st', '`1ST`'],
      ['1e3x', '`1E3X`'],
      ['orders.id', 'ORDERS.ID'],
      ['`o`.id', '`o`.ID'],
      ['`select`', '`select`'],
      ['`SELECT`', '`SELECT`'],
    ],
  ],
  [
    'a keyword that is not reserved is a name like any other',
    [
      ['date', 'DATE'],
      ['type + key', '(+ TYPE KEY)'],
      ['array', '`ARRAY`'],
      ['map', '`MAP`'],
      ['struct->struct', '(-> `STRUCT` `STRUCT`)'],
      ['f(day)', '(call F DAY)'],
    ],
  ],
  [
    'whole numbers are exact to 64 bits',
    [
      ['0', '0'],
      ['9007199254740991', '9007199254740991'],
      ['9007199254740992', '9007199254740992n'],
      ['9223372036854775807', '9223372036854775807n'],
      ['-9223372036854775808', '-9223372036854775808n'],
      ['000000000000000000000000007', '7'],
      ['- 5', '-5'],
    ],
  ],
  [
    'a point makes a decimal, an exponent a double',
    [
      ['1.50', 'decimal:1.50'],
      ['.5', 'decimal:.5'],
      ['1.', 'decimal:1.'],
      ['-1.50', 'decimal:-1.50'],
      ["DECIMAL '15'", 'decimal:15'],
      ['1e3', 'double:1000'],
      ['1.5E-2', 'double:0.015'],
      ['.5e1', 'double:5'],
      ['-0e0', 'double:-0'],
    ],
  ],
  [
    'a quote inside a string is doubled and a backslash means nothing',
    [
      ["'it''s'", '"it\'s"'],
      ["''", '""'],
      ["'a\\n'", '"a\\\\n"'],
      ["'-- no comment /* none */'", '"-- no comment /* none */"'],
      ["'größer 数'", '"größer 数"'],
    ],
  ],
  [
    'comments are passed over',
    [
      ['1 -- one\n + 2', '(+ 1 2)'],
      ['1 /* -- \n */ + /**/ 2 -- end', '(+ 1 2)'],
    ],
  ],
  [
    'products bind tighter than sums, sums tighter than ||, each from the left',
    [
      ['a + b * c', '(+ A (* B C))'],
      ['a * b + c', '(+ (* A B) C)'],
      ['a - b - c', '(- (- A B) C)'],
      ['a - (b - c)', '(- A (- B C))'],
      ['a / b % c * d', '(* (% (/ A B) C) D)'],
      ['a || b + c || d', '(|| (|| A (+ B C)) D)'],
      ['(a + b) * c', '(* (+ A B) C)'],
    ],
  ],
  [
    'a sign binds tighter than any operator, and a minus before digits belongs to the number',
    [
      ['-a * b', '(* (sign- A) B)'],
      ['a - -5', '(- A -5)'],
      ['a-5', '(- A 5)'],
      ['-(5)', '(sign- 5)'],
      ['- - 5', '(sign- -5)'],
      ['+5', '(sign+ 5)'],
      ['-a->b', '(sign- (-> A B))'],
    ],
  ],
  [
    'fields and subscripts are written behind a value',
    [
      ['a->b->c', '(-> (-> A B) C)'],
      ['a[1][2]', '(at (at A 1) 2)'],
      ["s.m['k']->f", '(-> (at S.M "k") F)'],
      ['f(x)[1]', '(at (call F X) 1)'],
      ['(a)[1]', '(at A 1)'],
      ['ARRAY[1, 2][1]', '(at (array 1 2) 1)'],
      ["a AT TIME ZONE 'UTC'", '(zone A "UTC")'],
    ],
  ],
  [
    'comparisons, with != for <>',
    [
      ['a = 1', '(= A 1)'],
      ['a != 1', '(<> A 1)'],
      ['a <> 1', '(<> A 1)'],
      ['a + 1 <= b * 2', '(<= (+ A 1) (* B 2))'],
      ['(a = b) = c', '(= (= A B) C)'],
    ],
  ],
  [
    'predicates in words, with and without NOT',
    [
      ['a BETWEEN 1 AND 2 AND b', '(and (between A 1 2) B)'],
      ['a NOT BETWEEN 1 AND 2', '(not-between A 1 2)'],
      ["a IN ('x', 'y')", '(in A "x" "y")'],
      ['a NOT IN (1)', '(not-in A 1)'],
      ["a LIKE 'x%'", '(like A "x%")'],
      ["a NOT LIKE '!_x' ESCAPE '!'", '(not-like A "!_x" escape:!)'],
      ['a IS NULL', '(is-null A)'],
      ['a IS NOT NULL', '(is-not-null A)'],
      ['a IS DISTINCT FROM b', '(distinct A B)'],
      ['a IS NOT DISTINCT FROM b', '(not-distinct A B)'],
    ],
  ],
  [
    'NOT binds tighter than AND, AND tighter than OR, and a run of one word is one node',
    [
      ['a OR b AND c', '(or A (and B C))'],
      ['a AND b OR c AND d', '(or (and A B) (and C D))'],
      ['a AND b AND c', '(and A B C)'],
      ['a AND (b AND c)', '(and A (and B C))'],
      ['NOT a = b AND c', '(and (not (= A B)) C)'],
      ['NOT NOT a', '(not (not A))'],
      ['NOT (a OR b)', '(not (or A B))'],
    ],
  ],
  [
    'both forms of CASE',
    [
      ['CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END', '(case (when A 1) (when B 2) (else 3))'],
      ['CASE WHEN a = 1 THEN NULL END', '(case (when (= A 1) null))'],
      ['CASE a WHEN 1 THEN TRUE END', '(case A (when 1 true))'],
    ],
  ],
  [
    'CAST and every type',
    [
      ['CAST(a AS BIGINT)', '(cast A BIGINT)'],
      ['CAST(a AS int)', '(cast A INTEGER)'],
      ['CAST(a AS VARCHAR(20))', '(cast A STRING)'],
      ['CAST(a AS VARCHAR(STRING))', '(cast A STRING)'],
      ['CAST(a AS DECIMAL(10,2))', '(cast A DECIMAL(10, 2))'],
      ['CAST(a AS ARRAY<MAP<STRING, INT>>)', '(cast A ARRAY<MAP<STRING, INTEGER>>)'],
      ['CAST(a AS INT ARRAY ARRAY)', '(cast A ARRAY<ARRAY<INTEGER>>)'],
      ['CAST(a AS STRUCT<x INT, `y` STRUCT<>>)', '(cast A STRUCT<X INTEGER, `y` STRUCT<>>)'],
      ['CAST(a AS address)', '(cast A ADDRESS)'],
      ['CAST(a AS `INT`)', '(cast A `INT`)'],
    ],
  ],
  [
    'constructors',
    [
      ['ARRAY[]', '(array)'],
      ["ARRAY['a', b]", '(array "a" B)'],
      ["MAP('k' := 1, 'l' := a + 1)", '(map (:= "k" 1) (:= "l" (+ A 1)))'],
      ['STRUCT(x := 1, `y` := ARRAY[2])', '(struct (:= X 1) (:= `y` (array 2)))'],
    ],
  ],
  [
    'calls, with a star, lambdas and units as arguments',
    [
      ['now()', '(call NOW)'],
      ['COUNT(*)', '(call COUNT *)'],
      ['ucase(name)', '(call UCASE NAME)'],
      ['TRANSFORM(a, x => x * 2)', '(call TRANSFORM A (lambda X (* X 2)))'],
      ['REDUCE(a, 0, (s, x) => s + x)', '(call REDUCE A 0 (lambda S,X (+ S X)))'],
      ['f((a), (b + c))', '(call F A (+ B C))'],
      ['DATEADD(DAYS, 1, d)', '(call DATEADD unit:DAYS 1 D)'],
      ['TIMEADD(millisecond, 1, d)', '(call TIMEADD unit:MILLISECONDS 1 D)'],
      ['`my func`(1)', '(call `my func` 1)'],
    ],
  ],
];

for (const [sentence, pairs] of table) {
  test.each(pairs)(`${sentence}: %s`, (text, tree) => {
    expect(outline(parseExpression(text))).toBe(tree);
  });
}

test('every node knows its place, from its first character to its last', () => {
  const text = "x + CASE WHEN\n  b->c[1] IN (2) THEN 'three' END";
  const tree = parseExpression(text);
  const shown = (at: { offset: number; length?: number | undefined; line: number; column: number }): string =>
    `${at.line}:${at.column} ${text.slice(at.offset, at.offset + (at.length ?? 0)).replaceAll('\n', '⏎')}`;
  const places: string[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('kind' in node && 'at' in node) places.push(`${String(node.kind)} ${shown(node.at as never)}`);
    for (const child of Object.values(node)) walk(child);
  };
  walk(tree);
  expect(places).toEqual([
    "arithmetic 1:1 x + CASE WHEN⏎  b->c[1] IN (2) THEN 'three' END",
    'column 1:1 x',
    "case 1:5 CASE WHEN⏎  b->c[1] IN (2) THEN 'three' END",
    'in 2:3 b->c[1] IN (2)',
    'subscript 2:3 b->c[1]',
    'field 2:3 b->c',
    'column 2:3 b',
    'integer 2:8 1',
    'integer 2:15 2',
    "string 2:23 'three'",
  ]);
});
