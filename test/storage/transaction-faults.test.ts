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

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  'a producer that goes on as soon as its commit answers adds nothing once another one takes over (%i turns later)',
  async (turns) => {
    const { log } = await setUp();
    const old = await log.producer({ transactionalId: 'id' });
    old.begin();
    await old.append(t, batchOf('a'), 'append');
    const goOn = async (): Promise<void> => {
      await old.commit();
      for (let i = 0; i < turns; i++) await Promise.resolve();
      old.begin();
      await old.append(t, batchOf('late'), 'append');
    };
    const late = failure(goOn());
    await Promise.resolve();
    const next = await log.producer({ transactionalId: 'id' });
    await late;
    next.begin();
    await next.append(t, batchOf('b'), 'append');
    await next.commit();
    expect((await readAll(log, t)).map((row) => row.split(':')[1])).toEqual(['a', 'b']);
    expect(await failure(old.append(t, batchOf('later'), 'append'))).toBe('fenced/LOG_PRODUCER_FENCED');
    await log.close();
  },
);

test('offsets whose commit marker finds no space at the next start are committed all the same', async () => {
  const { files, log } = await setUp();
  const writer = await log.producer({ transactionalId: 'id' });
  await log.commitOffsets('g', [{ ...t, partition: 1, offset: 0 }]);
  writer.begin();
  await writer.append(t, batchOf('a'), 'append');
  await writer.sendOffsets('g', [{ ...t, offset: 1 }]);
  await writer.commit();
  // A power cut: the commit is on the disk, its markers are not.
  const disk = files.crashed('lost', new Random(1));
  fillDisk(disk, '/internal/offsets/');
  const again = await openOn(disk);
  expect(again.recovery.completedTransactions).toEqual(['id']);
  expect(await readAll(again, t)).toEqual(['0:a']);
  const both = [
    { ...t, offset: 1 },
    { ...t, partition: 1, offset: 0 },
  ];
  expect(await again.committed('g')).toEqual(both);
  disk.onCall = undefined;
  await again.commitOffsets('h', [{ ...t, offset: 0 }]);
  const third = await openOn(disk.crashed('kill', new Random(1)));
  expect(await third.committed('g')).toEqual(both);
  await third.close();
});

test('a producer id that could not be noted for want of space is given out to nobody else', async () => {
  const { files, log } = await setUp();
  fillDisk(files, '/internal/transactions/');
  expect(await failure(log.producer())).toBe('unavailable/LOG_DISK_FULL');
  files.onCall = undefined;
  const { producerId } = await log.producer({ transactionalId: 'a' });
  const again = await openOn(files.crashed('kill', new Random(1)));
  const other = await again.producer({ transactionalId: 'b' });
  expect(await again.producer({ transactionalId: 'a' })).toMatchObject({ producerId, epoch: 1 });
  expect(other.producerId).not.toBe(producerId);
  await again.close();
});

test('a commit outlives the rotations of a run in which a partition that it wrote to could not be read', async () => {
  const { files, log } = await setUp();
  const writer = await log.producer({ transactionalId: 'id' });
  writer.begin();
  await writer.append(t, batchOf('a'), 'append');
  await writer.commit();
  const disk = files.crashed('lost', new Random(1));
  const [topic] = await log.describeTopics();
  const unreadable = `/topics/${topic?.id}/0/`;
  disk.onCall = ({ kind, path }) => (kind === 'read' && path.includes(unreadable) ? { error: 'EIO' } : undefined);
  const clock = new ManualClock(1_700_000_000_000);
  const offline = await openOn(disk, clock);
  expect(await failure(readAll(offline, t))).toBe('unavailable/LOG_PARTITION_OFFLINE');
  for (let i = 0; i < 60; i++) {
    const other = await offline.producer({ transactionalId: 'other' });
    other.begin();
    await other.append({ ...t, partition: 1 }, batchOf('b'), 'append');
    await other.commit();
  }
  await settle();
  disk.onCall = undefined;
  const again = await openOn(disk.crashed('kill', new Random(1)));
  expect(await readAll(again, t)).toEqual(['0:a']);
  await again.close();
});

test('a log that closes waits for offsets that wait for the disk', async () => {
  const { files, log } = await setUp();
  const writer = await log.producer();
  await writer.append(t, batchOf('a'), 'append');
  const held: (() => void)[] = [];
  const hold = (path: string) =>
    path.includes('/topics/') || path.includes('/transactions/')
      ? new Promise<void>((resolve) => held.push(resolve))
      : undefined;
  files.onSync = hold;
  const committing = failure(log.commitOffsets('g', [{ ...t, offset: 1 }]));
  await settle();
  const closing = log.close();
  await settle();
  files.onSync = undefined;
  for (const release of held) release();
  await closing;
  expect(await committing).toBe('fine');
  const again = await openOn(files.crashed('lost', new Random(1)));
  expect([again.recovery.cleanShutdown, again.damage]).toEqual([true, []]);
  expect(await again.committed('g')).toEqual([{ ...t, offset: 1 }]);
  await again.close();
});

