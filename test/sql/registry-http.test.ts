/** The HTTP API of the registry, over a real server, and the client of an external one against it. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../base/node/index.ts';
import { HttpRegistry, LocalRegistry } from '../../sql/index.ts';
import { answerApi } from '../../sql/registry/http-api.ts';
import { closeWorlds, openWorld, rowsOf } from './support/world.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await closeWorlds();
  for (const close of closing.splice(0).reverse()) await close();
});

interface Faults {
  /** Statuses to answer with first, one request each; 0: no answer at all. */
  readonly first: number[];
  readonly authorization?: string;
}

/** A server that has the API, and its URL. */
const serve = async (registry: LocalRegistry, faults: Faults = { first: [] }): Promise<string> => {
  const server: Server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const part of request) text += String(part);
      const send = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      const fault = faults.first.shift();
      if (fault === 0) return;
      if (fault !== undefined) return send(fault, { error_code: fault, message: 'not now' });
      if (faults.authorization !== undefined && request.headers.authorization !== faults.authorization) {
        return send(401, { error_code: 401, message: 'Unauthorized' });
      }
      const url = new URL(request.url ?? '', 'http://host');
      const answer = await answerApi(registry, {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        body: text === '' ? undefined : JSON.parse(text),
      });
      send(answer.status, answer.body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const client = (url: string, timeoutMs = 2000): HttpRegistry =>
  new HttpRegistry({ url, fetch, timers: systemClock, timeoutMs });

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no fault',
    ({ code, message }: { code: number; message: string }) => `${code}: ${message}`.replace(/127\.0\.0\.1:\d+/, 'HOST'),
  );

test('a client sees what the registry has', async () => {
  const local = new LocalRegistry();
  const remote = client(await serve(local));
  expect(await remote.register('a/b-value', { type: 'AVRO', schema: '"int"' })).toEqual({ id: 1, version: 1 });
  expect(await remote.register('a/b-value', { type: 'AVRO', schema: '"long"' })).toEqual({ id: 2, version: 2 });
  expect(await remote.incompatibilities('a/b-value', { type: 'AVRO', schema: '"int"' })).toEqual([]);
  expect(await remote.incompatibilities('a/b-value', { type: 'AVRO', schema: '"string"' })).toEqual([
    '$ was long, and is string now',
  ]);
  expect(await codeOf(remote.register('a/b-value', { type: 'AVRO', schema: '"string"' }))).toMatch(
    /^409: .*HOST refuses/,
  );
  expect(await codeOf(remote.register('s', { type: 'AVRO', schema: '"thing"' }))).toMatch(/^42201: /);
  const other = { type: 'JSON', schema: '{"type":"object"}' } as const;
  await remote.register('other', other);
  const referring = {
    type: 'JSON',
    schema: '{"$ref":"o.json"}',
    references: [{ name: 'o.json', subject: 'other', version: 1 }],
  } as const;
  await remote.register('referring', referring);
  expect(await remote.byId(4)).toEqual(await local.byId(4));
  expect((await remote.latest('referring'))?.definitions).toEqual([{ name: 'o.json', schema: other.schema }]);
  expect(await remote.byId(99)).toBeUndefined();
  expect(await remote.latest('unknown')).toBeUndefined();
  expect(await remote.find('other', other)).toMatchObject({ version: 1, id: 3 });
  expect(await remote.subjects()).toEqual(['a/b-value', 'other', 'referring']);
  expect(await remote.versions('a/b-value')).toEqual([1, 2]);
  expect(await remote.versions('unknown')).toEqual([]);
  expect([await remote.level(), await remote.level('other')]).toEqual(['BACKWARD', undefined]);
  await remote.setLevel('FULL', 'other');
  expect(await local.level('other')).toBe('FULL');
  expect(await codeOf(remote.deleteSubject('other'))).toMatch(/^42206: /);
  expect(await remote.referrers('other', 1)).toEqual([4]);
  expect(await remote.incompatibilities('a/b-value', { type: 'AVRO', schema: '"float"' }, { version: 1 })).toEqual([]);
  expect([await remote.mode(), await remote.mode('other')]).toEqual(['READWRITE', undefined]);
  await remote.setMode('READONLY', 'other');
  expect(await local.mode('other')).toBe('READONLY');
  expect(await codeOf(remote.register('other', { type: 'AVRO', schema: '"int"' }))).toMatch(/^42205: /);
  await remote.setMode(undefined, 'other');
  expect(await local.mode('other')).toBeUndefined();
  await remote.deleteVersion('a/b-value', 1);
  expect(await remote.version('a/b-value', 1)).toBeUndefined();
  expect(await remote.version('a/b-value', 1, { deleted: true })).toMatchObject({ id: 1 });
  expect(await remote.versions('a/b-value', { deleted: 'only' })).toEqual([1]);
  expect(await remote.deleteSubject('a/b-value')).toEqual([2]);
  expect(await remote.deleteSubject('a/b-value', { permanent: true })).toEqual([1, 2]);
});

test('what may pass is tried again; what may not is an error at once', async () => {
  const local = new LocalRegistry();
  const faults = { first: [503, 0, 500] };
  const remote = client(await serve(local, faults), 200);
  expect(await remote.subjects()).toEqual([]);
  expect(faults.first).toEqual([]);
  faults.first.push(503, 503, 503, 503, 503);
  expect(await codeOf(remote.subjects())).toBe('503: the schema registry at http://HOST refuses: not now');
  expect(faults.first).toEqual([503]);
  faults.first.splice(0, 1, 400, 503);
  expect(await codeOf(remote.subjects())).toContain('400: ');
  expect(faults.first).toEqual([503]);
  const nowhere = new HttpRegistry({ url: 'http://127.0.0.1:9', fetch, timers: systemClock, tries: 1 });
  expect(await codeOf(nowhere.subjects())).toMatch(/^50002: the schema registry at http:\/\/HOST cannot be reached: /);
});

test('user and password are sent', async () => {
  const authorization = `Basic ${btoa('ann:s3cret')}`;
  const url = await serve(new LocalRegistry(), { first: [], authorization });
  expect(await client(url.replace('//', '//ann:s3cret@')).subjects()).toEqual([]);
  expect(await codeOf(client(url).subjects())).toContain('401: ');
});

test('statements work with an external registry as with the embedded one', async () => {
  const local = new LocalRegistry();
  const registry = client(await serve(local));
  await local.register('s-value', { type: 'JSON', schema: '{"type":"object","properties":{"a":{"type":"integer"}}}' });
  const { engine, runtime } = await openWorld({ engine: { registry } });
  await engine.execute(`
    SET 'auto.offset.reset' = 'earliest';
    CREATE STREAM s (k INT KEY) WITH (KAFKA_TOPIC='s', PARTITIONS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON_SR');
    INSERT INTO s VALUES (1, 2);
    CREATE STREAM t AS SELECT k, a + 1 AS b FROM s;`);
  await runtime.awaitIdle();
  expect(await rowsOf(engine, 'SELECT * FROM t;')).toEqual([[1, 3]]);
  expect(await local.subjects()).toEqual(['T-value', 's-value']);
});

test('a fault of the registry is one of the statement', async () => {
  const registry = new HttpRegistry({ url: 'http://127.0.0.1:9', fetch, timers: systemClock, tries: 1 });
  const { engine } = await openWorld({ engine: { registry } });
  const create = `CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON_SR');`;
  await expect(engine.execute(create)).rejects.toMatchObject({ code: 'SCHEMA_REGISTRY_FAILED' });
});
