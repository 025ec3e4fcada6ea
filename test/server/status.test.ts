/** GET /status, and requests that run behind a command. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../server/index.ts';

let directory: string;
let server: RunningServer;

const start = async (): Promise<void> => {
  server = await startServer({
    data: join(directory, 'data'),
    port: 0,
    logLevel: 'silent',
    workers: 0,
    limits: { commandWaitMs: 200 },
  });
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-status-'));
  await start();
});

afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const get = async (path: string): Promise<Answer> => {
  const response = await fetch(new URL(path, server.url));
  return { status: response.status, body: await response.json() };
};

const post = async (path: string, body: object): Promise<Answer> => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(new URL(path, server.url), { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
};

const words = `CREATE STREAM words (word VARCHAR) WITH (kafka_topic='words', partitions=1, value_format='JSON');`;
const counts = 'CREATE TABLE counts AS SELECT word, COUNT(*) AS n FROM words GROUP BY word;';
const succeeded = (message: string, queryId: string | null = null): Answer => ({
  status: 200,
  body: { status: 'SUCCESS', message, queryId },
});

test('every command has a status by the id that its answer named, also after a restart', async () => {
  const { body } = await post('/ksql', { ksql: `${words} ${counts}` });
  expect(body).toMatchObject([{ commandId: 'stream/`WORDS`/create' }, { commandId: 'table/`COUNTS`/create' }]);
  await post('/ksql', { ksql: 'TERMINATE CTAS_COUNTS_1; DROP TABLE counts; CREATE TYPE place AS STRUCT<x INT>;' });
  for (let run = 0; run < 2; run++) {
    expect(await get('/status')).toEqual({
      status: 200,
      body: {
        commandStatuses: {
          'stream/`WORDS`/create': 'SUCCESS',
          'table/`COUNTS`/create': 'SUCCESS',
          'terminate/`CTAS_COUNTS_1`/execute': 'SUCCESS',
          'table/`COUNTS`/drop': 'SUCCESS',
          'type/`PLACE`/create': 'SUCCESS',
        },
      },
    });
    expect(await get('/status/stream/WORDS/create')).toEqual(succeeded('Stream created'));
    expect(await get(`/status/stream/${encodeURIComponent('`WORDS`')}/create`)).toEqual(succeeded('Stream created'));
    expect(await get('/status/table/COUNTS/create')).toEqual(
      succeeded('Created query with ID CTAS_COUNTS_1', 'CTAS_COUNTS_1'),
    );
    await server.close();
    await start();
  }
});

test('a command that there is not is 404, with its id', async () => {
  const answer = await get('/status/stream/NOTHING/create');
  expect(answer).toMatchObject({ status: 404, body: { '@type': 'generic_error', error_code: 40400 } });
  expect(JSON.stringify(answer.body)).toContain('stream/`NOTHING`/create');
  expect((await get(`/status/stream/${'X'.repeat(1000)}/create`)).body).toMatchObject({ error_code: 40400 });
});

test.each(['/ksql', '/query'])('%s runs behind the command of a number, or answers that it is late', async (path) => {
  const { body } = await post('/ksql', { ksql: `${words} ${counts}` });
  const [, second] = body as readonly { readonly commandSequenceNumber: number }[];
  const number = second?.commandSequenceNumber ?? Number.NaN;
  const ask = (commandSequenceNumber: unknown): Promise<Answer> =>
    post(path, { ksql: path === '/ksql' ? 'SHOW TABLES;' : 'SELECT * FROM counts;', commandSequenceNumber });
  for (const run of [number, -1, null, undefined]) expect((await ask(run)).status).toBe(200);
  const late = await ask(number + 1);
  expect(late).toMatchObject({ status: 503, body: { '@type': 'generic_error', error_code: 50301 } });
  expect(JSON.stringify(late.body)).toContain(`the command of the number ${number + 1} has not run within 200 ms`);
  for (const wrong of ['1', 1.5, {}]) expect((await ask(wrong)).status).toBe(400);
  // Sent before the command is.
  const early = ask(number + 1);
  await post('/ksql', { ksql: 'CREATE TYPE place AS STRUCT<x INT>;' });
  expect((await early).status).toBe(200);
});
