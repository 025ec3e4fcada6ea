/** Tables that keep the rows of their result, and get more columns by CREATE OR REPLACE. */

import { afterEach, expect, test } from 'vitest';
import { closeWorlds, openWorld, rowsOf, topicOf, type World } from '../support/world.ts';

afterEach(closeWorlds);

const earliest = { properties: { 'auto.offset.reset': 'earliest' } };

const again = async (world: World): Promise<World> => {
  await world.stop();
  return openWorld({ log: world.log });
};

const run = async ({ engine }: World, sql: string): Promise<void> => {
  await engine.execute(sql, earliest);
  await engine.awaitIdle();
};

const shown = async ({ engine }: World): Promise<unknown[]> => (await rowsOf(engine, 'SELECT * FROM t;')).sort();

const source = `CREATE TABLE s (k VARCHAR PRIMARY KEY, a INT, b VARCHAR, c DOUBLE)
  WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`;

const insert = (k: string, a: number): string => `INSERT INTO s VALUES ('${k}', ${a}, '${k}${a}', ${a}.5E0);`;

test('rows that are there have NULL in columns that are added, until they change', async () => {
  let world = await openWorld();
  await run(
    world,
    `${source} CREATE TABLE t AS SELECT k, a FROM s; ${insert('x', 1)} ${insert('y', 2)} ${insert('z', 3)}`,
  );
  await run(world, 'CREATE OR REPLACE TABLE t AS SELECT k, a, b FROM s;');
  await run(world, insert('y', 4));
  expect(await shown(world)).toEqual([
    ['x', 1, null],
    ['y', 4, 'y4'],
    ['z', 3, null],
  ]);
  world = await again(world);
  expect(await shown(world)).toHaveLength(3);
  await run(world, 'CREATE OR REPLACE TABLE t AS SELECT k, a, b, c, a + 1 AS d FROM s;');
  await run(world, `${insert('z', 5)} INSERT INTO s (k) VALUES ('x');`);
  world = await again(world);
  const last = [
    ['x', null, null, null, null],
    ['y', 4, 'y4', null, null],
    ['z', 5, 'z5', 5.5, 6],
  ];
  expect(await shown(world)).toEqual(last);
  // A replacement with the same columns keeps on reading the former rows.
  await run(world, 'CREATE OR REPLACE TABLE t AS SELECT k, a, b, c, a + 1 AS d FROM s WHERE a > 0;');
  expect(await shown(world)).toEqual(last);
  expect((await topicOf(world.log, 'T')).at(-2)).toBe('z={"A":5,"B":"z5","C":5.5,"D":6}');
  expect((await world.engine.queries()).map(({ state }) => state)).toEqual(['RUNNING']);
});

test('a join of tables gets a column made of what it keeps', async () => {
  const world = await openWorld();
  const joined = 'TABLE t AS SELECT l.k AS k, l.n AS n, r.n AS m FROM l JOIN r ON l.k = r.k;';
  await run(
    world,
    `${source} CREATE TABLE l AS SELECT k, a AS n FROM s; CREATE TABLE r AS SELECT k, a * 10 AS n FROM s;
     CREATE ${joined} ${insert('x', 1)} ${insert('y', 2)}`,
  );
  await run(world, `CREATE OR REPLACE ${joined.replace(' FROM', ', l.n + r.n AS both FROM')}`);
  await run(world, insert('y', 3));
  expect(await shown(world)).toEqual([
    ['x', 1, 10, null],
    ['y', 3, 30, 33],
  ]);
});
