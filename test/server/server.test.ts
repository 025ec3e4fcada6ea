import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { get, Inserts, rows, statements } from '../../examples/demo/client.ts';
import { type RunningServer, startServer } from '../../server/index.ts';

let directory: string;
let server: RunningServer;
let url: URL;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-server-'));
  server = await startServer({
    data: join(directory, 'data'),
    port: 0,
    logLevel: 'silent',
    stateMemoryBytes: 100 * 1024 * 1024,
    limits: { maxBodyBytes: 2_000_000, maxOpenQueries: 3 },
  });
  url = new URL(server.url);
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const json = { 'content-type': 'application/json' };

const post = async (path: string, body: string, headers: Record<string, string> = json) => {
  const response = await fetch(new URL(path, url), { method: 'POST', body, headers });
  return { status: response.status, body: await response.text() };
};

const postJson = async (path: string, body: unknown) => {
  const response = await post(path, JSON.stringify(body));
  return { status: response.status, body: JSON.parse(response.body) as Record<string, unknown> };
};

/** A query with its header read: from then on it misses nothing. */
const openQuery = async (sql: string) => {
  const response = await new Promise<IncomingMessage>((resolve) => {
    const outgoing = request(new URL('/query-stream', url), { method: 'POST', headers: json }, resolve);
    outgoing.end(JSON.stringify({ sql }));
  });
  const [header] = (await new Promise<Buffer>((resolve) => response.once('data', resolve))).toString().split('\n');
  return { response, queryId: (JSON.parse(header ?? '') as { queryId?: string }).queryId };
};

const all = async (sql: string): Promise<unknown[][]> => {
  const found: unknown[][] = [];
  for await (const row of rows(url, sql)) found.push([...row]);
  return found;
};

describe('pull queries', () => {
  test('have parameters, and are read from a position', async () => {
    await statements(
      url,
      `CREATE STREAM seen (id BIGINT KEY, name VARCHAR) WITH (kafka_topic='seen', partitions=1, value_format='JSON');
       SET 'auto.offset.reset' = 'earliest';
       CREATE TABLE named AS SELECT name, COUNT(*) AS n FROM seen GROUP BY name;
       INSERT INTO seen (id, name) VALUES (1, 'a'); INSERT INTO seen (id, name) VALUES (2, 'a');`,
    );
    const from = [{ topic: 'seen', partition: 0, offset: 2 }];
    const lines = async (body: object): Promise<unknown> => {
      const answer = await post('/query-stream', JSON.stringify(body));
      return answer.body
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => JSON.parse(line) as unknown);
    };
    expect(await lines({ sql: 'SELECT * FROM named WHERE name = ?;', parameters: ['a'], from })).toEqual([['a', 2]]);
    expect(
      await lines({ sql: 'SELECT n FROM named WHERE n > :least LIMIT :most;', parameters: { least: 1, most: 1 } }),
    ).toEqual([[2]]);
    expect(
      (await post('/query-stream', JSON.stringify({ sql: 'SELECT 1 FROM seen;', from: [{ topic: 1 }] }))).status,
    ).toBe(400);
    expect((await post('/query-stream', JSON.stringify({ sql: 'SELECT ? FROM seen;' }))).body).toContain(
      'SQL_PARAMETER',
    );
    await statements(url, 'DROP TABLE named; DROP STREAM seen DELETE TOPIC;');
  });

  test('send wide results page by page, as the client takes them', async () => {
    await statements(
      url,
      `CREATE STREAM wide (id BIGINT KEY, text VARCHAR) WITH (kafka_topic='wide', partitions=1, value_format='JSON');`,
    );
    const text = 'x'.repeat(10_000);
    const lines = Array.from({ length: 3000 }, (_, id) => `${JSON.stringify({ id, text })}\n`).join('');
    const delimited = { 'content-type': 'application/vnd.ksqlapi.delimited.v1' };
    await post('/inserts-stream', `${JSON.stringify({ target: 'wide', properties: {} })}\n${lines}`, delimited);
    const written = vi.spyOn(ServerResponse.prototype, 'write');
    const { response } = await openQuery('SELECT id, text FROM wide ORDER BY id DESC LIMIT 2900;');
    response.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What the sockets hold, and not the 29 MB of all rows.
    const sent = written.mock.calls.reduce((sum, [text]) => sum + String(text).length, 0);
    written.mockRestore();
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(15_000_000);
    let bytes = 0;
    for await (const part of response as AsyncIterable<Buffer>) bytes += part.length;
    expect(bytes).toBeGreaterThan(2800 * 10_000);
    await statements(url, 'DROP STREAM wide DELETE TOPIC;');
  });
});

