/**
 * What a golden data directory holds: queries with every kind of state there is, and rows for them in three parts.
 *
 * The first two were processed by the build that wrote the directory; the test opens it with this build and sends the
 * third. All results must then equal those of a directory that this build wrote alone. Rows, keys and times depend
 * on their number only. Topics keep their records for a century, so the directories do not age.
 */

import { type Millrace, type ResultRow, StreamsBuilder, serdes } from 'millrace';

const { string } = serdes;
const kept = 'RETENTION_MS=3153600000000';
const source = `${kept}, VALUE_FORMAT='JSON', PARTITIONS=2`;
const window = 'WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 36500 DAYS, GRACE PERIOD 1 HOUR)';

const definitions = `
  CREATE STREAM visits (page VARCHAR KEY, visitor BIGINT, ms INT, ratio DOUBLE, mobile BOOLEAN, seen TIMESTAMP,
      tags ARRAY<VARCHAR>, sizes MAP<VARCHAR, INT>, place STRUCT<city VARCHAR, zip INT>)
    WITH (KAFKA_TOPIC='visits', ${source});
  CREATE TABLE pages (page VARCHAR PRIMARY KEY, title VARCHAR, section VARCHAR, weight INT)
    WITH (KAFKA_TOPIC='pages', ${source});`;

const queries = `
  SET 'auto.offset.reset' = 'earliest';
  CREATE STREAM slow WITH (${kept}) AS SELECT page, visitor, UCASE(page) AS name, ms * 2 AS double_ms, tags, sizes, place
    FROM visits WHERE ms > 100;
  CREATE STREAM by_visitor WITH (${kept}, KEY_FORMAT='JSON') AS SELECT * FROM visits PARTITION BY visitor;
  CREATE TABLE counted AS SELECT page, COUNT(*) AS n, SUM(visitor) AS visitors, SUM(ms) AS ms, AVG(ms) AS mean, MIN(ratio) AS least,
    MAX(seen) AS last, STDDEV_SAMP(ms) AS deviation FROM visits GROUP BY page;
  CREATE TABLE collected AS SELECT page, COLLECT_LIST(ms) AS listed, COLLECT_SET(mobile) AS kinds, TOPK(visitor, 3) AS top,
    HISTOGRAM(place->city) AS cities, MIN(place->city) AS first_city, COUNT(*) AS n FROM visits GROUP BY page;
  CREATE TABLE by_two WITH (KEY_FORMAT='JSON') AS SELECT mobile, place->zip AS zip, COUNT(*) AS n, SUM(ratio) AS ratio
    FROM visits GROUP BY mobile, place->zip;
  CREATE TABLE by_minute AS SELECT page, COUNT(*) AS n, MAX(ms) AS most, COLLECT_LIST(visitor) AS visitors
    FROM visits ${window} GROUP BY page;
  CREATE STREAM titled WITH (${kept}) AS SELECT v.page AS page, v.visitor, p.title, p.weight FROM visits v LEFT JOIN pages p ON v.page = p.page;
  CREATE TABLE heavy AS SELECT page, title, weight FROM pages WHERE weight > 2;
  CREATE TABLE sections AS SELECT section, COUNT(*) AS n, SUM(weight) AS weight FROM pages GROUP BY section;
  CREATE TABLE slow_counted AS SELECT page, COUNT(*) AS n, SUM(double_ms) AS ms FROM slow GROUP BY page;`;

/** Views whose rows do not depend on the order in which partitions are read, and streams as sets of rows. */
const views = [
  'counted',
  'by_two',
  'heavy',
  'sections',
  'slow_counted',
  'slow',
  'by_visitor',
  'titled',
  'by_minute',
  'collected',
];

const words = new StreamsBuilder();
words
  .stream('lines', { key: string, value: string })
  .groupBy((_key, line) => line, { key: string })
  .count({ store: 'counts' })
  .toStream()
  .to('line-counts');

