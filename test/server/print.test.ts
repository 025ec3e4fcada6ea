/** PRINT over HTTP: lines of text as they come, until the client leaves; and assertions, which have a status of their
 *  own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../server/index.ts';

let server: RunningServer;
const directory = mkdtempSync(join(tmpdir(), 'millrace-print-'));

beforeEach(async () => {
  server = await startServer({
    data: join(directory, String(performance.now())),
    port: 0,
    workers: 0,
    logLevel: 'silent',
  });
});

afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const post = (path: string, body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

const stream = "CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);";

test('what is there is printed to the limit, with the variables of the request', async () => {
  await post('/ksql', { ksql: `${stream} INSERT INTO s (k, v, ROWTIME) VALUES ('a', 1, 0);` });
  const response = await post('/query-stream', {
    sql: 'PRINT ${topic} FROM BEGINNING LIMIT 1;',
    sessionVariables: { topic: 't' },
  });
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await response.text()).toBe(
    'Key format: KAFKA_STRING\nValue format: JSON or KAFKA_STRING\n' +
      'rowtime: 1970-01-01 00:00:00.000 Z, key: a, value: {"V":1}, partition: 0\n',
  );
});

test('what comes is printed as it comes, and the client may leave', async () => {
  await post('/ksql', { ksql: stream });
  const leaving = new AbortController();
  const response = await post('/query-stream', { sql: "PRINT 't';" }, leaving.signal);
  await post('/ksql', { ksql: "INSERT INTO s VALUES ('b', 2);" });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let seen = '';
  while (!seen.includes('partition: 0\n')) seen += (await reader?.read())?.value ?? '';
  expect(seen).toContain('key: b, value: {"V":2}, partition: 0');
  leaving.abort();
});

test('an assertion that does not hold has the status 417 and the number 41700', async () => {
  const response = await post('/ksql', { ksql: 'ASSERT TOPIC nowhere TIMEOUT 50 MILLISECONDS;' });
  expect(response.status).toBe(417);
  expect(await response.json()).toMatchObject({
    '@type': 'statement_error',
    error_code: 41700,
    message: 'the topic "nowhere" does not exist',
  });
});
