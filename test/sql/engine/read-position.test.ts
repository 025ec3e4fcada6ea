/** Reading from a position: what was written before is in the answer, however many queries are in between. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Millrace, open } from '../../../millrace.ts';

let directory: string;
let millrace: Millrace;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-position-'));
  millrace = await open({ data: directory, commitIntervalMs: 200 });
  await millrace.sql(`
    SET 'auto.offset.reset' = 'earliest';
    CREATE STREAM raw (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='raw', VALUE_FORMAT='JSON', PARTITIONS=3);
    CREATE STREAM other (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE STREAM clean AS SELECT k, v FROM raw WHERE v IS NOT NULL;
    CREATE STREAM twice AS SELECT k, v * 2 AS v, v % 5 AS rest FROM clean;
    INSERT INTO twice SELECT k, v * 2 AS v, v % 5 AS rest FROM other;
    CREATE TABLE sums AS SELECT rest, SUM(v) AS total, COUNT(*) AS n FROM twice GROUP BY rest;
    CREATE TABLE big AS SELECT rest, n FROM sums WHERE n > 0;`);
});

afterEach(async () => {
  await millrace.close();
  rmSync(directory, { recursive: true, force: true });
});

test('an insert is in a table five queries behind it', async () => {
  for (let i = 1; i <= 15; i++) {
    const from = await millrace.insert('raw', [
      { k: `a${i}`, v: i },
      { k: `b${i}`, v: i },
    ]);
    const [row] = await millrace.query<{ readonly N: number }>('SELECT SUM(n) AS n FROM big;', { from });
    expect(row?.N).toBe(2 * i);
    expect(await millrace.query('SELECT COUNT(*) AS n FROM twice;', { from })).toEqual([{ N: 2 * i }]);
    const keyed = await millrace.query<{ readonly N: number }>('SELECT n FROM sums WHERE rest = ?;', {
      from,
      parameters: [i % 5],
    });
    expect(keyed).toEqual([{ N: 2 * Math.ceil(i / 5) }]);
  }
});

test('by either way, and by produce', async () => {
  const value = (v: number): string => JSON.stringify({ V: v });
  const one = await millrace.produce('other', [{ key: 'x', value: value(1) }]);
  const two = await millrace.produce('raw', [{ key: 'y', value: value(2) }]);
  expect(await millrace.query('SELECT SUM(total) AS t FROM sums;', { from: [...one, ...two] })).toEqual([{ T: 6 }]);
});

test('a join waits for all that it reads', async () => {
  const from = await millrace.insert('raw', [{ k: 'a', v: 3 }]);
  const sql = 'SELECT s.total, r.k FROM raw r JOIN sums s ON r.v % 5 = s.rest;';
  expect(await millrace.query(sql, { from })).toEqual([{ TOTAL: 6, K: 'a' }]);
});

test('a position that has nothing to do with the query is not waited for', async () => {
  await millrace.query('SELECT COUNT(*) FROM sums;', { from: [{ topic: 'elsewhere', partition: 0, offset: 10 }] });
});

test('an answer names what it shows, which is a position to read from', async () => {
  const from = await millrace.insert('raw', [{ k: 'a', v: 3 }]);
  const answer = await millrace.query('SELECT * FROM clean;', { from });
  expect(answer.position.map(({ topic }) => topic)).toEqual(['CLEAN', 'CLEAN', 'CLEAN']);
  expect(await millrace.query('SELECT n FROM sums;', { from: answer.position })).toEqual([{ N: 1 }]);
});

test('a query that goes on has no position', async () => {
  const rows = millrace.subscribe('SELECT * FROM raw EMIT CHANGES;', { from: [] });
  await expect(rows.next()).rejects.toMatchObject({ code: 'SQL_PUSH_QUERY' });
});

test('a query that is paused while it is waited for is named', async () => {
  const queries = await millrace.engine.queries();
  const sums = queries.find(({ id }) => id.startsWith('CTAS_SUMS'));
  const [end] = await millrace.insert('raw', [{ k: 'a', v: 3 }]);
  // Nothing has this offset yet.
  const from = [{ topic: 'TWICE', partition: end?.partition ?? 0, offset: 100 }];
  const waiting = millrace.query('SELECT n FROM sums;', { from });
  waiting.catch(() => undefined);
  await millrace.sql(`PAUSE ${sums?.id ?? ''};`);
  await expect(waiting).rejects.toMatchObject({ code: 'QUERY_NOT_RUNNING' });
});

test('a query that is paused on the way is named', async () => {
  const queries = await millrace.engine.queries();
  const clean = queries.find(({ id }) => id.startsWith('CSAS_CLEAN'));
  await millrace.sql(`PAUSE ${clean?.id ?? ''};`);
  const from = await millrace.insert('raw', [{ k: 'a', v: 3 }]);
  await expect(millrace.query('SELECT n FROM sums;', { from })).rejects.toMatchObject({ code: 'QUERY_NOT_RUNNING' });
});
