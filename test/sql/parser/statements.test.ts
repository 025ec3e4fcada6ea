/** Statements: every form there is, read and printed in its canonical text. */

import { expect, test } from 'vitest';
import { checkGrammar, parseStatements } from '../../../sql/parser/parse.ts';
import { printStatement } from '../../../sql/parser/statements/index.ts';
import { bare } from './outline.ts';

const print = (text: string): string[] => parseStatements(text).map(({ statement }) => printStatement(statement));

test('the grammar has no two readings', () => {
  expect(checkGrammar).not.toThrow();
});

/** Left: as a person may write it. Right: as it is printed; the same where nothing stands. */
const table: readonly (readonly [sentence: string, pairs: readonly (readonly [text: string, printed?: string])[]])[] = [
  [
    'CREATE STREAM and TABLE',
    [
      [
        "create stream Flights (id bigint key, origin varchar, delay int) with (kafka_topic='flights', value_format='json', partitions=4);",
        "CREATE STREAM FLIGHTS (ID BIGINT KEY, ORIGIN STRING, DELAY INTEGER) WITH (KAFKA_TOPIC = 'flights', VALUE_FORMAT = 'json', PARTITIONS = 4)",
      ],
      ["CREATE OR REPLACE SOURCE TABLE IF NOT EXISTS T (K STRING PRIMARY KEY) WITH (KAFKA_TOPIC = 't')"],
      ["CREATE STREAM S WITH (KAFKA_TOPIC = 's', WRAP_SINGLE_VALUE = FALSE, X = -1, Y = NULL)"],
      ["CREATE STREAM S (H ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS, B BYTES HEADER('it''s'))"],
      ['CREATE STREAM `my-stream` (`select` INTEGER, A@B STRUCT<X INTEGER, `y` MAP<STRING, DOUBLE>>)'],
      [
        "CREATE STREAM S (A INTEGER) WITH ('kafka_topic' = 't')",
        "CREATE STREAM S (A INTEGER) WITH (KAFKA_TOPIC = 't')",
      ],
      ['CREATE STREAM if (a int)', 'CREATE STREAM `IF` (A INTEGER)'],
      [
        'CREATE TABLE source (key int primary key, header bytes)',
        'CREATE TABLE SOURCE (KEY INTEGER PRIMARY KEY, HEADER BYTES)',
      ],
    ],
  ],
  [
    'types, connectors, columns that are added',
    [
      [
        'create type address as struct<street varchar, zip int>',
        'CREATE TYPE ADDRESS AS STRUCT<STREET STRING, ZIP INTEGER>',
      ],
      ['CREATE TYPE IF NOT EXISTS T AS ARRAY<OTHER>'],
      ['drop type if exists t', 'DROP TYPE IF EXISTS T'],
      [
        'alter stream s add column a int, add `b` address',
        'ALTER STREAM S ADD COLUMN A INTEGER, ADD COLUMN `b` ADDRESS',
      ],
      ['alter table t add column column int', 'ALTER TABLE T ADD COLUMN COLUMN INTEGER'],
      [
        "CREATE SOURCE CONNECTOR IF NOT EXISTS C WITH (`connector.class` = 'x')",
        "CREATE SOURCE CONNECTOR IF NOT EXISTS C WITH (`CONNECTOR.CLASS` = 'x')",
      ],
      ["create sink connector c with ('a.b' = 'x')", "CREATE SINK CONNECTOR C WITH (`A.B` = 'x')"],
      ['DROP CONNECTOR IF EXISTS C'],
      ['list source connectors', 'SHOW SOURCE CONNECTORS'],
      ['SHOW CONNECTORS'],
      ['SHOW CONNECTOR PLUGINS'],
      ['DESCRIBE CONNECTOR C'],
    ],
  ],
  [
    'PAUSE, RESUME, ASSERT, PRINT, DEFINE',
    [
      ['pause all', 'PAUSE ALL'],
      ['resume q_1', 'RESUME Q_1'],
      ['assert topic Orders', "ASSERT TOPIC 'Orders'"],
      ["ASSERT NOT EXISTS TOPIC 'a-b' WITH (PARTITIONS = 2) TIMEOUT 3 SECONDS"],
      ["ASSERT SCHEMA SUBJECT 'Orders-value' ID 3 TIMEOUT 1 MINUTES"],
      ['assert not exists schema id 7', 'ASSERT NOT EXISTS SCHEMA ID 7'],
      ['print Orders', "PRINT 'Orders'"],
      ["print 'a-b' from beginning sample 3 limit 2", "PRINT 'a-b' FROM BEGINNING INTERVAL 3 LIMIT 2"],
      ["define Name = 'it''s'", "DEFINE Name = 'it''s'"],
      ['undefine Name', 'UNDEFINE Name'],
      ["alter system 'a' = 'b'", "ALTER SYSTEM 'a' = 'b'"],
      ['list properties', 'SHOW PROPERTIES'],
      ['LIST TYPES', 'SHOW TYPES'],
      ['SHOW VARIABLES'],
      ['describe streams extended', 'DESCRIBE STREAMS EXTENDED'],
      ['describe tables', 'DESCRIBE TABLES'],
    ],
  ],
  [
    'CREATE … AS SELECT',
    [
      ['CREATE STREAM LATE AS SELECT * FROM FLIGHTS WHERE DELAY > 60 EMIT CHANGES'],
      ['CREATE OR REPLACE TABLE IF NOT EXISTS C WITH (PARTITIONS = 1) AS SELECT A, COUNT(*) AS N FROM S GROUP BY A'],
    ],
  ],
  [
    'INSERT INTO',
    [
      ["INSERT INTO S (ID, NAME, ROWTIME) VALUES (1, 'x', 0)"],
      [
        "insert into s values (-1, ARRAY[1, 2], STRUCT(a := 1), CAST('x' as bytes))",
        "INSERT INTO S VALUES (-1, ARRAY[1, 2], STRUCT(A := 1), CAST('x' AS BYTES))",
      ],
      ["INSERT INTO S WITH (QUERY_ID = 'q') SELECT * FROM T"],
      ['INSERT INTO S SELECT A FROM T PARTITION BY A EMIT CHANGES'],
    ],
  ],
  [
    'SELECT with all its clauses in their order',
    [
      [
        'SELECT A AS X, S.*, B->*, C.D->*, * FROM S AS T WHERE A = 1 GROUP BY A, B + 1 PARTITION BY C HAVING COUNT(*) > 1 EMIT FINAL LIMIT 10',
      ],
      ['select a x, b `y` from s t limit 0', 'SELECT A AS X, B AS `y` FROM S AS T LIMIT 0'],
      ['select 1 from s emit emit changes', 'SELECT 1 FROM S AS EMIT EMIT CHANGES'],
      ['select 1 from s emit changes', 'SELECT 1 FROM S EMIT CHANGES'],
      ['select 1 from emit', 'SELECT 1 FROM EMIT'],
      ['select 1 from s partition partition by a', 'SELECT 1 FROM S AS PARTITION PARTITION BY A'],
      ['select 1 from s group by (a, b)', 'SELECT 1 FROM S GROUP BY A, B'],
      ['select 1 from s group by (a)', 'SELECT 1 FROM S GROUP BY A'],
      ['select 1 from s group by (a + f(b, c)) * 2, d', 'SELECT 1 FROM S GROUP BY (A + F(B, C)) * 2, D'],
      ['SELECT CASE WHEN A THEN 1 ELSE 2.5 END, 1E3, 1.5E-7 FROM S'],
    ],
  ],
  [
    'windows',
    [
      [
        'SELECT COUNT(*) FROM S WINDOW TUMBLING (SIZE 1 DAYS, RETENTION 20000 DAYS, GRACE PERIOD 3 DAYS) GROUP BY A EMIT CHANGES',
      ],
      [
        'select count(*) from s window w hopping (size 1 minute, advance by 10 second, grace period 0 seconds) group by a',
        'SELECT COUNT(*) FROM S WINDOW W HOPPING (SIZE 1 MINUTES, ADVANCE BY 10 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY A',
      ],
      ['SELECT COUNT(*) FROM S WINDOW SESSION (30 MINUTES, RETENTION 1 HOURS) GROUP BY A'],
      ['SELECT COUNT(*) FROM S WINDOW SESSION SESSION (500 MILLISECONDS) GROUP BY A'],
    ],
  ],
  [
    'joins',
    [
      ['select * from a join b on a.x = b.x', 'SELECT * FROM A INNER JOIN B ON A.X = B.X'],
      [
        'select * from a l left outer join b as r within 1 hour grace period 5 minutes on l.x = r.x full join c within (1 second, 2 seconds) on c.y = l.y',
        'SELECT * FROM A AS L LEFT JOIN B AS R WITHIN 1 HOURS GRACE PERIOD 5 MINUTES ON L.X = R.X FULL JOIN C WITHIN (1 SECONDS, 2 SECONDS) ON C.Y = L.Y',
      ],
      ['SELECT * FROM A RIGHT JOIN B ON A.X = B.X WHERE A.Z IS NOT NULL'],
    ],
  ],
  [
    'DROP and TERMINATE',
    [
      ['DROP STREAM IF EXISTS S DELETE TOPIC'],
      ['drop table if', 'DROP TABLE `IF`'],
      ['TERMINATE CSAS_LATE_3'],
      ['terminate all', 'TERMINATE ALL'],
    ],
  ],
  [
    'SHOW and LIST, DESCRIBE, EXPLAIN, SET and UNSET',
    [
      ['SHOW STREAMS EXTENDED'],
      ['list tables', 'SHOW TABLES'],
      ['LIST ALL TOPICS EXTENDED', 'SHOW ALL TOPICS EXTENDED'],
      ['show queries', 'SHOW QUERIES'],
      ['SHOW FUNCTIONS'],
      ['DESCRIBE `my-stream` EXTENDED'],
      ['EXPLAIN CTAS_T_1'],
      ['EXPLAIN UPDATE'],
      ['EXPLAIN CREATE STREAM X AS SELECT * FROM Y'],
      ["SET 'auto.offset.reset' = 'earliest'"],
      ["UNSET 'auto.offset.reset'"],
    ],
  ],
];

