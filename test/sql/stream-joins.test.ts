/** Joins of two streams: what meets, when rows without a partner go out, what the key of the result is. */

import { describe, expect, test } from 'vitest';
import { commandOf, faultOf } from './support/planning.ts';
import { runSql, type Sent } from './support/running.ts';

const sources = `
  CREATE STREAM l (id VARCHAR KEY, g VARCHAR, v INT) WITH (KAFKA_TOPIC='l', PARTITIONS=1, VALUE_FORMAT='JSON');
  CREATE STREAM r (id VARCHAR KEY, g VARCHAR, w INT) WITH (KAFKA_TOPIC='r', PARTITIONS=1, VALUE_FORMAT='JSON');`;

const left = (id: string | null, v: number, time: number): Sent => ['l', id, { G: 'x', V: v }, time];
const right = (id: string | null, w: number, time: number): Sent => ['r', id, { G: 'x', W: w }, time];

/** `l.v` and `r.w` of the results, each with its time. */
const joined = (join: string, records: readonly Sent[], key = 'l.id'): string[] =>
  runSql(`${sources}CREATE STREAM o AS SELECT ${key} AS k, v, w FROM l ${join} ON l.id = r.id;`, records)
    .lines('O', 'times')
    .map((line) => line.replace('{"V":', '').replace('"W":', '').replace('}', ''));

describe('rows of one key meet', () => {
  const records = [left('a', 1, 1000), right('a', 2, 11_000), right('a', 3, 11_001), right('b', 4, 1000)];

  test('whose times are at most so far apart, with the later one of both', () => {
    expect(joined('JOIN r WITHIN 10 SECONDS', records)).toEqual(['a 1,2 @11000']);
  });

  test.each([
    ['JOIN', ['a 0,8 @10000', 'a 0,12 @12000', 'a 0,13 @13000']],
    // A RIGHT JOIN is the LEFT JOIN of the sides exchanged, with the numbers as they are written.
    ['RIGHT JOIN', ['a 0,7 @10000', 'a 0,8 @10000', 'a 0,12 @12000', 'a null,13 @13000']],
  ])('%s: up to 2 seconds before and 3 after', (join, expected) => {
    const rights = [7, 8, 12, 13].map((second) => right('a', second, second * 1000));
    const found = joined(`${join} r WITHIN (2 SECONDS, 3 SECONDS)`, [
      ...rights.slice(0, 2),
      left('a', 0, 10_000),
      ...rights.slice(2),
    ]);
    expect(found.filter((line) => join === 'JOIN' || !/null,[78] /.test(line))).toEqual(expected);
  });

  test.each(['', ' GRACE PERIOD 0 SECONDS'])('of one time only: WITHIN 0 SECONDS%s', (grace) => {
    const sent = [left('a', 1, 10), right('a', 2, 10), right('a', 3, 11), left('a', 4, 11)];
    expect(joined(`JOIN r WITHIN 0 SECONDS${grace}`, sent)).toEqual(['a 1,2 @10', 'a 4,3 @11']);
  });
});

describe('a row without a partner', () => {
  const records = [left('a', 1, 0), right('a', 2, 5000), right('b', 3, 6000), left('c', 4, 100_000)];

  test.each([
    ['JOIN', ['a 1,2 @5000']],
    ['LEFT JOIN', ['a 1,null @0', 'a 1,2 @5000', 'c 4,null @100000']],
    ['RIGHT JOIN', ['a 1,2 @5000', 'b null,3 @6000']],
    ['FULL JOIN', ['a 1,null @0', 'a 1,2 @5000', 'b null,3 @6000', 'c 4,null @100000']],
  ])('goes out at once without GRACE PERIOD: %s', (join, expected) => {
    expect(joined(`${join} r WITHIN 10 SECONDS`, records, join === 'FULL JOIN' ? 'ROWKEY' : 'l.id')).toEqual(expected);
  });

  test.each([
    ['JOIN', ['a 1,2 @5000']],
    ['LEFT JOIN', ['a 1,2 @5000']],
    ['RIGHT JOIN', ['a 1,2 @5000', 'b null,3 @6000']],
    ['FULL JOIN', ['a 1,2 @5000', 'b null,3 @6000']],
  ])('goes out when its window has closed with GRACE PERIOD: %s', (join, expected) => {
    const sent = records.concat([left('d', 5, 100_000)]);
    expect(
      joined(`${join} r WITHIN 10 SECONDS GRACE PERIOD 1 SECOND`, sent, join === 'FULL JOIN' ? 'ROWKEY' : 'l.id'),
    ).toEqual(expected);
  });

  test('with a grace period a row is emitted alone or joined, never both', () => {
    const late = [left('a', 1, 330_000), right('b', 2, 60_000), left('b', 3, 90_000)];
    expect(joined('RIGHT JOIN r WITHIN 1 MINUTE GRACE PERIOD 1 MINUTE', late)).toEqual(['b null,2 @60000']);
    expect(joined('RIGHT JOIN r WITHIN 1 MINUTE', late)).toEqual(['b null,2 @60000', 'b 3,2 @90000']);
  });
});