const names = ['/', '/docs', '/blog', '/docs/ünïcode', '/a-long-name-of-a-page-that-fills-more-than-thirty-two-bytes'];
const cities = ['Ulm', 'Łódź', 'Hilo', null];
const encoder = new TextEncoder();

/** Prime steps, so that columns do not repeat together. Some values are NULL, some visitors are beyond 2^53. */
const visit = (i: number): string =>
  JSON.stringify({
    VISITOR: i % 11 === 0 ? null : (i * 13) % 17,
    MS: i % 7 === 0 ? null : (i * 37) % 400,
    RATIO: i % 5 === 0 ? null : ((i * 29) % 64) / 8,
    MOBILE: i % 3 === 0 ? null : i % 2 === 0,
    SEEN: 1_700_000_000_000 + i * 1000,
    TAGS: i % 4 === 0 ? null : [`t${i % 6}`, null],
    SIZES: { w: i % 9, h: null },
    PLACE: { CITY: cities[i % cities.length], ZIP: i % 3 },
  }).replace('"VISITOR":0', '"VISITOR":9007199254740993');

const page = (i: number): string | null =>
  i % 13 === 12
    ? null
    : JSON.stringify({ TITLE: `title ${i % 19}`, SECTION: i % 5 === 4 ? null : `s${i % 4}`, WEIGHT: i % 6 });

const nameOf = (i: number): string => names[(i * 3) % names.length] ?? '';

/** Pages first, and processed, so that the join does not depend on which topic is read first. */
const send = async (millrace: Millrace, from: number, to: number): Promise<void> => {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i);
  const timestamp = (i: number): number => 1_700_000_000_000 + i * 700;
  await millrace.produce(
    'pages',
    numbers.map((i) => ({ key: nameOf(i), value: page(i), timestamp: timestamp(i) })),
  );
  await millrace.awaitIdle();
  await millrace.produce(
    'visits',
    numbers.map((i) => ({ key: nameOf(i), value: visit(i), timestamp: timestamp(i) })),
  );
  await millrace.produce(
    'lines',
    numbers.map((i) => ({ value: `line ${i % 23}`, timestamp: timestamp(i) })),
  );
};

export const define = async (millrace: Millrace): Promise<void> => {
  for (const name of ['lines', 'line-counts'])
    await millrace.log.createTopic({ name, partitions: 2, configs: { 'retention.ms': '-1' } });
  await millrace.sql(definitions);
  await millrace.sql(queries);
};

export const startWords = (millrace: Millrace): Promise<unknown> =>
  millrace.streams({ id: 'words', topology: words.build() });

/** The parts in which rows are sent. The golden directory has the first two of them: a checkpoint lies between. Of each
 *  part the pages are processed before its visits are sent, so the parts are the same wherever the results are
 *  compared. */
export const sendFirst = (millrace: Millrace): Promise<void> => send(millrace, 0, 250);
export const sendSecond = (millrace: Millrace): Promise<void> => send(millrace, 250, 400);
export const sendThird = (millrace: Millrace): Promise<void> => send(millrace, 400, 700);

const printed = (_name: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `${value}n` : value instanceof Map ? [...value].sort() : value;

/** What all views hold, as text: rows in the order of their text. Arrays whose order depends on which partition was
 *  read first are there as they are: of one page there is one partition only. */
export const results = async (millrace: Millrace): Promise<Readonly<Record<string, readonly string[]>>> => {
  await millrace.awaitIdle();
  const found: Record<string, readonly string[]> = {};
  for (const view of views) {
    const rows: readonly ResultRow[] = await millrace.query(`SELECT * FROM ${view};`);
    found[view] = rows.map((row) => JSON.stringify(row, printed)).sort();
  }
  const counts = new Map<string, string>();
  for await (const { key, value } of millrace.consume('line-counts', { untilEnd: true }))
    counts.set(string.read(key ?? encoder.encode(''), 0, key?.length ?? 0), value === null ? 'null' : value.toString());
  found['line-counts'] = [...counts].map(([line, count]) => `${line}: ${count}`).sort();
  return found;
};
