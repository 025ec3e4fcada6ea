/**
 * Bad input from end to end: each fault gets a sentence that says what, where and how to mend it, and nothing else
 * stops. A query counts all the while, and must count on after each.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Inserts, rows, statements } from '../../examples/demo/client.ts';
import { faultOf } from '../../server/errors.ts';
import { type RunningServer, startServer } from '../../server/index.ts';
import type { ErrorEntity } from '../../server/protocol.ts';
import { LogError } from '../../storage/index.ts';

let directory: string;
let server: RunningServer;
let url: URL;
/** Rows that the neighbour must have counted. */
let sent = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-bad-input-'));
  server = await startServer({ data: join(directory, 'data'), port: 0, logLevel: 'silent' });
  url = new URL(server.url);
  await statements(
    url,
    `CREATE STREAM orders (id BIGINT KEY, customer VARCHAR, amount DOUBLE) WITH (kafka_topic='orders', partitions=1, value_format='JSON');
     CREATE STREAM raw (id BIGINT KEY, text VARCHAR) WITH (kafka_topic='orders', value_format='KAFKA');
     CREATE TABLE people (name VARCHAR PRIMARY KEY, age INTEGER) WITH (kafka_topic='people', partitions=1, value_format='JSON');
     CREATE TABLE ages AS SELECT * FROM people;
     CREATE TABLE neighbour AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;`,
    { 'auto.offset.reset': 'earliest' },
  );
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const all = async (sql: string): Promise<(readonly unknown[])[]> => {
  const found: (readonly unknown[])[] = [];
  for await (const row of rows(url, sql)) found.push(row);
  return found;
};

afterEach(async () => {
  await statements(url, `INSERT INTO orders (id, customer, amount) VALUES (${sent}, 'neighbour', 1);`);
  sent++;
  await server.millrace.awaitIdle();
  expect(await all(`SELECT n FROM neighbour WHERE customer = 'neighbour';`)).toEqual([[sent]]);
  expect((await server.millrace.engine.queries()).map(({ state }) => state)).not.toContain('ERROR');
});

const json = { 'content-type': 'application/json' };

const answerOf = async (path: string, body: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(new URL(path, url), { method: 'POST', headers: json, body });
  return { status: response.status, text: await response.text() };
};

const fault = async (sql: string, path = '/ksql'): Promise<ErrorEntity> => {
  const { status, text } = await answerOf(path, JSON.stringify(path === '/ksql' ? { ksql: sql } : { sql }));
  expect(status).toBe(400);
  return JSON.parse(text) as ErrorEntity;
};

const stream = (columns: string, properties: string): string => `CREATE STREAM made (${columns}) WITH (${properties});`;
const onTopic = (topic: string): string => stream('v INT', `kafka_topic='${topic}', partitions=1, value_format='JSON'`);

test.each([
  [
    'an unknown column',
    'CREATE STREAM made AS SELECT id, amuont FROM orders;',
    'SQL_UNKNOWN_COLUMN',
    34,
    /"AMUONT".*"ORDERS"/,
    /"AMOUNT"/,
  ],
  [
    'a type mismatch',
    `CREATE STREAM made AS SELECT * FROM orders WHERE amount > 'x';`,
    'SQL_TYPE_MISMATCH',
    50,
    /DOUBLE.*STRING/,
    /./,
  ],
  [
    'a missing key column',
    'CREATE STREAM made AS SELECT amount FROM orders;',
    'SQL_MISSING_KEY_COLUMN',
    23,
    /key column ID/,
    /SELECT ID/,
  ],
  [
    'a name that is taken',
    `CREATE STREAM orders (v INT) WITH (kafka_topic='x', partitions=1, value_format='JSON');`,
    'SQL_DUPLICATE_SOURCE',
    15,
    /"ORDERS"/,
    /DROP/,
  ],
  [
    'a wrong WITH property',
    stream('v INT', `kafka_topc='x', partitions=1, value_format='JSON'`),
    'SQL_UNKNOWN_PROPERTY',
    34,
    /KAFKA_TOPC/i,
    /KAFKA_TOPIC/,
  ],
  [
    'a wrong value of one',
    stream('v INT', `kafka_topic='x', partitions=0, value_format='JSON'`),
    'SQL_INVALID_PROPERTY',
    undefined,
    /PARTITIONS takes a whole number from 1, not 0/,
    undefined,
  ],
  [
    'an unterminated string',
    `INSERT INTO orders VALUES (1, 'x, 2);`,
    'SQL_UNTERMINATED_STRING',
    31,
    /never closed/,
    /Close it/,
  ],
  [
    'a statement beyond a megabyte',
    `INSERT INTO orders VALUES (1, '${'x'.repeat(1 << 20)}', 2);`,
    'SQL_STATEMENT_TOO_LONG',
    undefined,
    /1048576/,
    /Split/,
  ],
  [
    'ten thousand levels',
    `CREATE STREAM made AS SELECT id, ${'('.repeat(10_000)}1${')'.repeat(10_000)} AS v FROM orders;`,
    'SQL_NESTED_TOO_DEEP',
    undefined,
    /deep|levels/,
    /./,
  ],
  ['a topic called ..', onTopic('..'), 'TOPIC_NAME_INVALID', 34, /"\.\."/, /letters/],
  ['a topic with ../', onTopic('../../etc'), 'TOPIC_NAME_INVALID', 34, /"\/"/, /letters/],
  ['a topic with /', onTopic('a/b'), 'TOPIC_NAME_INVALID', 34, /"\/"/, /letters/],
  ['a topic with NUL', onTopic('a\0b'), 'TOPIC_NAME_INVALID', 34, /u0000/, /letters/],
  ['a topic of 250 characters', onTopic('x'.repeat(250)), 'TOPIC_NAME_INVALID', 34, /250 characters/, /249/],
  [
    'a null key into a table',
    `INSERT INTO people (name, age) VALUES (NULL, 3);`,
    'SQL_NULL_KEY',
    1,
    /"PEOPLE".*NAME/,
    /NAME/,
  ],
])('%s', async (_, sql, code, column, sentence, hint) => {
  const { message, millrace } = await fault(sql);
  expect(millrace?.code).toBe(code);
  expect(message).toMatch(sentence);
  if (hint !== undefined) expect(millrace?.hint).toMatch(hint);
  if (column !== undefined) expect(millrace?.at).toMatchObject({ line: 1, column });
  expect(millrace?.at?.line).toBe(1);
});

