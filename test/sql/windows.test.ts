/** Hopping and session windows, their final results, and windowed sources, as SQL. */

import { expect, test } from 'vitest';
import { ByteWriter } from '../../base/index.ts';
import { runSql, type Sent } from './support/running.ts';

const stream = `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');`;

const at = (timestamp: number, v: number | null, key: string | null = 'a'): Sent => ['s', key, { V: v }, timestamp];

const windowedKey = (key: string, start: number): Uint8Array => {
  const out = new ByteWriter(16);
  out.bytes(new TextEncoder().encode(key));
  out.i64(start);
  return out.slice();
};

/** What a table over the stream writes, with times. */
const changes = (query: string, records: readonly Sent[]): readonly string[] =>
  runSql(`${stream} CREATE TABLE t AS ${query};`, records).lines('T', 'times');

test('a row is in every hopping window that holds its time', () => {
  expect(
    changes(
      `SELECT k, SUM(v) AS total, WINDOWSTART AS ws, WINDOWEND AS we
       FROM s WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY k`,
      [at(1000, 1), at(6000, 2), at(12_000, 4)],
    ),
  ).toEqual([
    'a@[0,10000) {"TOTAL":1,"WS":0,"WE":10000} @1000',
    'a@[0,10000) {"TOTAL":3,"WS":0,"WE":10000} @6000',
    'a@[5000,15000) {"TOTAL":2,"WS":5000,"WE":15000} @6000',
    'a@[5000,15000) {"TOTAL":6,"WS":5000,"WE":15000} @12000',
    'a@[10000,20000) {"TOTAL":4,"WS":10000,"WE":20000} @12000',
  ]);
});

test('a row in between joins two sessions, which are retracted', () => {
  expect(
    changes(
      `SELECT k, COUNT(*) AS n, COLLECT_LIST(v) AS vs, WINDOWSTART AS ws, WINDOWEND AS we
       FROM s WINDOW SESSION (5 SECONDS) GROUP BY k`,
      [at(0, 1), at(8000, 2), at(4000, 3)],
    ),
  ).toEqual([
    'a@[0,0] {"N":1,"VS":[1],"WS":0,"WE":0} @0',
    'a@[8000,8000] {"N":1,"VS":[2],"WS":8000,"WE":8000} @8000',
    'a@[0,0] null @0',
    'a@[8000,8000] null @8000',
    'a@[0,8000] {"N":3,"VS":[1,2,3],"WS":0,"WE":8000} @8000',
  ]);
});

test('a session that HAVING does not show is not retracted', () => {
  expect(
    changes('SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY k HAVING COUNT(*) <> 2', [
      at(0, 1),
      at(1000, 1),
      at(2000, 1),
    ]),
  ).toEqual(['a@[0,0] {"N":1} @0', 'a@[0,0] null @0', 'a@[0,2000] {"N":3} @2000']);
});

test('a session of one moment is retracted when HAVING does not show it any more', () => {
  expect(
    changes('SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY k HAVING COUNT(*) < 2', [
      at(1000, 1),
      at(1000, 1),
    ]),
  ).toEqual(['a@[1000,1000] {"N":1} @1000', 'a@[1000,1000] null @1000']);
});

test('a row joins the session that is just its gap away, whatever rows of other keys have come', () => {
  const rows = [at(0, 1), at(5000, 1, 'b'), at(5000, 1)];
  expect(
    changes('SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY k', rows).at(
      -1,
    ),
  ).toBe('a@[0,5000] {"N":2} @5000');
});

test('a session that was sent as final is not joined again, however long it is kept', () => {
  expect(
    changes(
      'SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS, RETENTION 1 DAY, GRACE PERIOD 0 SECONDS) GROUP BY k EMIT FINAL',
      [at(0, 1), at(9000, 1, 'b'), at(5000, 1), at(30_000, 1)],
    ),
  ).toEqual(['a@[0,0] {"N":1} @0', 'a@[5000,5000] {"N":1} @5000', 'b@[9000,9000] {"N":1} @9000']);
});

test('of two sessions that become one, the order of arrival decides on the earliest and the latest value', () => {
  const aggregates =
    'EARLIEST_BY_OFFSET(v) AS e, LATEST_BY_OFFSET(v) AS l, EARLIEST_BY_OFFSET(v, 2) AS e2, LATEST_BY_OFFSET(v, 2) AS l2';
  // The session that ends later comes first.
  const rows = [at(8000, 1), at(8001, 2), at(0, 3), at(1, 4), at(4000, null)];
  const of = (windows: string): string | undefined =>
    changes(`SELECT k, ${aggregates} FROM s WINDOW ${windows} GROUP BY k`, rows).at(-1);
  expect(of('SESSION (5 SECONDS)')).toBe('a@[0,8001] {"E":1,"L":4,"E2":[1,2],"L2":[3,4]} @8001');
  expect(of('TUMBLING (SIZE 1 MINUTE)')).toBe('a@[0,60000) {"E":1,"L":4,"E2":[1,2],"L2":[3,4]} @8001');
});