for (const [sentence, pairs] of table) {
  test.each(pairs.map(([text, printed]) => [text, printed ?? text] as const))(`${sentence}: %s`, (text, printed) => {
    expect(print(text)).toEqual([printed]);
    expect(bare(parseStatements(printed)[0]?.statement)).toEqual(bare(parseStatements(text)[0]?.statement));
  });
}

test('a text is several statements, each with its own piece of the text and its place', () => {
  const text = " ;SHOW STREAMS;\n-- a note\nSELECT ';' FROM s /* ; */ WHERE\n a = 1\n;;  LIST TABLES ";
  const parsed = parseStatements(text);
  expect(parsed.map((one) => one.text)).toEqual([
    'SHOW STREAMS',
    "SELECT ';' FROM s /* ; */ WHERE\n a = 1",
    'LIST TABLES',
  ]);
  expect(parsed.map(({ at }) => `${at.line}:${at.column}`)).toEqual(['1:3', '3:1', '5:5']);
  for (const one of parsed) {
    expect(text.slice(one.at.offset, one.at.offset + (one.at.length ?? 0))).toBe(one.text);
    expect(one.statement.at).toEqual(one.at);
  }
});

test('a text without statements gives none', () => {
  expect(parseStatements('')).toEqual([]);
  expect(parseStatements(' ;; -- nothing\n/* at all */ ;')).toEqual([]);
});

test('lines may end in any of the three ways', () => {
  const [, second] = parseStatements('SHOW\r\nSTREAMS;\rSHOW TABLES');
  expect(second?.at).toMatchObject({ line: 3, column: 1 });
});
