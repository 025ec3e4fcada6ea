/** Lambdas: from the text, through types, plan and JSON, to values. */

import { describe, expect, test } from 'vitest';
import { define, type Lambda } from '../../sql/functions/define.ts';
import { builtInFunctions } from '../../sql/functions/index.ts';
import { parseSignature } from '../../sql/functions/signature.ts';
import { printPlan, type Value } from '../../sql/index.ts';
import { commandOf, faultOf } from './support/planning.ts';
import { runSql } from './support/running.ts';

const source = `CREATE STREAM s (k VARCHAR KEY, a ARRAY<INT>, b ARRAY<BIGINT>, m MAP<VARCHAR, INT>, n INT)
  WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`;

const valueOf = (expression: string, row: object, functions = builtInFunctions()): string | undefined => {
  const ran = runSql(
    `${source} CREATE STREAM t AS SELECT k, ${expression} AS v, 0 AS z FROM s;`,
    [['s', 'k', row]],
    functions,
  );
  return ran.lines('T')[0]?.replace(/^k /, '') ?? ran.drops[0];
};

describe('a lambda', () => {
  test.each([
    ['TRANSFORM(a, x => x + n)', { a: [1, null, 3], n: 10 }, '{"V":[11,null,13],"Z":0}'],
    ['FILTER(a, x => x > n)', { a: [1, 5, 9], n: 4 }, '{"V":[5,9],"Z":0}'],
    // One lambda inside another: each parameter keeps its own value, and siblings may share names.
    [
      'TRANSFORM(a, x => REDUCE(b, 0, (t, y) => CAST(t + x * y AS INT)))',
      { a: [1, 2], b: [10, 20] },
      '{"V":[30,60],"Z":0}',
    ],
    ['ARRAY_CONCAT(TRANSFORM(a, x => x * 2), TRANSFORM(a, x => x * 3))', { a: [1] }, '{"V":[2,3],"Z":0}'],
    [
      'REDUCE(TRANSFORM(FILTER(m, (x, y) => y % 2 <> 0), (e, f) => e + k, (g, h) => h + LEN(g)), 0, (t, u, v) => t + 2 * v)',
      { m: { a: 1, b: 2, cc: 3 } },
      '{"V":14,"Z":0}',
    ],
    // The body is converted to what the signature needs: INT to the BIGINT of the state.
    ['REDUCE(a, CAST(1 AS BIGINT), (t, x) => n)', { a: [1], n: 7 }, '{"V":7,"Z":0}'],
    ['TRANSFORM(a, x => ARRAY[x, NULL])', { a: [1] }, '{"V":[[1,null]],"Z":0}'],
    ['TRANSFORM(a, x => CASE WHEN x > 1 THEN k ELSE NULL END)', { a: [1, 2] }, '{"V":[null,"k"],"Z":0}'],
  ])('%s', (expression, row, wanted) => expect(valueOf(expression, row)).toBe(wanted));

  test('works for other rows than the first, and in WHERE and GROUP BY', () => {
    const ran = runSql(
      `${source}
       CREATE TABLE t WITH (KEY_FORMAT='JSON') AS SELECT TRANSFORM(a, x => x + n) AS g, COUNT(*) AS c, COUNT(k) AS z FROM s
         WHERE REDUCE(a, 0, (t, x) => t + x) > 0 GROUP BY TRANSFORM(a, x => x + n);`,
      [
        ['s', 'p', { a: [1], n: 1 }],
        ['s', 'q', { a: [0], n: 1 }],
        ['s', 'r', { a: [2], n: 0 }],
      ],
    );
    expect(ran.lines('T')).toEqual(['[2] {"C":1,"Z":1}', '[2] {"C":2,"Z":2}']);
  });

  test('has parameters that are not taken for what the plan calls its columns', () => {
    const joined = runSql(
      `${source}
       CREATE TABLE u (id VARCHAR PRIMARY KEY, w INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=1);
       CREATE STREAM t AS SELECT s.k AS k, TRANSFORM(a, s_n => s_n + s.n) AS v, w FROM s JOIN u ON s.k = u.id;`,
      [
        ['u', 'k', { w: 1 }],
        ['s', 'k', { a: [1], n: 10 }],
      ],
    );
    expect(joined.lines('T')).toEqual(['k {"V":[11],"W":1}']);
    const grouped = runSql(
      `CREATE STREAM s (k VARCHAR KEY, a ARRAY<INT>, p STRUCT<g INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
       CREATE TABLE t AS SELECT p->g AS h, COUNT(*) AS c,
         TRANSFORM(LATEST_BY_OFFSET(a), g => g + p->g) AS v FROM s GROUP BY p->g;`,
      [['s', 'k', { a: [1], p: { g: 5 } }]],
    );
    expect(grouped.lines('T').map((line) => line.replace(/^\S* /, ''))).toEqual(['{"C":1,"V":[6]}']);
  });

  test('that fails makes its column NULL, and says why', () => {
    const ran = runSql(`${source} CREATE STREAM t AS SELECT k, FILTER(a, x => NULLIF(x > 1, TRUE)) AS v, n FROM s;`, [
      ['s', 'k', { a: [1, 2], n: 3 }],
      ['s', 'k', { a: [1], n: 4 }],
    ]);
    expect(ran.lines('T')).toEqual(['k {"V":null,"N":3}', 'k {"V":[],"N":4}']);
    expect(ran.drops).toEqual([
      'processing: the column "V" is NULL: FILTER(A, X => NULLIF((X > 1), TRUE)) failed: the condition is NULL for an element',
    ]);
  });

  test('stands in the plan as it is read', () => {
    const command = commandOf(
      `CREATE STREAM t AS SELECT id, TRANSFORM(items, x => x + CAST(amount AS INT)) AS v, 1 + 1 AS two FROM orders;`,
    );
    if (command.kind !== 'create-as') throw new Error('a query was expected');
    expect(printPlan(command.query.plan.root)).toContain(
      'TRANSFORM(ITEMS, X => (X + CAST(AMOUNT AS INTEGER))) AS V, 2 AS TWO',
    );
    expect(JSON.stringify(command.query.plan)).toContain('{"kind":"parameter","name":"X","type":{"kind":"INTEGER"}}');
  });
});

