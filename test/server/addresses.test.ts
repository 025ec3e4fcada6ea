/** Where the server listens. */

import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../server/index.ts';

let directory: string;
const running: RunningServer[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-addresses-'));
});

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const start = async (host: string, port = 0): Promise<RunningServer> => {
  const server = await startServer({ data: join(directory, 'data'), host, port, logLevel: 'silent', workers: 0 });
  running.push(server);
  return server;
};

/** What answers at an address: the first bytes, or the error. */
const answerAt = (host: string, port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host, port }, () => socket.write('GET /healthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    socket.once('data', (bytes) => {
      resolve(bytes.toString().slice(0, 12));
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

test.runIf(hasIpv6)('localhost is both addresses of the loopback interface, for both versions of HTTP', async () => {
  const server = await start('localhost');
  expect(server.addresses).toEqual(['127.0.0.1', '::1']);
  const port = Number(new URL(server.url).port);
  expect(server.url).toBe(`http://localhost:${port}`);
  for (const address of server.addresses) expect(await answerAt(address, port)).toBe('HTTP/1.1 200');
  const session = connectHttp2(`http://[::1]:${port}`);
  const stream = session.request({ ':path': '/healthcheck' }).resume();
  expect(await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])))).toBe(200);
  // Connections of both addresses end with the server.
  const ended = new Promise((resolve) => session.once('close', resolve));
  await running.pop()?.close();
  await ended;
  for (const address of ['127.0.0.1', '::1']) expect(await answerAt(address, port)).toBe('ECONNREFUSED');
});

test('an address is that one only', async () => {
  const server = await start('127.0.0.1');
  expect(server.addresses).toEqual(['127.0.0.1']);
  expect(await answerAt('::1', Number(new URL(server.url).port))).not.toBe('HTTP/1.1 200');
});

test.runIf(hasIpv6)('a port that another process has on one of the two addresses is a clear error', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '::1', resolve));
  const address = other.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await expect(start('localhost', port)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  expect(await answerAt('127.0.0.1', port)).toBe('ECONNREFUSED');
  // The data directory is closed again.
  await start('127.0.0.1');
  await new Promise((resolve) => void other.close(resolve));
});
