/** GROUP BY: which records have a group, and which sources can be grouped by what. */

import { expect, test } from 'vitest';
import { faultOf } from './support/planning.ts';
import { runSql, type Sent } from './support/running.ts';

test('a record of whose key a part is NULL has no group, in whatever order the parts stand', () => {
  const records: Sent[] = [
    ['pairs', { A: 1, B: 2 }, { V: 'x' }],
    ['pairs', { A: 1, B: null }, { V: 'x' }],
    ['pairs', { B: 2 }, { V: 'x' }],
    ['pairs', {}, { V: 'x' }],
    ['pairs', 'null', { V: 'x' }],
    ['pairs', null, { V: 'x' }],
    ['pairs', { A: 1, B: 2 }, { V: 'y' }],
  ];
  const pairs =
    "CREATE STREAM pairs (a INT KEY, b INT KEY, v VARCHAR) WITH (KAFKA_TOPIC='pairs', FORMAT='JSON', PARTITIONS=1);";
  const run = (by: string, where = ''): { lines: readonly string[]; drops: readonly string[] } => {
    const ran = runSql(
      `${pairs} CREATE TABLE o AS SELECT a, b, COUNT(*) AS n FROM pairs ${where} GROUP BY ${by};`,
      records,
    );
    return { lines: ran.lines('O'), drops: [...new Set(ran.drops)] };
  };
  const drops = ['null-key: a grouping expression is NULL'];
  expect(run('a, b')).toEqual({ lines: ['{"A":1,"B":2} {"N":1}', '{"A":1,"B":2} {"N":2}'], drops });
  expect(run('a, b', "WHERE v <> 'y'")).toEqual({ lines: ['{"A":1,"B":2} {"N":1}'], drops });
  expect(run('b, a')).toEqual({ lines: ['{"B":2,"A":1} {"N":1}', '{"B":2,"A":1} {"N":2}'], drops });
  // Behind a step that is not part of the scan the same holds.
  expect(
    runSql(
      `${pairs} CREATE STREAM n AS SELECT a, b, v + v AS w FROM pairs;
       CREATE TABLE o AS SELECT a, b, COUNT(*) AS n, MAX(w) AS w FROM n WHERE w + 'x' <> 'x' GROUP BY a, b;`,
      records,
    ).lines('O'),
  ).toEqual(['{"A":1,"B":2} {"N":1,"W":"xx"}', '{"A":1,"B":2} {"N":2,"W":"yy"}']);
});

test('HAVING without groups is a condition on rows', () => {
  const pairs =
    "CREATE STREAM pairs (a INT KEY, b INT KEY, v VARCHAR) WITH (KAFKA_TOPIC='pairs', FORMAT='JSON', PARTITIONS=1);";
  const records: Sent[] = ['w', 'x', 'y', 'z'].map((v, i) => ['pairs', { A: i, B: 0 }, { V: v }]);
  const run = (clauses: string): string[] =>
    runSql(`${pairs} CREATE STREAM o AS SELECT a, b, v FROM pairs ${clauses};`, records).lines('O');
  expect(run("HAVING v > 'x'")).toEqual(['{"A":2,"B":0} {"V":"y"}', '{"A":3,"B":0} {"V":"z"}']);
  expect(run("WHERE a < 3 HAVING v > 'x'")).toEqual(['{"A":2,"B":0} {"V":"y"}']);
  expect(run("WHERE a < 3 PARTITION BY b, a HAVING v > 'x'")).toEqual(['{"B":0,"A":2} {"V":"y"}']);
});

test('an expression over a key that is NULL is evaluated, for PARTITION BY and a join as for GROUP BY', () => {
  const ran = runSql(
    `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
     CREATE TABLE t (id VARCHAR PRIMARY KEY, n INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');
     CREATE STREAM parts AS SELECT COALESCE(k, 'none') AS p, v FROM s PARTITION BY COALESCE(k, 'none');
     CREATE TABLE groups AS SELECT COALESCE(k, 'none') AS g, COUNT(*) AS c FROM s GROUP BY COALESCE(k, 'none');
     CREATE STREAM joined AS SELECT t.id, v, n FROM s JOIN t ON COALESCE(s.k, 'none') = t.id;`,
    [
      ['t', 'none', { N: 5 }],
      ['s', null, { V: 1 }],
      ['s', 'a', { V: 2 }],
    ],
  );
  expect(ran.lines('PARTS')).toEqual(['none {"V":1}', 'a {"V":2}']);
  expect(ran.lines('GROUPS')).toEqual(['none {"C":1}', 'a {"C":1}']);
  expect(ran.lines('JOINED')).toEqual(['none {"V":1,"N":5}']);
});

