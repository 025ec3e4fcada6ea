/** Aggregates without GROUP BY: a pull query folds what it reads into one row, a push query has one row that
 *  changes. */

import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { SqlEngine, Value } from '../../../sql/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

const sources = `
  SET 'auto.offset.reset' = 'earliest';
  CREATE STREAM s (k VARCHAR KEY, v INT, t VARCHAR, ts BIGINT)
    WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=3, TIMESTAMP='ts');
  CREATE TABLE sums AS SELECT k, SUM(v) AS total, COUNT(*) AS n FROM s GROUP BY k;
  CREATE TABLE per_minute AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k;
  CREATE TABLE nothing AS SELECT k, COUNT(*) AS n FROM s WHERE v > 1000 GROUP BY k;`;

const rows = [
  { k: 'a', v: 1, t: 'x', ts: 1000 },
  { k: 'b', v: 5, t: null, ts: 2000 },
  { k: 'a', v: null, t: 'z', ts: 61_000 },
  { k: 'c', v: 4, t: 'y', ts: 62_000 },
];

const filled = async (): Promise<SqlEngine> => {
  const { engine } = await openWorld();
  await engine.execute(sources);
  await (await engine.inserter('s')).insert(rows);
  await engine.awaitIdle();
  return engine;
};

describe('a pull query', () => {
  test.each([
    ['SELECT COUNT(*) FROM s;', [[4]]],
    ['SELECT SUM(v) FROM s;', [[10]]],
    ['SELECT COUNT(v) AS n, MAX(v) AS most, MIN(t) AS least, SUM(v) + COUNT(*) AS both FROM s;', [[3, 5, 'x', 14]]],
    ["SELECT COUNT(*), 'rows' AS what FROM s WHERE v > 1;", [[2, 'rows']]],
    ['SELECT MAX(ROWTIME) FROM s;', [[62_000]]],
    ['SELECT COUNT(*) AS n FROM sums;', [[3]]],
    ['SELECT MAX(total), SUM(n), COUNT(*) FROM sums WHERE total > 1;', [[5, 2, 2]]],
    ["SELECT SUM(n) FROM sums WHERE k = 'a';", [[2]]],
    ['SELECT COUNT(*), MAX(WINDOWSTART), SUM(n) FROM per_minute;', [[4, 60_000, 4]]],
    ["SELECT COUNT(*) FROM per_minute WHERE k = 'a' AND WINDOWSTART >= 60000;", [[1]]],
    ['SELECT COUNT(*) AS n FROM s HAVING COUNT(*) > 3;', [[4]]],
    ['SELECT COUNT(*) AS n FROM s HAVING SUM(v) > 100;', []],
    ['SELECT COUNT(*) AS n FROM s LIMIT 1;', [[4]]],
    ['SELECT COUNT(*) AS n FROM s LIMIT 0;', []],
  ] as const)('%s', async (sql, wanted) => {
    const engine = await filled();
    expect(await rowsOf(engine, sql)).toEqual(wanted);
  });

  test.each(['s WHERE v > 1000', 'nothing', "sums WHERE k = 'nobody'"])('over no rows of %s counts 0', async (from) => {
    const engine = await filled();
    const of = from.startsWith('s ') ? 'v' : 'n';
    expect(
      await rowsOf(engine, `SELECT COUNT(*), COUNT(${of}), SUM(${of}), MAX(${of}), AVG(${of}) FROM ${from};`),
    ).toEqual([[0, 0, null, null, null]]);
  });

  test('has its columns named and typed', async () => {
    const engine = await filled();
    const { columns } = await engine.query('SELECT COUNT(*), AVG(v) AS mean FROM s;');
    expect(columns.map(({ name, type }) => `${name} ${type.kind}`)).toEqual(['KSQL_COL_0 BIGINT', 'MEAN DOUBLE']);
  });

  test('ends with an error where its aggregates keep too much', async () => {
    const { engine } = await openWorld();
    await engine.execute(sources);
    const inserter = await engine.inserter('s');
    const t = 'x'.repeat(20_000);
    const many = Array.from({ length: 250 }, (_, i) => ({ k: `${i}`, v: i, t, ts: i }));
    for (let i = 0; i < 4; i++) await inserter.insert(many);
    expect(await rowsOf(engine, 'SELECT COUNT(*), MAX(t) FROM s;')).toEqual([[1000, t]]);
    const limit = { 'millrace.query.memory.bytes': '16777216' };
    await expect(rowsOf(engine, 'SELECT COLLECT_LIST(t) FROM s;', limit)).rejects.toMatchObject({
      code: 'SQL_PULL_TOO_LARGE',
    });
  });

  test('cannot mix a column of the rows with an aggregate', async () => {
    const engine = await filled();
    await expect(engine.query('SELECT k, COUNT(*) FROM s;')).rejects.toMatchObject({ code: 'SQL_NOT_GROUPED' });
    await expect(engine.query('SELECT COUNT(*) FROM s HAVING v > 1;')).rejects.toMatchObject({
      code: 'SQL_NOT_GROUPED',
    });
  });

  test('answers what folding the rows by hand gives', async () => {
    const { engine } = await openWorld();
    await engine.execute(sources);
    const inserter = await engine.inserter('s');
    const row = fc.record({
      k: fc.constantFrom('a', 'b', 'c'),
      v: fc.option(fc.integer({ min: -9, max: 9 }), { nil: null }),
      ts: fc.integer({ min: 0, max: 200_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 20 }), fc.integer({ min: -9, max: 9 }), async (more, least) => {
        await inserter.insert(more);
        await engine.awaitIdle();
        for (const [table, column] of [
          ['s', 'v'],
          ['sums', 'total'],
          ['per_minute', 'n'],
        ] as const) {
          const where = `WHERE ${column} >= ${least}`;
          const values = (await rowsOf(engine, `SELECT ${column} FROM ${table} ${where};`)).flat() as number[];
          expect(
            await rowsOf(engine, `SELECT COUNT(*), SUM(${column}), MIN(${column}) FROM ${table} ${where};`),
          ).toEqual([
            [
              values.length,
              values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0),
              values.length === 0 ? null : Math.min(...values),
            ],
          ]);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('a push query', () => {
  const changes = async (engine: SqlEngine, sql: string): Promise<Value[][]> =>
    rowsOf(engine, sql, { 'auto.offset.reset': 'earliest' });

  test('over a stream has one row that changes with every record', async () => {
    const engine = await filled();
    const found = await changes(engine, 'SELECT COUNT(*) AS n, SUM(v) AS total FROM s EMIT CHANGES LIMIT 4;');
    expect(found.map(([n]) => n)).toEqual([1, 2, 3, 4]);
    expect(found.at(-1)).toEqual([4, 10]);
  });

  test('over a table takes back what a row was', async () => {
    const engine = await filled();
    const found = await changes(engine, 'SELECT SUM(total) AS total, COUNT(*) AS n FROM sums EMIT CHANGES LIMIT 4;');
    expect(found.at(-1)).toEqual([10, 3]);
  });

  test('with HAVING shows the row while the condition holds', async () => {
    const engine = await filled();
    const sql = 'SELECT COUNT(*) AS n FROM s HAVING COUNT(*) > 2 EMIT CHANGES LIMIT 2;';
    expect(await changes(engine, sql)).toEqual([[3], [4]]);
  });
});
