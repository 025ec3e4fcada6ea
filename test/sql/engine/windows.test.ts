/** Windowed queries that run: asked by key, window and time, pushed, closed on a quiet stream, and started again. */

import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import type { SqlEngine, Value } from '../../../sql/index.ts';
import { type Log, openMemoryLog, produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf, topicOf } from '../support/world.ts';

afterEach(closeWorlds);

const stream = (partitions = 1): string =>
  `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=${partitions});`;

const earliest = { 'auto.offset.reset': 'earliest' };

const send = async (log: Log, rows: readonly (readonly [key: string, v: number, at: number])[]): Promise<void> => {
  const producer = await log.producer();
  const records = rows.map(([key, v, timestamp]) => ({ key, value: JSON.stringify({ v }), timestamp }));
  await produceRecords(log, producer, 's', records, { acks: 'durable', now: 5 });
  await producer.close();
};

const firstRows = async (
  engine: SqlEngine,
  sql: string,
  count: number,
  properties = {},
): Promise<readonly (readonly Value[])[]> => {
  const handle = await engine.query(sql, { properties: { ...earliest, ...properties } });
  const found: (readonly Value[])[] = [];
  for await (const rows of handle.rows()) {
    found.push(...rows);
    if (found.length >= count) break;
  }
  return found;
};

