/** Faults that logs of this kind have had, and bounds that only the file log has: each a case of its own. */

import { expect, test } from 'vitest';
import { ManualClock, Random, writeI32 } from '../../base/index.ts';
import { type FileLog, openFileLog } from '../../storage/file-log/index.ts';
import { encodeBatch, lastOffsetOf, stampBatch } from '../../storage/index.ts';
import { FaultyFiles } from '../support/faulty-files.ts';
import { batchOf, committed, readAll } from './conformance/log-suite.ts';

const t = { topic: 't', partition: 0 };

const setUp = () => {
  const state = { files: new FaultyFiles(), clock: new ManualClock(1_700_000_000_000) };
  const open = (): Promise<FileLog> =>
    openFileLog({
      directory: '/log',
      files: state.files,
      clock: state.clock,
      timers: state.clock,
      random: new Random(2),
      rotateBytes: 3000,
    });
  const kill = (): Promise<FileLog> => {
    state.files = state.files.crashed('kill', new Random(1));
    return open();
  };
  return { state, open, kill };
};

const logFiles = (files: FaultyFiles, part: string): string[] =>
  files.paths().filter((path) => path.includes(part) && path.endsWith('.log'));

test('a batch larger than any buffer is recovered, read and followed by others', async () => {
  const { open, kill } = setUp();
  let log = await open();
  await log.createTopic({ name: 't', partitions: 1, configs: { 'max.message.bytes': '20000000' } });
  const producer = await log.producer();
  await producer.append(t, batchOf('small'), 'append');
  await producer.append(t, encodeBatch([{ value: new Uint8Array(10_000_000).fill(65) }]), 'append');
  await producer.append(t, batchOf('last'), 'append');
  for (let i = 0; i < 2; i++) {
    const rows = await readAll(log, t, committed, 0, 1000);
    expect(rows.map((row) => row.length)).toEqual([7, 10_000_002, 6]);
    log = await kill();
    expect(log.recovery.bytesTruncated).toBe(0);
  }
});

