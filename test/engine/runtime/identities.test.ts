/** Who writes a query's transactions: one producer per query and instance, and what earlier ids have left is ended. */

import { expect, test } from 'vitest';
import { queriesTopic } from '../../../engine/runtime/query-records.ts';
import { encodeBatch, type Log, type Producer } from '../../../storage/index.ts';
import { consume, lastOf, newRuntime, openLog, produce, utf8 } from './support.ts';
import { wordCount } from './topologies.ts';

const topology = wordCount({ repartition: false });
const words = [
  { key: 'a', value: 'w' },
  { key: 'b', value: 'w' },
];

const logWithTopics = async (): Promise<Log> => {
  const log = await openLog('memory');
  for (const name of ['words', 'counted']) await log.createTopic({ name, partitions: 1 });
  return log;
};

/** As a process leaves it that was killed within a transaction. */
const leaveOpen = async (log: Log, transactionalId: string): Promise<Producer> => {
  const producer = await log.producer({ transactionalId });
  producer.begin();
  const batch = encodeBatch([{ key: utf8('a'), value: utf8('never committed'), timestamp: 0 }]);
  await producer.append({ topic: 'counted', partition: 0 }, batch, 'append');
  return producer;
};

const runOnce = async (log: Log, instanceId: string): Promise<void> => {
  const runtime = newRuntime(log, { instanceId });
  await runtime.start({ id: 'count', topology });
  await produce(log, 'words', 0, words);
  await runtime.awaitIdle();
  await runtime.close();
};

const expectCounts = async (log: Log, count: string): Promise<void> => {
  const { stable, end } = await log.offsets({ topic: 'counted', partition: 0 });
  expect(stable).toBe(end);
  expect(lastOf(await consume(log, 'counted'))).toEqual({ a: count, b: count });
};

/** The record of the query as earlier versions wrote it. */
const withoutTransactionalId = async (log: Log): Promise<void> => {
  const [{ value } = { value: null }] = (await consume(log, queriesTopic)).slice(-1);
  const { transactionalId: _, ...record } = JSON.parse(value ?? '') as Record<string, unknown>;
  await produce(log, queriesTopic, 0, [{ key: 'count', value: JSON.stringify(record) }]);
};

test('a transaction that an earlier version has left open under the application id is aborted at the first start', async () => {
  const log = await logWithTopics();
  await runOnce(log, 'one');
  await withoutTransactionalId(log);
  const former = await leaveOpen(log, 'count');
  await runOnce(log, 'one');
  await expectCounts(log, '2');
  await expect(former.commit()).rejects.toMatchObject({ kind: 'fenced' });
  await log.close();
});

test('the same holds where the record of the query is lost', async () => {
  const log = await logWithTopics();
  await runOnce(log, 'one');
  await log.deleteTopic(queriesTopic);
  const former = await leaveOpen(log, 'count');
  await runOnce(log, 'one');
  await expectCounts(log, '2');
  await expect(former.commit()).rejects.toMatchObject({ kind: 'fenced' });
  await log.close();
});

test('a directory that has lost its instance id ends what the former instance has left open', async () => {
  const log = await logWithTopics();
  await runOnce(log, 'one');
  await leaveOpen(log, 'count-one');
  await runOnce(log, 'two');
  await expectCounts(log, '2');
  await log.close();
});

test('an instance fences its own former producer, and no other instance', async () => {
  const log = await logWithTopics();
  const runtime = newRuntime(log, { instanceId: 'one' });
  await runtime.start({ id: 'count', topology });
  const other = await log.producer({ transactionalId: 'count-two' });
  await produce(log, 'words', 0, words);
  await runtime.awaitIdle();
  expect(runtime.status('count').state).toBe('running');
  await expectCounts(log, '1');
  const own = await log.producer({ transactionalId: 'count-one' });
  await produce(log, 'words', 0, words);
  await expect.poll(() => runtime.status('count').state).toBe('fenced');
  await runtime.close();
  for (const producer of [other, own]) await producer.close();
  await log.close();
});
