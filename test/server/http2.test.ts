/** HTTP/2 without TLS beside HTTP/1.1 on one port: every endpoint, the access rules, limits, and clients that
 *  misbehave. */

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../server/app.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../server/index.ts';
import { defaultLimits } from '../../server/route.ts';
import type { QueryHandle, SqlEngine, SqlType } from '../../sql/index.ts';
import { until } from '../support/until.ts';

let directory: string;
let server: RunningServer;
let started = false;
const sessions: ClientHttp2Session[] = [];
const apps: { close(): Promise<unknown> }[] = [];

const start = async (options: Partial<ServerOptions> = {}): Promise<RunningServer> => {
  const running = await startServer({
    data: join(directory, 'data'),
    port: 0,
    logLevel: 'silent',
    workers: 0,
    ...options,
  });
  server = running;
  started = true;
  return running;
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-http2-'));
});

afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await Promise.all(apps.splice(0).map((app) => app.close()));
  if (started) await server.close();
  started = false;
  rmSync(directory, { recursive: true, force: true });
});

const session = async (to: { readonly url: string } = server): Promise<ClientHttp2Session> => {
  const made = connect(to.url);
  sessions.push(made);
  made.on('error', () => undefined);
  await new Promise((resolve) => made.once('remoteSettings', resolve));
  return made;
};

const json = { 'content-type': 'application/json' };

const open = (on: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream => {
  const stream = on.request({ ':method': 'POST', ':path': path, ...json, ...headers });
  stream.on('error', () => undefined);
  return stream;
};

interface Answer {
  readonly status: number;
  readonly text: string;
}

const answerOf = (stream: ClientHttp2Stream): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let status = 0;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (headers) => (status = headers[':status'] ?? 0));
    stream.on('data', (part: string) => (text += part));
    stream.on('end', () => resolve({ status, text }));
    stream.on('error', reject);
  });

