/** The API of the schema registry at the server, over HTTP. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../server/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-registry-'));
let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ data: directory, port: 0, workers: 0, logLevel: 'silent' });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
};

test('schemas are registered, read and compared; statements see them', async () => {
  const schema = '{"type":"object","properties":{"a":{"type":"integer"}}}';
  expect(await ask('POST', '/subjects/t-value/versions', { schema, schemaType: 'JSON' })).toEqual({
    status: 200,
    body: { id: 1 },
  });
  expect(await ask('GET', '/subjects')).toEqual({ status: 200, body: ['t-value'] });
  expect(await ask('GET', '/subjects/t-value/versions/latest')).toEqual({
    status: 200,
    body: { subject: 't-value', version: 1, id: 1, schemaType: 'JSON', schema },
  });
  expect(await ask('GET', '/schemas/ids/1')).toEqual({ status: 200, body: { schemaType: 'JSON', schema } });
  expect(await ask('GET', '/schemas/ids/1/versions')).toEqual({
    status: 200,
    body: [{ subject: 't-value', version: 1 }],
  });
  expect(await ask('GET', '/config')).toEqual({ status: 200, body: { compatibilityLevel: 'BACKWARD' } });
  expect(
    await ask('POST', '/compatibility/subjects/t-value/versions/latest?verbose=true', {
      schema: '{"type":"object","properties":{"a":{"type":"string"}}}',
      schemaType: 'JSON',
    }),
  ).toEqual({
    status: 200,
    body: { is_compatible: false, messages: ['$.a was of the type integer, and is of the type string now'] },
  });
  await server.millrace.sql(
    `CREATE STREAM t (k INT KEY) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON_SR'); INSERT INTO t VALUES (1, 2);`,
  );
  expect(await server.millrace.query('SELECT * FROM t;')).toEqual([{ K: 1, A: 2 }]);
});

test.each([
  ['GET', '/subjects/none/versions', 404, 40401],
  ['GET', '/subjects/t-value/versions/9', 404, 40402],
  ['GET', '/schemas/ids/99', 404, 40403],
  ['GET', '/subjects/t-value/versions/x', 422, 42202],
  ['GET', '/config/t-value', 404, 40408],
  ['GET', '/schemas/nothing', 404, 404],
])('%s %s is refused', async (method, path, status, code) => {
  expect(await ask(method, path)).toMatchObject({ status, body: { error_code: code } });
});