describe('a pull query', () => {
  const rows = [
    ['a', 1, 1000],
    ['a', 2, 4000],
    ['b', 4, 4500],
    ['a', 8, 20_000],
  ] as const;

  test('over hopping windows takes keys, starts and ends, with bounds included or not', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(
      `${stream(2)} CREATE TABLE h AS SELECT k, SUM(v) AS total
         FROM s WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY k;`,
      { properties: earliest },
    );
    await send(log, rows);
    await engine.awaitIdle();
    const found = async (where: string): Promise<unknown> =>
      (await rowsOf(engine, `SELECT k, WINDOWSTART, WINDOWEND, total, ROWTIME FROM h ${where};`)).sort();
    const all = [
      ['a', 0, 10_000, 3, 4000],
      ['a', 15_000, 25_000, 8, 20_000],
      ['a', 20_000, 30_000, 8, 20_000],
      ['b', 0, 10_000, 4, 4500],
    ];
    expect(await found('')).toEqual(all);
    expect(await found("WHERE k = 'a'")).toEqual(all.slice(0, 3));
    expect(await found("WHERE k = 'a' AND WINDOWSTART = 15000")).toEqual([all[1]]);
    expect(await found("WHERE k = 'a' AND WINDOWSTART > 0 AND WINDOWEND < 30000")).toEqual([all[1]]);
    expect(await found("WHERE k = 'a' AND WINDOWSTART >= 0 AND WINDOWEND <= 25000")).toEqual(all.slice(0, 2));
    expect(await found("WHERE k IN ('a', 'b') AND WINDOWEND = 10000")).toEqual([all[0], all[3]]);
    expect(await found('WHERE WINDOWSTART >= 15000 AND total > 4')).toEqual(all.slice(1, 3));
    expect(await found("WHERE k = 'a' AND WINDOWSTART > 0 AND WINDOWSTART > 15000")).toEqual([all[2]]);
    expect(await found("WHERE k = 'a' AND WINDOWSTART = 15000 AND WINDOWSTART > 0")).toEqual([all[1]]);
    expect(await found("WHERE WINDOWSTART < '1970-01-01T00:00:15'")).toEqual([all[0], all[3]]);
  });

  test('over sessions takes keys, starts and ends, or all of them', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(
      `${stream(2)} CREATE TABLE e AS SELECT k, SUM(v) AS total FROM s WINDOW SESSION (5 SECONDS) GROUP BY k HAVING SUM(v) > 2;`,
      { properties: earliest },
    );
    await send(log, [...rows, ['c', 1, 0]]);
    await engine.awaitIdle();
    const found = async (where: string): Promise<unknown> =>
      (await rowsOf(engine, `SELECT k, WINDOWSTART, WINDOWEND, total, ROWTIME FROM e ${where};`)).sort();
    const all = [
      ['a', 1000, 4000, 3, 4000],
      ['a', 20_000, 20_000, 8, 20_000],
      ['b', 4500, 4500, 4, 4500],
    ];
    expect(await found('')).toEqual(all);
    expect(await found("WHERE k = 'a'")).toEqual(all.slice(0, 2));
    expect(await found("WHERE k = 'c'")).toEqual([]);
    expect(await found("WHERE k = 'a' AND WINDOWSTART = 1000")).toEqual([all[0]]);
    expect(await found("WHERE k = 'a' AND WINDOWSTART > 1000")).toEqual([all[1]]);
    expect(await found("WHERE k = 'a' AND WINDOWSTART <= 1000")).toEqual([all[0]]);
    expect(await found("WHERE k = 'a' AND WINDOWEND = 4000")).toEqual([all[0]]);
    expect(await found("WHERE k = 'a' AND WINDOWEND < 20000")).toEqual([all[0]]);
    expect(await found("WHERE k = 'a' AND WINDOWEND >= 20000 AND WINDOWSTART >= 20000")).toEqual([all[1]]);
    expect(await found('WHERE WINDOWEND > 4000 AND WINDOWEND <= 4500')).toEqual([all[2]]);
    expect(await found("WHERE (k = 'a' AND WINDOWEND = 4000) OR k = 'b'")).toEqual([all[0], all[2]]);
  });

  test.each([
    ['TUMBLING (SIZE 10 SECONDS)', "WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS'", [0, 10_000], [20_000, 30_000]],
    ['SESSION (5 SECONDS)', "WINDOW_TYPE='SESSION'", [1000, 4000], [20_000, 20_000]],
  ])('over a SOURCE TABLE of windows, %s, takes keys and bounds', async (window, properties, first, last) => {
    const world = await openWorld();
    await world.engine.execute(
      `${stream(2)} CREATE TABLE w AS SELECT k, SUM(v) AS total FROM s WINDOW ${window} GROUP BY k;
       CREATE SOURCE TABLE kept (k VARCHAR PRIMARY KEY, total INT) WITH (KAFKA_TOPIC='W', VALUE_FORMAT='JSON', ${properties});`,
      { properties: earliest },
    );
    // The first key is the beginning of another one.
    await send(world.log, [...rows, ['aa', 5, 1000]]);
    await world.engine.awaitIdle();
    const found = async (where: string, { engine } = world): Promise<unknown> =>
      (await rowsOf(engine, `SELECT k, WINDOWSTART, WINDOWEND, total FROM kept ${where};`)).sort();
    const all = await rowsOf(world.engine, 'SELECT k, WINDOWSTART, WINDOWEND, total FROM w;');
    expect(await found('')).toEqual(all.sort());
    expect(await found("WHERE k = 'a'")).toEqual([
      ['a', ...first, 3],
      ['a', ...last, 8],
    ]);
    expect(await found("WHERE k IN ('a', 'aa') AND WINDOWSTART < 10000")).toEqual([
      ['a', ...first, 3],
      ['aa', first[0], window.startsWith('S') ? 1000 : 10_000, 5],
    ]);
    expect(await found(`WHERE k = 'a' AND WINDOWSTART = ${last[0]}`)).toEqual([['a', ...last, 8]]);
    expect(await found("WHERE k = 'a' AND WINDOWEND > 10000 AND total > 8")).toEqual([]);
    expect(await found("WHERE k = 'none'")).toEqual([]);
    await world.stop();
    expect(await found("WHERE k = 'a' AND WINDOWSTART >= 15000", await openWorld({ log: world.log }))).toEqual([
      ['a', ...last, 8],
    ]);
  });

  test('shows the bounds of windows as a part of the key', async () => {
    const { engine } = await openWorld();
    await engine.execute(
      `${stream()} CREATE TABLE e AS SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY k;`,
    );
    const { columns } = await engine.query('SELECT *, WINDOWEND - WINDOWSTART AS took FROM e;');
    expect(columns.map(({ name, isKey }) => `${name}${isKey ? ' KEY' : ''}`)).toEqual([
      'K KEY',
      'WINDOWSTART KEY',
      'WINDOWEND KEY',
      'N',
      'TOOK',
    ]);
  });
});

