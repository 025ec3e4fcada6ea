/** Clients that go away at any time: mid query, mid insert, over both versions of HTTP. Nothing of them is left. */

import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { type ClientHttp2Stream, connect, constants } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../server/index.ts';
import type { QueryHandle } from '../../sql/index.ts';
import { until } from '../support/until.ts';

let directory: string;
let server: RunningServer;
/** Queries that the engine has opened, and those of them that were closed. */
const opened = { all: 0, open: new Set<string>() };

const ROWS = 20_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-leaving-'));
  server = await startServer({
    data: join(directory, 'data'),
    port: 0,
    logLevel: 'silent',
    workers: 0,
    limits: { maxOpenQueries: 8, maxUnsentBytes: 16_384 },
  });
  const { millrace } = server;
  await millrace.sql(
    `SET 'auto.offset.reset' = 'earliest';
     CREATE STREAM words (id BIGINT KEY, word VARCHAR) WITH (kafka_topic='words', partitions=1, value_format='JSON');
     CREATE TABLE kept AS SELECT id, LATEST_BY_OFFSET(word) AS word FROM words GROUP BY id;`,
  );
  await millrace.insert(
    'words',
    Array.from({ length: ROWS }, (_, id) => ({ id, word: 'w'.repeat(200) })),
  );
  await millrace.awaitIdle();
  const { engine } = millrace;
  const query = engine.query.bind(engine);
  // Not a spy of the test runner, which would keep every handle.
  engine.query = async (...asked) => {
    const handle: QueryHandle = await query(...asked);
    opened.all++;
    opened.open.add(handle.id);
    return {
      ...handle,
      close: async () => {
        await handle.close();
        opened.open.delete(handle.id);
      },
    };
  };
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const json = { 'content-type': 'application/json' };

/** The lines of a pull query: its header and its rows. */
const pulled = async (sql: string): Promise<string[]> => {
  const body = JSON.stringify({ sql });
  const response = await fetch(new URL('/query-stream', server.url), { method: 'POST', headers: json, body });
  expect(response.status).toBe(200);
  return (await response.text()).trim().split('\n');
};

/** Sends the head and the body of a request, perhaps without its end, and gives what makes the client leave. */
type Begin = (
  path: string,
  body: string,
  whole: boolean,
) => { readonly received: () => number; readonly leave: () => void };

const overHttp1: Begin = (path, body, whole) => {
  let bytes = 0;
  const outgoing: ClientRequest = request(new URL(path, server.url), { method: 'POST', headers: json }, (response) => {
    response.on('error', () => undefined);
    // Reads a little, and no more.
    response.on('data', (part: Buffer) => {
      bytes += part.length;
      response.pause();
    });
  });
  outgoing.on('error', () => undefined).write(body);
  if (whole) outgoing.end();
  return { received: () => bytes, leave: () => outgoing.destroy() };
};

const overHttp2 =
  (leaving: 'cancels its stream' | 'drops its connection'): Begin =>
  (path, body, whole) => {
    let bytes = 0;
    const session = connect(server.url);
    session.on('error', () => undefined);
    const stream: ClientHttp2Stream = session.request({ ':method': 'POST', ':path': path, ...json });
    stream
      .on('error', () => undefined)
      .on('data', (part: Buffer) => {
        bytes += part.length;
        stream.pause();
      });
    stream.write(body);
    if (whole) stream.end();
    return {
      received: () => bytes,
      leave: () => {
        if (leaving === 'drops its connection') return session.destroy();
        stream.once('close', () => session.close());
        return stream.close(constants.NGHTTP2_CANCEL);
      },
    };
  };

const clients: readonly (readonly [string, Begin])[] = [
  ['a client of HTTP/1.1 that drops its connection', overHttp1],
  ['a client of HTTP/2 that cancels its stream', overHttp2('cancels its stream')],
  ['a client of HTTP/2 that drops its connection', overHttp2('drops its connection')],
];

