/** The engine behind the facade, on the memory log: statements in, rows out, and what a restart leaves. */

import { afterEach, describe, expect, test } from 'vitest';
import type { SqlEngine, Value } from '../../../sql/index.ts';
import { closeWorlds, openWorld as open, rowsOf, topicOf } from '../support/world.ts';

afterEach(closeWorlds);

const flights = `
  CREATE STREAM flights (id BIGINT KEY, origin VARCHAR, delay INT, ts BIGINT)
    WITH (KAFKA_TOPIC='flights', VALUE_FORMAT='JSON', PARTITIONS=2, TIMESTAMP='ts');
  CREATE TABLE airports (code VARCHAR PRIMARY KEY, city VARCHAR) WITH (KAFKA_TOPIC='airports', VALUE_FORMAT='JSON', PARTITIONS=2);
  SET 'auto.offset.reset' = 'earliest';`;

const insertFlights = async (engine: SqlEngine): Promise<void> => {
  const inserter = await engine.inserter('flights');
  const outcomes = await inserter.insert([
    { id: 1, origin: 'SFO', delay: 10, ts: 1000 },
    { id: 2, origin: 'JFK', delay: 50, ts: 2000 },
    { ID: 3, Origin: 'SFO', delay: 30, ts: 70_000 },
    { id: 4, origin: 'LAX', delay: 5, ts: 71_000 },
  ]);
  expect(outcomes).toEqual([{ ok: true }, { ok: true }, { ok: true }, { ok: true }]);
};

describe('statements', () => {
  test('a query over a stream writes its sink, and says which query it is', async () => {
    const { engine, log } = await open();
    const results = await engine.execute(`${flights}
      CREATE STREAM late AS SELECT id, origin, delay * 2 AS twice FROM flights WHERE delay > 20;`);
    expect(results.at(-1)).toMatchObject({
      kind: 'currentStatus',
      commandId: 'stream/`LATE`/create',
      commandStatus: { status: 'SUCCESS', queryId: 'CSAS_LATE_2' },
    });
    await insertFlights(engine);
    await engine.awaitIdle();
    expect((await topicOf(log, 'LATE')).map((row) => row.slice(8)).sort()).toEqual([
      '={"ORIGIN":"JFK","TWICE":100}',
      '={"ORIGIN":"SFO","TWICE":60}',
    ]);
    expect(await engine.queries()).toMatchObject([
      { id: 'CSAS_LATE_2', state: 'RUNNING', recordsRead: 4, recordsWritten: 2 },
    ]);
  });

  test('nothing runs when one statement of a request is at fault', async () => {
    const { engine, log } = await open();
    await expect(
      engine.execute(`${flights} CREATE STREAM x AS SELECT id, nothing FROM flights;`),
    ).rejects.toMatchObject({
      code: 'SQL_UNKNOWN_COLUMN',
      message: 'the column "NOTHING" in SELECT does not exist in stream "FLIGHTS"',
    });
    expect((await log.describeTopics()).map(({ name }) => name)).toEqual(['_millrace-statements']);
    expect(await engine.execute('SHOW STREAMS;')).toMatchObject([{ kind: 'streams', streams: [] }]);
  });

  test('a source that is read cannot be dropped; its own query goes with it', async () => {
    const { engine, log } = await open();
    await engine.execute(`${flights} CREATE STREAM late AS SELECT * FROM flights WHERE delay > 20;`);
    await expect(engine.execute('DROP STREAM flights;')).rejects.toMatchObject({
      code: 'SQL_SOURCE_IN_USE',
      message: expect.stringContaining('CSAS_LATE_2'),
    });
    await engine.execute('DROP STREAM late DELETE TOPIC; DROP STREAM flights;');
    expect(await engine.queries()).toEqual([]);
    expect((await log.describeTopics()).map(({ name }) => name).sort()).toEqual([
      '_millrace-queries',
      '_millrace-statements',
      'airports',
      'flights',
    ]);
  });

  test('a query that was terminated runs no more, and its sink stays', async () => {
    const { engine, log } = await open();
    await engine.execute(`${flights} CREATE STREAM late AS SELECT * FROM flights WHERE delay > 20;`);
    await engine.execute('TERMINATE csas_late_2;');
    await insertFlights(engine);
    await engine.awaitIdle();
    expect(await topicOf(log, 'LATE')).toEqual([]);
    expect(await engine.execute('SHOW QUERIES;')).toMatchObject([{ queries: [] }]);
    await expect(engine.execute('TERMINATE CSAS_LAET_2;')).rejects.toMatchObject({ code: 'SQL_UNKNOWN_QUERY' });
  });

  test('INSERT INTO … SELECT adds a query to a stream that is there', async () => {
    const { engine, log } = await open();
    await engine.execute(`${flights}
      CREATE STREAM some (id BIGINT KEY, delay BIGINT) WITH (KAFKA_TOPIC='some', VALUE_FORMAT='JSON', PARTITIONS=1);
      INSERT INTO some SELECT id, delay FROM flights WHERE delay < 10;`);
    await insertFlights(engine);
    await engine.awaitIdle();
    expect((await topicOf(log, 'some')).map((row) => row.slice(8))).toEqual(['={"DELAY":5}']);
    await expect(engine.execute('INSERT INTO some SELECT id, origin AS delay FROM flights;')).rejects.toMatchObject({
      code: 'SQL_INCOMPATIBLE_SCHEMA',
    });
  });

  test('EXPLAIN shows every step', async () => {
    const { engine } = await open();
    await engine.execute(flights);
    const [explained] = await engine.execute(
      'EXPLAIN CREATE TABLE t AS SELECT origin, COUNT(*) AS n FROM flights GROUP BY origin;',
    );
    if (explained?.kind !== 'queryDescription') throw new Error('no description');
    const { executionPlan, topology } = explained.queryDescription;
    for (const word of ['Statement', 'Analysed', 'Rewritten', 'Physical', 'streamAggregate'])
      expect(executionPlan).toContain(word);
    expect(topology).toContain('Sub-topology: 1');
  });

  test('a SELECT among statements is told where to go', async () => {
    const { engine } = await open();
    await engine.execute(flights);
    await expect(engine.execute('SELECT * FROM flights;')).rejects.toMatchObject({ code: 'SQL_QUERY_NOT_HERE' });
  });
});

