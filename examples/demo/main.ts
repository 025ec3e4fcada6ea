/**
 * The demonstration: `npm run demo [-- --rows N]`.
 *
 * Starts a real server on a fresh directory, creates a table and a stream from real data, runs four continuous queries
 * while a million rows arrive, kills the server twice on the way, and ends with a comparison against a plain
 * re-computation over the file: every window, every origin. Exits 0, or 1 when anything differs.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { get, rows, statements } from './client.ts';
import { compare } from './compare.ts';
import { type Airport, loadAirports, loadFlights } from './flights.ts';
import { load } from './loader.ts';
import { continuousQueries, liveQuery, shownQueries, tables } from './queries.ts';
import { recompute } from './reference.ts';
import { freePort, Server } from './server.ts';
import { heading, number, say, seconds, table } from './terminal.ts';

const LIVE_ROWS = 8;

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { rows: { type: 'string' }, keep: { type: 'boolean', default: false } } });
  const started = performance.now();
  const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
  const server = new Server({ dataDirectory, port: await freePort() });
  try {
    const startMs = await server.start();
    heading('A server on a fresh data directory');
    say(`  ${server.url}  data in ${dataDirectory}  answering after ${seconds(startMs)}`);

    const flights = loadFlights(values.rows === undefined ? undefined : Number(values.rows));
    const airports = loadAirports();
    heading('Tables, streams and continuous queries, by SQL over HTTP');
    await statements(server.url, tables);
    await insertAirports(server, airports);
    say(`  airports: ${number(airports.length)} rows by INSERT VALUES`);
    const queryStatements = continuousQueries.map(({ sql }) => sql).join('\n');
    await statements(server.url, queryStatements, { 'auto.offset.reset': 'earliest' });
    for (const { name, about } of continuousQueries) say(`  ${name.padEnd(13)} ${about}`);

    heading(`${number(flights.count)} flights in order of arrival, over one connection; two kills on the way`);
    say(`> ${liveQuery}`);
    const live = watch(server);
    const third = Math.floor(flights.count / 3);
    const { loadMs, restartsMs, arrivedUnanswered, killsMissed } = await load(server, flights, [third, 2 * third]);

    const firstRowMs = await live;

    const drainMs = await drained(server);
    heading('Pull queries');
    for (const sql of shownQueries) {
      say(`> ${sql.replaceAll(/\s+/g, ' ')}`);
      const answer: unknown[][] = [];
      for await (const row of rows(server.url, sql)) answer.push([...row]);
      table(columnsOf(sql), answer);
    }

    heading('Against a plain re-computation over the file');
    const reference = recompute(flights, new Set(airports.map(({ iata }) => iata)));
    const differences = await compare(server, reference, values.rows === undefined);

    const recordsRead = await recordsReadBy(server);
    heading('Figures');
    table(
      ['figure', 'value'],
      [
        [
          'rows sent',
          `${number(flights.count)} (${number(arrivedUnanswered)} had arrived unanswered and were not sent again)`,
        ],
        ['records read by the queries since the last start', number(recordsRead)],
        ['rows per second, end to end, kills included', number(flights.count / ((loadMs + drainMs) / 1000))],
        ['time to first live row', seconds(firstRowMs)],
        ['start, restarts', [startMs, ...restartsMs].map(seconds).join(', ')],
        ['all of it', seconds(performance.now() - started)],
      ],
    );
    if (killsMissed > 0) say(`\n${killsMissed} of the kills found no open transaction: the rows were too few.`);
    say(differences === 0 ? '\nEverything agrees.' : `\n${differences} differences.`);
    return differences === 0 && killsMissed === 0 ? 0 : 1;
  } finally {
    await server.stop();
    if (values.keep) say(`data kept in ${dataDirectory}`);
    else rmSync(dataDirectory, { recursive: true, force: true });
  }
};

/** Shows the first rows of a push query as they come; answers how long the first took. A kill ends the subscription;
 *  then it begins again. */
const watch = async (server: Server): Promise<number> => {
  let firstRowMs: number | undefined;
  let shown = 0;
  const started = performance.now();
  while (firstRowMs === undefined || shown < LIVE_ROWS) {
    try {
      for await (const [id, route, delay, hours] of rows(server.url, liveQuery)) {
        firstRowMs ??= performance.now() - started;
        say(`  live: flight ${id} ${route} is ${delay} minutes late (${hours} h)`);
        if (++shown === LIVE_ROWS) break;
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  return firstRowMs;
};

const insertAirports = async (server: Server, airports: readonly Airport[]): Promise<void> => {
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const perRequest = 250;
  for (let from = 0; from < airports.length; from += perRequest) {
    const sql = airports
      .slice(from, from + perRequest)
      .map(
        ({ iata, name, city, state, country, latitude, longitude }) =>
          `INSERT INTO airports (ROWTIME, iata, name, city, state, country, latitude, longitude) VALUES (0, ${[
            iata,
            name,
            city,
            state,
            country,
          ]
            .map(text)
            .join(', ')}, ${latitude.toExponential()}, ${longitude.toExponential()});`,
      )
      .join('\n');
    await statements(server.url, sql);
  }
};

interface QueryInfo {
  readonly id: string;
  readonly state: string;
  readonly lag: number | null;
  readonly recordsRead: number;
  readonly error?: string;
}

const queriesOf = async (server: Server): Promise<readonly QueryInfo[]> =>
  ((await get(server.url, '/info')) as { readonly millrace: { readonly queries: readonly QueryInfo[] } }).millrace
    .queries;

const recordsReadBy = async (server: Server): Promise<number> =>
  (await queriesOf(server)).reduce((total, { recordsRead }) => total + recordsRead, 0);

/** Waits until every query has read and committed all there is. */
const drained = async (server: Server): Promise<number> => {
  const started = performance.now();
  for (;;) {
    const queries = await queriesOf(server);
    const failed = queries.find(({ error }) => error !== undefined);
    if (failed !== undefined) throw new Error(`query ${failed.id} stopped: ${failed.error}`);
    if (queries.every(({ lag }) => lag === 0)) return performance.now() - started;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

const columnsOf = (sql: string): string[] =>
  (/SELECT (.*?) FROM/s.exec(sql)?.[1] ?? '').split(',').map((name) => name.trim().toUpperCase());

process.exitCode = await main().catch((error: unknown) => {
  say(`\n${error instanceof Error ? error.message : String(error)}`);
  return 1;
});