const call = (
  on: ClientHttp2Session,
  path: string,
  body: string,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> => {
  const stream = open(on, path, headers);
  stream.end(body);
  return answerOf(stream);
};

const get = (on: ClientHttp2Session, path: string): Promise<Answer> => answerOf(on.request({ ':path': path }));

const run = async (on: ClientHttp2Session, ksql: string): Promise<void> => {
  const { status, text } = await call(on, '/ksql', JSON.stringify({ ksql }));
  expect([status, text]).toEqual([200, text]);
};

/** A push query whose header has arrived, so that it sees every later row. */
const push = async (on: ClientHttp2Session, sql: string): Promise<{ stream: ClientHttp2Stream; queryId: string }> => {
  const stream = open(on, '/query-stream');
  stream.end(JSON.stringify({ sql }));
  const header = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
  return { stream, queryId: (JSON.parse(header.toString()) as { queryId: string }).queryId };
};

const made = `CREATE STREAM orders (id BIGINT KEY, customer VARCHAR) WITH (kafka_topic='orders', partitions=1, value_format='JSON');
  CREATE TABLE counts AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;`;

describe('every endpoint', () => {
  test('statements, inserts, pull and push queries go over one connection, with HTTP/1.1 on the same port', async () => {
    await start();
    const h2 = await session();
    await run(h2, made);
    const { stream, queryId } = await push(h2, 'SELECT id, customer FROM orders EMIT CHANGES;');
    const pushed: string[] = [];
    stream.on('data', (part: Buffer) => pushed.push(part.toString()));
    const inserted = await call(
      h2,
      '/inserts-stream',
      '{"target":"orders"}\n{"ID":1,"CUSTOMER":"ann"}\n{"ID":2,"CUSTOMER":"bob"}',
    );
    expect(inserted).toEqual({ status: 200, text: '{"status":"ok","seq":0}\n{"status":"ok","seq":1}\n' });
    await until(() => pushed.join('') === '[1,"ann"]\n[2,"bob"]\n');
    await server.millrace.awaitIdle();
    const pulled = await call(
      h2,
      '/query-stream',
      JSON.stringify({ sql: `SELECT n FROM counts WHERE customer = 'ann';` }),
    );
    expect(pulled.text.split('\n')[1]).toBe('[1]');
    const ended = new Promise((resolve) => stream.once('end', resolve));
    expect(await call(h2, '/close-query', JSON.stringify({ queryId }))).toEqual({ status: 200, text: '' });
    await ended;
    for (const path of ['/info', '/healthcheck', '/metrics'])
      expect([path, (await get(h2, path)).status]).toEqual([path, 200]);
    expect((await get(h2, '/nowhere')).status).toBe(404);
    expect((await fetch(new URL('/info', server.url))).status).toBe(200);
  });

  test('rows are acknowledged while the request is still open', async () => {
    await start();
    const h2 = await session();
    await run(h2, made);
    const stream = open(h2, '/inserts-stream');
    stream.setEncoding('utf8');
    let text = '';
    stream.on('data', (part: string) => (text += part));
    stream.write('{"target":"orders"}\n{"ID":1,"CUSTOMER":"ann"}\n{"ID":2,');
    await until(() => text === '{"status":"ok","seq":0}\n');
    stream.end('"CUSTOMER":"bob"}\n');
    await until(() => text.endsWith('{"status":"ok","seq":1}\n'));
  });

  test('a request to upgrade from HTTP/1.1 is answered over HTTP/1.1', async () => {
    await start();
    const answer = await new Promise<string | undefined>((resolve, reject) => {
      const headers = {
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
      };
      const outgoing = request(new URL('/info', server.url), { headers }, (response) => {
        response.resume();
        resolve(`${response.statusCode} over ${response.httpVersion}`);
      });
      outgoing.on('error', reject).end();
    });
    expect(answer).toBe('200 over 1.1');
  });

  test('the first bytes of a connection may come one by one', async () => {
    await start();
    const { hostname, port } = new URL(server.url);
    const texts: Record<string, string> = {
      'HTTP/1.1 200': 'GET /healthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n',
      // Begins as the preface does, and is none.
      'HTTP/1.1 400': 'PRX / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      // A SETTINGS frame: length 3 × 6, type 4.
      '\u0000\u0000': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000',
    };
    for (const [expected, sent] of Object.entries(texts)) {
      const socket = connectTcp(Number(port), hostname).setNoDelay(true);
      socket.on('error', () => undefined);
      const first = new Promise<Buffer>((resolve) => socket.once('data', resolve));
      for (const byte of Buffer.from(sent, 'latin1')) {
        socket.write(Buffer.of(byte));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      expect((await first).toString('latin1').slice(0, expected.length)).toBe(expected);
      socket.destroy();
    }
  });
});

describe('who may call', () => {
  test('the name, the origin and the content type are checked as over HTTP/1.1', async () => {
    await start();
    const h2 = await session();
    const body = JSON.stringify({ ksql: 'SHOW STREAMS;' });
    const status = async (headers: OutgoingHttpHeaders): Promise<number> =>
      (await call(h2, '/ksql', body, headers)).status;
    expect(await status({})).toBe(200);
    // As node:http2 names the server in a request to http://[::1]:8088.
    expect(await status({ ':authority': '::1:8088' })).toBe(200);
    expect(await status({ ':authority': 'evil.example:8088' })).toBe(403);
    expect(await status({ host: 'evil.example:8088' })).toBe(403);
    expect(await status({ origin: 'https://evil.example' })).toBe(403);
    expect(await status({ origin: 'http://localhost:3000' })).toBe(200);
    expect(await status({ 'content-type': 'text/plain' })).toBe(415);
  });

  test('an allowed page gets its headers, also of a stream of rows', async () => {
    await start({ allowedOrigins: ['https://console.example.com'] });
    const h2 = await session();
    await run(h2, made);
    const origin = 'https://console.example.com';
    const stream = open(h2, '/query-stream', { origin });
    stream.end(JSON.stringify({ sql: 'SELECT * FROM counts;' }));
    const headers = await new Promise<OutgoingHttpHeaders>((resolve) => stream.once('response', resolve));
    expect(headers['access-control-allow-origin']).toBe(origin);
    const preflight = h2.request({
      ':method': 'OPTIONS',
      ':path': '/ksql',
      origin,
      'access-control-request-method': 'POST',
    });
    expect(await answerOf(preflight)).toEqual({ status: 204, text: '' });
  });
});

describe('limits', () => {
  test('a body that is too large is refused, its stream ended, and the connection goes on', async () => {
    await start({ limits: { maxBodyBytes: 100_000, maxRowBytes: 1000 } });
    const h2 = await session();
    await run(h2, made);
    for (const [path, size] of [
      ['/ksql', 3_000_000],
      ['/query-stream', 3_000_000],
    ] as const) {
      const large = open(h2, path);
      large.end(JSON.stringify({ ksql: ' '.repeat(size) }));
      expect([path, (await answerOf(large)).status]).toEqual([path, 413]);
    }
    const row = await call(h2, '/inserts-stream', `{"target":"orders"}\n{"ID":1,"CUSTOMER":"${'x'.repeat(2000)}"}\n`);
    expect(row.text).toContain('1000 bytes');
    expect((await get(h2, '/info')).status).toBe(200);
  });

  test('a body that comes too late is refused, its stream ended, and the connection goes on', async () => {
    await start({ limits: { bodyTimeoutMs: 200 } });
    const h2 = await session();
    for (const path of ['/ksql', '/query-stream', '/inserts-stream']) {
      const late = open(h2, path);
      late.write('{"ksql":');
      const { status, text } = await answerOf(late);
      expect([path, status]).toEqual([path, 408]);
      expect(text).toContain('did not arrive within 200 ms');
      await until(() => late.closed);
    }
    expect((await get(h2, '/info')).status).toBe(200);
  });

  test('streams beyond the limit of a connection wait or are refused; the rest goes on', async () => {
    await start({ limits: { maxStreamsPerConnection: 3 } });
    const h2 = await session();
    expect(h2.remoteSettings.maxConcurrentStreams).toBe(3);
    await run(h2, made);
    await push(h2, 'SELECT * FROM orders EMIT CHANGES;');
    const { queryId } = await push(h2, 'SELECT * FROM orders EMIT CHANGES;');
    await push(h2, 'SELECT * FROM orders EMIT CHANGES;');
    let answered = false;
    const waits = get(h2, '/info').then((answer) => {
      answered = true;
      return answer;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    const other = await session();
    expect((await call(other, '/close-query', JSON.stringify({ queryId }))).status).toBe(200);
    expect((await waits).status).toBe(200);
  });

  test('an unlimited row of streams on one connection is cut short by the number of open queries', async () => {
    await start({ limits: { maxOpenQueries: 2 } });
    const h2 = await session();
    await run(h2, made);
    const sql = 'SELECT * FROM orders EMIT CHANGES;';
    await push(h2, sql);
    await push(h2, sql);
    const third = await call(h2, '/query-stream', JSON.stringify({ sql }));
    expect([third.status, JSON.parse(third.text)]).toMatchObject([400, { error_code: 40003 }]);
  });
});

/** Push queries without end, of rows of 1,000 characters in batches of a hundred; how many are open, and how many rows
 *  they have given. */
const endless = async (type: SqlType = { kind: 'STRING' }) => {
  const counts = { open: 0, rows: 0 };
  const query = async (): Promise<QueryHandle> => {
    let ended = false;
    counts.open++;
    return {
      id: randomUUID(),
      kind: 'push',
      position: [],
      columns: [{ name: 'TEXT', type, isKey: false }],
      async *rows() {
        while (!ended) {
          await new Promise((resolve) => setImmediate(resolve));
          counts.rows += 100;
          yield Array.from({ length: 100 }, () => ['x'.repeat(1000)]);
        }
      },
      async close() {
        if (!ended) counts.open--;
        ended = true;
      },
    };
  };
  const app = createApp({
    engine: { query } as Partial<SqlEngine> as SqlEngine,
    logger: pino({ level: 'silent' }),
    limits: defaultLimits,
    version: '0',
    dataDirectory: '/nowhere',
    loopbackOnly: true,
    allowedOrigins: [],
    allowedHosts: [],
  });
  apps.push(app);
  return { counts, app, url: await app.listen({ host: '127.0.0.1', port: 0 }) };
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const settings = frame(4, 0, 0);

/** A connection on which everything takes its time, in both directions; gives the URL to connect to. */
const distant = async (url: string, delayMs: number): Promise<string> => {
  const { hostname, port } = new URL(url);
  const proxy = createTcpServer((near) => {
    const far = connectTcp(Number(port), hostname).setNoDelay(true);
    near.setNoDelay(true);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (part) => void setTimeout(() => to.write(part), delayMs));
      from.on('error', () => undefined).on('close', () => void to.destroy());
    }
  });
  apps.push({ close: () => new Promise((resolve) => void proxy.close(resolve)) });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
};

describe('frames', () => {
  test('each holds one row of a push query, also when the client opens its window late', async () => {
    const { counts, url } = await endless();
    const h2 = await session({ url: await distant(url, 5) });
    const { stream } = await push(h2, 'SELECT text FROM s EMIT CHANGES;');
    const row = `["${'x'.repeat(1000)}"]\n`;
    const parts: string[] = [];
    stream.on('data', (part: Buffer) => parts.push(part.toString()));
    await until(() => parts.length > 500);
    expect(parts.filter((part) => part !== row)).toEqual([]);
    h2.destroy();
    await until(() => counts.open === 0);
  });
});

describe('clients that misbehave', () => {
  test('what a slow reader does not take is not produced; its connection serves other requests', async () => {
    const { counts, url } = await endless();
    const h2 = await session({ url });
    const { stream } = await push(h2, 'SELECT text FROM s EMIT CHANGES;');
    stream.pause();
    let before = -1;
    await until(async () => {
      before = counts.rows;
      await pause(200);
      return counts.rows === before;
    });
    expect(counts.rows * 1000).toBeLessThan(3 * defaultLimits.maxUnsentBytes);
    expect((await get(h2, '/nowhere')).status).toBe(404);
    stream.resume();
    await until(() => counts.rows > before + 1000);
  });

  test('a client that cancels its stream, or drops its connection, ends its queries', async () => {
    const { counts, url } = await endless();
    const h2 = await session({ url });
    const { stream } = await push(h2, 'SELECT text FROM s EMIT CHANGES;');
    const second = await push(h2, 'SELECT text FROM s EMIT CHANGES;');
    second.stream.pause();
    expect(counts.open).toBe(2);
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => counts.open === 1);
    h2.destroy();
    await until(() => counts.open === 0);
  });

  test('an answer that cannot be finished is cut off, over both versions', async () => {
    const { url } = await endless({ kind: 'NOTHING' } as unknown as SqlType);
    const body = JSON.stringify({ sql: 'SELECT text FROM s EMIT CHANGES;' });
    const cut = fetch(`${url}/query-stream`, { method: 'POST', headers: json, body }).then((answer) => answer.text());
    await expect(cut).rejects.toThrow();
    await expect(call(await session({ url }), '/query-stream', body)).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
  });

  test('a request whose body was cut off is not run', async () => {
    await start();
    const h2 = await session();
    await run(h2, made);
    const body = Buffer.from(JSON.stringify({ ksql: 'DROP TABLE counts;' }));
    const second = await session();
    open(second, '/ksql').write(body);
    await pause(50);
    second.destroy();
    const { hostname, port } = new URL(server.url);
    const socket = connectTcp(Number(port), hostname);
    const field = (name: string, value: string): Buffer =>
      Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
    const fields = { ':method': 'POST', ':scheme': 'http', ':path': '/ksql', ':authority': 'localhost', ...json };
    const headers = Buffer.concat(Object.entries(fields).map(([name, value]) => field(name, value)));
    socket.write(Buffer.concat([preface, settings, frame(1, 4, 1, headers), frame(0, 0, 1, body)]));
    await pause(50);
    socket.write(frame(3, 0, 1, Buffer.of(0, 0, 0, 8)));
    await pause(50);
    socket.destroy();
    expect((await call(h2, '/ksql', JSON.stringify({ ksql: 'SHOW TABLES;' }))).text).toContain('COUNTS');
  });

  test('a client that is still sending gets its refusal, and no reset right behind it', async () => {
    const { url } = await endless();
    const { hostname, port } = new URL(url);
    const socket = connectTcp(Number(port), hostname);
    let received = Buffer.alloc(0);
    socket.on('data', (part: Buffer) => (received = Buffer.concat([received, part])));
    const field = (name: string, value: string): Buffer =>
      Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
    const fields = { ':method': 'POST', ':scheme': 'http', ':path': '/ksql', ':authority': 'localhost' };
    const headers = Buffer.concat(Object.entries(fields).map(([name, value]) => field(name, value)));
    socket.write(Buffer.concat([preface, settings, frame(1, 4, 1, headers)]));
    const types = (): number[] => {
      const found: number[] = [];
      for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3))
        found.push(received.readUInt8(at + 3));
      return found;
    };
    // HEADERS and DATA; not RST_STREAM.
    await expect.poll(types).toEqual(expect.arrayContaining([1, 0]));
    // The answer to a PING comes behind what was sent before it.
    socket.write(frame(6, 0, 0, Buffer.alloc(8)));
    await expect.poll(types).toContain(6);
    expect(types()).not.toContain(3);
    socket.destroy();
  });

  test('at shutdown clients get GOAWAY and the ends of their streams; a stopped one holds nothing up', async () => {
    const { counts, url, app } = await endless();
    const h2 = await session({ url });
    const stopped = await session({ url });
    const reader = await push(h2, 'SELECT text FROM s EMIT CHANGES;');
    const { stream } = await push(stopped, 'SELECT text FROM s EMIT CHANGES;');
    stream.pause();
    await pause(100);
    const goaway = new Promise<number>((resolve) => h2.once('goaway', resolve));
    const ended = new Promise((resolve) => reader.stream.once('end', resolve));
    reader.stream.resume();
    const began = performance.now();
    const closing = app.close();
    expect(await goaway).toBe(constants.NGHTTP2_NO_ERROR);
    await ended;
    await closing;
    expect(counts.open).toBe(0);
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  test('at shutdown a client that has not read its answer holds nothing up', async () => {
    const { url, app } = await endless();
    const h2 = await session({ url });
    const stream = h2.request({ ':path': '/nowhere' });
    await new Promise((resolve) => stream.once('response', resolve));
    const began = performance.now();
    await Promise.race([app.close(), pause(40_000)]);
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  test.each([
    ['random bytes', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251))],
    ['data on a stream that was never opened', Buffer.concat([settings, frame(0, 1, 7, Buffer.from('{}'))])],
    ['a header block that cannot be decoded', Buffer.concat([settings, frame(1, 5, 1, Buffer.alloc(20, 0xff))])],
    ['a settings frame of a wrong length', frame(4, 0, 0, Buffer.alloc(5))],
    ['a window update by nothing', Buffer.concat([settings, frame(8, 0, 0, Buffer.alloc(4))])],
    ['a frame longer than allowed', Buffer.concat([settings, frame(0, 0, 1, Buffer.alloc(70_000))])],
    ['continuations of nothing', Buffer.concat([settings, ...Array.from({ length: 50 }, () => frame(9, 0, 1))])],
    [
      'frames of types that do not exist',
      Buffer.concat([settings, ...Array.from({ length: 50 }, () => frame(99, 0, 0))]),
    ],
    ['a request without a path', Buffer.concat([settings, frame(1, 5, 1, Buffer.of(0x82, 0x86))])],
    [
      'ten thousand streams, each reset at once',
      Buffer.concat([
        settings,
        ...Array.from({ length: 10_000 }, (_, i) => [
          frame(1, 4, 2 * i + 1, Buffer.of(0x83, 0x86, 0x84, 0x41, 1, 0x61)),
          frame(3, 0, 2 * i + 1, Buffer.of(0, 0, 0, 8)),
        ]).flat(),
      ]),
    ],
    ['the preface and then an end', Buffer.alloc(0)],
  ])('%s: the server answers others', async (_, bytes) => {
    const { url } = await endless();
    const { hostname, port } = new URL(url);
    const other = await session({ url });
    for (let i = 0; i < 3; i++) {
      const socket: Socket = connectTcp(Number(port), hostname);
      socket.on('error', () => undefined).resume();
      socket.write(Buffer.concat([preface, bytes]));
      await pause(30);
      socket.end();
    }
    expect((await get(other, '/nowhere')).status).toBe(404);
    expect((await fetch(new URL('/nowhere', url))).status).toBe(404);
  });
});