describe('statements', () => {
  afterEach(async () => {
    await statements(url, 'DROP TABLE IF EXISTS people_count; DROP STREAM IF EXISTS people DELETE TOPIC;');
  });

  test('an entity tells what a statement did', async () => {
    const [created] = (await statements(
      url,
      `CREATE STREAM people (id BIGINT KEY, name VARCHAR) WITH (kafka_topic='people', partitions=1, value_format='JSON');`,
    )) as Record<string, unknown>[];
    expect(created).toMatchObject({
      '@type': 'currentStatus',
      commandId: 'stream/`PEOPLE`/create',
      commandStatus: { status: 'SUCCESS' },
      warnings: [],
    });
    const [streams] = (await statements(url, 'SHOW STREAMS;')) as Record<string, unknown>[];
    expect(streams).toMatchObject({
      '@type': 'streams',
      streams: [
        { type: 'STREAM', name: 'PEOPLE', topic: 'people', keyFormat: 'KAFKA', valueFormat: 'JSON', isWindowed: false },
      ],
    });
  });

  test('a fault says what, where and how to mend it, and nothing of the request has run', async () => {
    const answer = await postJson('/ksql', {
      ksql: `CREATE STREAM people (id BIGINT KEY, name VARCHAR) WITH (kafka_topic='people', partitions=1, value_format='JSON');
             CREATE STREAM shout AS SELECT id, UCASE(nmae) AS loud FROM people;`,
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      '@type': 'statement_error',
      error_code: 40001,
      entities: [],
      millrace: { code: 'SQL_UNKNOWN_COLUMN', at: { line: 2 } },
    });
    expect(answer.body.message).toMatch(/NMAE.*NAME/s);
    expect(await statements(url, 'SHOW STREAMS;')).toMatchObject([{ streams: [] }]);
  });

  test('a query sent as a statement is pointed to /query-stream', async () => {
    const answer = await postJson('/ksql', { ksql: 'SELECT 1 FROM people;' });
    expect(answer.status).toBe(400);
    expect(String(answer.body.message)).toMatch(/query-stream/);
  });

  test.each([
    ['no JSON at all', 'CREATE STREAM', 'not JSON'],
    ['an array', '[]', 'JSON object'],
    ['no statement', '{"sql":"SHOW STREAMS;"}', '"ksql"'],
  ])('a body that is %s is refused by name', async (_, body, said) => {
    const answer = await post('/ksql', body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ '@type': 'generic_error', error_code: 40000 });
    expect(answer.body).toContain(said.replaceAll('"', '\\"'));
  });

  test('a body beyond the limit is refused with the limit', async () => {
    const answer = await post('/ksql', JSON.stringify({ ksql: ' '.repeat(2_000_001) }));
    expect(answer.status).toBe(413);
    expect(answer.body).toContain('2000000 bytes');
  });

  test('an unknown path is 404 and names itself', async () => {
    const answer = await post('/nowhere', '{}');
    expect(answer.status).toBe(404);
    expect(answer.body).toContain('/nowhere');
  });
});