describe('queries', () => {
  const views = `${flights}
    CREATE TABLE by_origin AS SELECT origin, COUNT(*) AS n, MAX(delay) AS worst FROM flights GROUP BY origin HAVING MAX(delay) > 5;
    CREATE TABLE by_minute AS SELECT origin, COUNT(*) AS n FROM flights WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY origin;`;

  test('a view is asked by key, by list, by condition, and whole', async () => {
    const { engine } = await open();
    await engine.execute(views);
    await insertFlights(engine);
    await engine.awaitIdle();
    expect(await rowsOf(engine, "SELECT * FROM by_origin WHERE origin = 'SFO';")).toEqual([['SFO', 2, 30]]);
    expect(await rowsOf(engine, "SELECT n FROM by_origin WHERE origin IN ('JFK', 'XXX');")).toEqual([[1]]);
    expect((await rowsOf(engine, 'SELECT origin, worst FROM by_origin;')).sort()).toEqual([
      ['JFK', 50],
      ['SFO', 30],
    ]);
    expect(await rowsOf(engine, "SELECT origin FROM by_origin WHERE origin = 'LAX';")).toEqual([]);
    expect(await rowsOf(engine, 'SELECT origin FROM by_origin WHERE worst > 40;')).toEqual([['JFK']]);
    expect(await rowsOf(engine, 'SELECT origin FROM by_origin LIMIT 1;')).toHaveLength(1);
  });

  test('a windowed view is asked by key and by time', async () => {
    const { engine } = await open();
    await engine.execute(views);
    await insertFlights(engine);
    await engine.awaitIdle();
    expect(await rowsOf(engine, "SELECT * FROM by_minute WHERE origin = 'SFO';")).toEqual([
      ['SFO', 0, 60_000, 1],
      ['SFO', 60_000, 120_000, 1],
    ]);
    expect(
      await rowsOf(
        engine,
        "SELECT n, WINDOWSTART FROM by_minute WHERE origin = 'SFO' AND WINDOWSTART >= 60000 AND WINDOWEND <= 120000;",
      ),
    ).toEqual([[1, 60_000]]);
    expect((await rowsOf(engine, 'SELECT origin FROM by_minute WHERE WINDOWSTART = 60000;')).flat().sort()).toEqual([
      'LAX',
      'SFO',
    ]);
  });

  test('a stream is read from its beginning to its present end', async () => {
    const { engine } = await open();
    await engine.execute(flights);
    await insertFlights(engine);
    expect((await rowsOf(engine, 'SELECT id FROM flights WHERE id > 2;')).sort()).toEqual([[3], [4]]);
    expect(await rowsOf(engine, 'SELECT id FROM flights LIMIT 1;')).toHaveLength(1);
  });

  test('a push query gives rows as they come, and ends at its LIMIT', async () => {
    const { engine } = await open();
    await engine.execute(flights);
    const handle = await engine.query('SELECT id, delay FROM flights EMIT CHANGES LIMIT 3;');
    expect(handle.columns.map(({ name }) => name)).toEqual(['ID', 'DELAY']);
    await insertFlights(engine);
    const rows: Value[][] = [];
    for await (const batch of handle.rows()) rows.push(...batch.map((row) => [...row]));
    expect(rows).toHaveLength(3);
    expect(
      await rowsOf(engine, 'SELECT COUNT(*) AS n FROM flights GROUP BY origin EMIT CHANGES LIMIT 4;', {
        'auto.offset.reset': 'earliest',
      }),
    ).toHaveLength(4);
  });

  test('a stream is joined with a table, re-keyed by what they join on', async () => {
    const { engine } = await open();
    await engine.execute(`${flights}
      CREATE STREAM enriched AS SELECT f.origin AS origin, f.id AS id, a.city AS city FROM flights f LEFT JOIN airports a ON f.origin = a.code;`);
    await engine.execute(`
      INSERT INTO airports (ROWTIME, code, city) VALUES (0, 'SFO', 'San Francisco');
      INSERT INTO airports (ROWTIME, code, city) VALUES (0, 'JFK', 'New York');`);
    await engine.awaitIdle();
    await insertFlights(engine);
    await engine.awaitIdle();
    expect((await rowsOf(engine, 'SELECT * FROM enriched;')).sort()).toEqual([
      ['JFK', 2, 'New York'],
      ['LAX', 4, null],
      ['SFO', 1, 'San Francisco'],
      ['SFO', 3, 'San Francisco'],
    ]);
  });

  test('what a pull query cannot do is said, with what to do instead', async () => {
    const { engine } = await open();
    await engine.execute(views);
    const refused = async (sql: string): Promise<string> =>
      engine.query(sql).then(
        () => 'accepted',
        (error: { code: string; message: string; hint?: string }) =>
          `${error.code}: ${error.message} ${error.hint ?? ''}`,
      );
    expect(await refused('SELECT * FROM airports;')).toContain(
      'CREATE TABLE QUERYABLE_AIRPORTS AS SELECT * FROM AIRPORTS',
    );
    expect(await refused('SELECT * FROM flights PARTITION BY origin;')).toContain('SQL_PULL_QUERY');
    expect(await refused('SELECT * FROM flights f JOIN airports a ON f.origin = a.code;')).toContain(
      'QUERYABLE_AIRPORTS',
    );
    expect(await refused('SELECT ROWOFFSET FROM by_origin;')).toContain('ROWOFFSET');
    expect(await refused('SHOW STREAMS;')).toContain('SQL_NOT_ONE_QUERY');
  });
});

