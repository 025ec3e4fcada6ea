/** Who may call the server, how long a request may take, and how a query that has failed answers. */

import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../server/app.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../server/index.ts';
import { defaultLimits } from '../../server/route.ts';
import type { SqlEngine } from '../../sql/index.ts';

let directory: string;
const running: RunningServer[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-access-'));
});

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const start = async (options: Partial<ServerOptions> = {}): Promise<RunningServer> => {
  const server = await startServer({
    data: join(directory, 'data'),
    port: 0,
    logLevel: 'silent',
    workers: 0,
    ...options,
  });
  running.push(server);
  return server;
};

const call = (
  server: RunningServer,
  path: string,
  { method = 'POST', headers = {}, body = '' }: { method?: string; headers?: Record<string, string>; body?: string },
): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(server.url);
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

const json = { 'content-type': 'application/json' };
const show = JSON.stringify({ ksql: 'SHOW STREAMS;' });

describe('web pages of strangers', () => {
  test.each([['text/plain'], ['application/x-www-form-urlencoded'], ['multipart/form-data; boundary=x'], [undefined]])(
    'a POST as %s is refused with what to send',
    async (type) => {
      const server = await start({ host: '0.0.0.0' });
      const headers = type === undefined ? {} : { 'content-type': type };
      for (const path of ['/ksql', '/query-stream', '/inserts-stream', '/close-query']) {
        const { status, text } = await call(server, path, { headers, body: show });
        expect([path, status]).toEqual([path, 415]);
        expect(JSON.parse(text)).toMatchObject({
          error_code: 41500,
          message: expect.stringContaining('"Content-Type: application/json"'),
        });
      }
    },
  );

  test.each([
    ['application/json'],
    ['application/json; charset=utf-8'],
    ['application/vnd.ksql.v1+json'],
    ['application/vnd.ksqlapi.delimited.v1'],
  ])('%s is JSON', async (type) => {
    const server = await start({ host: '0.0.0.0' });
    expect(await call(server, '/ksql', { headers: { 'content-type': type }, body: show })).toMatchObject({
      status: 200,
    });
  });

  test('an Origin that is not on the list is refused, also on a network; one on the list may ask before it sends', async () => {
    const server = await start({ host: '0.0.0.0', allowedOrigins: ['https://console.example.com'] });
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost:3000',
      'https://console.example.com.evil.example',
    ]) {
      const { status, text, headers } = await call(server, '/ksql', { headers: { ...json, origin }, body: show });
      expect([origin, status, headers['access-control-allow-origin']]).toEqual([origin, 403, undefined]);
      expect(text).toContain('--allow-origin');
      expect(await call(server, '/info', { method: 'GET', headers: { origin } })).toMatchObject({ status: 403 });
    }
    const origin = 'https://console.example.com';
    const allowed = {
      'access-control-allow-origin': origin,
      'access-control-allow-headers': expect.stringContaining('content-type'),
    };
    const asks = { origin, 'access-control-request-method': 'POST' };
    expect(await call(server, '/ksql', { method: 'OPTIONS', headers: asks })).toMatchObject({
      status: 204,
      headers: allowed,
    });
    expect(await call(server, '/ksql', { headers: { ...json, origin }, body: show })).toMatchObject({
      status: 200,
      headers: allowed,
    });
    const query = JSON.stringify({ sql: 'SELECT * FROM nothing;' });
    expect(await call(server, '/query-stream', { headers: { ...json, origin }, body: query })).toMatchObject({
      status: 400,
      headers: allowed,
    });
  });

  test('on the loopback interface pages of that interface may call, and no foreign name', async () => {
    const server = await start();
    const at = (headers: Record<string, string>) =>
      call(server, '/ksql', { headers: { ...json, ...headers }, body: show });
    expect((await at({ origin: 'http://localhost:3000' })).status).toBe(200);
    expect((await at({ origin: 'http://localhost.evil.example' })).status).toBe(403);
    expect((await at({ host: 'evil.example:8088' })).status).toBe(403);
  });

  test('on a network the server answers to addresses and to the host names that it was given, and to no other', async () => {
    const server = await start({ host: '0.0.0.0', allowedHosts: ['Millrace.example.com'] });
    const as = async (host: string): Promise<{ status: number; text: string }> =>
      call(server, '/info', { method: 'GET', headers: { host } });
    const allowed = ['10.1.2.3', '10.1.2.3:8088', '[2001:db8::1]:8088', 'localhost:8088', 'millrace.example.com:8088'];
    for (const host of allowed) expect([host, (await as(host)).status]).toEqual([host, 200]);
    for (const host of ['evil.example', 'millrace.example.com.evil.example', '10.1.2.3.evil.example:8088']) {
      const { status, text } = await as(host);
      expect([host, status]).toEqual([host, 403]);
      expect(text).toContain('--allow-host');
    }
    const open = await start({ host: '0.0.0.0', allowedHosts: ['*'], data: join(directory, 'other') });
    expect((await call(open, '/info', { method: 'GET', headers: { host: 'any.example' } })).status).toBe(200);
    const near = await start({ allowedHosts: ['dev.example'], data: join(directory, 'near') });
    expect((await call(near, '/info', { method: 'GET', headers: { host: 'dev.example:1' } })).status).toBe(200);
    expect((await call(near, '/info', { method: 'GET', headers: { host: '10.1.2.3' } })).status).toBe(403);
  });
});

test('a failed request is logged by its path: a query string may hold secrets', async () => {
  const lines: string[] = [];
  const engine = { report: {}, queries: () => Promise.reject(new Error('broken')) } as unknown as SqlEngine;
  const app = createApp({
    engine,
    logger: pino({ base: null }, { write: (line: string) => void lines.push(line) }),
    limits: defaultLimits,
    version: '0',
    dataDirectory: '/nowhere',
    loopbackOnly: true,
    allowedOrigins: [],
    allowedHosts: [],
  });
  const headers = { host: 'localhost' };
  const answer = await app.inject({ method: 'GET', url: '/info?token=s3cret', headers });
  await app.close();
  expect(answer.statusCode).toBe(500);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ route: '/info', err: { message: 'broken' } });
  expect(lines[0]).not.toContain('s3cret');
});

test('a body that never ends is refused, and its connection closed', async () => {
  const server = await start({ limits: { bodyTimeoutMs: 100 } });
  const { port } = new URL(server.url);
  for (const path of ['/ksql', '/query-stream', '/inserts-stream']) {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"ksql":`,
        );
      });
      let text = '';
      socket.on('data', (part) => (text += part.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('did not arrive within 100 ms');
  }
});

test('a pull query on a view whose query has failed answers in the 500 class, with what the query said', async () => {
  const server = await start();
  const { engine, log } = server.millrace;
  await engine.execute(
    `CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
     CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;`,
  );
  await log.deleteTopic('s');
  while ((await engine.queries())[0]?.state !== 'ERROR') await new Promise((resolve) => setTimeout(resolve, 20));
  const error = (await engine.queries())[0]?.error ?? '';
  const body = JSON.stringify({ sql: `SELECT * FROM t WHERE k = 'a';` });
  const { status, text } = await call(server, '/query-stream', { headers: json, body });
  expect(status).toBe(500);
  expect(JSON.parse(text)).toMatchObject({ error_code: 50000, millrace: { code: 'QUERY_NOT_RUNNING' } });
  expect(error).not.toBe('');
  expect((JSON.parse(text) as { message: string }).message).toContain(error);
});
