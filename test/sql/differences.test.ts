/**
 * Where the dialect differs from ksqlDB on purpose: docs/differences.md says why, row by row, and names these tests.
 *
 * A row may also name a test elsewhere, where the rule is tested among its like.
 */

import { describe, expect, test } from 'vitest';
import { SerdeError } from '../../sql/formats/format.ts';
import { plainJsonReader } from '../../sql/formats/json-plain.ts';
import { arrayOf, integerType, type SqlType, stringType } from '../../sql/types/type.ts';
import { aggregate, evaluate, evaluateTyped, type TestColumn, typed } from './evaluate/support.ts';
import { readText, wrapped } from './formats/support.ts';
import { commandOf, faultOf, planAll, sources } from './support/planning.ts';
import { runSql } from './support/running.ts';

const columns: Readonly<Record<string, TestColumn>> = {
  N: { type: { kind: 'INTEGER' }, value: null },
  B: { type: { kind: 'BOOLEAN' }, value: true },
  S: { type: { kind: 'STRING' }, value: null },
  T: { type: { kind: 'TIMESTAMP' }, value: 0 },
};

const dayMs = 86_400_000;

describe('values and expressions', () => {
  test('arithmetic with NULL is NULL wherever it stands', () => {
    expect(evaluate('N + 1', columns)).toBe(null);
    expect(evaluate('COALESCE(N + 1, 0)', columns)).toBe(0);
    expect(evaluate('N + 1 > 0 OR B', columns)).toBe(true);
    expect(evaluate('B OR N + 1 > 0', columns)).toBe(true);
    expect(evaluate('N + 1 IS NULL', columns)).toBe(true);
  });

  test('a text plus NULL is NULL', () => {
    expect(evaluate("'a' + S", columns)).toBe(null);
    expect(evaluate("CONCAT('a', S)", columns)).toBe('a');
  });

  test('a text is padded to a bounded length', () => {
    expect(() => evaluate("LPAD('x', 400000000, 'abc')", columns)).toThrow('16777216 is the most');
    expect(() => evaluate("RPAD('x', 16777217, 'a')", columns)).toThrow('16777216 is the most');
    expect(evaluate("LEN(LPAD('x', 16777216, 'a'))", columns)).toBe(16_777_216);
  });

  test('a text beside ROWTIME is a time in every clause', () => {
    expect(evaluateTyped(typed("ROWTIME > '1970-01-01'"), {}, 1)).toBe(true);
    expect(faultOf("CREATE STREAM x AS SELECT id, ROWTIME > '2020' AS late FROM orders;")).toBe('no fault');
    expect(faultOf("CREATE STREAM x AS SELECT * FROM orders WHERE ROWTIME > '2020';")).toBe('no fault');
  });

  test('BETWEEN compares what can be compared', () => {
    expect(faultOf("CREATE STREAM x AS SELECT * FROM orders WHERE id BETWEEN 'a' AND 'b';")).toMatch(
      /^SQL_TYPE_MISMATCH/,
    );
  });

  test('a unit of time may be singular', () => {
    for (const unit of ['DAYS', "'DAYS'"]) expect(evaluate(`TIMESTAMPADD(${unit}, 1, T)`, columns)).toBe(dayMs);
    expect(faultOf('CREATE STREAM x AS SELECT id, TIMESTAMPADD(DAY, 1, FROM_UNIXTIME(ts)) AS t FROM orders;')).toBe(
      'no fault',
    );
  });

  test('numbers print as in Java 19 and later', () => {
    expect(evaluate('CAST(2E23 AS STRING)')).toBe('2.0E23');
    expect(evaluate('TO_JSON_STRING(2E23)')).toBe('2.0E23');
  });

  test('functions of analysis are right but for the last digit', () => {
    expect(evaluate('COSH(1)')).toBeCloseTo((Math.E + 1 / Math.E) / 2, 14);
    expect(evaluate('LN(10)')).toBeCloseTo(Math.LN10, 14);
  });

  test('zeros of both signs are equal', () => {
    const zeros = { P: { type: { kind: 'DOUBLE' }, value: 0 }, M: { type: { kind: 'DOUBLE' }, value: -0 } } as const;
    expect(evaluate('P = M', zeros)).toBe(true);
    expect(evaluate('P IN (1E0, M)', zeros)).toBe(true);
    expect(evaluate('P IS DISTINCT FROM M', zeros)).toBe(false);
    expect(evaluate('NULLIF(P, M)', zeros)).toBe(null);
    expect(evaluate('ARRAY_DISTINCT(ARRAY[P, M])', zeros)).toEqual([0]);
  });

  test('maps keep the order of their entries', () => {
    expect(evaluate("MAP_KEYS(MAP('b' := 1, 'a' := 2))")).toEqual(['b', 'a']);
    expect(evaluate("CAST(MAP('b' := 1, 'a' := 2) AS STRING)")).toBe('{b=1, a=2}');
    expect(evaluate("REDUCE(MAP('b' := 1, 'a' := 2), '', (s, k, v) => s + k)")).toBe('ba');
  });

  test('a TIMESTAMP is a safe integer', () => {
    const outOfRange = /the point in time is out of range/;
    expect(evaluate('FROM_UNIXTIME(9007199254740991)')).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => evaluate('FROM_UNIXTIME(9007199254740992)')).toThrow(outOfRange);
    expect(() => evaluate('TIMESTAMPADD(DAYS, 2147483647, T)', columns)).toThrow(outOfRange);
    expect(() => evaluate("TIMESTAMPTOSTRING(9007199254740992, 'yyyy')")).toThrow(outOfRange);
  });

  test('constants that cannot work are refused', () => {
    const refused = (item: string): string => faultOf(`CREATE STREAM x AS SELECT id, ${item} AS c FROM orders;`);
    for (const item of [
      "FORMAT_TIMESTAMP(FROM_UNIXTIME(ts), 'R')",
      "FORMAT_TIMESTAMP(FROM_UNIXTIME(ts), 'z', 'Nowhere')",
      "PARSE_TIMESTAMP(customer, 'YYYY-ww')",
      "EXTRACTJSONFIELD(customer, 'a')",
      "REGEXP_EXTRACT('(a', customer)",
      "REGEXP_REPLACE(customer, 'a', '$1')",
    ]) {
      expect(refused(item)).toMatch(/^SQL_BAD_CONSTANT at 1:31/);
    }
    expect(() => evaluate("EXTRACTJSONFIELD('{}', 'a' || '')")).toThrow(/the JSON path 'a' is not of the form/);
  });

  test('a series has at most a million numbers', () => {
    expect(() => evaluate('GENERATE_SERIES(0, 9223372036854775807)')).toThrow('1000000');
    expect(evaluate('ARRAY_LENGTH(GENERATE_SERIES(1, 1000000))')).toBe(1_000_000);
  });

  test('the end of a text is one place', () => {
    expect(evaluate("REGEXP_EXTRACT_ALL('b?$', 'ab' + CHR(10))")).toEqual(['']);
    expect(evaluate("REGEXP_EXTRACT_ALL('b(\\R)?$', 'ab' + CHR(10))")).toEqual(['b\n']);
  });

  test('a repetition goes on behind a part that matched nothing', () => {
    expect(evaluate("REGEXP_EXTRACT('(b?|.)*', 'b.c')")).toBe('b.c');
    expect(evaluate("REGEXP_EXTRACT('(|a)*', 'aaa')")).toBe('');
  });

  test('words of regular expressions are of ASCII', () => {
    expect(evaluate("REGEXP_EXTRACT_ALL('\\bé', 'aéb')")).toEqual(['é']);
    expect(evaluate("REGEXP_SPLIT_TO_ARRAY('😀a', '')")).toEqual(['😀', 'a']);
  });

  test('a constant text beside a TIMESTAMP is one', () => {
    expect(() => typed("T > 'no time'", columns)).toThrow(/invalid input for type TIMESTAMP/);
  });

  test('long names of months and days are read', () => {
    expect(evaluate("PARSE_TIMESTAMP('Monday, 11 May 2020', 'EEEE, d MMMM yyyy')")).toBe(Date.UTC(2020, 4, 11));
  });

  test('the letter F counts as in Java 19 and later', () => {
    expect(evaluate("FORMAT_TIMESTAMP('2020-05-07', 'F')")).toBe('1');
    expect(evaluate("FORMAT_TIMESTAMP('2020-05-08', 'F')")).toBe('2');
  });

  test('zones are what their names say', () => {
    expect(evaluate("FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'HH', 'EST')")).toBe('19');
    expect(evaluate("CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', 'UTC+1')")).toBe(3_600_000);
    const meanTime = evaluate("CONVERT_TZ('1800-01-01', 'UTC', 'Europe/Berlin')");
    expect(evaluate("FORMAT_TIMESTAMP('1800-01-01', 'HH:mm:ss', 'Europe/Berlin')")).toBe('00:53:28');
    expect(meanTime).toBe(Date.UTC(1800, 0, 1, 0, 53, 28));
  });

  test('a field that stands twice is read twice', () => {
    const read = (type: SqlType, text: string) => readText(plainJsonReader([{ name: 'V', type }], wrapped), text)?.[0];
    expect(read(integerType, '{"V":1,"V":2}')).toBe(2);
    expect(() => read(integerType, '{"V":[],"V":2}')).toThrow(SerdeError);
    expect(read(stringType, '{"V":{"a":1,"a":2}}')).toBe('{"a":1,"a":2}');
  });

  test('a null of JSON is NULL', () => {
    expect(evaluate("EXTRACTJSONFIELD('null', '$')")).toBe(null);
    expect(evaluate(`EXTRACTJSONFIELD('{"a": null}', '$.a')`)).toBe(null);
  });

  test('any two values are distinct or not', () => {
    expect(evaluate('S IS DISTINCT FROM N', columns)).toBe(false);
    expect(evaluate('B IS NOT DISTINCT FROM T', columns)).toBe(false);
    expect(evaluate("'1' IS DISTINCT FROM 1")).toBe(true);
  });

  test('collections of different types are not compared', () => {
    expect(() => typed("ARRAY[1] = ARRAY['1']")).toThrow(/cannot be compared with =/);
  });

  test('arguments of one generic type take the wider of their types', () => {
    expect(evaluate('COALESCE(N, 1.5E0)', columns)).toBe(1.5);
    expect(evaluate('ROUND(15, -1)')).toBe(20);
    expect(() => evaluate('GREATEST(1, 2.5)')).toThrow('is ambiguous');
    expect(evaluate('ARRAY_LENGTH(NULL)')).toBe(null);
  });

  test('an index that is NULL gives NULL', () => {
    expect(evaluate('ARRAY[1, 2][N] IS NULL', columns)).toBe(true);
  });

  test('a BIGINT is an index', () => {
    expect(evaluate('ARRAY[1, 2][CAST(2 AS BIGINT)]')).toBe(2);
    expect(evaluate('ARRAY[1, 2][4294967297]')).toBe(null);
  });

  test('a length may reach beyond the end', () => {
    expect(evaluate("SUBSTRING('Hello', 4, 2147483647)")).toBe('lo');
  });

  test('places beyond all digits change nothing', () => {
    expect(evaluate('ROUND(1.5E0, 2147483647)')).toBe(1.5);
    expect(evaluate('TRUNC(1.5E0, -2147483647)')).toBe(0);
  });

  test('CONCAT_WS needs a separator and a text', () => {
    expect(() => typed("CONCAT_WS(',')")).toThrow(/does not accept/);
  });

  test('IN compares as = does', () => {
    const day = { D: { type: { kind: 'DATE' }, value: 18_000 }, M: { type: { kind: 'TIME' }, value: 5 } } as const;
    expect(evaluate("D IN ('2019-04-14', '2020-01-01')", day)).toBe(true);
    expect(evaluate("M IN ('00:00:00.005')", day)).toBe(true);
    expect(evaluate('ARRAY[1.5] = ARRAY[1.500]')).toBe(true);
  });

  test('CONCAT takes the same BYTES twice', () => {
    const b = { B: { type: { kind: 'BYTES' }, value: new Uint8Array([1, 255]) } } as const;
    expect(evaluate("FROM_BYTES(CONCAT(B, B), 'hex')", b)).toBe('01FF01FF');
    expect(evaluate("FROM_BYTES(CONCAT(CONCAT(B, B), B), 'hex')", b)).toBe('01FF01FF01FF');
  });

  test('CONCAT_WS puts BYTES between BYTES', () => {
    expect(
      evaluate("FROM_BYTES(CONCAT_WS(TO_BYTES('-', 'utf8'), TO_BYTES('ab', 'utf8'), TO_BYTES('c', 'utf8')), 'utf8')"),
    ).toBe('ab-c');
  });

  test('a rounded DECIMAL fits its type', () => {
    expect(evaluate('ROUND(98.99)')).toBe(99n);
    for (const call of ['ROUND(99.99)', 'ROUND(99.99, 1)', 'CEIL(99.99)']) {
      expect(() => evaluate(call)).toThrow(/does not fit DECIMAL/);
    }
  });

  test('the text of a collection has its dates by the Gregorian calendar', () => {
    const old = { D: { type: { kind: 'DATE' }, value: -200_000 } } as const;
    expect(evaluate('CAST(D AS STRING)', old)).toBe('1422-06-03');
    expect(evaluate('CAST(ARRAY[D] AS STRING)', old)).toBe('[1422-06-03]');
  });

  test('any number of hours is added to a TIME or taken from it', () => {
    const midnight = { M: { type: { kind: 'TIME' }, value: 0 } } as const;
    const hours = 3_600_000;
    expect(evaluate('TIMESUB(HOURS, 2147483647, M)', midnight)).toBe(17 * hours);
    expect(evaluate('TIMEADD(HOURS, 2147483647, M)', midnight)).toBe(7 * hours);
    expect(evaluate('TIMESUB(HOURS, -2147483648, M)', midnight)).toBe(8 * hours);
  });

  test('operators take any operand of their type', () => {
    expect(evaluate('1 IS NULL')).toBe(false);
    expect(evaluate('(N = 1) IS NULL', columns)).toBe(false);
    expect(evaluate('1 IN (NULL)')).toBe(false);
    expect(evaluate('ABS(-2) BETWEEN 1 AND 3')).toBe(true);
    expect(evaluate("'a%' LIKE 'a\\%' ESCAPE '\\'")).toBe(true);
  });

  test('HISTOGRAM counts NULL as the text null', () => {
    expect(aggregate('HISTOGRAM', stringType, [null, 'null', 'x'])).toEqual(
      new Map([
        ['null', 2],
        ['x', 1],
      ]),
    );
    expect(aggregate('HISTOGRAM', stringType, ['x', 'z'], ['x', 'y'])).toEqual(new Map([['z', 1]]));
  });

  test('a deviation is no sum that wraps', () => {
    expect(aggregate('STDDEV_SAMP', integerType, [2147483647, 2147483645])).toBe(2);
  });

  test('ARRAY_SORT leaves its argument as it is', () => {
    const array = { A: { type: arrayOf(integerType), value: [2, 1] } };
    expect(evaluate('ARRAY[ARRAY_SORT(A), A]', array)).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });
});