describe('restart', () => {
  test('statements are applied again, nothing is planned, queries go on', async () => {
    const first = await open();
    await first.engine.execute(`${flights}
      CREATE TABLE by_origin AS SELECT origin, COUNT(*) AS n FROM flights GROUP BY origin;`);
    await insertFlights(first.engine);
    await first.engine.awaitIdle();
    await first.stop();
    const second = await open({ log: first.log });
    expect(second.engine.report.failedStatements).toEqual([]);
    await insertFlights(second.engine);
    await second.engine.awaitIdle();
    expect(await rowsOf(second.engine, "SELECT n FROM by_origin WHERE origin = 'SFO';")).toEqual([[4]]);
    const results = await second.engine.execute('CREATE STREAM next AS SELECT * FROM flights;');
    expect(results[0]).toMatchObject({ commandStatus: { queryId: 'CSAS_NEXT_3' } });
  });
});

test('a query that begins behind rows which are there already says so, and how to begin with the oldest', async () => {
  const { engine } = await open();
  const note = (id: string, names: string): string =>
    `the query ${id} begins with what comes from now on, and ${names} has rows already; to begin with the oldest, SET 'auto.offset.reset' = 'earliest'; before the query is created`;
  const warnings = async (sql: string): Promise<readonly string[]> =>
    (await engine.execute(sql)).flatMap((result) => result.warnings);
  expect(
    await warnings(`
      CREATE STREAM seen (page VARCHAR KEY, ms BIGINT) WITH (KAFKA_TOPIC='seen', VALUE_FORMAT='JSON', PARTITIONS=2);
      CREATE TABLE known (page VARCHAR PRIMARY KEY, name VARCHAR)
        WITH (KAFKA_TOPIC='known', VALUE_FORMAT='JSON', PARTITIONS=2);
      CREATE STREAM early AS SELECT * FROM seen;
      INSERT INTO known VALUES ('a', 'A');
      CREATE TABLE names AS SELECT * FROM known;`),
  ).toEqual([]);
  expect(
    await warnings(`
      INSERT INTO seen VALUES ('a', 1);
      CREATE TABLE by_page AS SELECT page, COUNT(*) AS n FROM seen GROUP BY page;`),
  ).toEqual([note('CTAS_BY_PAGE_4', 'SEEN')]);
  expect(await warnings("SET 'auto.offset.reset' = 'earliest'; CREATE STREAM all_seen AS SELECT * FROM seen;")).toEqual(
    [],
  );
  expect(await warnings("SET 'auto.offset.reset' = 'latest'; CREATE STREAM late AS SELECT * FROM seen;")).toEqual([]);
});