test('a late row is left out and noted; each hopping window is late by itself', () => {
  const ran = runSql(
    `${stream}
     CREATE TABLE h AS SELECT k, COUNT(*) AS n
       FROM s WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY k;
     CREATE TABLE e AS SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY k;`,
    [at(12_000, 1), at(7000, 1), at(5000, 1, 'b'), at(6999, 1, 'b')],
  );
  expect(ran.lines('H')).toEqual([
    'a@[5000,15000) {"N":1}',
    'a@[10000,20000) {"N":1}',
    'a@[5000,15000) {"N":2}',
    'b@[5000,15000) {"N":1}',
    'b@[5000,15000) {"N":2}',
  ]);
  expect(ran.lines('E')).toEqual(['a@[12000,12000] {"N":1}', 'a@[12000,12000] null', 'a@[7000,12000] {"N":2}']);
  expect(ran.drops).toEqual([
    'late: the window [0, 10000) with a grace of 0 ms is closed: stream time is 12000',
    'late: the window [0, 10000) with a grace of 0 ms is closed: stream time is 12000',
    'late: the window [0, 10000) with a grace of 0 ms is closed: stream time is 12000',
    'late: the session [5000, 5000] with a gap of 5000 ms and a grace of 0 ms is closed: stream time is 12000',
    'late: the session [6999, 6999] with a gap of 5000 ms and a grace of 0 ms is closed: stream time is 12000',
  ]);
});

test('EMIT FINAL gives one row for each window, when it closes', () => {
  const rows = [at(1000, 1), at(2000, 2), at(11_000, 4), at(3000, 8), at(40_000, 16)];
  const final = (window: string, having = ''): readonly string[] =>
    changes(`SELECT k, SUM(v) AS total FROM s WINDOW ${window} GROUP BY k ${having} EMIT FINAL`, rows);
  expect(final('TUMBLING (SIZE 10 SECONDS)')).toEqual([
    'a@[0,10000) {"TOTAL":3} @2000',
    'a@[10000,20000) {"TOTAL":4} @11000',
  ]);
  expect(final('TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 5 SECONDS)')).toEqual([
    'a@[0,10000) {"TOTAL":11} @3000',
    'a@[10000,20000) {"TOTAL":4} @11000',
  ]);
  expect(final('HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS)')).toEqual([
    'a@[0,10000) {"TOTAL":3} @2000',
    'a@[5000,15000) {"TOTAL":4} @11000',
    'a@[10000,20000) {"TOTAL":4} @11000',
  ]);
  expect(final('SESSION (5 SECONDS)')).toEqual([
    'a@[1000,2000] {"TOTAL":3} @2000',
    'a@[11000,11000] {"TOTAL":4} @11000',
  ]);
  expect(final('TUMBLING (SIZE 10 SECONDS)', 'HAVING SUM(v) > 3')).toEqual(['a@[10000,20000) {"TOTAL":4} @11000']);
});

test('a window that closed long ago is still sent, however far time has moved at once', () => {
  expect(
    changes(
      'SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND, GRACE PERIOD 1 SECOND) GROUP BY k EMIT FINAL',
      [at(0, 1), at(1_000_000, 1)],
    ),
  ).toEqual(['a@[0,1000) {"N":1} @0']);
});

test('every form of GROUP BY goes with every kind of window', () => {
  const ran = runSql(
    `${stream}
     CREATE TABLE several WITH (KEY_FORMAT='JSON') AS
       SELECT k, v % 2 AS odd, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY k, v % 2;
     CREATE TABLE shouted AS
       SELECT UCASE(k) AS name, MAX(v) AS most FROM s WINDOW HOPPING (SIZE 2 SECONDS, ADVANCE BY 1 SECOND) GROUP BY UCASE(k);
     CREATE TABLE fields AS
       SELECT STRUCT(x := v)->x AS x, COUNT(*) AS n FROM s WINDOW w TUMBLING (SIZE 1 SECOND) GROUP BY STRUCT(x := v)->x;`,
    [at(1500, 1), at(1600, null)],
  );
  expect(ran.lines('SEVERAL')).toEqual(['{"K":"a","ODD":1}@[1500,1500] {"N":1}']);
  expect(ran.lines('SHOUTED')).toEqual([
    'A@[0,2000) {"MOST":1}',
    'A@[1000,3000) {"MOST":1}',
    'A@[0,2000) {"MOST":1}',
    'A@[1000,3000) {"MOST":1}',
  ]);
  expect(ran.lines('FIELDS')).toEqual(['00000001@[1000,2000) {"N":1}']);
  expect(ran.drops).toEqual(['null-key: a grouping expression is NULL', 'null-key: a grouping expression is NULL']);
});