describe('statements', () => {
  test('a generated name is never one that is taken', () => {
    const command = commandOf('CREATE STREAM x AS SELECT id, amount + 1 AS KSQL_COL_0, amount + 2 FROM orders;');
    expect(command.kind === 'create-as' && command.source.schema.value.map((column) => column.name)).toEqual([
      'KSQL_COL_0',
      'KSQL_COL_1',
    ]);
  });

  test('a table behind a foreign key is joined by the key of the rows', () => {
    const tables = ['t1', 't2', 't3'].map(
      (name) =>
        `CREATE TABLE ${name} (id INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, VALUE_FORMAT='JSON');`,
    );
    expect(
      faultOf(
        'CREATE TABLE x AS SELECT t1.id, t1.v FROM t1 JOIN t2 ON t1.v = t2.id JOIN t3 ON t2.id = t3.id;',
        tables.join(''),
      ),
    ).toMatch(/^SQL_JOIN_CONDITION.*by the key of the tables before it/);
  });

  test('a row that is joined by a foreign key has the later time of both', () => {
    const tables = ['a (id VARCHAR PRIMARY KEY, ref VARCHAR)', 'b (id VARCHAR PRIMARY KEY, w INT)'].map(
      (columns) => `CREATE TABLE ${columns} WITH (KAFKA_TOPIC='${columns[0]}', PARTITIONS=1, VALUE_FORMAT='JSON');`,
    );
    const ran = runSql(`${tables.join('')}CREATE TABLE o AS SELECT a.id, w FROM a JOIN b ON a.ref = b.id;`, [
      ['a', 'k', { REF: 'x' }, 20],
      ['b', 'x', { W: 1 }, 5],
      ['b', 'x', null, 30],
      ['a', 'k', { REF: 'x' }, 40],
    ]);
    expect(ran.lines('O', 'times')).toEqual(['k {"W":1} @20', 'k null @30', 'k null @40']);
  });

  test('a row of a join has the time at which it became so', () => {
    const tables = ['a', 'b', 'c'].map(
      (name) =>
        `CREATE TABLE ${name} (id VARCHAR PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, VALUE_FORMAT='JSON');`,
    );
    const query = `CREATE TABLE o AS SELECT b.id, a.v AS av, c.v AS cv FROM a RIGHT JOIN b ON a.id = b.id JOIN c ON b.id = c.id;`;
    const ran = runSql(`${tables.join('')}${query}`, [
      ['b', 'k', { V: 1 }, 10],
      ['a', 'k', { V: 2 }, 20],
      ['a', 'k', null, 30],
      ['c', 'k', { V: 3 }, 15],
    ]);
    expect(ran.lines('O', 'times')).toEqual(['k {"AV":null,"CV":3} @30']);
  });

  test('INSERT converts numbers and texts to each other', () => {
    const t =
      "CREATE STREAM t (i INT, s VARCHAR, d DECIMAL(4, 2)) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);";
    const planned = planAll(`${t} INSERT INTO t VALUES ('5', 1.50, '2.5');`);
    expect(planned.kind === 'record' && new TextDecoder().decode(planned.record.value ?? undefined)).toBe(
      '{"I":5,"S":"1.50","D":2.50}',
    );
    expect(faultOf("INSERT INTO t (i) VALUES ('five');", t)).toMatch(/^SQL_BAD_TEXT/);
  });

  test('a key that INSERT leaves out is NULL', () => {
    const t = "CREATE STREAM t (k INT KEY, v INT) WITH (KAFKA_TOPIC='t', FORMAT='DELIMITED', PARTITIONS=1);";
    const planned = planAll(`${t} INSERT INTO t (v) VALUES (1);`);
    expect(planned.kind === 'record' && planned.record.key).toBe(null);
  });

  test('a column of INSERT stands once', () => {
    expect(faultOf('INSERT INTO pairs (a, a, b) VALUES (1, 2, 3);')).toMatch(/^SQL_DUPLICATE_COLUMN at 1:23/);
  });

  test('what a replaced query reads may change, where it keeps nothing of it', () => {
    const counts = 'CREATE TABLE c AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;';
    const replaced = (query: string): string =>
      faultOf(`CREATE OR REPLACE TABLE c AS ${query};`, `${sources}${counts}`);
    expect(replaced('SELECT customer, COUNT(*) AS n FROM orders WHERE amount > 1 GROUP BY customer')).toBe('no fault');
    expect(replaced('SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer HAVING COUNT(*) > 1')).toBe(
      'no fault',
    );
    expect(replaced('SELECT customer, COUNT(*) AS n, COUNT(*) * 2 AS m FROM orders GROUP BY customer')).toBe(
      'no fault',
    );
    expect(replaced('SELECT customer, COUNT(*) AS n, SUM(amount) AS m FROM orders GROUP BY customer')).toMatch(
      /^SQL_NOT_REPLACEABLE/,
    );
  });

  test('a table that keeps its own rows gets columns behind them, and no other change of them', () => {
    const copy = 'CREATE TABLE c AS SELECT name, city FROM customers;';
    expect(faultOf('CREATE OR REPLACE TABLE c AS SELECT name, city, since FROM customers;', `${sources}${copy}`)).toBe(
      'no fault',
    );
    expect(
      faultOf('CREATE OR REPLACE TABLE c AS SELECT name, since AS city FROM customers;', `${sources}${copy}`),
    ).toMatch(/^SQL_NOT_REPLACEABLE.*the column `?"?CITY.* is changed, missing or at another place/);
    const joined = 'CREATE TABLE j AS SELECT a.name AS name, a.city AS c FROM customers a JOIN c b ON a.name = b.name;';
    expect(
      faultOf(
        joined.replace('CREATE', 'CREATE OR REPLACE').replace(' AS c', " AS c, a.city + 'x' AS d"),
        `${sources}${copy}${joined}`,
      ),
    ).toBe('no fault');
    expect(
      faultOf(
        joined.replace('CREATE', 'CREATE OR REPLACE').replace(' AS c', ' AS c, a.since AS d'),
        `${sources}${copy}${joined}`,
      ),
    ).toMatch(/^SQL_NOT_REPLACEABLE.*keeps in the store Join-Left would have other columns/);
    expect(
      faultOf(
        joined.replace('CREATE', 'CREATE OR REPLACE').replace(' JOIN', ' LEFT JOIN'),
        `${sources}${copy}${joined}`,
      ),
    ).toMatch(/^SQL_NOT_REPLACEABLE.*must keep its type: inner, and not left/);
    expect(
      faultOf("CREATE OR REPLACE TABLE c AS SELECT name, city FROM customers WHERE city <> 'x';", `${sources}${copy}`),
    ).toBe('no fault');
  });

  test('a name that means something already is not taken for a type or a column', () => {
    expect(faultOf('CREATE TYPE string AS INT;')).toMatch(/^SQL_RESERVED_NAME/);
    expect(faultOf('ALTER STREAM orders ADD COLUMN ROWTIME BIGINT;')).toMatch(/^SQL_RESERVED_NAME/);
    const traced =
      "CREATE STREAM traced (v INT, trace BYTES HEADER('t')) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);";
    expect(faultOf('ALTER STREAM traced ADD COLUMN trace INT;', traced)).toMatch(/^SQL_DUPLICATE_COLUMN/);
  });
});
