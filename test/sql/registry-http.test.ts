/** The HTTP API of the registry, over a real server, and the client of an external one against it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/node/index.ts';
import { open } from '../../millrace.ts';
import { HttpRegistry, LocalRegistry, registryPlaceOf } from '../../sql/index.ts';
import { answerApi } from '../../sql/registry/http-api.ts';
import type { SchemaText } from '../../sql/registry/schema.ts';
import { produceRecords } from '../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf } from './support/world.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await closeWorlds();
  for (const close of closing.splice(0).reverse()) await close();
});

interface Faults {
  /** Statuses to answer with first, one request each; 0: no answer at all. */
  readonly first: number[];
  /** Whether no request is answered with anything but 503. */
  away?: boolean;
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
      const fault = faults.away === true ? 503 : faults.first.shift();
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

test('while the registry is away a query waits; no row is lost, and one of an unknown schema is noted', async () => {
  const local = new LocalRegistry();
  const faults: Faults = { first: [], away: false };
  const registry = new HttpRegistry({ url: await serve(local, faults), fetch, timers: systemClock, tries: 1 });
  const { engine, runtime, log } = await openWorld({ engine: { registry } });
  const schema = (more: readonly object[]): SchemaText => ({
    type: 'AVRO',
    schema: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'A', type: 'int' }, ...more] }),
  });
  const first = await local.register('s-value', schema([]));
  await engine.execute(`
    SET 'auto.offset.reset' = 'earliest';
    CREATE STREAM s WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='AVRO');
    CREATE STREAM t WITH (VALUE_FORMAT='JSON') AS SELECT a FROM s;`);
  const producer = await log.producer();
  const send = async (...records: readonly (readonly [id: number, a: number])[]): Promise<void> => {
    const values = records.map(([id, a]) => ({
      key: null,
      value: Uint8Array.of(0, 0, 0, 0, id, a * 2, ...(id === 2 ? [0] : [])),
    }));
    await produceRecords(log, producer, 's', values, { acks: 'durable', now: 1 });
  };
  await send([first.id, 1]);
  await runtime.awaitIdle();
  const { id } = await local.register('s-value', schema([{ name: 'B', type: 'int', default: 0 }]));
  faults.away = true;
  await send([first.id, 2], [id, 3], [99, 4], [first.id, 5]);
  await expect
    .poll(() => runtime.queries()[0]?.error?.message)
    .toMatch(/^what is needed to read records of s could not be fetched: the schema registry at \S+ refuses: not now$/);
  expect(runtime.queries()[0]?.state).not.toBe('failed');
  faults.away = false;
  await expect.poll(async () => (await engine.queries())[0]?.dropped).toEqual({ deserialization: 1 });
  await runtime.awaitIdle();
  expect(await rowsOf(engine, 'SELECT * FROM t;')).toEqual([[1], [2], [3], [5]]);
  await producer.close();
});

test('of several servers the one that answers is asked', async () => {
  const local = new LocalRegistry();
  const [one, two]: [Faults, Faults] = [{ first: [] }, { first: [] }];
  const remote = client(`${await serve(local, one)}, ${await serve(local, two)}`);
  expect(await remote.subjects()).toEqual([]);
  one.away = true;
  two.first.push(400);
  expect(await codeOf(remote.subjects())).toContain('400: ');
  one.away = false;
  two.away = true;
  expect(await remote.subjects()).toEqual([]);
});

test('requests that find a server away at the same time all ask the next one', async () => {
  const local = new LocalRegistry();
  await local.register('s', { type: 'AVRO', schema: '"string"' });
  const [one, two]: [Faults, Faults] = [{ first: [], away: true }, { first: [] }];
  const remote = client(`${await serve(local, one)}, ${await serve(local, two)}`);
  const requests = Array.from({ length: 2 }, () => remote.subjects());
  expect(await Promise.all(requests)).toEqual([['s'], ['s']]);
});

test('the pauses between many tries have a limit', async () => {
  const pauses: number[] = [];
  const after = (ms: number, run: () => void) => {
    if (ms < timeoutMs) pauses.push(ms);
    const timer = setTimeout(run, ms < timeoutMs ? 0 : ms);
    return () => clearTimeout(timer);
  };
  const timeoutMs = 60_000;
  const fetch = () => Promise.reject(new Error('away'));
  const remote = new HttpRegistry({ url: 'http://host', fetch, timers: { after }, timeoutMs, tries: 40 });
  expect(await codeOf(remote.subjects())).toContain('cannot be reached: away');
  expect([pauses.length, Math.max(...pauses)]).toEqual([39, 10_000]);
});

