/** Parameters of queries: values beside the text. */

import { afterEach, expect, test } from 'vitest';
import type { SqlEngine } from '../../../sql/index.ts';
import { closeWorlds, openWorld } from '../support/world.ts';

afterEach(closeWorlds);

const filled = async (): Promise<SqlEngine> => {
  const { engine } = await openWorld();
  await engine.execute(`
    CREATE STREAM s (k VARCHAR KEY, i INT, b BIGINT, d DOUBLE, m DECIMAL(6, 2), t TIMESTAMP, y BYTES, a ARRAY<INT>, f BOOLEAN)
      WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`);
  await engine.insert('s', [
    {
      k: "it's",
      i: -5,
      b: 2n ** 60n,
      d: 1.1,
      m: '1.10',
      t: new Date(5000),
      y: Uint8Array.of(0, 255),
      a: [1, 2],
      f: true,
      ROWTIME: 1000,
    },
    { k: ':x ?', i: 7, b: 1, d: 3, m: '2.00', t: new Date(9000), y: Uint8Array.of(1), a: [], f: false, ROWTIME: 2000 },
    { k: 'n', ROWTIME: 3000 },
  ]);
  return engine;
};

const ask = async (
  engine: SqlEngine,
  sql: string,
  parameters: readonly unknown[] | Record<string, unknown>,
): Promise<unknown[]> => {
  const handle = await engine.query(sql, { parameters });
  const found: unknown[] = [];
  for await (const batch of handle.rows()) found.push(...batch.map((row) => (row.length === 1 ? row[0] : row)));
  return found;
};

test.each<readonly [string, readonly unknown[] | Record<string, unknown>, readonly unknown[]]>([
  ['SELECT k FROM s WHERE k = ?;', ["it's"], ["it's"]],
  ['SELECT k FROM s WHERE k = :k;', { k: ':x ?' }, [':x ?']],
  ['SELECT k FROM s WHERE k = ?;', ["' OR '1' = '1"], []],
  ['SELECT k FROM s WHERE i = ?;', [-5], ["it's"]],
  ['SELECT k FROM s WHERE i - ? = -2;', [9], [':x ?']],
  ['SELECT k FROM s WHERE i - ? = 16;', [-9], [':x ?']],
  ['SELECT k FROM s WHERE b = ?;', [2n ** 60n], ["it's"]],
  ['SELECT k FROM s WHERE d = ?;', [1.1], ["it's"]],
  ['SELECT k FROM s WHERE d = ?;', [3], [':x ?']],
  ['SELECT k FROM s WHERE m = ?;', [1.1], ["it's"]],
  ['SELECT k FROM s WHERE m = ?;', ['1.1'], ["it's"]],
  ['SELECT k FROM s WHERE ? < m;', ['1.999'], [':x ?']],
  ['SELECT k FROM s WHERE m BETWEEN ? AND ?;', ['-1', '1.5'], ["it's"]],
  ['SELECT k FROM s WHERE m IN (?, ?);', ['2', 5], [':x ?']],
  ['SELECT k FROM s WHERE m IN (?);', [['2', '1.10']], ["it's", ':x ?']],
  ['SELECT k FROM s WHERE i IN (?);', [[7, -5]], ["it's", ':x ?']],
  ['SELECT k FROM s WHERE i IN (:some) AND k LIKE :k;', { some: [7, -5], k: 'i%' }, ["it's"]],
  ['SELECT k FROM s WHERE i = ANY(?);', [[7]], [':x ?']],
  ['SELECT k FROM s WHERE i = any (:some);', { some: [7] }, [':x ?']],
  ['SELECT k FROM s WHERE i IN (?);', [[]], []],
  ['SELECT k FROM s WHERE k = ANY(?);', [["' OR '1'='1"]], []],
  ['SELECT k FROM s WHERE a IN (?);', [[[1, 2]]], ["it's"]],
  ['SELECT k FROM s WHERE a IN (?, ?);', [[1, 2], [3]], ["it's"]],
  ['SELECT k FROM s WHERE t > ?;', [new Date(6000)], [':x ?']],
  ['SELECT k FROM s WHERE y = ?;', [Uint8Array.of(0, 255)], ["it's"]],
  ['SELECT k FROM s WHERE a = ?;', [[1, 2]], ["it's"]],
  ['SELECT k FROM s WHERE f = ?;', [true], ["it's"]],
  ['SELECT k FROM s WHERE i IN (?, ?);', [7, -5], ["it's", ':x ?']],
  ['SELECT k FROM s WHERE i BETWEEN :low AND :high OR i = :low;', { low: 0, high: 9 }, [':x ?']],
  ['SELECT k FROM s WHERE k LIKE ?;', ['%s'], ["it's"]],
  ['SELECT k FROM s WHERE ROWTIME >= ?;', [2000], [':x ?', 'n']],
  ['SELECT i + ? AS n FROM s ORDER BY COALESCE(i, ?) LIMIT ? OFFSET ?;', [1, 0, 2, 1], [null, 8]],
  ['SELECT COUNT(*) FROM s GROUP BY f HAVING COUNT(*) = ?;', [1], [1, 1, 1]],
  ['SELECT a.k FROM s a JOIN s b ON a.k = b.k AND a.i > ? WHERE b.i < :high;'.replace(':high', '?'), [0, 9], [':x ?']],
  ['SELECT CAST(? AS INT) AS x FROM s LIMIT 1;', [null], [null]],
  ['SELECT ?->`a b` AS x FROM s LIMIT 1;', [{ 'a b': 3 }], [3]],
  ["SELECT ?['k'] AS x FROM s LIMIT 1;", [new Map([['k', 'v']])], ['v']],
  ['SELECT t.k FROM (SELECT k, i FROM s WHERE i > ?) t WHERE t.i < ?;', [0, 9], [':x ?']],
])('%s with %o', async (sql, parameters, wanted) => {
  expect(await ask(await filled(), sql, parameters)).toEqual(wanted);
});

