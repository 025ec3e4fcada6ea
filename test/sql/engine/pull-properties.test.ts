/** Pull queries against plain code, over random rows. */

import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Row, SqlEngine, Value } from '../../../sql/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

interface Made {
  readonly id: number;
  readonly g: string | null;
  readonly n: number | null;
  readonly x: number | null;
}

const made: fc.Arbitrary<Omit<Made, 'id'>> = fc.record({
  g: fc.constantFrom('a', 'b', 'é', '', null),
  n: fc.option(fc.integer({ min: -3, max: 3 }), { nil: null }),
  x: fc.option(fc.constantFrom(0, -0.5, 1.25, 1e300), { nil: null }),
});

const withRows = async (rows: readonly Omit<Made, 'id'>[]): Promise<{ engine: SqlEngine; rows: readonly Made[] }> => {
  const { engine } = await openWorld();
  await engine.execute(`
    SET 'auto.offset.reset' = 'earliest';
    CREATE STREAM s (id INT KEY, g VARCHAR, n INT, x DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=3);
    CREATE TABLE t AS SELECT id, LATEST_BY_OFFSET(g, false) AS g, LATEST_BY_OFFSET(n, false) AS n,
      LATEST_BY_OFFSET(x, false) AS x FROM s GROUP BY id;`);
  const numbered = rows.map((row, id) => ({ id, ...row }));
  await engine.insert('s', numbered);
  await engine.awaitIdle();
  return { engine, rows: numbered };
};

const runs = { numRuns: 25 };
const sortedText = (rows: readonly (readonly unknown[])[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
const source = fc.constantFrom('s', 't');

/** NULLs last where `direction` is 1, first where it is -1, as ORDER BY has it. */
const byColumn =
  (column: number, direction: 1 | -1) =>
  (a: Row, b: Row): number => {
    const [x, y] = [a[column] as Value, b[column] as Value];
    if (x === null || y === null) return direction * (Number(x === null) - Number(y === null));
    return direction * ((x as number) < (y as number) ? -1 : (x as number) > (y as number) ? 1 : 0);
  };

// Without LIKE: of NULL it is NULL, which AND and NOT refuse in this dialect, and a condition that fails keeps no row.
test('a condition, its negation and its being NULL divide the rows', async () => {
  const condition = fc.constantFrom(
    'n > 0',
    "g = 'a'",
    'x < 1',
    "n = 1 OR g = 'b'",
    'n IN (1, 2)',
    'x BETWEEN 0 AND 2',
    'NOT (n < x)',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(made, { maxLength: 30 }), source, condition, async (given, from, p) => {
      const { engine, rows } = await withRows(given);
      const ids = async (where: string): Promise<number[]> =>
        (await rowsOf(engine, `SELECT id FROM ${from} WHERE ${where};`)).map(([id]) => id as number);
      const parts = [await ids(`(${p})`), await ids(`NOT (${p})`), await ids(`(${p}) IS NULL`)];
      expect(parts.flat().sort((a, b) => a - b)).toEqual(rows.map(({ id }) => id));
      await closeWorlds();
    }),
    runs,
  );
});

test('ORDER BY with LIMIT and OFFSET is a piece of the sorted rows', async () => {
  const term = fc.record({
    column: fc.integer({ min: 1, max: 3 }),
    direction: fc.constantFrom(1 as const, -1 as const),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(made, { maxLength: 40 }),
      source,
      fc.array(term, { minLength: 1, maxLength: 3 }),
      fc.nat({ max: 12 }),
      fc.nat({ max: 12 }),
      async (given, from, terms, limit, offset) => {
        const { engine } = await withRows(given);
        const list = terms.map(({ column, direction }) => `${column}${direction === 1 ? '' : ' DESC'}`).join(', ');
        const plain = await rowsOf(engine, `SELECT g, n, x, id FROM ${from};`);
        const wanted = plain
          .sort((a, b) => {
            for (const { column, direction } of terms) {
              const found = byColumn(column - 1, direction)(a, b);
              if (found !== 0) return found;
            }
            return (a[3] as number) - (b[3] as number);
          })
          .slice(offset, offset + limit);
        const sql = `SELECT g, n, x, id FROM ${from} ORDER BY ${list}, id LIMIT ${limit} OFFSET ${offset};`;
        expect(await rowsOf(engine, sql)).toEqual(wanted);
        await closeWorlds();
      },
    ),
    runs,
  );
});

test('GROUP BY, DISTINCT and joins are what plain code makes of the rows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(made, { maxLength: 30 }), source, async (given, from) => {
      const { engine, rows } = await withRows(given);
      const groups = new Map<string, Made[]>();
      for (const row of rows) {
        const key = JSON.stringify([row.g, row.n]);
        groups.set(key, [...(groups.get(key) ?? []), row]);
      }
      const wanted = [...groups.values()].map((all) => {
        const xs = all.flatMap(({ x }) => (x === null ? [] : [x]));
        return [all[0]?.g, all[0]?.n, all.length, xs.length, xs.length === 0 ? null : Math.max(...xs)];
      });
      const grouped = await rowsOf(engine, `SELECT g, n, COUNT(*), COUNT(x), MAX(x) FROM ${from} GROUP BY g, n;`);
      expect(sortedText(grouped)).toEqual(sortedText(wanted));

      const different = new Set(rows.map(({ g, x }) => JSON.stringify([g, x])));
      expect(sortedText(await rowsOf(engine, `SELECT DISTINCT g, x FROM ${from};`))).toEqual([...different].sort());

      const pairs = (type: string): unknown[][] => {
        const found: unknown[][] = [];
        const met = new Set<number>();
        for (const a of rows) {
          const partners = rows.filter((b) => a.n !== null && a.n === b.n && a.g !== null && a.g === b.g && b.id > 2);
          for (const b of partners) {
            found.push([a.id, b.id]);
            met.add(b.id);
          }
          if (partners.length === 0 && (type === 'LEFT' || type === 'FULL')) found.push([a.id, null]);
        }
        if (type === 'RIGHT' || type === 'FULL') {
          for (const { id } of rows) if (!met.has(id)) found.push([null, id]);
        }
        return found;
      };
      for (const type of ['INNER', 'LEFT', 'RIGHT', 'FULL']) {
        const sql = `SELECT a.id, b.id FROM ${from} a ${type} JOIN s b ON a.n = b.n AND b.g = a.g AND b.id > 2;`;
        expect(sortedText(await rowsOf(engine, sql)), type).toEqual(sortedText(pairs(type)));
      }
      await closeWorlds();
    }),
    runs,
  );
});