/** Nothing of the language knows this function. */
const functions = () => {
  const registry = builtInFunctions();
  registry.add(
    define({
      signature: 'PAIRS(ARRAY<A>, MAP<STRING, B>, A -> C, (C, B) -> D) -> ARRAY<STRUCT<c C, d D>>',
      doc: '',
      nulls: 'own',
      examples: [],
      body: (array: Value[], map: Map<string, Value>, first: Lambda, second: Lambda) =>
        array.map((each, i) => {
          const c = first(each);
          return [c, second(c, [...map.values()][i] ?? null)];
        }),
    }),
  );
  return registry;
};

test('the generics of a signature are told by lambdas too, each by those before it', () => {
  const expression = `PAIRS(a, m, x => 'n' + CAST(x AS STRING), (c, y) => LEN(c) + y * 2)`;
  expect(valueOf(expression, { a: [1, 22], m: { p: 3, q: 4 } }, functions())).toBe(
    '{"V":[{"C":"n1","D":8},{"C":"n22","D":11}],"Z":0}',
  );
});

describe('errors with their place', () => {
  test.each([
    [
      'TRANSFORM(items, (x, y) => x)',
      'SQL_FUNCTION_ARGUMENTS at 1:31: the function TRANSFORM does not accept (ARRAY<INTEGER>, a lambda of 2 parameters) | Its forms are TRANSFORM(ARRAY<T>, T -> U) -> ARRAY<U>; TRANSFORM(MAP<STRING, V>, (STRING, V) -> STRING, (STRING, V) -> U) -> MAP<STRING, U>.',
    ],
    ['UCASE(x => x)', 'SQL_FUNCTION_ARGUMENTS at 1:31: the function UCASE does not accept (a lambda)'],
    ['FILTER(items, x => x + 1)', 'SQL_TYPE_MISMATCH at 1:50: a value of type INTEGER cannot be used as BOOLEAN'],
    ['TRANSFORM(items, x => x + y)', 'SQL_UNKNOWN_COLUMN at 1:57: the column "Y" in SELECT does not exist'],
    [
      'TRANSFORM(items, amount => amount)',
      'SQL_LAMBDA_PARAMETER at 1:48: the lambda parameter "AMOUNT" is also a column of "ORDERS"',
    ],
    [
      'TRANSFORM(items, x => REDUCE(items, 0, (s, x) => s))',
      'SQL_LAMBDA_PARAMETER at 1:70: the lambda parameter "X" is declared twice',
    ],
    ['REDUCE(items, 0, (x, x) => x)', 'SQL_LAMBDA_PARAMETER at 1:48: the lambda parameter "X" is declared twice'],
    ['TRANSFORM(items, x => NULL)', 'SQL_UNTYPED_NULL at 1:53'],
    [
      'REDUCE(items, 0, (s, x) => amount)',
      'SQL_TYPE_MISMATCH at 1:58: a value of type DOUBLE cannot be used as INTEGER',
    ],
  ])('%s', (expression, wanted) => {
    expect(faultOf(`CREATE STREAM t AS SELECT id, ${expression} AS v FROM orders;`)).toContain(wanted);
  });

  test('an aggregate cannot stand in a lambda, and takes none', () => {
    const grouped = (item: string): string =>
      faultOf(`CREATE TABLE t AS SELECT id, ${item} AS v FROM orders GROUP BY id;`);
    expect(grouped('TRANSFORM(COLLECT_LIST(customer), x => COUNT(x))')).toContain(
      'SQL_AGGREGATE_NOT_ALLOWED at 1:69: the aggregate COUNT cannot stand in a lambda',
    );
    expect(grouped('SUM(x => x)')).toContain(
      'SQL_MISPLACED_LAMBDA at 1:34: a lambda can only be an argument of a function that takes one',
    );
    expect(grouped('TRANSFORM(COLLECT_LIST(customer), x => UCASE(x))')).toBe('no fault');
  });
});

test('a signature with lambdas is printed in one way, and a mistake in it is found', () => {
  expect(parseSignature('f(array<T>,(int)->T)->T').text).toBe('F(ARRAY<T>, INTEGER -> T) -> T');
  expect(parseSignature('F((K,V)->BOOLEAN, T->U)->U').text).toBe('F((K, V) -> BOOLEAN, T -> U) -> U');
  for (const bad of ['F(() -> T) -> T', 'F((K, V)) -> T', 'F(T -> U...) -> U', 'F(ARRAY<T -> U>) -> U']) {
    expect(() => parseSignature(bad)).toThrow('signature');
  }
});
