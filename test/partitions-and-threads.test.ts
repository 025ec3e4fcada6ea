/**
 * SQL over one partition or four, on no thread, one or two: the same tables at the end, which are those of a plain
 * count over the rows. Rows are clearly in time or clearly late; joins and groups go through a repartition.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'millrace';
import { expect, test } from 'vitest';

const MINUTE_MS = 60_000;
const BATCHES = 20;
const PER_BATCH = 300;
const ORIGINS = 12;
const CITIES = 10;

const rows = Array.from({ length: BATCHES * PER_BATCH }, (_, id) => {
  const batch = Math.floor(id / PER_BATCH);
  const late = batch > 15 && id % PER_BATCH === 3;
  const ts = late ? 1_000 : 1e9 + batch * 30 * MINUTE_MS + (id % PER_BATCH) * 100;
  return { id, origin: id % ORIGINS, delay: id % 17, ts, late };
});

const texts = (found: Iterable<unknown>): string[] => Array.from(found, (row) => JSON.stringify(row)).sort();

const expected = () => {
  const totals = new Map<string, { ORIGIN: string; N: number; DELAY: number }>();
  const windows = new Map<string, { ORIGIN: string; WINDOWSTART: number; N: number }>();
  for (const { origin, delay, ts, late } of rows) {
    const ORIGIN = `o${origin}`;
    const total = totals.get(ORIGIN) ?? { ORIGIN, N: 0, DELAY: 0 };
    totals.set(ORIGIN, { ORIGIN, N: total.N + 1, DELAY: total.DELAY + delay });
    if (late) continue;
    const WINDOWSTART = ts - (ts % MINUTE_MS);
    const key = `${ORIGIN} ${WINDOWSTART}`;
    windows.set(key, { ORIGIN, WINDOWSTART, N: (windows.get(key)?.N ?? 0) + 1 });
  }
  const located = rows.map(({ id, origin }) => ({
    ORIGIN: `o${origin}`,
    ID: id,
    CITY: origin < CITIES ? `city ${origin}` : null,
  }));
  return { totals: texts(totals.values()), windows: texts(windows.values()), located: texts(located) };
};

const combinations = [1, 4].flatMap((partitions) => [0, 1, 2].map((workers) => [partitions, workers] as const));

test.each(combinations)('%i partitions, %i worker threads', async (partitions, workers) => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
  const millrace = await open({ data, workers });
  try {
    const topic = (name: string): string => `kafka_topic='${name}', partitions=${partitions}, value_format='JSON'`;
    await millrace.sql(`
      CREATE STREAM flights (id BIGINT KEY, origin VARCHAR, delay INTEGER, ts BIGINT) WITH (${topic('flights')}, timestamp='ts');
      CREATE TABLE airports (origin VARCHAR PRIMARY KEY, city VARCHAR) WITH (${topic('airports')});`);
    const airports = Array.from({ length: CITIES }, (_, i) => ({
      key: `o${i}`,
      value: `{"CITY":"city ${i}"}`,
      timestamp: 0,
    }));
    await millrace.produce('airports', airports);
    await millrace.sql(`
      SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM located AS SELECT f.origin AS origin, f.id AS id, a.city AS city FROM flights f LEFT JOIN airports a ON f.origin = a.origin;
      CREATE TABLE totals AS SELECT origin, COUNT(*) AS n, SUM(delay) AS delay FROM flights GROUP BY origin;
      CREATE TABLE windows AS SELECT origin, COUNT(*) AS n FROM flights WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 1 HOUR) GROUP BY origin;`);
    const inserter = await millrace.engine.inserter('flights');
    for (let from = 0; from < rows.length; from += PER_BATCH) {
      const batch = rows.slice(from, from + PER_BATCH);
      await inserter.insert(batch.map(({ id, origin, delay, ts }) => ({ id, origin: `o${origin}`, delay, ts })));
    }
    await millrace.awaitIdle();
    expect({
      totals: texts(await millrace.query('SELECT origin, n, delay FROM totals;')),
      windows: texts(await millrace.query('SELECT origin, WINDOWSTART, n FROM windows;')),
      located: texts(await millrace.query('SELECT origin, id, city FROM located;')),
    }).toEqual(expected());
    expect((await millrace.engine.queries()).map(({ dropped }) => dropped)).toEqual([
      {},
      {},
      { late: rows.filter(({ late }) => late).length },
    ]);
  } finally {
    await millrace.close();
    rmSync(data, { recursive: true, force: true });
  }
});