test('the same faults in a query', async () => {
  expect(await fault('SELECT amuont FROM orders EMIT CHANGES;', '/query-stream')).toMatchObject({
    millrace: { code: 'SQL_UNKNOWN_COLUMN', at: { line: 1, column: 8 } },
  });
  expect(await fault(`SELECT 'x FROM orders;`, '/query-stream')).toMatchObject({
    millrace: { code: 'SQL_UNTERMINATED_STRING' },
  });
  expect(await fault(`SELECT ${'NOT '.repeat(10_000)}TRUE FROM orders;`, '/query-stream')).toMatchObject({
    millrace: { code: 'SQL_NESTED_TOO_DEEP' },
  });
});

test('every fault of a request stands beside the first', async () => {
  const { message, millrace } = await fault('SELEC 1;\nDESCRIBE missing;\nSELECT a +, b FROM orders WHERE;');
  expect(message).toMatch(/expected a statement/);
  expect(millrace?.faults).toMatchObject([
    { code: 'SQL_UNKNOWN_SOURCE', at: { line: 2, column: 10 } },
    {
      code: 'SQL_SYNTAX',
      message: expect.stringMatching(/expected an expression, found ","/),
      at: { line: 3, column: 11 },
    },
    { code: 'SQL_SYNTAX', at: { line: 3, column: 32 } },
  ]);
});

