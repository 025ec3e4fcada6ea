/**
 * What is late is late by the time of its origin, however many partitions there are and however many hops lie between: over 1, 2, 4 and 7
 * partitions, behind any number of repartitions and through a derived topic the final tables are those of a plain count over the rows.
 *
 * The rows are history: all of them lie in the topic before the queries start, so that the partitions are read at different paces. Windows
 * are kept for two minutes only, a small part of what one task reads in its turn: windows that expired too early would lose rows as well.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'millrace';
import { expect, test } from 'vitest';

const MINUTE_MS = 60_000;
const ROWS = 20_000;
const USERS = 60;
const PAGES = 40;
const TEAMS = 6;
const START = 1_700_000_040_000;

interface Event {
  readonly id: number;
  readonly usr: string;
  readonly page: string;
  readonly ts: number;
  readonly late: boolean;
}

/** One event every 100 ms; with `late`, every 501st from the middle on is ten minutes behind, far out of the grace of five seconds. */
const events = (late: boolean): readonly Event[] =>
  Array.from({ length: ROWS }, (_, id) => {
    const behind = late && id > ROWS / 2 && id % 501 === 0;
    const ts = START + id * 100 - (behind ? 10 * MINUTE_MS : 0);
    return { id, usr: `u${id % USERS}`, page: `p${(id * 7) % PAGES}`, ts, late: behind };
  });

const teamOf = (usr: string): string => `t${Number(usr.slice(1)) % TEAMS}`;

const windowed = 'WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 2 MINUTES, GRACE PERIOD 5 SECONDS)';

/** Each makes the table `counts (k, n)` in its own way; `key` is what it counts by. */
const shapes: Record<string, { readonly statements: string; key(event: Event): string }> = {
  'no hop: GROUP BY the key': {
    statements: `CREATE TABLE counts AS SELECT usr AS k, COUNT(*) AS n FROM events ${windowed} GROUP BY usr;`,
    key: ({ usr }) => usr,
  },
  'one hop: GROUP BY a column': {
    statements: `CREATE TABLE counts AS SELECT page AS k, COUNT(*) AS n FROM events ${windowed} GROUP BY page;`,
    key: ({ page }) => page,
  },
  'two hops: a join with re-key, then GROUP BY': {
    statements: `CREATE TABLE counts AS SELECT p.title AS k, COUNT(*) AS n
      FROM events e JOIN pages p ON e.page = p.page ${windowed} GROUP BY p.title;`,
    key: ({ page }) => `title ${page}`,
  },
  'two queries: a window over a stream made by PARTITION BY': {
    statements: `CREATE STREAM by_page AS SELECT * FROM events PARTITION BY page;
      CREATE TABLE counts AS SELECT page AS k, COUNT(*) AS n FROM by_page ${windowed} GROUP BY page;`,
    key: ({ page }) => page,
  },
  'two queries, four hops: a join with re-key, PARTITION BY, a join with re-key, GROUP BY': {
    statements: `CREATE STREAM by_title AS SELECT p.title AS title, e.usr AS usr, e.page AS page
        FROM events e JOIN pages p ON e.page = p.page PARTITION BY p.title;
      CREATE TABLE counts AS SELECT u.team AS k, COUNT(*) AS n
        FROM by_title b JOIN users u ON b.usr = u.usr ${windowed} GROUP BY u.team;`,
    key: ({ usr }) => teamOf(usr),
  },
};

const expected = (rows: readonly Event[], key: (event: Event) => string): string[] => {
  const counts = new Map<string, { K: string; WINDOWSTART: number; N: number }>();
  const last = rows[rows.length - 1] as Event;
  for (const row of rows) {
    const WINDOWSTART = row.ts - (row.ts % MINUTE_MS);
    // What has expired by the end cannot be read any more.
    if (row.late || WINDOWSTART <= last.ts - 2 * MINUTE_MS) continue;
    const K = key(row);
    const known = counts.get(`${K} ${WINDOWSTART}`);
    counts.set(`${K} ${WINDOWSTART}`, { K, WINDOWSTART, N: (known?.N ?? 0) + 1 });
  }
  return [...counts.values()].map((row) => JSON.stringify(row)).sort();
};

const cases = Object.keys(shapes).flatMap((shape) =>
  [1, 2, 4, 7].flatMap((partitions) => [false, true].map((late) => ({ shape, partitions, late }))),
);

test.each(cases)(
  '$shape; $partitions partitions; late rows: $late',
  async ({ shape, partitions, late }) => {
    const { statements, key } = shapes[shape] as (typeof shapes)[string];
    const data = mkdtempSync(join(tmpdir(), 'millrace-lateness-'));
    const millrace = await open({ data, workers: 0 });
    try {
      const topic = (name: string): string => `kafka_topic='${name}', partitions=${partitions}, value_format='JSON'`;
      await millrace.sql(`
      CREATE STREAM events (usr VARCHAR KEY, id INTEGER, page VARCHAR, ts BIGINT) WITH (${topic('events')}, timestamp='ts');
      CREATE TABLE pages (page VARCHAR PRIMARY KEY, title VARCHAR) WITH (${topic('pages')});
      CREATE TABLE users (usr VARCHAR PRIMARY KEY, team VARCHAR) WITH (${topic('users')});`);
      await millrace.produce(
        'pages',
        Array.from({ length: PAGES }, (_, i) => ({ key: `p${i}`, value: `{"TITLE":"title p${i}"}`, timestamp: 0 })),
      );
      await millrace.produce(
        'users',
        Array.from({ length: USERS }, (_, i) => ({
          key: `u${i}`,
          value: `{"TEAM":"${teamOf(`u${i}`)}"}`,
          timestamp: 0,
        })),
      );
      const rows = events(late);
      const inserter = await millrace.engine.inserter('events');
      for (let from = 0; from < rows.length; from += 2000) {
        await inserter.insert(rows.slice(from, from + 2000).map(({ id, usr, page, ts }) => ({ id, usr, page, ts })));
      }
      await millrace.sql(`SET 'auto.offset.reset' = 'earliest'; ${statements}`);
      await millrace.awaitIdle();
      const dropped = (await millrace.engine.queries()).at(-1)?.dropped;
      expect(dropped).toEqual(late ? { late: rows.filter((row) => row.late).length } : {});
      const found = Array.from(await millrace.query('SELECT k, WINDOWSTART, n FROM counts;'), (row) =>
        JSON.stringify(row),
      );
      const wanted = expected(rows, key);
      // Windows may stay longer than they must, so that what is there is more than what has to be there.
      expect(found.filter((row) => wanted.includes(row)).sort()).toEqual(wanted);
    } finally {
      await millrace.close();
      rmSync(data, { recursive: true, force: true });
    }
  },
  60_000,
);