test('a windowed stream may be partitioned by the key that it has, and by no other', () => {
  const fault = (by: string): string => faultOf(`CREATE STREAM x AS SELECT * FROM windows PARTITION BY ${by};`);
  expect(fault('k')).toBe('no fault');
  expect(fault('n')).toMatch(/^SQL_WINDOWED_SOURCE/);
  expect(fault('NULL')).toMatch(/^SQL_WINDOWED_SOURCE/);
});

test('NULL keys and values stop nothing', () => {
  const ran = runSql(
    `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
     CREATE STREAM w (k VARCHAR KEY, v INT)
       WITH (KAFKA_TOPIC='w', PARTITIONS=1, VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');
     CREATE TABLE counts AS SELECT k, COUNT(*) AS n, MIN(v) AS least FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k;
     CREATE STREAM copies AS SELECT k, v + 1 AS more FROM w;`,
    [
      ['s', null, { V: 1 }],
      ['s', 'a', null],
      ['s', 'a', { V: null }],
      ['w', null, { V: 1 }],
      ['w', null, null],
    ],
  );
  expect(ran.lines('COUNTS')).toEqual(['a@[0,10000) {"N":1,"LEAST":null}']);
  expect(ran.lines('COPIES')).toEqual(['null {"MORE":2}', 'null null']);
});

test('a windowed stream is not grouped by its own key, which has the window in it', () => {
  const fault = (by: string): string =>
    faultOf(`CREATE TABLE x AS SELECT ${by} AS g, COUNT(*) AS c FROM windows GROUP BY ${by};`);
  expect(fault('k')).toMatch(
    /^SQL_WINDOWED_SOURCE at 1:67: "WINDOWS" is windowed and cannot be grouped by its own key/,
  );
  expect(fault('n')).toBe('no fault');
  expect(fault('UCASE(k)')).toBe('no fault');
});

test.each(['KAFKA', 'AVRO', 'PROTOBUF_NOSR'])(
  'NaN is one group, whichever function gave it, as a key in %s',
  (format) => {
    const ran = runSql(
      `CREATE STREAM s (v DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
     CREATE TABLE o WITH (KEY_FORMAT='${format}') AS
       SELECT CASE WHEN v > 0 THEN ASIN(v) WHEN v < -5 THEN LOG(v) ELSE SQRT(v) END AS g, COUNT(*) AS n
       FROM s GROUP BY CASE WHEN v > 0 THEN ASIN(v) WHEN v < -5 THEN LOG(v) ELSE SQRT(v) END;`,
      [2, -1, -7, 3].map((V): Sent => ['s', null, { V }]),
    );
    const lines = ran.lines('O');
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['{"N":1}', '{"N":2}', '{"N":3}', '{"N":4}']);
    expect(new Set(lines.map((line) => line.split(' ')[0])).size).toBe(1);
  },
);

test('an empty text is a group in DELIMITED too', () => {
  const ran = runSql(
    `CREATE STREAM s (v VARCHAR, n INT) WITH (KAFKA_TOPIC='s', KEY_FORMAT='DELIMITED', VALUE_FORMAT='JSON', PARTITIONS=1);
     CREATE TABLE o AS SELECT v, n, COUNT(*) AS c FROM s GROUP BY v, n;
     CREATE TABLE j WITH (KEY_FORMAT='JSON') AS SELECT v, n, COUNT(*) AS c FROM s GROUP BY v, n;`,
    [['s', null, { V: '', N: 1 }]],
  );
  expect(ran.lines('J')).toEqual(['{"V":"","N":1} {"C":1}']);
  expect(ran.lines('O')).toEqual([expect.stringMatching(/ \{"C":1\}$/) as string]);
});
