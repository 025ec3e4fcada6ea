/** /query-stream over an engine that misbehaves. */

import { request } from 'node:http';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createApp } from '../../server/app.ts';
import { defaultLimits } from '../../server/route.ts';
import type { QueryHandle, SqlEngine } from '../../sql/index.ts';

test('a query that cannot be closed when its client leaves does not end the process', async () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let closing = (): void => undefined;
  const closed = new Promise<void>((resolve) => (closing = resolve));
  const handle: QueryHandle = {
    id: 'q',
    kind: 'push',
    columns: [],
    position: [],
    async *rows() {
      await released;
      yield [];
    },
    async close() {
      closing();
      throw new Error('the thread does not answer');
    },
  };
  const app = createApp({
    engine: { query: async () => handle } as Partial<SqlEngine> as SqlEngine,
    logger: pino({ level: 'silent' }),
    limits: defaultLimits,
    version: '0',
    dataDirectory: '/nowhere',
    loopbackOnly: true,
    allowedOrigins: [],
    allowedHosts: [],
  });
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const headers = { 'content-type': 'application/json' };
    const outgoing = request(`${url}/query-stream`, { method: 'POST', headers }, () => outgoing.destroy());
    outgoing.on('error', () => undefined);
    outgoing.end(JSON.stringify({ sql: 'SELECT 1 FROM s EMIT CHANGES;' }));
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    release();
    process.off('unhandledRejection', note);
    await app.close().catch(() => undefined);
  }
});