test('rows without a key or a value', () => {
  const records: Sent[] = [left(null, 1, 0), right(null, 2, 1), ['l', 'a', null, 2], ['r', 'a', null, 3]];
  expect(joined('JOIN r WITHIN 1 SECOND', records)).toEqual([]);
  expect(joined('LEFT JOIN r WITHIN 1 SECOND', records)).toEqual(['null 1,null @0']);
  expect(joined('FULL JOIN r WITHIN 1 SECOND', records, 'ROWKEY')).toEqual(['null 1,null @0', 'null null,2 @1']);
});

test('either side gets another key, and its columns are NULL where it has no row', () => {
  const run = (query: string): string[] =>
    runSql(`${sources}CREATE STREAM o WITH (KEY_FORMAT='JSON') AS SELECT ${query};`, [
      ['l', 'a', { G: 'p', V: 1 }],
      ['r', 'b', { G: 'p', W: 2 }],
      ['r', 'a', { G: 'q', W: 3 }],
    ]).lines('O');
  expect(run('l.g, l.id, r.id, v, w FROM l JOIN r WITHIN 1 SECOND ON l.g = r.g')).toEqual([
    '"p" {"L_ID":"a","R_ID":"b","V":1,"W":2}',
  ]);
  expect(run('ROWKEY, l.g, r.g, l.id, r.id FROM l FULL JOIN r WITHIN 1 SECOND ON l.g = r.g')).toEqual([
    '"p" {"L_G":"p","R_G":null,"L_ID":"a","R_ID":null}',
    '"p" {"L_G":"p","R_G":"p","L_ID":"a","R_ID":"b"}',
    '"q" {"L_G":null,"R_G":"q","L_ID":null,"R_ID":"a"}',
  ]);
  expect(run('r.id, r.g, l.g, w FROM l RIGHT JOIN r WITHIN 1 SECOND ON l.id = r.id')).toEqual([
    '"b" {"R_G":"p","L_G":null,"W":2}',
    '"a" {"R_G":"q","L_G":"p","W":3}',
  ]);
  expect(run('ROWKEY AS k, v, w FROM l JOIN r WITHIN 1 SECOND ON UCASE(l.g) = UCASE(r.g)')).toEqual([
    '"P" {"V":1,"W":2}',
  ]);
});

describe('three streams and tables', () => {
  const more = `${sources}
    CREATE STREAM m (id VARCHAR KEY, x INT) WITH (KAFKA_TOPIC='m', PARTITIONS=1, VALUE_FORMAT='JSON');
    CREATE TABLE t (id VARCHAR PRIMARY KEY, n INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');`;
  const run = (query: string, records: readonly Sent[]): string[] =>
    runSql(`${more}CREATE STREAM o AS SELECT ${query};`, records).lines('O');
  const records: Sent[] = [
    ['t', 'a', { N: 9 }],
    left('a', 1, 0),
    right('a', 2, 1),
    ['m', 'a', { X: 3 }, 2],
    right('b', 4, 3),
  ];

  test('are joined from the left', () => {
    expect(
      run(
        'm.id, v, w, x, n FROM l JOIN r WITHIN 1 SECOND ON l.id = r.id JOIN m WITHIN 1 SECOND ON r.id = m.id LEFT JOIN t ON m.id = t.id',
        records,
      ),
    ).toEqual(['a {"V":1,"W":2,"X":3,"N":9}']);
  });

  test('behind a FULL JOIN a column of one side is the key of the rows that have it', () => {
    expect(
      run('l.id, v, w, n FROM l FULL JOIN r WITHIN 1 SECOND ON l.id = r.id JOIN t ON l.id = t.id', records),
    ).toEqual(['a {"V":1,"W":null,"N":9}', 'a {"V":1,"W":2,"N":9}']);
  });
});

