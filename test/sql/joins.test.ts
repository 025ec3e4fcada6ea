/** Joins of a stream with a table: which keys meet, which column is the key of the result, what NULL keys become. */

import { describe, expect, test } from 'vitest';
import { commandOf, faultOf } from './support/planning.ts';
import { runSql, type Sent } from './support/running.ts';

const int = (value: number): Uint8Array => Uint8Array.of(0, 0, 0, value);

const stream = (keyFormat: string): string =>
  `CREATE STREAM s (k INT KEY, g INT, v VARCHAR) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON', KEY_FORMAT='${keyFormat}');`;
const table = (keyFormat: string, name = 't'): string =>
  `CREATE TABLE ${name} (id INT PRIMARY KEY, n INT) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, VALUE_FORMAT='JSON', KEY_FORMAT='${keyFormat}');`;
const keyAs = (format: string, value: number): unknown => (format === 'KAFKA' ? int(value) : value);

describe('sides with keys in different formats', () => {
  const formats = ['KAFKA', 'JSON'];
  const choices = formats.flatMap((s) => formats.flatMap((t) => formats.map((sink) => [s, t, sink] as const)));

  test.each(choices)('stream %s, table %s, sink %s: joined by the key, and by another column', (s, t, sink) => {
    const records: Sent[] = [
      ['t', keyAs(t, 1), { N: 10 }],
      ['t', keyAs(t, 2), { N: 20 }],
      ['s', keyAs(s, 1), { G: 2, V: 'a' }],
      ['t', keyAs(t, 2), null],
      ['t', keyAs(t, 1), { N: 11 }],
      ['s', keyAs(s, 1), { G: 2, V: 'b' }],
      ['s', keyAs(s, 2), { G: 1, V: 'c' }],
    ];
    const run = (on: string): string[] =>
      runSql(
        `${stream(s)}${table(t)}
         CREATE STREAM o WITH (KEY_FORMAT='${sink}') AS SELECT t.id, s.v, t.n FROM s JOIN t ON ${on} = t.id;`,
        records,
      ).lines('O');
    const key = (value: number): string => (sink === 'KAFKA' ? `0000000${value}` : `${value}`);
    expect(run('s.k')).toEqual([`${key(1)} {"V":"a","N":10}`, `${key(1)} {"V":"b","N":11}`]);
    expect(run('s.g')).toEqual([`${key(2)} {"V":"a","N":20}`, `${key(1)} {"V":"c","N":11}`]);
  });

  test.each(choices)('stream %s, first table %s, second table %s: joined with both', (s, first, second) => {
    const run = (on: readonly [string, string]): string[] =>
      runSql(
        `${stream(s)}${table(first)}${table(second, 'u')}
         CREATE STREAM o WITH (KEY_FORMAT='JSON') AS SELECT t.id, u.id AS uid, s.v, t.n AS n, u.n AS un
           FROM s JOIN t ON ${on[0]} = t.id LEFT JOIN u ON ${on[1]} = u.id ${on[0] === on[1] ? '' : 'PARTITION BY t.id'};`,
        [
          ['t', keyAs(first, 1), { N: 10 }],
          ['t', keyAs(first, 2), { N: 20 }],
          ['u', keyAs(second, 1), { N: 100 }],
          ['u', keyAs(second, 2), { N: 200 }],
          ['s', keyAs(s, 1), { G: 2, V: 'a' }],
        ],
      ).lines('O');
    expect(run(['s.k', 's.k'])).toEqual(['1 {"UID":1,"V":"a","N":10,"UN":100}']);
    expect(run(['s.g', 's.g'])).toEqual(['2 {"UID":2,"V":"a","N":20,"UN":200}']);
    expect(run(['s.k', 's.g'])).toEqual(['1 {"UID":2,"V":"a","N":10,"UN":200}']);
    expect(run(['s.g', 's.k'])).toEqual(['2 {"UID":1,"V":"a","N":20,"UN":100}']);
  });
});

describe('a NULL key', () => {
  const records: Sent[] = [
    ['t', int(1), { N: 10 }],
    ['s', null, { G: 1, V: 'no key' }],
    ['s', int(1), { G: null, V: 'no group' }],
    ['s', int(1), { G: 1, V: 'both' }],
  ];
  const run = (join: string, on: string): { lines: string[]; drops: number } => {
    const ran = runSql(
      `${stream('KAFKA')}${table('KAFKA')}
       CREATE STREAM o WITH (KEY_FORMAT='JSON') AS SELECT t.id, s.v, t.n FROM s ${join} t ON ${on} = t.id;`,
      records,
    );
    return { lines: ran.lines('O'), drops: ran.drops.length };
  };

  test('is kept by LEFT JOIN, without a row of the table', () => {
    expect(run('LEFT JOIN', 's.k')).toEqual({
      lines: ['null {"V":"no key","N":null}', '1 {"V":"no group","N":10}', '1 {"V":"both","N":10}'],
      drops: 0,
    });
    expect(run('LEFT JOIN', 's.g')).toEqual({
      lines: ['1 {"V":"no key","N":10}', 'null {"V":"no group","N":null}', '1 {"V":"both","N":10}'],
      drops: 0,
    });
  });

  test('is left out by JOIN, and noted', () => {
    expect(run('JOIN', 's.k')).toEqual({ lines: ['1 {"V":"no group","N":10}', '1 {"V":"both","N":10}'], drops: 1 });
    expect(run('JOIN', 's.g')).toEqual({ lines: ['1 {"V":"no key","N":10}', '1 {"V":"both","N":10}'], drops: 1 });
  });
});

