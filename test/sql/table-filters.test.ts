/** WHERE over a table, and HAVING: a row that stops to fit is retracted, once, and only where it was shown before. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { runSql, type Sent } from './support/running.ts';

const table =
  "CREATE TABLE t (id VARCHAR PRIMARY KEY, n INT, g VARCHAR) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');";

const changes: Sent[] = [
  ['t', 'a', null, 0],
  ['t', 'a', { N: 1 }, 1],
  ['t', 'a', { N: 1 }, 2],
  ['t', 'a', { N: 5 }, 3],
  ['t', 'a', { N: 5 }, 4],
  ['t', 'a', { N: 2 }, 5],
  ['t', 'a', { N: 1 }, 6],
  ['t', 'a', null, 7],
];

test('a filter over a table retracts only what was visible', () => {
  const ran = runSql(
    `${table} CREATE TABLE o AS SELECT id, n FROM t WHERE n > 2; CREATE TABLE again AS SELECT id, n + 1 AS m FROM o WHERE n > 3;`,
    changes,
  );
  expect(ran.lines('O', 'times')).toEqual(['a {"N":5} @3', 'a {"N":5} @4', 'a null @5']);
  expect(ran.lines('AGAIN', 'times')).toEqual(['a {"M":6} @3', 'a {"M":6} @4', 'a null @5']);
});

test('without a filter every change goes on, as it came', () => {
  const ran = runSql(`${table} CREATE TABLE o AS SELECT id, n FROM t;`, changes.slice(0, 3));
  expect(ran.lines('O')).toEqual(['a null', 'a {"N":1}', 'a {"N":1}']);
});

test('a group that never fitted HAVING is not retracted', () => {
  const ran = runSql(
    `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
     CREATE TABLE o AS SELECT k, AVG(v) AS mean FROM s GROUP BY k HAVING AVG(v) < 3;`,
    [
      ['s', 'a', { V: 5 }],
      ['s', 'b', { V: 1 }],
      ['s', 'b', { V: 9 }],
      ['s', 'a', { V: -5 }],
    ],
  );
  expect(ran.lines('O')).toEqual(['b {"MEAN":1.0}', 'b null', 'a {"MEAN":0.0}']);
});

test('a table whose value is one bare column is read, filtered and written like others', () => {
  const ran = runSql(
    `${table} CREATE TABLE bare WITH (VALUE_FORMAT='KAFKA') AS SELECT id, g FROM t;
     CREATE TABLE o WITH (VALUE_FORMAT='JSON') AS SELECT id, UCASE(g) AS u FROM bare WHERE g <> 'y';`,
    [
      ['t', 'a', { G: 'x' }],
      ['t', 'a', { G: 'y' }],
    ],
  );
  expect(ran.lines('BARE')).toEqual(['a x', 'a y']);
  expect(ran.lines('O')).toEqual(['a {"U":"X"}', 'a null']);
});

test('what is shown at the end are the rows that fit, and nothing is retracted that was not there', () => {
  const change = fc.tuple(
    fc.constantFrom('a', 'b', 'c'),
    fc.option(fc.record({ N: fc.integer({ min: 0, max: 4 }), G: fc.constantFrom('x', 'y') }), { nil: null }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.integer({ min: 0, max: 3 }), (history, least) => {
      const ran = runSql(
        `${table}
         CREATE TABLE rows AS SELECT id, n FROM t WHERE n > ${least};
         CREATE TABLE groups AS SELECT g, COUNT(*) AS c FROM t WHERE n > 0 GROUP BY g HAVING COUNT(*) > ${least};
         CREATE TABLE some AS SELECT g, c FROM groups WHERE c < 3;`,
        history.map(([key, value]) => ['t', key, value]),
      );
      const now = new Map(history);
      for (const [key, value] of now) if (value === null) now.delete(key);
      const counts = new Map<string, number>();
      for (const row of now.values()) if (row !== null && row.N > 0) counts.set(row.G, (counts.get(row.G) ?? 0) + 1);
      const large = [...counts].filter(([, count]) => count > least);
      const wanted: Record<string, string[]> = {
        ROWS: [...now].flatMap(([key, row]) => (row !== null && row.N > least ? [`${key} {"N":${row.N}}`] : [])),
        GROUPS: large.map(([group, count]) => `${group} {"C":${count}}`),
        SOME: large.filter(([, count]) => count < 3).map(([group, count]) => `${group} {"C":${count}}`),
      };
      for (const [name, rows] of Object.entries(wanted)) {
        const shown = new Map<string, string>();
        for (const line of ran.lines(name)) {
          const [key = '', value = ''] = line.split(/ (.*)/);
          if (value !== 'null') shown.set(key, value);
          else expect(shown.delete(key), `${name} retracts ${key}, which is not there`).toBe(true);
        }
        expect([...shown].map(([key, value]) => `${key} ${value}`).sort(), name).toEqual([...rows].sort());
      }
    }),
    { numRuns: 60 },
  );
});