test('a windowed stream is put into other windows, whose bounds SELECT then means', () => {
  const ran = runSql(
    `CREATE STREAM w (k VARCHAR KEY, v INT)
       WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 seconds');
     CREATE TABLE t AS
       SELECT v, COUNT(*) AS n, MAX(w.WINDOWSTART) AS last, WINDOWSTART AS ws, WINDOWEND AS we
       FROM w WINDOW TUMBLING (SIZE 1 MINUTE) WHERE WINDOWSTART >= 10000 GROUP BY v;`,
    [0, 20_000, 30_000].map((start): Sent => ['s', windowedKey('a', start), { V: 7 }, start + 5]),
  );
  expect(ran.lines('T')).toEqual([
    '00000007@[0,60000) {"N":1,"LAST":20000,"WS":0,"WE":60000}',
    '00000007@[0,60000) {"N":2,"LAST":30000,"WS":0,"WE":60000}',
  ]);
});

test('bounds of the windows that the query makes may have the name of the source before them', () => {
  const ran = runSql(
    `CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
     CREATE TABLE t AS SELECT k, s.WINDOWSTART / 2 AS half, WINDOWEND / k AS part, COUNT(*) AS n
       FROM s WINDOW TUMBLING (SIZE 30 SECONDS) GROUP BY k;`,
    [['s', Uint8Array.of(0, 0, 0, 2), { V: 7 }, 40_000]],
  );
  expect(ran.lines('T')).toEqual(['00000002@[30000,60000) {"HALF":15000,"PART":30000,"N":1}']);
});

test('sessions with a gap of nothing hold the rows of one moment', () => {
  const records = [at(1, 1), at(1, 2), at(2, 3), at(1, 4), at(5, 5)];
  expect(changes('SELECT k, SUM(v) AS total FROM s WINDOW SESSION (0 SECONDS) GROUP BY k', records)).toEqual([
    'a@[1,1] {"TOTAL":1} @1',
    'a@[1,1] {"TOTAL":3} @1',
    'a@[2,2] {"TOTAL":3} @2',
    'a@[1,1] {"TOTAL":7} @1',
    'a@[5,5] {"TOTAL":5} @5',
  ]);
  expect(changes('SELECT k, SUM(v) AS total FROM s WINDOW SESSION (0 SECONDS) GROUP BY k EMIT FINAL', records)).toEqual(
    ['a@[1,1] {"TOTAL":3} @1', 'a@[2,2] {"TOTAL":3} @2'],
  );
});

test('windowed results are read back as windowed streams, sessions and windows of a size', () => {
  const ran = runSql(
    `${stream}
     CREATE TABLE h AS SELECT k, COUNT(*) AS n FROM s WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY k;
     CREATE TABLE e AS SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY k;
     CREATE STREAM hs (k VARCHAR KEY, n BIGINT)
       WITH (KAFKA_TOPIC='H', VALUE_FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='Hopping', WINDOW_SIZE='10 SECONDS');
     CREATE STREAM es (k VARCHAR KEY, n BIGINT) WITH (KAFKA_TOPIC='E', VALUE_FORMAT='JSON', WINDOW_TYPE='SESSION', PARTITIONS=1);
     CREATE STREAM h2 AS SELECT k, n, WINDOWSTART AS ws, WINDOWEND AS we FROM hs WHERE WINDOWSTART > 0;
     CREATE STREAM e2 AS SELECT k, n, WINDOWEND - WINDOWSTART AS took FROM es;
     CREATE TABLE per_size AS SELECT n, COUNT(*) AS windows FROM es GROUP BY n;`,
    [at(6000, 1), at(7000, 1)],
  );
  expect(ran.lines('H2')).toEqual([
    'a@[5000,15000) {"N":1,"WS":5000,"WE":15000}',
    'a@[5000,15000) {"N":2,"WS":5000,"WE":15000}',
  ]);
  expect(ran.lines('E2')).toEqual([
    'a@[6000,6000] {"N":1,"TOOK":0}',
    'a@[6000,6000] null',
    'a@[6000,7000] {"N":2,"TOOK":1000}',
  ]);
});