describe('a push query', () => {
  test('over windows of its own sends changes, or final results', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(stream());
    await send(log, [
      ['a', 1, 1000],
      ['a', 2, 2000],
      ['a', 4, 20_000],
    ]);
    const select = (window: string): string =>
      `SELECT k, SUM(v) AS total, WINDOWSTART, WINDOWEND FROM s WINDOW ${window} GROUP BY k`;
    expect(await firstRows(engine, `${select('SESSION (5 SECONDS)')} EMIT CHANGES;`, 3)).toEqual([
      ['a', 1, 1000, 1000],
      ['a', 3, 1000, 2000],
      ['a', 4, 20_000, 20_000],
    ]);
    expect(await firstRows(engine, `${select('SESSION (5 SECONDS)')} EMIT FINAL;`, 1)).toEqual([['a', 3, 1000, 2000]]);
    expect(
      await firstRows(engine, `${select('HOPPING (SIZE 4 SECONDS, ADVANCE BY 2 SECONDS)')} EMIT FINAL;`, 2),
    ).toEqual([
      ['a', 3, 0, 4000],
      ['a', 2, 2000, 6000],
    ]);
    // Without a further row the last window closes by the clock, which is far behind these times.
    const closing = { 'millrace.closing': 'wall clock' };
    expect(await firstRows(engine, `${select('TUMBLING (SIZE 10 SECONDS)')} EMIT FINAL;`, 2, closing)).toEqual([
      ['a', 3, 0, 10_000],
      ['a', 4, 20_000, 30_000],
    ]);
  });

  test('over a windowed table sends its changes with the bounds', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(
      `${stream()} CREATE TABLE e AS SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY k;`,
      { properties: earliest },
    );
    await send(log, [
      ['a', 1, 1000],
      ['a', 1, 2000],
    ]);
    const rows = await firstRows(engine, 'SELECT * FROM e WHERE WINDOWEND > 1000 EMIT CHANGES;', 1);
    expect(rows.at(-1)).toEqual(['a', 1000, 2000, 2]);
  });
});

describe('final results of a persistent query', () => {
  const query = `CREATE TABLE f AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k EMIT FINAL;`;

  test('wait for the next row, or go by the clock when millrace.closing has it, also after a restart', async () => {
    const first = await openWorld();
    await first.engine.execute(`${stream()} SET 'millrace.closing' = 'wall clock'; ${query}`, { properties: earliest });
    await first.engine.execute(query.replace('TABLE f', 'TABLE waiting'), { properties: earliest });
    await send(first.log, [['a', 1, 1000]]);
    await first.engine.awaitIdle();
    await first.stop();
    const second = await openWorld({ log: first.log });
    while ((await topicOf(second.log, 'F')).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await topicOf(second.log, 'F')).map((line) => line.split('=')[1])).toEqual(['{"N":1}']);
    await send(second.log, [['b', 1, 5000]]);
    await second.engine.awaitIdle();
    // That row is late by the clock, and in time by the rows.
    expect(await topicOf(second.log, 'F')).toHaveLength(1);
    expect(await topicOf(second.log, 'WAITING')).toEqual([]);
    await send(second.log, [['b', 1, 10_000]]);
    await second.engine.awaitIdle();
    expect((await topicOf(second.log, 'WAITING')).map((line) => line.split('=')[1])).toEqual(['{"N":1}', '{"N":1}']);
  });

  test('go when no row has come for the time that millrace.closing names', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(
      `${stream()} CREATE TABLE f AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 50 MILLISECONDS) GROUP BY k EMIT FINAL;`,
      { properties: { ...earliest, 'millrace.closing': 'idle 20 milliseconds' } },
    );
    await send(log, [['a', 1, 1000]]);
    while ((await topicOf(log, 'F')).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await topicOf(log, 'F')).toHaveLength(1);
  });
});

test('windows of every kind go on after a restart where they were', async () => {
  const log = await openMemoryLog({ clock: new ManualClock(1_000_000), random: new Random(7) });
  const first = await openWorld({ log });
  await first.engine.execute(
    `${stream(2)}
     CREATE TABLE h AS SELECT k, SUM(v) AS total FROM s WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY k;
     CREATE TABLE e AS SELECT k, COLLECT_LIST(v) AS vs, LATEST_BY_OFFSET(v) AS last FROM s WINDOW SESSION (5 SECONDS) GROUP BY k;
     CREATE TABLE f AS SELECT k, SUM(v) AS total FROM s WINDOW SESSION (5 SECONDS, GRACE PERIOD 10 SECONDS) GROUP BY k EMIT FINAL;`,
    { properties: earliest },
  );
  await send(log, [
    ['a', 1, 1000],
    ['a', 2, 9000],
  ]);
  await first.engine.awaitIdle();
  await first.stop();
  const second = await openWorld({ log });
  await send(log, [
    ['a', 4, 5000],
    ['a', 8, 30_000],
  ]);
  await second.engine.awaitIdle();
  expect(
    await rowsOf(second.engine, "SELECT WINDOWSTART, total FROM h WHERE k = 'a' AND WINDOWSTART < 10000;"),
  ).toEqual([
    [0, 7],
    [5000, 6],
  ]);
  expect(
    await rowsOf(second.engine, "SELECT WINDOWSTART, vs, last FROM e WHERE k = 'a' AND WINDOWSTART < 10000;"),
  ).toEqual([[1000, [1, 2, 4], 4]]);
  expect((await topicOf(log, 'F')).map((line) => line.split('=')[1])).toEqual(['{"TOTAL":7}']);
});