test('a segment never spans more offsets than its index can say', async () => {
  const { state, open } = setUp();
  let log = await open();
  const { id } = await log.createTopic({ name: 't', partitions: 1 });
  await log.close();
  // What compaction leaves: one record in a batch that spans nearly 2^31 offsets.
  const wide = batchOf('wide');
  writeI32(wide, 23, 2 ** 31 - 3);
  stampBatch(wide, { baseOffset: 0, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
  expect(lastOffsetOf(wide, 0)).toBe(2 ** 31 - 3);
  const directory = `/log/topics/${id}/0`;
  for (const name of state.files.readdir(directory)) state.files.unlink(`${directory}/${name}`);
  state.files.open(`${directory}/00000000000000000000.log`, 'create').writeAt(wide, 0, wide.length, 0);
  log = await open();
  const producer = await log.producer();
  for (const value of ['a', 'b', 'c']) await producer.append(t, batchOf(value), 'append');
  expect(logFiles(state.files, id).map((path) => Number(path.slice(-24, -4)))).toEqual([0, 2 ** 31]);
  expect(await readAll(log, t)).toEqual(['0:wide', `${2 ** 31 - 2}:a`, `${2 ** 31 - 1}:b`, `${2 ** 31}:c`]);
  expect(await readAll(log, t, committed, 2 ** 31)).toEqual([`${2 ** 31}:c`]);
});

test('a crash between the decision and the markers of a commit finishes the commit at the next start', async () => {
  const { state, open, kill } = setUp();
  let log = await open();
  await log.createTopic({ name: 't', partitions: 2 });
  const producer = await log.producer({ transactionalId: 'payments' });
  const other = await log.producer({ transactionalId: 'other' });
  producer.begin();
  other.begin();
  await producer.append(t, batchOf('a'), 'append');
  await producer.append({ ...t, partition: 1 }, batchOf('b'), 'append');
  await other.append(t, batchOf('lost'), 'append');
  let decided = false;
  state.files.onCall = ({ kind, path }) => {
    if (decided) return 'crash';
    if (kind === 'sync' && path.includes('transactions')) decided = true;
    return undefined;
  };
  await producer.commit();
  log = await kill();
  expect(log.recovery).toMatchObject({
    cleanShutdown: false,
    completedTransactions: ['payments'],
    abortedTransactions: ['other'],
  });
  expect(await readAll(log, t)).toEqual(['0:a']);
  expect(await readAll(log, { ...t, partition: 1 })).toEqual(['0:b']);
  // Found out once: another start has nothing to finish.
  log = await kill();
  expect(log.recovery).toMatchObject({ completedTransactions: [], abortedTransactions: [] });
  expect(await readAll(log, t)).toEqual(['0:a']);
});

test('a commit record never ends a later transaction of the same producer', async () => {
  const { open, kill } = setUp();
  let log = await open();
  await log.createTopic({ name: 't', partitions: 1 });
  const producer = await log.producer({ transactionalId: 'id' });
  producer.begin();
  await producer.append(t, batchOf('first'), 'append');
  await producer.commit();
  producer.begin();
  await producer.append(t, batchOf('second'), 'append');
  log = await kill();
  expect(log.recovery).toMatchObject({ abortedTransactions: ['id'], completedTransactions: [] });
  expect(await readAll(log, t)).toEqual(['0:first']);
});

test("the log's own partitions stay small, however many transactions and offsets are committed", async () => {
  const { state, open, kill } = setUp();
  let log = await open();
  await log.createTopic({ name: 't', partitions: 1 });
  const producer = await log.producer({ transactionalId: 'id' });
  for (let i = 0; i < 300; i++) {
    producer.begin();
    await producer.append(t, batchOf('v'), 'append');
    await producer.sendOffsets('g', [{ ...t, offset: i }]);
    await producer.commit();
  }
  await log.commitOffsets('h', [{ ...t, offset: 1 }]);
  for (const own of ['transactions', 'offsets']) {
    const bytes = logFiles(state.files, `internal/${own}`).reduce(
      (sum, path) => sum + state.files.bytesOf(path).length,
      0,
    );
    expect(bytes).toBeLessThan(12_000);
  }
  log = await kill();
  expect(await log.committed('g')).toEqual([{ ...t, offset: 299 }]);
  expect(await log.groups()).toEqual(['g', 'h']);
  const next = await log.producer({ transactionalId: 'id' });
  expect([next.producerId, next.epoch]).toEqual([producer.producerId, producer.epoch + 1]);
});

test('commits that come together share their syncs', async () => {
  const { state, open } = setUp();
  const log = await open();
  await log.createTopic({ name: 't', partitions: 1 });
  const producers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => log.producer({ transactionalId: `id-${i}` })),
  );
  for (const [i, producer] of producers.entries()) {
    producer.begin();
    await producer.append(t, batchOf(`v${i}`), 'append');
  }
  let syncs = 0;
  state.files.onCall = ({ kind }) => {
    if (kind === 'sync') syncs++;
    return undefined;
  };
  await Promise.all(producers.map((producer) => producer.commit()));
  expect(await readAll(log, t)).toHaveLength(20);
  expect(syncs).toBeLessThan(10);
});

test('durable appends that come together share their syncs', async () => {
  const { state, open } = setUp();
  const log = await open();
  await log.createTopic({ name: 't', partitions: 1 });
  const producer = await log.producer();
  let syncs = 0;
  state.files.onCall = ({ kind }) => {
    if (kind === 'sync') syncs++;
    return undefined;
  };
  await Promise.all(Array.from({ length: 100 }, (_, i) => producer.append(t, batchOf(`v${i}`), 'durable')));
  expect(syncs).toBeLessThan(4);
});

test('a committed position never outruns the disk: what was read up to it is synced first', async () => {
  const { state, open } = setUp();
  let log = await open();
  await log.createTopic({ name: 't', partitions: 1 });
  await log.createTopic({ name: 'out', partitions: 1 });
  const source = await log.producer();
  await source.append(t, batchOf('read'), 'append');
  const producer = await log.producer({ transactionalId: 'id' });
  producer.begin();
  await producer.append({ topic: 'out', partition: 0 }, batchOf('made of it'), 'append');
  await producer.sendOffsets('g', [{ ...t, offset: 1 }]);
  await producer.commit();
  state.files = state.files.crashed('lost', new Random(1));
  log = await open();
  expect(await readAll(log, t)).toEqual(['0:read']);
  expect(await log.committed('g')).toEqual([{ ...t, offset: 1 }]);
});