describe('rows', () => {
  beforeAll(async () => {
    await statements(
      url,
      `CREATE STREAM orders (id BIGINT KEY, customer VARCHAR, amount DOUBLE) WITH (kafka_topic='orders', partitions=2, value_format='JSON');
       CREATE TABLE totals AS SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount FROM orders GROUP BY customer;`,
      { 'auto.offset.reset': 'earliest' },
    );
  });

  test('inserted rows are acknowledged in order, a bad one by itself, and are queried', async () => {
    const inserts = new Inserts(url, 'orders');
    await inserts.send('{"ID":1,"CUSTOMER":"ann","AMOUNT":1.5}\n{"id":2,"customer":"bob","amount":2}\n', 2, 100);
    await inserts.finish();
    expect(inserts.acknowledged).toBe(2);
    const answer = await post(
      '/inserts-stream',
      '{"target":"orders"}\n{"ID":3,"CUSTOMER":"ann","AMOUNT":4}\n{"ID":"x","CUSTOMER":"ann"}\n{"ID":9007199254740993,"CUSTOMER":"ann","AMOUNT":8}\n',
    );
    const lines = answer.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { status: 'ok', seq: 0 },
      { status: 'error', seq: 1 },
      { status: 'ok', seq: 2 },
    ]);
    expect(lines[1]?.message).toMatch(/ID/);
    await server.millrace.awaitIdle();
    expect(await all(`SELECT * FROM totals WHERE customer = 'ann';`)).toEqual([['ann', 3, 13.5]]);
    const raw = await post(
      '/query-stream',
      JSON.stringify({ sql: 'SELECT id FROM orders WHERE id > 9007199254740992;' }),
    );
    expect(raw.body).toContain('[9007199254740993]');
  });

  test('a line that is not an object ends the stream, after the answers to those before it', async () => {
    const answer = await post(
      '/inserts-stream',
      '{"target":"orders"}\n{"ID":10,"CUSTOMER":"cyd","AMOUNT":1}\nnonsense\n',
    );
    const lines = answer.body.trim().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toEqual({ status: 'ok', seq: 0 });
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ error_code: 40000 });
  });

  test('inserts into what does not exist are refused before any row', async () => {
    const answer = await post('/inserts-stream', '{"target":"ordres"}\n{"ID":10}\n');
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/ORDRES.*ORDERS/s);
  });

  test('the answer has a header line, or is one JSON array when asked for', async () => {
    const sql = `SELECT customer, orders FROM totals WHERE customer = 'bob';`;
    const delimited = await post('/query-stream', JSON.stringify({ sql }));
    const [header, row] = delimited.body.trim().split('\n');
    expect(JSON.parse(header ?? '')).toMatchObject({
      columnNames: ['CUSTOMER', 'ORDERS'],
      columnTypes: ['STRING', 'BIGINT'],
    });
    expect(JSON.parse(row ?? '')).toEqual(['bob', 1]);
    const array = await post('/query-stream', JSON.stringify({ sql }), { ...json, accept: 'application/json' });
    expect(JSON.parse(array.body)).toMatchObject([{ columnNames: ['CUSTOMER', 'ORDERS'] }, ['bob', 1]]);
  });

  test('a push query delivers rows as they come and ends with its connection', async () => {
    const { response } = await openQuery('SELECT id, customer FROM orders EMIT CHANGES;');
    const first = new Promise<Buffer>((resolve) => response.once('data', resolve));
    await statements(url, `INSERT INTO orders (id, customer, amount) VALUES (77, 'dan', 1);`);
    expect(JSON.parse((await first).toString())).toEqual([77, 'dan']);
    response.destroy();
    for (let i = 0; i < 5; i++) {
      const again = rows(url, 'SELECT id FROM orders EMIT CHANGES LIMIT 1;', { 'auto.offset.reset': 'earliest' });
      expect((await again.next()).done).toBe(false);
      await again.return(undefined);
    }
  });

  test('a query beyond the limit is refused with the limit; closing one makes room', async () => {
    const open = () => openQuery('SELECT id FROM orders EMIT CHANGES;');
    const opened = [await open(), await open(), await open()];
    const refused = await postJson('/query-stream', { sql: 'SELECT id FROM orders EMIT CHANGES;' });
    expect(refused).toMatchObject({ status: 400, body: { error_code: 40003 } });
    expect(refused.body.message).toMatch(/3 queries/);
    expect((await post('/close-query', JSON.stringify({ queryId: opened[0]?.queryId }))).status).toBe(200);
    opened.push(await open());
    for (const { response } of opened) response.destroy();
    expect((await postJson('/close-query', { queryId: 'nobody' })).status).toBe(400);
  });
});