describe('the key of the result', () => {
  const tables = `CREATE STREAM payments (order_id BIGINT KEY, sum DOUBLE, ROWKEY VARCHAR) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', PARTITIONS=4);`;
  const schemaOf = (query: string): string => {
    const command = commandOf(`${tables}CREATE STREAM x AS SELECT ${query};`);
    if (command.kind !== 'create-as') throw new Error('a query was expected');
    const { key, value } = command.source.schema;
    return [...key.map((column) => `${column.name} KEY`), ...value.map((column) => column.name)].join(', ');
  };
  const fault = (query: string): string => faultOf(`CREATE STREAM x AS SELECT ${query};`, undefined).slice(0, 200);
  const on = 'orders o FULL JOIN pairs p WITHIN 1 DAY ON o.place->zip = p.a';

  test('is ROWKEY where it is none of the columns, or a name that no column has', () => {
    expect(schemaOf(`ROWKEY AS k, o.id, v FROM ${on}`)).toBe('K KEY, ID, V');
    expect(schemaOf(`* FROM ${on}`)).toMatch(/^ROWKEY KEY, O_ID, O_CUSTOMER, /);
    expect(schemaOf('ROWKEY_1, o.id, sum FROM orders o FULL JOIN payments p WITHIN 1 DAY ON o.id = p.order_id')).toBe(
      'ROWKEY_1 KEY, ID, SUM',
    );
    expect(schemaOf(`AS_VALUE(ROWKEY) AS copy, ROWKEY AS k, v FROM ${on}`)).toBe('K KEY, COPY, V');
  });

  test('has to be selected, once, and is a name of SELECT only', () => {
    expect(fault(`o.*, p.* FROM ${on}`)).toMatch(/^SQL_MISSING_KEY_COLUMN.* ROWKEY, since no column/);
    expect(fault(`ROWKEY AS a, ROWKEY AS b, v FROM ${on}`)).toMatch(/^SQL_DUPLICATE_KEY_COLUMN/);
    expect(fault(`ROWKEY, v FROM ${on} WHERE ROWKEY = 1`)).toMatch(/^SQL_UNKNOWN_COLUMN at 1:\d+: .*ROWKEY.*SELECT/);
    expect(fault('ROWKEY, o.id, city FROM orders o JOIN customers c ON o.customer = c.name')).toMatch(
      /^SQL_UNKNOWN_COLUMN/,
    );
  });
});

describe('windowed streams', () => {
  const windowed = (name: string, type: string, size = ''): string =>
    `CREATE STREAM ${name} (k VARCHAR KEY, n INT) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, VALUE_FORMAT='JSON', WINDOW_TYPE='${type}'${size === '' ? '' : `, WINDOW_SIZE='${size}'`});`;
  const all = [
    windowed('a', 'HOPPING', '10 SECONDS'),
    windowed('b', 'HOPPING', '10 SECONDS'),
    windowed('c', 'HOPPING', '5 SECONDS'),
    windowed('d', 'SESSION'),
  ].join('');
  const fault = (sides: string, on: string): string =>
    faultOf(`CREATE STREAM x AS SELECT * FROM ${sides} WITHIN 1 DAY ON ${on};`, all);

  test('are joined where their windows are the same', () => {
    const window = (start: number): Uint8Array => Uint8Array.of(120, 0, 0, 0, 0, 0, 0, start >> 8, start & 255);
    const ran = runSql(
      `${all}CREATE STREAM o AS SELECT a.k, a.WINDOWSTART AS s, b.WINDOWEND AS e, a.n AS n, b.n AS m FROM a JOIN b WITHIN 1 DAY ON a.k = b.k;`,
      [
        ['a', window(10_000), { N: 1 }],
        ['b', window(10_000), { N: 2 }],
        ['b', window(20_000), { N: 3 }],
      ],
    );
    expect(ran.lines('O')).toEqual(['x@[10000,20000) {"S":10000,"E":20000,"N":1,"M":2}']);
  });

  test('and are refused otherwise', () => {
    expect(fault('a JOIN c', 'a.k = c.k')).toMatch(
      /^SQL_WINDOWED_SOURCE.*HOPPING windows of 10000 ms and "C".* of 5000 ms/,
    );
    expect(fault('a JOIN d', 'a.k = d.k')).toMatch(/^SQL_WINDOWED_SOURCE.*HOPPING.*SESSION/);
    expect(fault('a JOIN b', 'a.n = b.n')).toMatch(/^SQL_WINDOWED_SOURCE.*by its own key only, not by A.N/);
    expect(fault('a JOIN b', 'a.k = UCASE(b.k)')).toMatch(/^SQL_WINDOWED_SOURCE.*"B"/);
  });
});