test('retention deletes whole old segments by size and by age, and never what a transaction holds open', async () => {
  const { state, open, kill } = setUp();
  let log = await open();
  const configs = { 'segment.bytes': '1024', 'retention.bytes': '3000', 'retention.ms': '-1' };
  await log.createTopic({ name: 't', partitions: 1, configs });
  const producer = await log.producer();
  const value = 'x'.repeat(200);
  for (let i = 0; i < 40; i++) await producer.append(t, batchOf(value), 'append');
  // Not within an append: what the disk refuses then must not fail it.
  state.clock.advance(100);
  const { start, end } = await log.offsets(t);
  expect(end).toBe(40);
  expect(start).toBeGreaterThan(20);
  expect(await readAll(log, t, committed, start)).toHaveLength(40 - start);
  log = await kill();
  expect((await log.offsets(t)).start).toBe(start);

  await log.createTopic({ name: 'aged', partitions: 1, configs: { 'segment.bytes': '1024', 'retention.ms': '1000' } });
  const aged = { topic: 'aged', partition: 0 };
  const next = await log.producer();
  // Records of the year 1970 that come today are not old.
  for (let i = 0; i < 20; i++) await next.append(aged, batchOf(value), 'append');
  expect((await log.offsets(aged)).start).toBe(0);
  const holder = await log.producer({ transactionalId: 'holder' });
  holder.begin();
  await holder.append(aged, batchOf('held'), 'append');
  for (let i = 0; i < 20; i++) await next.append(aged, batchOf(value), 'append');
  state.clock.advance(6 * 60 * 1000);
  const { start: kept, stable } = await log.offsets(aged);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThanOrEqual(20);
  expect(stable).toBe(20);
  await holder.abort();
  state.clock.advance(6 * 60 * 1000);
  expect((await log.offsets(aged)).start).toBeGreaterThan(20);
});

test('a start after a crash reads what was written within the last seconds', async () => {
  const { state, open, kill } = setUp();
  let log = await open();
  await log.createTopic({ name: 't', partitions: 1, configs: { 'max.message.bytes': '5000000' } });
  const producer = await log.producer();
  for (let i = 0; i < 10; i++) {
    await producer.append(t, encodeBatch([{ value: new Uint8Array(1_100_000) }]), 'append');
    state.clock.advance(5000);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  log = await kill();
  // Two of them are the log's own.
  expect(log.recovery.batchesScanned).toBeLessThan(4);
  expect((await log.offsets(t)).end).toBe(10);
});

test('a start after a crash reads no more than was written since the last snapshot', async () => {
  const { open, kill } = setUp();
  let log = await open();
  await log.createTopic({ name: 't', partitions: 1, configs: { 'max.message.bytes': '5000000' } });
  const producer = await log.producer();
  const megabyte = () => encodeBatch([{ value: new Uint8Array(1_000_000) }]);
  for (let i = 0; i < 60; i++) await producer.append(t, megabyte(), 'durable');
  log = await kill();
  expect(log.recovery.batchesScanned).toBeLessThan(20);
  expect((await log.offsets(t)).end).toBe(60);
});

test('however much the partitions of the log itself hold, opening reads them in bounded parts', async () => {
  const files = new FaultyFiles();
  const clock = new ManualClock(1_700_000_000_000);
  const options = { directory: '/data', files, clock, timers: clock, random: new Random(1), rotateBytes: 1 << 30 };
  const log = await openFileLog(options);
  await log.createTopic({ name: 't', partitions: 400 });
  const offsets = Array.from({ length: 400 }, (_, partition) => ({
    topic: 't',
    partition,
    offset: 0,
    metadata: 'm'.repeat(4096),
  }));
  for (let i = 0; i < 6; i++) await log.commitOffsets(`group${i}`, offsets);
  await log.close();
  let most = 0;
  const open = files.open.bind(files);
  files.open = (path, mode) => {
    const file = open(path, mode);
    return {
      ...file,
      readAt: (into, start, length, position) => {
        most = Math.max(most, length);
        return file.readAt(into, start, length, position);
      },
    };
  };
  const again = await openFileLog(options);
  expect(await again.committed('group3')).toHaveLength(400);
  // One batch of offsets has 1.7 MB, all of them 10 MB.
  expect(most).toBeLessThan(4_000_000);
  await again.close();
});