test('a log that closes waits for a producer that is being opened', async () => {
  const { files, log } = await setUp();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  files.onSync = (path) => (path.includes('/transactions/') ? held : undefined);
  // The first id of a block waits for the disk.
  const opening = failure(log.producer({ transactionalId: 'id' }));
  await settle();
  const closing = log.close();
  await settle();
  files.onSync = undefined;
  release();
  await closing;
  expect(await opening).toBe('fine');
  const again = await openOn(files.crashed('lost', new Random(1)));
  expect([again.recovery.cleanShutdown, again.damage]).toEqual([true, []]);
  expect(await again.producer({ transactionalId: 'id' })).toMatchObject({ epoch: 1 });
  await again.close();
});

test.each(['transactions', 'offsets'])(
  'a log whose %s cannot be read does not open, and no acknowledged commit is undone because of that',
  async (name) => {
    const { files, log } = await setUp();
    const writer = await log.producer({ transactionalId: 'id' });
    writer.begin();
    await writer.append(t, batchOf('a'), 'append');
    await writer.sendOffsets('g', [{ ...t, offset: 1 }]);
    await writer.commit();
    // A power cut: the commit is on the disk, its markers are not. The next start may not read the file, a later may.
    const disk = files.crashed('lost', new Random(1));
    disk.onCall = ({ kind, path }) =>
      kind === 'read' && path.includes(`/internal/${name}/`) ? { error: 'EIO' } : undefined;
    await expect(openOn(disk)).rejects.toMatchObject({
      code: 'DATA_DIR_UNREADABLE',
      message: expect.stringMatching(new RegExp(`internal/${name} cannot be read: EIO`)),
    });
    disk.onCall = undefined;
    const again = await openOn(disk);
    expect(again.recovery.completedTransactions).toEqual(['id']);
    expect(await readAll(again, t)).toEqual(['0:a']);
    expect(await again.committed('g')).toEqual([{ ...t, offset: 1 }]);
    await again.close();
  },
);

test.each(['transactions', 'offsets'])(
  'a log whose %s were moved away opens, and lists what that has lost',
  async (name) => {
    const { files, log } = await setUp();
    const writer = await log.producer();
    await writer.append(t, batchOf('a'), 'durable');
    await log.commitOffsets('g', [{ ...t, offset: 1 }]);
    const disk = files.crashed('kill', new Random(1));
    disk.removeTree(`/data/log/internal/${name}`);
    const again = await openOn(disk);
    expect(again.damage.map(({ kind }) => kind)).toContain(name);
    expect(await readAll(again, t)).toEqual(['0:a']);
    await again.close();
  },
);

test('a log opens on a full disk although a topic is only half deleted', async () => {
  const { files, log } = await setUp();
  const writer = await log.producer();
  await writer.append(t, batchOf('a'), 'durable');
  files.onCall = ({ kind, path }) => (kind === 'unlink' && path.includes('/topics/') ? 'crash' : undefined);
  await log.deleteTopic('t');
  const disk = files.crashed('kill', new Random(1));
  fillDisk(disk, '/internal/transactions/');
  const full = await openOn(disk);
  expect([await full.describeTopics(), full.damage]).toEqual([[], []]);
  disk.onCall = undefined;
  const again = await openOn(disk.crashed('kill', new Random(1)));
  expect([await again.describeTopics(), again.damage]).toEqual([[], []]);
  await again.close();
});

test('offsets of a transaction whose end is lost among the offsets do not count with the next one of its producer', async () => {
  const { files, log } = await setUp();
  const writer = await log.producer({ transactionalId: 'id' });
  writer.begin();
  await writer.sendOffsets('g', [{ ...t, offset: 0 }]);
  fillDisk(files, '/internal/transactions/');
  expect(await failure(writer.commit())).toBe('unavailable/LOG_DISK_FULL');
  files.onCall = undefined;
  expect(await writer.abort()).toBe('aborted');
  writer.begin();
  await writer.sendOffsets('h', [{ ...t, offset: 0 }]);
  await writer.commit();
  const disk = files.crashed('kill', new Random(1));
  const [path = ''] = disk.paths().filter((name) => name.includes('/internal/offsets/') && name.endsWith('.log'));
  disk.corrupt(path, (bytes) => {
    // The second batch is the marker of the abort.
    const marker = new DataView(bytes.buffer, bytes.byteOffset).getInt32(8) + 12;
    bytes[marker + 40] = (bytes[marker + 40] as number) ^ 1;
    return bytes;
  });
  const again = await openOn(disk);
  expect(again.damage).toMatchObject([{ kind: 'offsets', lost: { from: 1, to: 2 } }]);
  expect(await again.committed('g')).toEqual([]);
  expect(await again.committed('h')).toEqual([{ ...t, offset: 0 }]);
  await again.close();
});

test('offsets that are committed on a topic that is deleted meanwhile are forgotten with it', async () => {
  const { files, log } = await setUp();
  await log.createTopic({ name: 'source', partitions: 1 });
  const source = { topic: 'source', partition: 0 };
  const plain = await log.producer();
  await plain.append(source, batchOf('a'), 'append');
  const writer = await log.producer({ transactionalId: 'id' });
  writer.begin();
  await writer.append(t, batchOf('a'), 'append');
  await writer.sendOffsets('one', [{ ...source, offset: 1 }]);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  files.onSync = (path) => (path.includes('/topics/') ? held : undefined);
  const committing = log.commitOffsets('two', [{ ...source, offset: 1 }]);
  await settle();
  files.onSync = undefined;
  await log.deleteTopic('source');
  release();
  await committing;
  await writer.commit();
  expect(await log.groups()).toEqual([]);
  await log.close();
});
