/**
 * One partition or four, no worker thread or two: the same tables at the end.
 *
 * Rows are clearly in time or clearly late, so that nothing depends on who reads first; a plain re-computation over the
 * rows is the judge. Real log, real LevelDB, real threads; grouping and joining go through repartition topics.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random } from '../../../base/index.ts';
import { open } from '../../../millrace.ts';
import type { Row, Value } from '../../../sql/index.ts';

let data = '';

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
});

afterEach(() => rmSync(data, { recursive: true, force: true }));

const minute = 60_000;

interface Sale {
  readonly id: number;
  readonly shop: string;
  readonly amount: number;
  readonly ts: number;
}

const shops = Array.from({ length: 23 }, (_, i) => `shop-${i}`);

/** Event time moves on by about a second a row; some rows are half a minute old, a few are from an hour ago. */
const sales = (count: number): readonly Sale[] => {
  const random = new Random(42);
  return Array.from({ length: count }, (_, id) => {
    const now = 10 * 60 * minute + id * 1000;
    const age = id > 4000 && random.chance(0.01) ? 60 * minute : random.chance(0.1) ? minute / 2 : 0;
    return { id, shop: random.pick(shops), amount: random.between(-50, 200), ts: now - age };
  });
};

/** Late rows are an hour old, the grace period is ten minutes: no interleaving of partitions is near either bound. */
const isLate = (sale: Sale): boolean => sale.ts < 10 * 60 * minute + sale.id * 1000 - 30 * minute;

const expected = (rows: readonly Sale[]) => {
  const byShop = new Map<string, { n: number; total: number; worst: number }>();
  const byWindow = new Map<string, number>();
  for (const sale of rows) {
    const group = byShop.get(sale.shop) ?? { n: 0, total: 0, worst: Number.POSITIVE_INFINITY };
    byShop.set(sale.shop, {
      n: group.n + 1,
      total: group.total + sale.amount,
      worst: Math.min(group.worst, sale.amount),
    });
    if (isLate(sale)) continue;
    const window = `${sale.shop}@${sale.ts - (sale.ts % minute)}`;
    byWindow.set(window, (byWindow.get(window) ?? 0) + sale.amount);
  }
  return { byShop, byWindow };
};

test.each([
  { partitions: 1, workers: 0 },
  { partitions: 4, workers: 0 },
  { partitions: 4, workers: 1 },
  { partitions: 4, workers: 2 },
])('$partitions partitions, $workers worker threads', async ({ partitions, workers }) => {
  const millrace = await open({ data, workers });
  try {
    const { engine } = millrace;
    const rowsOf = async (sql: string): Promise<Row[]> => {
      const rows: Row[] = [];
      const handle = await engine.query(sql);
      for await (const batch of handle.rows()) rows.push(...batch.map((row) => [...row] as Value[]));
      return rows;
    };
    const properties = { 'auto.offset.reset': 'earliest' };
    await engine.execute(
      `CREATE STREAM sales (id BIGINT KEY, shop VARCHAR, amount INT, ts BIGINT) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='JSON', PARTITIONS=${partitions}, TIMESTAMP='ts');
       CREATE TABLE shops (name VARCHAR PRIMARY KEY, city VARCHAR) WITH (KAFKA_TOPIC='shops', VALUE_FORMAT='JSON', PARTITIONS=${partitions});
       CREATE TABLE by_shop AS SELECT shop, COUNT(*) AS n, SUM(amount) AS total, MIN(amount) AS worst FROM sales GROUP BY shop;
       CREATE TABLE by_minute AS SELECT shop, SUM(amount) AS total FROM sales WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 10 DAYS, GRACE PERIOD 10 MINUTES) GROUP BY shop;
       CREATE STREAM placed AS SELECT s.shop AS shop, s.id AS id, amount, city FROM sales s LEFT JOIN shops p ON s.shop = p.name WHERE amount > 0;
       CREATE TABLE by_city AS SELECT city, COUNT(*) AS n FROM placed WHERE city IS NOT NULL GROUP BY city;`,
      { properties },
    );
    await engine.execute(
      shops
        .slice(0, 20)
        .map((name, i) => `INSERT INTO shops (ROWTIME, name, city) VALUES (0, '${name}', 'city-${i % 5}');`)
        .join(' '),
    );
    await millrace.awaitIdle();
    const rows = sales(8000);
    const inserter = await engine.inserter('sales');
    for (let at = 0; at < rows.length; at += 500) {
      const outcomes = await inserter.insert(rows.slice(at, at + 500).map((sale) => ({ ...sale })));
      expect(outcomes.every(({ ok }) => ok)).toBe(true);
    }
    await millrace.awaitIdle();

    const { byShop, byWindow } = expected(rows);
    expect(
      new Map((await rowsOf('SELECT * FROM by_shop;')).map(([shop, n, total, worst]) => [shop, { n, total, worst }])),
    ).toEqual(byShop);
    const windows = await rowsOf('SELECT shop, WINDOWSTART, total FROM by_minute;');
    expect(new Map(windows.map(([shop, start, total]) => [`${shop}@${start}`, total]))).toEqual(byWindow);
    const cities = new Map<string, number>();
    for (const { shop, amount } of rows) {
      const index = shops.indexOf(shop);
      if (amount > 0 && index < 20) cities.set(`city-${index % 5}`, (cities.get(`city-${index % 5}`) ?? 0) + 1);
    }
    expect(new Map((await rowsOf('SELECT * FROM by_city;')).map(([city, n]) => [city, n]))).toEqual(cities);
    const status = (await engine.queries()).find(({ id }) => id.startsWith('CTAS_BY_MINUTE'));
    expect(status?.dropped).toEqual({ late: rows.filter(isLate).length });
  } finally {
    await millrace.close();
  }
});
