/**
 * What is late is late by the time of its origin, however many partitions there are and however many hops lie between:
 * over 1, 2, 4 and 7 partitions, behind any number of repartitions and through a derived topic the final tables are
 * those of a plain count over the rows.
 *
 * The rows are history: all of them lie in the topic before the queries start, so that the partitions are read at
 * different paces. Windows are kept for two minutes only, a small part of what one task reads in its turn: windows that
 * expired too early would lose rows as well.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Millrace, open, PROCESSING_LOG_TOPIC } from 'millrace';
import { expect, test } from 'vitest';
import { Random } from '../base/index.ts';
import { freePort, Server } from '../examples/demo/server.ts';

const MINUTE_MS = 60_000;
const ROWS = 20_000;
const KEPT_MS = 2 * MINUTE_MS;
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

/** One event every 100 ms; with `late`, every 501st from the middle on is ten minutes behind, far out of the grace. */
const events = (late: boolean, count = ROWS): readonly Event[] =>
  Array.from({ length: count }, (_, id) => {
    const behind = late && id > count / 2 && id % 501 === 0;
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
  'two queries: the derived stream takes its time from a column': {
    statements: `CREATE STREAM by_page WITH (timestamp='ts') AS SELECT page, ts FROM raw PARTITION BY page;
      CREATE TABLE counts AS SELECT page AS k, COUNT(*) AS n FROM by_page ${windowed} GROUP BY page;`,
    key: ({ page }) => page,
  },
};

const expected = (rows: readonly Event[], key: (event: Event) => string): string[] => {
  const counts = new Map<string, { K: string; WINDOWSTART: number; N: number }>();
  const last = rows[rows.length - 1] as Event;
  for (const row of rows) {
    const WINDOWSTART = row.ts - (row.ts % MINUTE_MS);
    // What may have expired by the end is left out.
    if (row.late || WINDOWSTART <= last.ts - KEPT_MS) continue;
    const K = key(row);
    const known = counts.get(`${K} ${WINDOWSTART}`);
    counts.set(`${K} ${WINDOWSTART}`, { K, WINDOWSTART, N: (known?.N ?? 0) + 1 });
  }
  return [...counts.values()].map((row) => JSON.stringify(row)).sort();
};

const insert = async (millrace: Millrace, rows: readonly Event[]): Promise<void> => {
  const inserter = await millrace.engine.inserter('events');
  for (let from = 0; from < rows.length; from += 2000) {
    await inserter.insert(rows.slice(from, from + 2000).map(({ id, usr, page, ts }) => ({ id, usr, page, ts })));
  }
};

/** Topics with everything in them that the queries are to read. `raw` is the stream of events by their time of
 *  arrival. */
const prepare = async (millrace: Millrace, partitions: number, rows: readonly Event[]): Promise<void> => {
  const topic = (name: string): string => `kafka_topic='${name}', partitions=${partitions}, value_format='JSON'`;
  await millrace.sql(`
    CREATE STREAM events (usr VARCHAR KEY, id INTEGER, page VARCHAR, ts BIGINT) WITH (${topic('events')}, timestamp='ts');
    CREATE STREAM raw (usr VARCHAR KEY, id INTEGER, page VARCHAR, ts BIGINT) WITH (kafka_topic='events', value_format='JSON');
    CREATE TABLE pages (page VARCHAR PRIMARY KEY, title VARCHAR) WITH (${topic('pages')});
    CREATE TABLE users (usr VARCHAR PRIMARY KEY, team VARCHAR) WITH (${topic('users')});`);
  const table = (name: string, value: (i: number) => [string, unknown], count: number): Promise<unknown> =>
    millrace.produce(
      name,
      Array.from({ length: count }, (_, i) => value(i)).map(([key, row]) => ({
        key,
        value: JSON.stringify(row),
        timestamp: 0,
      })),
    );
  await table('pages', (i) => [`p${i}`, { TITLE: `title p${i}` }], PAGES);
  await table('users', (i) => [`u${i}`, { TEAM: teamOf(`u${i}`) }], USERS);
  await insert(millrace, rows);
};

const start = (millrace: Millrace, statements: string): Promise<unknown> =>
  millrace.sql(`SET 'auto.offset.reset' = 'earliest'; ${statements}`);

const counts = async (millrace: Millrace): Promise<{ readonly K: string; readonly WINDOWSTART: number }[]> =>
  Array.from(await millrace.query('SELECT k, WINDOWSTART, n FROM counts;'), (row) => row as never);

/** The final tables are those of a plain count. Windows may stay longer than they must. */
const check = async (millrace: Millrace, rows: readonly Event[], key: (event: Event) => string): Promise<void> => {
  const wanted = new Set(expected(rows, key));
  const found = (await counts(millrace)).map((row) => JSON.stringify(row));
  expect(found.filter((row) => wanted.has(row)).sort()).toEqual([...wanted]);
};

const inDirectory = async (work: (data: string) => Promise<void>): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-lateness-'));
  try {
    await work(data);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
};

const counted = async (
  data: string,
  options: { readonly workers: number; readonly partitions: number; readonly late: boolean; readonly shape: string },
): Promise<void> => {
  const { workers, partitions, late, shape } = options;
  const { statements, key } = shapes[shape] as (typeof shapes)[string];
  const millrace = await open({ data, workers });
  try {
    const rows = events(late);
    await prepare(millrace, partitions, rows);
    await start(millrace, statements);
    await millrace.awaitIdle();
    const dropped = (await millrace.engine.queries()).at(-1)?.dropped;
    expect(dropped).toEqual(late ? { late: rows.filter((row) => row.late).length } : {});
    await check(millrace, rows, key);
  } finally {
    await millrace.close();
  }
};

const cases = Object.keys(shapes).flatMap((shape) =>
  [1, 2, 4, 7].flatMap((partitions) => [false, true].map((late) => ({ shape, partitions, late }))),
);

test.each(cases)('$partitions partitions; late rows: $late; $shape', ({ shape, partitions, late }) =>
  inDirectory((data) => counted(data, { workers: 0, partitions, late, shape })),
);

test.each(Object.keys(shapes))('4 partitions and 2 worker threads; late rows: true; %s', (shape) =>
  inDirectory((data) => counted(data, { workers: 2, partitions: 4, late: true, shape })),
);

test('windows expire behind hops and in a chain of queries, also while most partitions are silent', () =>
  inDirectory(async (data) => {
    for (const shape of [
      'two hops: a join with re-key, then GROUP BY',
      'two queries: a window over a stream made by PARTITION BY',
    ]) {
      const millrace = await open({ data: join(data, shape.slice(0, 8)), workers: 0 });
      try {
        const rows = events(false);
        const { statements, key } = shapes[shape] as (typeof shapes)[string];
        await prepare(millrace, 4, rows);
        await start(millrace, statements);
        await millrace.awaitIdle();
        const ended = (rows[ROWS - 1] as Event).ts;
        // One user goes on alone, through all pages: one source partition of four.
        const alone = Array.from({ length: 12 * PAGES }, (_, at) => ({
          ...(rows[0] as Event),
          page: `p${at % PAGES}`,
          ts: ended + Math.floor(at / PAGES) * MINUTE_MS,
        }));
        for (let from = 0; from < alone.length; from += PAGES) {
          await insert(millrace, alone.slice(from, from + PAGES));
          await millrace.awaitIdle();
        }
        await check(millrace, [...rows, ...alone], key);
        const oldest = Math.min(...(await counts(millrace)).map(({ WINDOWSTART }) => WINDOWSTART));
        expect(oldest).toBeGreaterThan(ended + 5 * MINUTE_MS);
      } finally {
        await millrace.close();
      }
    }
  }));

test('windows expire while history is read behind hops', () =>
  inDirectory(async (data) => {
    // The low watermark takes some commits for each hop.
    const millrace = await open({ data, workers: 0, commitIntervalMs: 5 });
    try {
      const rows = events(false, 5 * ROWS);
      const { statements, key } = shapes['two hops: a join with re-key, then GROUP BY'] as (typeof shapes)[string];
      await prepare(millrace, 4, rows);
      await start(millrace, statements);
      await millrace.awaitIdle();
      await check(millrace, rows, key);
      const oldest = Math.min(...(await counts(millrace)).map(({ WINDOWSTART }) => WINDOWSTART));
      expect(oldest).toBeGreaterThan(START + 10 * MINUTE_MS);
    } finally {
      await millrace.close();
    }
  }));

test.each([
  'two hops: a join with re-key, then GROUP BY',
  'two queries, four hops: a join with re-key, PARTITION BY, a join with re-key, GROUP BY',
])('killed again and again; late rows: true; %s', { timeout: 240_000 }, (shape) =>
  inDirectory(async (data) => {
    const { statements, key } = shapes[shape] as (typeof shapes)[string];
    const rows = events(true, 5 * ROWS);
    let millrace = await open({ data, workers: 0 });
    await prepare(millrace, 4, rows);
    await start(millrace, statements);
    await millrace.close();

    const server = new Server({ dataDirectory: data, port: await freePort() });
    const random = new Random(7);
    for (let kill = 0; kill < 4; kill++) {
      await server.start();
      await new Promise((resolve) => setTimeout(resolve, random.below(80)));
      await server.kill();
    }

    millrace = await open({ data, workers: 0 });
    try {
      await millrace.awaitIdle();
      await check(millrace, rows, key);
      let late = 0;
      for await (const { value } of millrace.consume(PROCESSING_LOG_TOPIC, { untilEnd: true })) {
        if ((JSON.parse(Buffer.from(value ?? []).toString()) as { reason: string }).reason === 'late') late++;
      }
      expect(late).toBe(rows.filter((row) => row.late).length);
    } finally {
      await millrace.close();
    }
  }),
);
