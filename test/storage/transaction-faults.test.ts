/** Transactions that overlap with the log's own housekeeping, or whose end finds no space. */

import { expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import type { FileLog, FileLogOptions } from '../../storage/file-log/index.ts';
import type { Isolation } from '../../storage/index.ts';
import { FaultyFiles } from '../support/faulty-files.ts';
import { batchOf, failure, readAll } from './conformance/log-suite.ts';
import { openOn } from './support/trace.ts';

const t = { topic: 't', partition: 0 };

const setUp = async (options: Partial<FileLogOptions> = {}) => {
  const files = new FaultyFiles();
  files.mkdir('/data');
  files.syncDirectory('/');
  const clock = new ManualClock(1_700_000_000_000);
  const log = await openOn(files, clock, options);
  await log.createTopic({ name: 't', partitions: 2 });
  return { files, clock, log };
};

const settle = async (): Promise<void> => {
  for (let i = 0; i < 100; i++) await Promise.resolve();
};

const fillDisk = (files: FaultyFiles, where: string): void => {
  files.onCall = ({ kind, path }) => (kind === 'write' && path.includes(where) ? { error: 'ENOSPC' } : undefined);
};

test('offsets of a transaction that is still open while the offsets partition rotates outlive the rotation', async () => {
  const { files, log } = await setUp();
  const slow = await log.producer({ transactionalId: 'slow' });
  slow.begin();
  await slow.append(t, batchOf('a'), 'append');
  await slow.sendOffsets('slow', [{ ...t, offset: 1 }]);
  // The commit has written its offsets and waits for the disk; meanwhile others commit until the partition rotates.
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  files.onSync = (path) => (path.includes('/topics/') ? held : undefined);
  const committing = slow.commit();
  await settle();
  files.onSync = undefined;
  for (let i = 0; i < 60; i++) {
    await log.commitOffsets('quick', [{ ...t, partition: 1, offset: 0 }]);
    await settle();
  }
  release();
  await committing;
  for (let i = 0; i < 60; i++) await log.commitOffsets('quick', [{ ...t, partition: 1, offset: 0 }]);
  await settle();
  const again = await openOn(files.crashed('kill', new Random(1)));
  expect(await again.committed('slow')).toEqual([{ ...t, offset: 1 }]);
  expect(await again.committed('quick')).toEqual([{ ...t, partition: 1, offset: 0 }]);
});

const own = (producerId: number): Isolation => ({ kind: 'own', producerId });

test('an abort whose markers find no space is refused; once it answers nobody sees the records', async () => {
  const { files, clock, log } = await setUp();
  const writer = await log.producer({ transactionalId: 'id' });
  writer.begin();
  await writer.append(t, batchOf('dead'), 'append');
  await writer.append({ ...t, partition: 1 }, batchOf('dead'), 'append');
  fillDisk(files, '/topics/');
  expect(await failure(writer.abort())).toBe('unavailable/LOG_DISK_FULL');
  expect(await failure(writer.append(t, batchOf('more'), 'append'))).toBe('refused/LOG_TRANSACTION_BROKEN');
  expect(await failure(writer.commit())).toBe('refused/LOG_TRANSACTION_BROKEN');
  files.onCall = undefined;
  expect(await writer.abort()).toBe('aborted');
  for (const partition of [0, 1]) expect(await readAll(log, { ...t, partition }, own(writer.producerId))).toEqual([]);
  writer.begin();
  await writer.append(t, batchOf('alive'), 'append');
  expect(await readAll(log, t, own(writer.producerId))).toEqual(['2:alive']);
  await writer.commit();

  // The markers are written by themselves when there is space; the abort that is asked again finds them.
  writer.begin();
  await writer.append(t, batchOf('dead'), 'append');
  fillDisk(files, '/topics/');
  expect(await failure(writer.abort())).toBe('unavailable/LOG_DISK_FULL');
  files.onCall = undefined;
  clock.advance(1000);
  expect(await log.offsets(t)).toMatchObject({ stable: 6, end: 6 });
  expect(await writer.abort()).toBe('aborted');
  await log.close();
});

test.each(['taken over', 'found open after a crash'])(
  'a producer is not opened while records of its former life are still open: %s',
  async (how) => {
    const { files, log: first } = await setUp();
    let log: FileLog = first;
    const writer = await log.producer({ transactionalId: 'id' });
    writer.begin();
    await writer.append(t, batchOf('dead'), 'append');
    let disk = files;
    if (how !== 'taken over') {
      disk = files.crashed('kill', new Random(1));
      fillDisk(disk, '/topics/');
      log = await openOn(disk);
    } else fillDisk(disk, '/topics/');
    expect(await failure(log.producer({ transactionalId: 'id' }))).toBe('unavailable/LOG_DISK_FULL');
    disk.onCall = undefined;
    const next = await log.producer({ transactionalId: 'id' });
    expect(next.producerId).toBe(writer.producerId);
    next.begin();
    await next.append(t, batchOf('alive'), 'append');
    expect(await readAll(log, t, own(next.producerId))).toEqual(['2:alive']);
    await log.close();
  },
);

test('a commit whose record could not be synced because its file could not be opened fences the log, with the cause', async () => {
  const { files, log } = await setUp({ openFiles: 1 });
  const [one, two] = [await log.producer({ transactionalId: 'one' }), await log.producer({ transactionalId: 'two' })];
  one.begin();
  await one.append(t, batchOf('a'), 'append');
  two.begin();
  await two.append({ ...t, partition: 1 }, batchOf('b'), 'append');
  // The first commit holds the sync of the transaction log; the second one has written its record and waits behind it.
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  files.onSync = (path) => (path.includes('/transactions/') ? held : undefined);
  const first = one.commit();
  await settle();
  const second = failure(two.commit());
  await settle();
  // Another file takes the only slot, and after that the process may not open any file.
  await readAll(log, t, { kind: 'uncommitted' });
  files.refuseOpen = 'EMFILE';
  release();
  files.onSync = undefined;
  expect(await second).toBe('unknown/LOG_COMMIT_UNKNOWN');
  expect(log.fenced).toMatchObject({ code: 'LOG_SYNC_FAILED', cause: { message: expect.stringContaining('EMFILE') } });
  await failure(first);
  files.refuseOpen = undefined;
  // Half of a transaction must not be seen: what became of it is decided at the next start.
  expect(await failure(two.abort())).toBe('unavailable/LOG_SYNC_FAILED');
  await log.close();
  const again = await openOn(files.crashed('kill', new Random(1)));
  expect(await readAll(again, { ...t, partition: 1 })).toEqual(['0:b']);
  await again.close();
});
