/** Table functions: where they may stand, and the rows that they make, from the plan in the statement log to the
 *  topic. */

import { afterEach, describe, expect, test } from 'vitest';
import { flatMapRows } from '../../sql/compile/flat-map.ts';
import { defineTable } from '../../sql/functions/define.ts';
import { builtInFunctions } from '../../sql/functions/index.ts';
import { EvaluationError, printPlan, ScanRegistry } from '../../sql/index.ts';
import { arrayOf, integerType } from '../../sql/types/type.ts';
import type { Row } from '../../sql/types/value.ts';
import { run as runOperator } from '../support/changes.ts';
import { commandOf, faultOf } from './support/planning.ts';
import { runSql } from './support/running.ts';
import { closeWorlds, openWorld, rowsOf } from './support/world.ts';

afterEach(closeWorlds);

const source = `CREATE STREAM s (k VARCHAR KEY, a ARRAY<INT>, b ARRAY<VARCHAR>, n INT)
  WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`;

/** Nothing of the language knows this function. */
const functions = () => {
  const registry = builtInFunctions();
  registry.add(
    defineTable({
      signature: 'COUNTDOWN(INT, literal INT) -> STRUCT<nth INT, last BOOLEAN>',
      doc: '',
      nulls: 'propagate',
      examples: [],
      bind: ({ constants }) =>
        function* down(from: number): Generator<Row> {
          for (let at = from; at >= (constants[1] as number); at--) {
            if (at === 13) throw new EvaluationError('13 is left out');
            yield [at, at === constants[1]];
          }
        },
    }),
  );
  return registry;
};

const run = (select: string, records: readonly (object | null)[]) => {
  const ran = runSql(
    `${source} CREATE STREAM t AS ${select};`,
    records.map((value, i) => ['s', 'k', value, i]),
    functions(),
  );
  return [...ran.lines('T', 'times').map((line) => line.replace(/^k /, '')), ...ran.drops];
};

describe('rows', () => {
  test('a function that the language does not know makes rows of its own, in expressions too', () => {
    expect(
      run('SELECT k, n, COUNTDOWN(n, 1)->nth * 10 AS v, COUNTDOWN(n, 1)->last AS z FROM s', [
        { n: 2 },
        { n: 0 },
        { n: null },
        null,
      ]),
    ).toEqual(['{"N":2,"V":20,"Z":false} @0', '{"N":2,"V":10,"Z":true} @0']);
  });

  test('several functions go side by side; the shorter ones give NULL', () => {
    expect(
      run('SELECT k, EXPLODE(a) AS x, EXPLODE(b) AS y FROM s', [
        { a: [1, 2, 3], b: ['p'] },
        { a: [], b: null },
        { a: null, b: ['q'] },
      ]),
    ).toEqual(['{"X":1,"Y":"p"} @0', '{"X":2,"Y":null} @0', '{"X":3,"Y":null} @0', '{"X":null,"Y":"q"} @2']);
  });

  test('a call that fails ends the rows of its record, and is noted', () => {
    expect(run('SELECT k, COUNTDOWN(n, 12)->nth AS v, n FROM s', [{ n: 14 }, { n: 12 }])).toEqual([
      '{"V":14,"N":14} @0',
      '{"V":12,"N":12} @1',
      'processing: the rows of COUNTDOWN are left out: 13 is left out',
    ]);
  });

  test('a fault of ours in the other columns stays what it is', () => {
    const one = { kind: 'literal', value: 1, type: integerType } as const;
    const ones = { kind: 'array', elements: [one], type: arrayOf(integerType) } as const;
    const rows = flatMapRows({
      items: [{ name: 'N', expression: { kind: 'column', name: 'N', from: 'value', index: 0, type: integerType } }],
      calls: [{ name: 'X', function: 'EXPLODE', signature: 'EXPLODE(ARRAY<T>) -> T', args: [ones], type: integerType }],
      scope: () => ({
        column: () => () => {
          throw new Error('ours');
        },
      }),
      environment: {
        functions: builtInFunctions(),
        context: { now: () => 0, random: () => 0 },
        scans: new ScanRegistry(),
      },
    });
    expect(() => runOperator(rows, 'a: 1')).toThrow('ours');
  });

  test('WHERE comes before, PARTITION BY too; lambdas may stand in the arguments', () => {
    expect(
      run('SELECT b[1] AS w, EXPLODE(TRANSFORM(a, x => x + n)) AS v, k AS was FROM s WHERE n > 0 PARTITION BY b[1]', [
        { a: [1, 2], n: 10, b: ['p'] },
        { a: [1], n: 0, b: ['p'] },
      ]),
    ).toEqual(['p {"V":11,"WAS":"k"} @0', 'p {"V":12,"WAS":"k"} @0']);
  });

  test('a call whose column is not read still tells how many rows there are', () => {
    const ran = runSql(
      `${source}
       CREATE STREAM t AS SELECT k, EXPLODE(a) AS x, n FROM s;
       CREATE TABLE u AS SELECT k, COUNT(*) AS c, SUM(n) AS z FROM t GROUP BY k;`,
      [['s', 'k', { a: [1, 2, 3], n: 5 }]],
    );
    expect(ran.lines('U').at(-1)).toBe('k {"C":3,"Z":15}');
  });
});