test('what can stand at the cursor', async () => {
  const ask = async (body: unknown): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(new URL('/complete', url), {
      method: 'POST',
      headers: json,
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  expect(await ask({ sql: 'SELECT * FROM ord WHERE', cursor: 17 })).toMatchObject({
    status: 200,
    body: { from: 14, to: 17, items: [{ text: 'orders', kind: 'source' }] },
  });
  for (const cursor of [-1, 99, 1.5, 'x', null])
    expect(await ask({ sql: 'SELECT', cursor })).toMatchObject({ status: 400 });
});

const processingLog = async (): Promise<Record<string, unknown>[]> => {
  const found: Record<string, unknown>[] = [];
  for await (const { value } of server.millrace.consume('millrace_processing_log', { untilEnd: true }))
    found.push(JSON.parse(new TextDecoder().decode(value ?? undefined)) as Record<string, unknown>);
  return found;
};

test('an undecodable record is left out, with its place, its cause and its bytes in the processing log', async () => {
  await statements(url, `INSERT INTO raw VALUES (77, '{"AMOUNT": twelve}');`);
  await server.millrace.awaitIdle();
  const [entry] = (await processingLog()).filter(({ query }) => String(query).startsWith('CTAS_NEIGHBOUR'));
  expect(entry).toMatchObject({ reason: 'deserialization', topic: 'orders', partition: 0 });
  expect(entry?.['detail']).toMatch(/byte \d+/);
  expect(Buffer.from(String(entry?.['value']), 'base64').toString()).toBe('{"AMOUNT": twelve}');
  const dropped = (await server.millrace.engine.queries()).map((query) => query.dropped);
  expect(dropped).toContainEqual({ deserialization: 1 });
});

test('a null key in the topic of a table is left out and told', async () => {
  await server.millrace.produce('people', [
    { key: null, value: '{"AGE":1}' },
    { key: 'ann', value: '{"AGE":2}' },
  ]);
  await server.millrace.awaitIdle();
  expect(await all('SELECT * FROM ages;')).toEqual([['ann', 2]]);
  const told = (await processingLog()).filter(({ query }) => String(query).startsWith('CTAS_AGES'));
  expect(told).toMatchObject([{ reason: expect.stringMatching(/key/), topic: 'people', partition: 0, offset: 0 }]);
});

test('a record larger than its topic allows is refused by itself, and the rows around it are kept', async () => {
  const row = (id: number, customer: string): string => JSON.stringify({ ID: id, CUSTOMER: customer, AMOUNT: 1 });
  const limits = 1_048_576;
  const lines = [row(9001, 'small'), row(9002, 'x'.repeat(limits - 60)), row(9003, 'small')];
  const { status, text } = await answerOf('/inserts-stream', `{"target":"orders"}\n${lines.join('\n')}\n`);
  expect(status).toBe(200);
  const answers = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { status: string; message?: string });
  expect(answers.map((answer) => answer.status)).toEqual(['ok', 'error', 'ok']);
  expect(answers[1]?.message).toMatch(/orders.*max\.message\.bytes/);
  await server.millrace.awaitIdle();
  expect(await all(`SELECT n FROM neighbour WHERE customer = 'small';`)).toEqual([[2]]);
});

test('columns called __proto__ and constructor come through JSON, a query, a view and structs', async () => {
  await statements(
    url,
    `CREATE STREAM odd (id BIGINT KEY, \`__proto__\` INTEGER, constructor VARCHAR, s STRUCT<\`__proto__\` INTEGER, constructor VARCHAR>)
       WITH (kafka_topic='odd', partitions=1, value_format='JSON');
     CREATE TABLE odder AS SELECT constructor, MAX(\`__proto__\`) AS \`__proto__\`, LATEST_BY_OFFSET(s) AS s FROM odd GROUP BY constructor;`,
    { 'auto.offset.reset': 'earliest' },
  );
  const inserts = new Inserts(url, 'odd');
  await inserts.send('{"ID":1,"`__proto__`":5,"CONSTRUCTOR":"c","S":{"__proto__":6,"CONSTRUCTOR":"d"}}\n', 1, 10);
  await inserts.finish();
  expect(inserts.refusal).toBeUndefined();
  await server.millrace.awaitIdle();
  const read = async (sql: string): Promise<string> =>
    (await answerOf('/query-stream', JSON.stringify({ sql }))).text.split('\n')[1] ?? '';
  expect(await read('SELECT `__proto__`, constructor, s, s->`__proto__` AS deeper FROM odd;')).toBe(
    '[5,"c",{"__proto__":6,"CONSTRUCTOR":"d"},6]',
  );
  expect(await read(`SELECT * FROM odder WHERE constructor = 'c';`)).toBe('["c",5,{"__proto__":6,"CONSTRUCTOR":"d"}]');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('a full disk is an answer of its own', () => {
  const { status, body } = faultOf(new LogError('unavailable', 'LOG_DISK_FULL', 'the disk is full'));
  expect(status).toBe(507);
  expect(body).toMatchObject({ error_code: 50700, millrace: { code: 'LOG_DISK_FULL' } });
});

test('a client of a push query that takes nothing, or dies, holds nobody', async () => {
  const idle = await fetch(new URL('/query-stream', url), {
    method: 'POST',
    headers: json,
    body: JSON.stringify({
      sql: 'SELECT customer FROM orders EMIT CHANGES;',
      properties: { 'auto.offset.reset': 'earliest' },
    }),
  });
  const dead = new AbortController();
  const gone = await fetch(new URL('/query-stream', url), {
    method: 'POST',
    headers: json,
    signal: dead.signal,
    body: JSON.stringify({ sql: 'SELECT customer FROM orders EMIT CHANGES;' }),
  });
  dead.abort();
  await gone.body?.cancel().catch(() => {});
  const inserts = new Inserts(url, 'orders');
  const fill = 'y'.repeat(1_000);
  for (let batch = 0; batch < 40; batch++) {
    let lines = '';
    for (let i = 0; i < 500; i++) lines += `{"ID":${100_000 + batch * 500 + i},"CUSTOMER":"${fill}","AMOUNT":1}\n`;
    await inserts.send(lines, 500, 5_000);
  }
  await inserts.finish();
  // Twenty megabytes went by the idle client; the neighbour has counted them.
  const countAll = async (): Promise<unknown> =>
    (await all(`SELECT n FROM neighbour WHERE customer = '${fill}';`))[0]?.[0];
  while ((await countAll()) !== 20_000) await new Promise((resolve) => setTimeout(resolve, 20));
  await idle.body?.cancel();
});