test('a client that leaves while its query starts leaves nothing open', async () => {
  await statements(
    url,
    `CREATE STREAM leaving (id BIGINT KEY, v INT) WITH (kafka_topic='leaving', partitions=1, value_format='JSON');`,
  );
  const { engine } = server.millrace;
  const query = engine.query.bind(engine);
  let leave = () => {};
  const slow = vi.spyOn(engine, 'query').mockImplementation(async (...asked) => {
    leave();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return query(...asked);
  });
  for (let i = 0; i < 3; i++) {
    const outgoing = request(new URL('/query-stream', url), { method: 'POST', headers: json });
    outgoing.on('error', () => {});
    leave = () => outgoing.destroy();
    outgoing.end(JSON.stringify({ sql: 'SELECT * FROM leaving EMIT CHANGES;' }));
    await new Promise((resolve) => outgoing.once('close', resolve));
  }
  slow.mockRestore();
  // As many as may be open are closed again.
  await expect
    .poll(async () => (await post('/query-stream', JSON.stringify({ sql: 'SELECT * FROM leaving;' }))).status)
    .toBe(200);
});

describe('the server itself', () => {
  test('says what it is and how its queries stand', async () => {
    expect(await get(url, '/info')).toMatchObject({
      KsqlServerInfo: { serverStatus: 'RUNNING' },
      millrace: {
        recovery: { abortedTransactions: [] },
        failedStatements: [],
        state: { memory: { usedBytes: expect.any(Number), limitBytes: 100 * 1024 * 1024 }, damage: [] },
        queries: [{ state: 'RUNNING' }],
      },
    });
    expect(await get(url, '/healthcheck')).toMatchObject({ isHealthy: true });
  });

  test('shows what its queries do to Prometheus', async () => {
    const answer = await fetch(new URL('/metrics', url));
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    expect(text).toMatch(/^millrace_stream_client_state\{query_id="[^"]+",application_id="[^"]+"\} 2$/m);
    expect(text).toMatch(/^millrace_stream_task_process_total\{thread_id="\d+",query_id="[^"]+",task_id="0_0"\} \d+$/m);
  });

  test('a foreign Host or Origin is refused on the loopback interface', async () => {
    const status = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve) => {
        request(new URL('/info', url), { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).end();
      });
    expect(await status({ host: 'evil.example' })).toBe(403);
    expect(await status({ origin: 'http://evil.example' })).toBe(403);
    expect(await status({ origin: 'http://localhost:3000' })).toBe(200);
  });

  test('a port in use is a clear error', async () => {
    const second = startServer({ data: join(directory, 'other'), port: Number(url.port), logLevel: 'silent' });
    await expect(second).rejects.toMatchObject({ code: 'PORT_IN_USE', hint: expect.stringContaining('--port') });
  });

  test('a data directory in use is a clear error', async () => {
    const second = startServer({ data: join(directory, 'data'), port: 0, logLevel: 'silent' });
    await expect(second).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' });
  });

  test('a data directory that is a file is a clear error', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, 'not a directory');
    await expect(startServer({ data: file, port: 0, logLevel: 'silent' })).rejects.toMatchObject({
      code: 'DATA_DIR_UNREADABLE',
    });
  });
});
