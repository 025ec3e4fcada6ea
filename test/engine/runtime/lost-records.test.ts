/** Records that retention deleted before a query read them: said once, and passed over as `auto.offset.reset` wants
 *  it. */

import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../base/node/index.ts';
import type { Runtime, RuntimeEvent, RuntimeOptions } from '../../../engine/index.ts';
import { type Log, openDelayedLog } from '../../../storage/index.ts';
import { consume, lastOf, logKinds, newRuntime, openLog, produce } from './support.ts';
import { enriched, wordCount } from './topologies.ts';

const opened: Runtime[] = [];
afterEach(async () => {
  for (const runtime of opened.splice(0)) await runtime.close();
});

const open = (log: Log, options: Partial<RuntimeOptions> = {}): Runtime => {
  const runtime = newRuntime(log, { processingLog: 'problems', ...options });
  opened.push(runtime);
  return runtime;
};

const words = (...keys: readonly string[]) => keys.map((key) => ({ key, value: 'w' }));

const topology = wordCount({ repartition: false });

/** A query has read and committed two records; then three came and went unseen, two came and stayed. */
const afterLoss = async (log: Log): Promise<void> => {
  for (const name of ['words', 'counted', 'problems']) await log.createTopic({ name, partitions: 1 });
  const first = newRuntime(log);
  await first.start({ id: 'count', topology });
  await produce(log, 'words', 0, words('a', 'b'));
  await first.awaitIdle();
  await first.close();
  await produce(log, 'words', 0, words('a', 'b', 'c'));
  await produce(log, 'words', 0, words('a', 'd'));
  await log.deleteRecords({ topic: 'words', partition: 0 }, 5);
};

const problems = async (log: Log): Promise<readonly Record<string, unknown>[]> =>
  (await consume(log, 'problems')).map(({ value }) => JSON.parse(value ?? '') as Record<string, unknown>);

describe.each(logKinds)('on the %s log', (kind) => {
  test.each([
    ['earliest', 5, { a: '2', b: '1', d: '1' }],
    ['latest', 7, { a: '1', b: '1' }],
  ] as const)('%s reports what is lost, once, and continues at %i', async (offsetReset, to, counted) => {
    const log = await openLog(kind);
    await afterLoss(log);
    const events: RuntimeEvent[] = [];
    const runtime = open(log, { onEvent: (event) => events.push(event) });
    await runtime.start({ id: 'count', topology, offsetReset });
    await runtime.awaitIdle();
    const lost = { topic: 'words', partition: 0, from: 2, to };
    expect(events.filter((event) => event.kind === 'note' && event.note.about === 'records gone')).toEqual([
      { kind: 'note', queryId: 'count', note: { about: 'records gone', ...lost } },
    ]);
    expect(runtime.status('count')).toMatchObject({ state: 'running', lost: [lost] });
    expect(runtime.counters('count').drops).toEqual({ deleted: to - 2 });
    const rows = await problems(log);
    expect(rows).toMatchObject([{ query: 'count', reason: 'deleted', topic: 'words', partition: 0, offset: 2 }]);
    expect(rows[0]?.['detail']).toContain(`continues at ${to === 5 ? '5' : 'the end, 7'}`);
    expect(lastOf(await consume(log, 'counted'))).toEqual(counted);
    await runtime.close();
    // The next start has nothing to say about it.
    const again = open(log);
    await again.start({ id: 'count', topology, offsetReset });
    await again.awaitIdle();
    expect(again.status('count').lost).toEqual([]);
    expect(await problems(log)).toHaveLength(1);
    await again.close();
    await log.close();
  });

  test('with none the query fails, says what is lost, and changes nothing', async () => {
    const log = await openLog(kind);
    await afterLoss(log);
    const before = await log.committed('count');
    const runtime = open(log);
    await runtime.start({ id: 'count', topology, offsetReset: 'none' });
    while (runtime.status('count').state !== 'failed') await new Promise((wake) => setTimeout(wake, 1));
    expect(runtime.status('count').error).toMatchObject({
      code: 'QUERY_RECORDS_LOST',
      message: 'records 2 to 4 of words/0 were deleted before the query read them',
      hint: expect.stringContaining('auto.offset.reset is none'),
    });
    expect(await log.committed('count')).toEqual(before);
    await runtime.close();
    await log.close();
  });
});

test.each([1, 2, 3, 4, 5, 6])('a rollback does not say it twice, seed %i', async (seed) => {
  const log = await openDelayedLog({ clock: systemClock, timers: systemClock, seed, maxDelayMs: 1 });
  await afterLoss(log);
  const events: RuntimeEvent[] = [];
  const runtime = open(log, { onEvent: (event) => events.push(event) });
  await runtime.start({ id: 'count', topology });
  log.setFaults({ unavailable: 0.5, commitUnknown: 0.3 });
  while (runtime.counters('count').aborts < 2) {
    await produce(log, 'words', 0, words('e')).catch(() => undefined);
    await new Promise((wake) => setTimeout(wake, 5));
  }
  log.setFaults({});
  await runtime.awaitIdle();
  expect(runtime.status('count').lost).toEqual([{ topic: 'words', partition: 0, from: 2, to: 5 }]);
  expect(await problems(log)).toHaveLength(1);
  expect(runtime.counters('count').drops).toEqual({ deleted: 3 });
  expect(events.filter((event) => event.kind === 'note' && event.note.about === 'records gone')).toHaveLength(1);
});

test('a table continues at what is left, also with latest', async () => {
  const log = await openLog('memory');
  for (const name of ['orders', 'customers', 'enriched', 'problems']) await log.createTopic({ name, partitions: 1 });
  const first = newRuntime(log);
  await first.start({ id: 'join', topology: enriched(true), offsetReset: 'latest' });
  await first.close();
  await produce(log, 'customers', 0, [{ key: 'k', value: 'old' }]);
  await produce(log, 'customers', 0, [{ key: 'k', value: 'new' }]);
  await log.deleteRecords({ topic: 'customers', partition: 0 }, 1);
  const runtime = open(log);
  await runtime.start({ id: 'join', topology: enriched(true), offsetReset: 'latest' });
  await runtime.awaitIdle();
  await produce(log, 'orders', 0, [{ key: 'k', value: 'o' }]);
  await runtime.awaitIdle();
  expect((await consume(log, 'enriched')).map(({ value }) => value)).toEqual(['o/new']);
});

test('a query that is to begin nowhere does not begin', async () => {
  const log = await openLog('memory');
  for (const name of ['words', 'counted', 'problems']) await log.createTopic({ name, partitions: 1 });
  const runtime = open(log);
  const started = runtime.start({ id: 'count', topology, offsetReset: 'none' });
  await expect(started).rejects.toMatchObject({ code: 'QUERY_NO_OFFSETS' });
});