describe('the place of a registry', () => {
  const property = 'ksql.schema.registry';
  test.each([
    [undefined, {}, undefined],
    [undefined, { 'auto.offset.reset': 'earliest' }, undefined],
    [undefined, { [`${property}.url`]: 'http://a:1' }, { url: 'http://a:1' }],
    [
      undefined,
      {
        [`${property}.url`]: 'http://a:1',
        [`${property}.basic.auth.credentials.source`]: 'USER_INFO',
        [`${property}.basic.auth.user.info`]: 'ann:s3:cret',
        [`${property}.http.read.timeout.ms`]: 100,
        [`${property}.max.retries`]: '0',
      },
      { url: 'http://a:1', user: 'ann', password: 's3:cret', timeoutMs: 100, tries: 1 },
    ],
    [{ url: 'http://a:1', user: 'x' }, { [`${property}.url`]: 'http://b:1' }, { url: 'http://a:1', user: 'x' }],
  ])('%j and %j', (given, properties, place) => expect(registryPlaceOf(given, properties).place).toEqual(place));

  test('only its URL is among the properties of SQL, without user and password', () => {
    const url = 'http://ann:s3cret@a:1/, https://ann@b/path';
    const given = {
      [`${property}.url`]: url,
      [`${property}.basic.auth.user.info`]: 'ann:s3cret',
      'auto.offset.reset': 'latest',
    };
    expect(registryPlaceOf(undefined, given).properties).toEqual({
      'auto.offset.reset': 'latest',
      [`${property}.url`]: 'http://a:1,https://b/path',
    });
  });

  test.each([
    [{ [`${property}.url`]: 'localhost:8081' }, 'is not one of http or https'],
    [{ [`${property}.url`]: 'http://a:1,b:2' }, 'is not one of http or https'],
    [{ [`${property}.url`]: 'http://ann:100%@a:1' }, 'a "%" has to be written as %25'],
    [{ [`${property}.uri`]: 'http://a' }, `there is no property called "${property}.uri"`],
    [{ [`${property}.max.retries`]: 1 }, `are given without "${property}.url"`],
    [{ [`${property}.max.retries`]: 'x' }, `takes a whole number, not 'x'`],
    [{ [`${property}.basic.auth.user.info`]: 's3cret' }, 'takes a user and a password with a colon between them'],
    [{ [`${property}.basic.auth.credentials.source`]: 'SASL' }, `takes USER_INFO or URL, not 'SASL'`],
  ])('%j is refused', (properties, why) => expect(() => registryPlaceOf(undefined, properties)).toThrow(why));
});

test('a library is opened with an external registry by a property', async () => {
  const local = new LocalRegistry();
  const url = await serve(local, { first: [], authorization: `Basic ${btoa('ann:s3cret')}` });
  const data = mkdtempSync(join(tmpdir(), 'millrace-registry-place-'));
  closing.push(() => rmSync(data, { recursive: true, force: true }));
  const properties = {
    'ksql.schema.registry.url': url,
    'ksql.schema.registry.basic.auth.user.info': 'ann:s3cret',
  };
  const millrace = await open({ data, workers: 0, properties });
  closing.push(() => millrace.close());
  await millrace.sql(`CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='AVRO');`);
  expect(await local.subjects()).toEqual(['s-value']);
  expect(JSON.stringify(await millrace.sql('SHOW PROPERTIES;'))).not.toContain('s3cret');
  await expect(millrace.sql(`SET 'ksql.schema.registry.url' = 'http://other';`)).rejects.toThrow('cannot be changed');
});

test('a fault of the registry is one of the statement', async () => {
  const registry = new HttpRegistry({ url: 'http://127.0.0.1:9', fetch, timers: systemClock, tries: 1 });
  const { engine } = await openWorld({ engine: { registry } });
  const create = `CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON_SR');`;
  await expect(engine.execute(create)).rejects.toMatchObject({
    code: 'SCHEMA_REGISTRY_FAILED',
    message: expect.stringMatching(/^the schema registry at http:\/\/127.0.0.1:9 cannot be reached: /),
  });
  expect(await engine.execute('SHOW STREAMS;')).toMatchObject([{ kind: 'streams', streams: [] }]);
});
