/**
 * SIGKILL at twenty random moments of a running server: real process, real files, real LevelDB.
 *
 * A stream of purchases is joined with a table of shops (re-keyed), counted by shop, and summed in windows by shop.
 * Rows arrive over HTTP all the while; what a kill left unanswered is asked for and the rest is sent. At the end the
 * outputs, read committed, and the views equal the re-computation, and no restart replayed more of a changelog than a
 * checkpoint allows.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { get, Inserts, rows, statements } from '../../examples/demo/client.ts';
import { freePort, Server } from '../../examples/demo/server.ts';

const KILLS = 20;
/** On a busy machine transactions are rarely open at a kill: as many are tried until one was. */
const MOST_KILLS = 80;
const SHOPS = 40;
const MINUTE_MS = 60_000;
const MAX_REPLAYED = 700_000;
const SEED = 20;

interface Info {
  readonly millrace: {
    readonly recovery: { readonly abortedTransactions: readonly string[] };
    readonly queries: readonly { readonly lag: number; readonly state: string; readonly replayed: number }[];
  };
}

const purchase = (id: number) => ({ id, shop: id % SHOPS, cents: (id * 7919) % 1000, at: id * 250 });

test('output and views after twenty kills are those of an undisturbed run', { timeout: 480_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
  const server = new Server({ dataDirectory: directory, port: await freePort() });
  const random = new Random(SEED);
  try {
    await server.start();
    const { url } = server;
    await statements(
      url,
      `CREATE TABLE shops (shop INTEGER PRIMARY KEY, city VARCHAR) WITH (kafka_topic='shops', partitions=2, value_format='JSON');
       CREATE STREAM purchases (id BIGINT KEY, shop INTEGER, cents INTEGER, ms BIGINT)
         WITH (kafka_topic='purchases', partitions=2, value_format='JSON', timestamp='ms');`,
    );
    await statements(
      url,
      Array.from(
        { length: SHOPS },
        (_, shop) => `INSERT INTO shops (ROWTIME, shop, city) VALUES (0, ${shop}, 'city ${shop % 7}');`,
      ).join('\n'),
    );
    await statements(
      url,
      `CREATE STREAM located AS SELECT p.shop AS shop, p.id AS id, p.cents AS cents, s.city AS city FROM purchases p JOIN shops s ON p.shop = s.shop;
       CREATE TABLE by_shop AS SELECT shop, COUNT(*) AS n, SUM(cents) AS cents FROM purchases GROUP BY shop;
       CREATE TABLE by_minute AS SELECT shop, COUNT(*) AS n, SUM(cents) AS cents FROM purchases
         WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 365 DAYS, GRACE PERIOD 1 HOUR) GROUP BY shop;`,
      { 'auto.offset.reset': 'earliest' },
    );

    let sentTo = 0;
    let aborted = 0;
    for (let kill = 0; kill < KILLS || (aborted === 0 && kill < MOST_KILLS); kill++) {
      let acknowledged = sentTo;
      const arrived = await idsAfter(url, acknowledged);
      const inserts = new Inserts(url, 'purchases');
      const order: number[] = [];
      const until = performance.now() + 50 + random.below(350);
      while (performance.now() < until) {
        let lines = '';
        const before = order.length;
        while (order.length - before < 200) {
          sentTo++;
          if (arrived.has(sentTo)) continue;
          const { id, shop, cents, at } = purchase(sentTo);
          lines += `{"ID":${id},"SHOP":${shop},"CENTS":${cents},"MS":${at}}\n`;
          order.push(sentTo);
        }
        await inserts.send(lines, order.length - before, 5_000);
      }
      await server.kill();
      await inserts.lost;
      expect(inserts.refusal).toBeUndefined();
      if (inserts.acknowledged > 0) acknowledged = order[inserts.acknowledged - 1] as number;
      await server.start();
      sentTo = acknowledged;
      const { millrace } = (await get(url, '/info')) as Info;
      aborted += millrace.recovery.abortedTransactions.length;
      for (const { state, replayed } of millrace.queries) {
        expect(state).not.toBe('ERROR');
        expect(replayed).toBeLessThanOrEqual(MAX_REPLAYED);
      }
    }

    expect(aborted).toBeGreaterThan(0);

    // What the last kill left in the log beyond the last acknowledged row counts as well.
    const arrived = [...(await idsAfter(url, 0))];
    const expected = recompute(arrived);
    expect(arrived.length).toBeGreaterThanOrEqual(sentTo);
    for (;;) {
      const { millrace } = (await get(url, '/info')) as Info;
      if (millrace.queries.every(({ lag }) => lag === 0)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const located = await all(url, 'SELECT id, cents, city FROM located;');
    expect(new Set(located.map(([id]) => id)).size).toBe(located.length);
    expect(located.length).toBe(arrived.length);
    for (const [id, cents, city] of located) {
      const bought = purchase(id as number);
      expect([cents, city]).toEqual([bought.cents, `city ${bought.shop % 7}`]);
    }
    expect(sorted(await all(url, 'SELECT shop, n, cents FROM by_shop;'))).toEqual(sorted(expected.byShop));
    expect(sorted(await all(url, 'SELECT shop, WINDOWSTART, n, cents FROM by_minute;'))).toEqual(
      sorted(expected.byMinute),
    );
  } finally {
    await server.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});

const all = async (url: URL, sql: string): Promise<number[][]> => {
  const found: number[][] = [];
  for await (const row of rows(url, sql)) found.push([...row] as number[]);
  return found;
};

const idsAfter = async (url: URL, id: number): Promise<Set<number>> =>
  new Set((await all(url, `SELECT id FROM purchases WHERE id > ${id};`)).map(([found]) => found as number));

const recompute = (ids: readonly number[]): { byShop: number[][]; byMinute: number[][] } => {
  const byShop = new Map<number, number[]>();
  const byMinute = new Map<string, number[]>();
  for (const id of ids) {
    const { shop, cents, at } = purchase(id);
    const start = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    const total = byShop.get(shop) ?? [shop, 0, 0];
    byShop.set(shop, [shop, (total[1] as number) + 1, (total[2] as number) + cents]);
    const minute = byMinute.get(`${shop} ${start}`) ?? [shop, start, 0, 0];
    byMinute.set(`${shop} ${start}`, [shop, start, (minute[2] as number) + 1, (minute[3] as number) + cents]);
  }
  return { byShop: [...byShop.values()], byMinute: [...byMinute.values()] };
};

const sorted = (found: readonly number[][]): number[][] =>
  found.toSorted((a, b) => (a[0] as number) - (b[0] as number) || (a[1] as number) - (b[1] as number));