describe('the key of the result', () => {
  const schemaOf = (select: string, on: string): string => {
    const command = commandOf(`CREATE STREAM x AS SELECT ${select} FROM orders o JOIN customers c ON ${on};`);
    if (command.kind !== 'create-as') throw new Error('a query was expected');
    const { key, value } = command.source.schema;
    return [...key.map((column) => `${column.name} KEY`), ...value.map((column) => column.name)].join(', ');
  };

  test('is the first of the columns that the join makes equal, from left to right, that is selected', () => {
    expect(schemaOf('c.name, o.customer AS who, o.id', 'o.customer = c.name')).toBe('WHO KEY, NAME, ID');
    expect(schemaOf('o.customer AS who, c.name, o.id', 'c.name = o.customer')).toBe('WHO KEY, NAME, ID');
    expect(schemaOf('c.name, o.id', 'o.customer = c.name')).toBe('NAME KEY, ID');
    expect(schemaOf('c.name, c.name AS again, o.customer', 'o.customer = c.name')).toBe('CUSTOMER KEY, NAME, AGAIN');
  });

  test('is a column: an expression of the condition is a value like others', () => {
    expect(schemaOf('UCASE(o.customer) AS upper, c.name, o.id', 'UCASE(o.customer) = c.name')).toBe(
      'NAME KEY, UPPER, ID',
    );
    expect(schemaOf('*', 'UCASE(o.customer) = c.name')).toMatch(/^C_NAME KEY, O_ID, O_CUSTOMER, /);
    expect(
      faultOf(
        'CREATE STREAM x AS SELECT UCASE(customer) AS u, id FROM orders JOIN customers ON UCASE(customer) = name;',
      ),
    ).toMatch(/^SQL_MISSING_KEY_COLUMN at .* must name the key column CUSTOMERS.NAME /);
  });

  test('stands once', () => {
    expect(
      faultOf(
        'CREATE STREAM x AS SELECT customer, customer AS again, id FROM orders JOIN customers ON customer = name;',
      ),
    ).toMatch(/^SQL_DUPLICATE_KEY_COLUMN at 1:37: /);
  });
});

test('the key of the table is NULL where it has no row, whatever is selected', () => {
  const records: Sent[] = [
    ['t', int(1), { N: 10 }],
    ['s', int(1), { G: 0, V: 'a' }],
    ['s', int(2), { G: 0, V: 'b' }],
  ];
  const run = (query: string): string[] =>
    runSql(`${stream('KAFKA')}${table('KAFKA')}CREATE ${query};`, records).lines('O');
  const json = "WITH (KEY_FORMAT='JSON') AS SELECT";
  const from = 'FROM s LEFT JOIN t ON s.k = t.id';
  expect(run(`STREAM o ${json} t.id, v ${from} WHERE t.id IS NULL`)).toEqual(['2 {"V":"b"}']);
  expect(run(`STREAM o ${json} s.k, t.id, v ${from} WHERE t.id IS NULL`)).toEqual(['2 {"ID":null,"V":"b"}']);
  expect(run(`TABLE o ${json} t.id, COUNT(*) AS c ${from} GROUP BY t.id`)).toEqual(['1 {"C":1}']);
});

test('the star behind PARTITION BY has the new key and the columns of both sides', () => {
  const schemaOf = (by: string): string => {
    const command = commandOf(
      `CREATE STREAM x AS SELECT * FROM orders o JOIN customers c ON o.customer = c.name PARTITION BY ${by};`,
    );
    if (command.kind !== 'create-as') throw new Error('a query was expected');
    const { key, value } = command.source.schema;
    return [...key.map((column) => `${column.name} KEY`), ...value.map((column) => column.name)].join(', ');
  };
  const rest = 'O_ITEMS, O_PLACE, O_TS, C_NAME, C_CITY, C_SINCE';
  expect(schemaOf('c.since')).toBe(`C_SINCE KEY, O_ID, O_CUSTOMER, O_AMOUNT, ${rest.replace(', C_SINCE', '')}`);
  expect(schemaOf('c.since + 1')).toBe(`KSQL_COL_0 KEY, O_ID, O_CUSTOMER, O_AMOUNT, ${rest}`);
});

test('a windowed stream is not joined with a table: its keys carry windows', () => {
  const fault = (on: string): string =>
    faultOf(`CREATE STREAM x AS SELECT c.name, n FROM windows w JOIN customers c ON ${on} = c.name;`);
  expect(fault('w.k')).toMatch(/^SQL_WINDOWED_SOURCE at 1:57: "WINDOWS" is windowed and "CUSTOMERS" is not/);
  expect(fault('UCASE(w.k)')).toMatch(/^SQL_WINDOWED_SOURCE /);
});
