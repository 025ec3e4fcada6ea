/** PARTITION BY: what the columns are behind it that the key is made of. */

import { expect, test } from 'vitest';
import { runSql } from './support/running.ts';

test.each(['DELIMITED', 'KAFKA', 'JSON'])('a column that becomes a %s key is read as it was', (format) => {
  const { lines } = runSql(
    `CREATE STREAM s (v VARCHAR, n INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON', KEY_FORMAT='${format}');
       CREATE STREAM o AS SELECT v, AS_VALUE(v) AS copy, LEN(v) AS length, n FROM s PARTITION BY v;
       CREATE STREAM a AS SELECT * FROM s PARTITION BY v;`,
    [
      ['s', null, { v: '', n: 1 }],
      ['s', null, { v: 'a', n: 2 }],
      ['s', null, { v: null, n: 3 }],
    ],
  );
  expect(lines('O').map((line) => line.slice(line.indexOf('{')))).toEqual([
    '{"COPY":"","LENGTH":0,"N":1}',
    '{"COPY":"a","LENGTH":1,"N":2}',
    '{"COPY":null,"LENGTH":null,"N":3}',
  ]);
  expect(lines('A').map((line) => line.slice(line.indexOf('{')))).toEqual(['{"N":1}', '{"N":2}', '{"N":3}']);
});

test('a key column that is part of the new key is read as it was', () => {
  const { lines } = runSql(
    `CREATE STREAM s (k VARCHAR KEY, n INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON', KEY_FORMAT='KAFKA');
       CREATE STREAM o WITH (KEY_FORMAT='DELIMITED') AS SELECT n, k, AS_VALUE(k) AS copy, AS_VALUE(n) AS m FROM s
         PARTITION BY n, k;
       CREATE STREAM a WITH (KEY_FORMAT='DELIMITED') AS SELECT *, n + 1 AS p FROM s PARTITION BY n, k;`,
    [['s', '', { n: 1 }]],
  );
  expect(lines('O')).toEqual(['1, {"COPY":"","M":1}']);
  expect(lines('A')).toEqual(['1, {"P":2}']);
});
