/** What the log keeps for itself does not grow with the time that it runs, nor with the number of its starts. */

import { expect, test } from 'vitest';
import { ManualClock, Random, utf8Bytes } from '../../base/index.ts';
import { type FileLog, openFileLog } from '../../storage/file-log/index.ts';
import { encodeBatch, type TopicConfigs } from '../../storage/index.ts';
import { FaultyFiles } from '../support/faulty-files.ts';
import { batchOf } from './conformance/log-suite.ts';

const t = { topic: 't', partition: 0 };

const setUp = async (configs: TopicConfigs = {}) => {
  const files = new FaultyFiles();
  const clock = new ManualClock(1_700_000_000_000);
  const open = (): Promise<FileLog> =>
    openFileLog({ directory: '/log', files, clock, timers: clock, random: new Random(2), rotateBytes: 20_000 });
  const log = await open();
  await log.createTopic({ name: 't', partitions: 1, configs });
  const bytesOf = (part: string): number =>
    files
      .paths()
      .filter((path) => path.includes(part))
      .reduce((sum, path) => sum + (files.stat(path)?.size ?? 0), 0);
  return { files, clock, open, log, bytesOf };
};

const turn = async (clock: ManualClock, ms: number): Promise<void> => {
  clock.advance(ms);
  await new Promise((resolve) => setImmediate(resolve));
};

test('transactions, their offsets and their snapshots take the same space after one thousand and after three', async () => {
  const { clock, log, bytesOf, files } = await setUp({ 'segment.bytes': '20000', 'retention.ms': '1000' });
  const writers = [await log.producer({ transactionalId: 'a' }), await log.producer({ transactionalId: 'b' })];
  const sizes: number[] = [];
  for (let i = 1; i <= 3000; i++) {
    const writer = writers[i % 2] as (typeof writers)[number];
    writer.begin();
    await writer.append(t, batchOf(`${i}`), 'append');
    await writer.sendOffsets(`group-${i % 3}`, [{ ...t, offset: i }]);
    if (i % 7 === 0) await writer.abort();
    else await writer.commit();
    if (i % 10 === 0) await turn(clock, 100);
    if (i % 100 === 0) sizes.push(bytesOf('/internal/') + bytesOf('/topics/'));
  }
  const early = Math.max(...sizes.slice(0, 10));
  expect(Math.max(...sizes.slice(10))).toBeLessThan(1.3 * early);
  const snapshots = files.paths().filter((path) => path.endsWith('.snapshot'));
  expect(snapshots.length).toBeLessThanOrEqual(3 * 2);
  await log.close();
  for (const path of snapshots) expect(files.stat(path)?.size ?? 0).toBeLessThan(4000);
});

test('the transaction log is not written anew at each commit, however many producers it has to keep', async () => {
  const { log, files } = await setUp();
  for (let i = 0; i < 600; i++) await (await log.producer({ transactionalId: `producer-${i}` })).close();
  const writer = await log.producer({ transactionalId: 'writer' });
  const segments = new Set<string>();
  for (let i = 0; i < 100; i++) {
    writer.begin();
    await writer.append(t, batchOf(`${i}`), 'append');
    await writer.commit();
    await new Promise((resolve) => setImmediate(resolve));
    for (const path of files.paths()) if (/transactions\/\d+\.log$/.test(path)) segments.add(path);
  }
  expect(segments.size).toBeLessThan(4);
  await log.close();
});

test('producers of former starts are not kept', async () => {
  const { open, log, bytesOf } = await setUp();
  await log.close();
  const sizes: number[] = [];
  for (let start = 0; start < 60; start++) {
    const again = await open();
    for (let i = 0; i < 5; i++) {
      const producer = await again.producer();
      await producer.append(t, batchOf('x'), 'append');
    }
    await again.close();
    sizes.push(bytesOf('.snapshot'));
  }
  expect(sizes.at(-1)).toBeLessThanOrEqual(1.1 * (sizes[3] as number));
});

test('groups that commit without a transaction take no more space with time', async () => {
  const { log, bytesOf, clock } = await setUp();
  const producer = await log.producer();
  await producer.append(t, batchOf('x'), 'append');
  const sizes: number[] = [];
  for (let i = 1; i <= 3000; i++) {
    await log.commitOffsets(`group-${i % 5}`, [{ ...t, offset: 1, metadata: `${i}` }]);
    if (i % 100 === 0) {
      await turn(clock, 100);
      sizes.push(bytesOf('/internal/'));
    }
  }
  expect(Math.max(...sizes.slice(10))).toBeLessThan(1.2 * Math.max(...sizes.slice(0, 10)));
});

test('a topic that is written without end keeps what its retention time says, and little more, all the time', async () => {
  // Kafka's defaults but for the time: a segment of a GiB or of seven days is never full here.
  const { clock, log, bytesOf } = await setUp({ 'retention.ms': '60000' });
  const producer = await log.producer();
  const sizes: number[] = [];
  for (let second = 0; second < 600; second++) {
    await producer.append(t, encodeBatch([{ value: new Uint8Array(1000), timestamp: 0 }]), 'append');
    await turn(clock, 1000);
    if (second >= 60) sizes.push(bytesOf('/topics/'));
  }
  expect(Math.max(...sizes)).toBeLessThan(90 * 1100);
  expect(Math.min(...sizes)).toBeGreaterThan(58 * 1000);
});

test('a topic that is written no more is empty once its retention time is over', async () => {
  const { clock, log, bytesOf } = await setUp({ 'retention.ms': '60000' });
  const producer = await log.producer();
  await producer.append(t, encodeBatch([{ value: utf8Bytes('dated in the future'), timestamp: 4e12 }]), 'append');
  await turn(clock, 50_000);
  expect(await log.offsets(t)).toEqual({ start: 0, stable: 1, end: 1 });
  await turn(clock, 20_000);
  expect(await log.offsets(t)).toEqual({ start: 1, stable: 1, end: 1 });
  await turn(clock, 10_000);
  expect(bytesOf('.log')).toBeLessThan(2000);
  await producer.append(t, batchOf('again'), 'durable');
  expect(await log.offsets(t)).toEqual({ start: 1, stable: 2, end: 2 });
});

test('a size that is smaller than a segment is kept to as well', async () => {
  const { clock, log, bytesOf } = await setUp({ 'retention.bytes': '1000000' });
  const producer = await log.producer();
  for (let i = 0; i < 400; i++) {
    await producer.append(t, encodeBatch([{ value: new Uint8Array(20_000) }]), 'append');
    await turn(clock, 100);
  }
  expect(bytesOf('/topics/')).toBeLessThan(1_300_000);
  expect(bytesOf('/topics/')).toBeGreaterThan(1_000_000);
});

test('what cannot be unlinked now is unlinked later, and stops neither appends nor the log', async () => {
  const { clock, log, files, bytesOf } = await setUp({ 'segment.bytes': '2000', 'retention.bytes': '4000' });
  const producer = await log.producer();
  files.onCall = ({ kind, path }) => (kind === 'unlink' && path.endsWith('.log') ? { error: 'EIO' } : undefined);
  for (let i = 0; i < 50; i++) {
    await producer.append(t, batchOf('x'.repeat(300)), 'append');
    await turn(clock, 1000);
  }
  expect(log.fenced).toBeUndefined();
  expect((await log.offsets(t)).start).toBeGreaterThan(20);
  expect(bytesOf('/topics/')).toBeGreaterThan(15_000);
  files.onCall = undefined;
  await turn(clock, 10_000);
  expect(bytesOf('/topics/')).toBeLessThan(8000);
});