const requests: readonly (readonly [string, path: string, body: object])[] = [
  [
    'a push query',
    '/query-stream',
    { sql: 'SELECT * FROM words EMIT CHANGES;', properties: { 'auto.offset.reset': 'earliest' } },
  ],
  [
    'a push query of /query',
    '/query',
    { ksql: 'SELECT * FROM words EMIT CHANGES;', streamsProperties: { 'auto.offset.reset': 'earliest' } },
  ],
  ['a push query without rows', '/query-stream', { sql: `SELECT * FROM words WHERE id < 0 EMIT CHANGES;` }],
  ['a pull query of a table', '/query-stream', { sql: 'SELECT * FROM kept;' }],
  ['a pull query of a stream', '/query-stream', { sql: 'SELECT * FROM words;' }],
  ['a pull query that collects', '/query', { ksql: 'SELECT * FROM words ORDER BY word DESC;' }],
  ['a print', '/query-stream', { sql: 'PRINT words FROM BEGINNING;' }],
];

describe.each(clients)('%s', (_, begin) => {
  test.each(requests)('in %s leaves no query', async (_name, path, body) => {
    const before = opened.all;
    const text = JSON.stringify(body);
    // At once, after the first bytes, and at moments between: while the query starts, and while it runs.
    for (const leaveAfterMs of [0, 1, 2, 5, 10, 20, undefined]) {
      const { received, leave } = begin(path, text, true);
      if (leaveAfterMs === undefined) await until(() => received() > 0 || path === '/query-stream');
      else await new Promise((resolve) => setTimeout(resolve, leaveAfterMs));
      leave();
    }
    await expect.poll(() => [...opened.open]).toEqual([]);
    expect(opened.all).toBeGreaterThan(before);
    // A transient query has gone from the runtime as well, and the limit of open queries is not used up.
    await until(async () =>
      (await server.millrace.metrics()).every(
        ({ tags }) => !Object.values(tags).some((tag) => tag.includes('transient_')),
      ),
    );
    for (let i = 0; i < 10; i++) {
      expect(await pulled('SELECT * FROM kept WHERE id = 1;')).toHaveLength(2);
    }
  });

  test('in the middle of rows to insert: those before are written, the half one is not', async () => {
    const { engine } = server.millrace;
    await engine.execute(
      `CREATE STREAM halves (id BIGINT KEY) WITH (kafka_topic='halves', partitions=1, value_format='JSON');`,
    );
    const ids = async (): Promise<string[]> => (await pulled('SELECT id FROM halves;')).slice(1);
    const { received, leave } = begin('/inserts-stream', '{"target":"halves"}\n{"id":1}\n{"id":2}\n{"id":', false);
    await until(() => received() > 0);
    leave();
    await expect.poll(ids).toEqual(['[1]', '[2]']);
    // In the first line, and before any.
    for (const body of ['{"target":', ' ']) begin('/inserts-stream', body, false).leave();
    await engine.execute('DROP STREAM halves DELETE TOPIC;');
  });
});

test('many that leave use no more memory, and leave no listeners', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warn);
  const round = async (): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      const [, begin] = clients[i % clients.length] as (typeof clients)[number];
      const [, path, body] = requests[i % requests.length] as (typeof requests)[number];
      const { leave } = begin(path, JSON.stringify(body), true);
      await new Promise((resolve) => setTimeout(resolve, i % 7));
      leave();
    }
    await until(() => opened.open.size === 0);
  };
  const heap = async (): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    collect();
    return process.memoryUsage().heapUsed;
  };
  await round();
  const before = await heap();
  for (let i = 0; i < 2; i++) await round();
  const grown = (await heap()) - before;
  process.off('warning', warn);
  expect(warnings).toEqual([]);
  // 80 requests; each of the queries that collect held 4 MB of rows.
  expect(grown).toBeLessThan(30_000_000);
});
