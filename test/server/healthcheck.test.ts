import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createApp } from '../../server/app.ts';
import { defaultLimits } from '../../server/route.ts';
import type { SqlEngine } from '../../sql/index.ts';
import { LogError } from '../../storage/index.ts';

/** The answer of /healthcheck where the engine stands like this. */
const health = async (engine: Pick<SqlEngine, 'fault' | 'report'>): Promise<unknown> => {
  const app = createApp({
    engine: engine as SqlEngine,
    logger: pino({ level: 'silent' }),
    limits: defaultLimits,
    version: '0',
    dataDirectory: '/nowhere',
    loopbackOnly: true,
    allowedOrigins: [],
    allowedHosts: [],
  });
  const answer = await app.inject({ method: 'GET', url: '/healthcheck', headers: { host: 'localhost' } });
  await app.close();
  expect(answer.statusCode).toBe(200);
  return answer.json();
};

const recovery = {
  cleanShutdown: true,
  durationMs: 0,
  partitionsRecovered: 0,
  batchesScanned: 0,
  bytesTruncated: 0,
  bytesQuarantined: 0,
  abortedTransactions: [],
  completedTransactions: [],
};

const report = { recovery, unclaimed: [], damage: [], housekeepingFailure: undefined };

test('an engine that takes writes and has all its statements is healthy', async () => {
  expect(await health({ fault: undefined, report: { ...report, failedStatements: [] } })).toMatchObject({
    isHealthy: true,
  });
});

test('a log that lost a sync is unhealthy until the next start', async () => {
  const fault = new LogError('unavailable', 'LOG_SYNC_FAILED', 'the disk failed');
  expect(await health({ fault, report: { ...report, failedStatements: [] } })).toMatchObject({
    isHealthy: false,
    details: { kafka: { isHealthy: false }, commandRunner: { isHealthy: true } },
  });
});

test('a log on a full disk, for which queries wait, is unhealthy, and says why', async () => {
  const fault = new LogError('unavailable', 'LOG_DISK_FULL', 'no space is left on the device of /data');
  expect(await health({ fault, report: { ...report, failedStatements: [] } })).toMatchObject({
    isHealthy: false,
    details: { kafka: { isHealthy: false, message: 'no space is left on the device of /data' } },
  });
});

test('a statement that could not be applied at the start shows in the command runner', async () => {
  const failedStatements = [{ statement: 'CREATE STREAM s …', message: 'a newer version' }];
  expect(await health({ fault: undefined, report: { ...report, failedStatements } })).toMatchObject({
    isHealthy: false,
    details: { kafka: { isHealthy: true }, commandRunner: { isHealthy: false } },
  });
});