test('persistent and push queries make rows on a log, joined with a table', async () => {
  const { engine, runtime } = await openWorld();
  await engine.execute(`
    SET 'auto.offset.reset' = 'earliest';
    CREATE STREAM orders (id BIGINT KEY, customer VARCHAR, items ARRAY<VARCHAR>) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE TABLE customers (name VARCHAR PRIMARY KEY, city VARCHAR) WITH (KAFKA_TOPIC='customers', VALUE_FORMAT='JSON', PARTITIONS=2);
    INSERT INTO customers (name, city) VALUES ('ann', 'Rome');`);
  await runtime.awaitIdle();
  await engine.execute(`
    CREATE STREAM lines AS SELECT o.customer AS customer, o.id AS id, EXPLODE(o.items) AS item, c.city AS city
      FROM orders o JOIN customers c ON o.customer = c.name;
    CREATE TABLE sold AS SELECT item, COUNT(*) AS n FROM lines GROUP BY item;
    INSERT INTO orders (id, customer, items) VALUES (1, 'ann', ARRAY['tea', 'milk']);
    INSERT INTO orders (id, customer, items) VALUES (2, 'ann', ARRAY['tea']);
    INSERT INTO orders (id, customer, items) VALUES (3, 'ben', ARRAY['tea']);`);
  await runtime.awaitIdle();
  expect((await rowsOf(engine, 'SELECT item, n FROM sold;')).map(String).sort()).toEqual(['milk,1', 'tea,2']);
  const pushed = await rowsOf(engine, 'SELECT id, UCASE(EXPLODE(items)) AS item FROM orders EMIT CHANGES LIMIT 4;', {
    'auto.offset.reset': 'earliest',
  });
  expect(pushed.map(String).sort()).toEqual(['1,MILK', '1,TEA', '2,TEA', '3,TEA']);
});

test('the plan prints the calls, and what is kept beside them', () => {
  const command = commandOf(
    'CREATE STREAM t AS SELECT id, EXPLODE(items) + 1 AS v, customer FROM orders WHERE amount > 1;',
  );
  if (command.kind !== 'create-as') throw new Error('a query was expected');
  expect(printPlan(command.query.plan.root)).toContain(
    '[FlatMap] streamFlatMap EXPLODE(ITEMS) AS KSQL_TABLE_FUNCTION_0; keep CUSTOMER AS CUSTOMER',
  );
});

describe('errors with their place', () => {
  test.each([
    [
      'SELECT id, EXPLODE(EXPLODE(items)) AS v FROM orders',
      'SQL_TABLE_FUNCTION at 1:39: the table function EXPLODE stands inside the table function EXPLODE',
    ],
    [
      'SELECT id, CASE WHEN amount > 1 THEN EXPLODE(items) ELSE 1 END AS v FROM orders',
      'SQL_TABLE_FUNCTION at 1:57: the table function EXPLODE stands inside CASE',
    ],
    [
      'SELECT id, TRANSFORM(items, x => EXPLODE(items)) AS v FROM orders',
      'SQL_TABLE_FUNCTION at 1:53: the table function EXPLODE stands inside a lambda',
    ],
    [
      'SELECT id, amount FROM orders WHERE EXPLODE(items) > 1',
      'SQL_TABLE_FUNCTION at 1:56: the table function EXPLODE cannot be used here | Table functions stand in the SELECT list of a query over a stream.',
    ],
    ['SELECT id, amount FROM orders PARTITION BY EXPLODE(items)', 'SQL_TABLE_FUNCTION at 1:63'],
    [
      'SELECT EXPLODE(items) AS v, COUNT(*) AS n FROM orders GROUP BY EXPLODE(items)',
      'SQL_TABLE_FUNCTION at 1:27: table functions cannot be used together with aggregates',
    ],
    ['SELECT o.id, c.city FROM orders o JOIN customers c ON EXPLODE(o.items) = c.name', 'SQL_TABLE_FUNCTION at 1:74'],
    [
      'SELECT id, EXPLODE(place) AS v FROM orders',
      'SQL_FUNCTION_ARGUMENTS at 1:31: the function EXPLODE does not accept (STRUCT<',
    ],
  ])('%s', (select, wanted) => expect(faultOf(`CREATE STREAM t AS ${select};`)).toContain(wanted));

  test('on a table, in a pull query, in VALUES', async () => {
    expect(faultOf('CREATE TABLE t AS SELECT name, EXPLODE(ARRAY[city]) AS v FROM customers;')).toContain(
      'SQL_TABLE_FUNCTION at 1:32: the table function EXPLODE cannot be used on a table',
    );
    const { engine } = await openWorld();
    await engine.execute(source);
    await expect(rowsOf(engine, 'SELECT EXPLODE(a) FROM s;')).rejects.toThrow('cannot be used in a pull query');
    await expect(engine.execute(`INSERT INTO s (k, n) VALUES ('k', EXPLODE(ARRAY[1]));`)).rejects.toThrow(
      'the table function EXPLODE cannot be used here',
    );
  });
});
