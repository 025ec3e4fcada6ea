/** Holds what the server answers to pull queries against the re-computation, row by row, and prints both sides. */

import { rows, statements } from './client.ts';
import { PROCESSING_LOG_TOPIC } from './queries.ts';
import { expectedLate, type Reference, type Total } from './reference.ts';
import type { Server } from './server.ts';
import { say, table } from './terminal.ts';

const MAX_SHOWN = 5;

/** Answers the number of differences. */
export const compare = async (server: Server, reference: Reference, whole: boolean): Promise<number> => {
  const faults: string[] = [];

  const streamTotal = async (sql: string): Promise<Total> => {
    const total = { count: 0, sum: 0 };
    for await (const row of rows(server.url, sql)) {
      total.count++;
      total.sum += row[0] as number;
    }
    return total;
  };
  const late = await streamTotal('SELECT delay FROM late_flights;');
  const enriched = await streamTotal('SELECT delay FROM flights_from WHERE city IS NOT NULL;');

  const days = { count: 0, sum: 0 };
  let windows = 0;
  for await (const [origin, windowStart, flights, average, total] of rows(
    server.url,
    'SELECT origin, WINDOWSTART, flights, average_delay, total_delay FROM origin_days;',
  )) {
    const expected = reference.originDays.get(`${origin}|${windowStart}`);
    windows++;
    days.count += flights as number;
    days.sum += total as number;
    if (
      expected === undefined ||
      flights !== expected.count ||
      total !== expected.sum ||
      !near(average, expected.sum / expected.count)
    )
      faults.push(
        `ORIGIN_DAYS ${origin} at ${windowStart}: ${flights}, ${total}; expected ${expected?.count}, ${expected?.sum}`,
      );
  }
  if (windows !== reference.originDays.size)
    faults.push(`ORIGIN_DAYS: ${windows} windows; expected ${reference.originDays.size}`);

  const all = { count: 0, sum: 0 };
  let origins = 0;
  for await (const [origin, flights, average, worst, total] of rows(
    server.url,
    'SELECT origin, flights, average_delay, worst_delay, total_delay FROM origins;',
  )) {
    const expected = reference.origins.get(origin as string);
    origins++;
    all.count += flights as number;
    all.sum += total as number;
    if (
      expected === undefined ||
      flights !== expected.count ||
      total !== expected.sum ||
      worst !== expected.worst ||
      !near(average, expected.sum / expected.count)
    )
      faults.push(
        `ORIGINS ${origin}: ${flights}, ${total}, ${worst}; expected ${expected?.count}, ${expected?.sum}, ${expected?.worst}`,
      );
  }
  if (origins !== reference.origins.size)
    faults.push(`ORIGINS: ${origins} origins; expected ${reference.origins.size}`);

  const lateRows = await loggedLateRows(server);
  const expectedDays = sumOf(reference.originDays.values());
  const expectedAll = sumOf(reference.origins.values());
  const body = [
    ['LATE_FLIGHTS', late.count, reference.lateFlights.count, late.sum, reference.lateFlights.sum],
    ['FLIGHTS_FROM', enriched.count, reference.flightsFrom.count, enriched.sum, reference.flightsFrom.sum],
    [`ORIGIN_DAYS (${windows} windows)`, days.count, expectedDays.count, days.sum, expectedDays.sum],
    [`ORIGINS (${origins} origins)`, all.count, expectedAll.count, all.sum, expectedAll.sum],
    ['late rows logged', lateRows.logged, expectedLate(reference, whole), lateRows.distinct, reference.dropped.size],
  ] as const;
  table(['query', 'count', 'expected', 'sum(delay)', 'expected '], body);
  for (const [name, count, expectedCount, sum, expectedSum] of body)
    if (count !== expectedCount || sum !== expectedSum)
      faults.push(`${name}: ${count}, ${sum}; expected ${expectedCount}, ${expectedSum}`);

  for (const fault of faults.slice(0, MAX_SHOWN)) say(`  differs: ${fault}`);
  return faults.length;
};

/** Rows of the processing log that say "late", and how many different records they name. */
const loggedLateRows = async (server: Server): Promise<{ logged: number; distinct: number }> => {
  await statements(
    server.url,
    `CREATE STREAM IF NOT EXISTS processing_log ("QUERY" VARCHAR, reason VARCHAR, "TOPIC" VARCHAR, "PARTITION" INTEGER, "OFFSET" BIGINT)
       WITH (kafka_topic = '${PROCESSING_LOG_TOPIC}', value_format = 'JSON');`,
  );
  const records = new Set<string>();
  let logged = 0;
  for await (const [query, topic, partition, offset] of rows(
    server.url,
    `SELECT "QUERY", "TOPIC", "PARTITION", "OFFSET" FROM processing_log WHERE reason = 'late';`,
  )) {
    logged++;
    records.add(`${query} ${topic} ${partition} ${offset}`);
  }
  return { logged, distinct: records.size };
};

const near = (value: unknown, expected: number): boolean =>
  typeof value === 'number' && Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected));

const sumOf = (totals: Iterable<Total>): Total => {
  const all = { count: 0, sum: 0 };
  for (const { count, sum } of totals) {
    all.count += count;
    all.sum += sum;
  }
  return all;
};