test.each<readonly [string, readonly unknown[] | Record<string, unknown>, string]>([
  ['SELECT k FROM s WHERE i = ?;', [], 'there are 1 parameters and 0 values'],
  ['SELECT k FROM s WHERE i = ?;', [1, 2], 'there are 2 values, and 1 parameters'],
  ['SELECT k FROM s WHERE i = :low;', { lo: 1 }, 'the query has no parameter :lo'],
  ['SELECT k FROM s WHERE i = :low;', {}, 'the parameter :low cannot be bound: it has no value'],
  ['SELECT k FROM s WHERE i = :low;', [1], 'the values are given in an array'],
  ['SELECT k FROM s WHERE i = ?;', { a: 1 }, 'the query has no parameter :a'],
  ['SELECT k FROM s WHERE i = ?;', [Number.NaN], 'its value is NaN'],
  ['SELECT k FROM s WHERE i = ?;', [undefined], 'its value is undefined'],
  ['SELECT k FROM s WHERE i = ?;', ['7'], ''],
  ['SELECT k FROM s WHERE m = ?;', ['one'], "the text 'one' is not a DECIMAL"],
  ['SELECT k FROM s WHERE k < ANY(?);', [['a']], ''],
  ['SELECT k FROM s LIMIT ?;', ['7'], ''],
  ['SELECT ? FROM ?;', [1, 's'], ''],
])('%s with %o is refused', async (sql, parameters, message) => {
  const engine = await filled();
  await expect(engine.query(sql, { parameters })).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining(message) as string,
  });
});

const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};
const circle: { own?: unknown } = {};
circle.own = circle;

test.each<readonly [what: string, value: unknown, message: string]>([
  ['of 20,000 levels', nested(20_000), 'expressions may be nested at most 100 deep'],
  ['that holds itself', circle, 'expressions may be nested at most 100 deep'],
  [
    'of 100,000 members',
    Array.from({ length: 100_000 }, (_, i) => i),
    'a statement may have at most 100000 words and signs, those of its values included',
  ],
])('a value %s is refused', async (_, value, message) => {
  const engine = await filled();
  const refused = engine.query('SELECT k FROM s WHERE i IN (?);', { parameters: [value] });
  await expect(refused).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining(message) as string,
    at: { line: 1, column: 29 },
  });
});

test('a statement has none', async () => {
  const engine = await filled();
  await expect(engine.execute('INSERT INTO s (k) VALUES (?);')).rejects.toMatchObject({ code: 'SQL_PARAMETER' });
});

test('a push query has them', async () => {
  const engine = await filled();
  const handle = await engine.query('SELECT k FROM s WHERE i > ? EMIT CHANGES LIMIT ?;', {
    parameters: [0, 1],
    properties: { 'auto.offset.reset': 'earliest' },
  });
  const found: unknown[] = [];
  for await (const batch of handle.rows()) found.push(...batch.map(([k]) => k));
  expect(found).toEqual([':x ?']);
});
