/** However many segments there are, only so many files are open. */

import { expect, test } from 'vitest';
import { FileError, type FileSystem, ManualClock, type OpenFile, Random } from '../../base/index.ts';
import { FileSync, SyncSlots } from '../../storage/file-log/file-sync.ts';
import { openFileLog, openSharedReaders } from '../../storage/file-log/index.ts';
import { type FileUser, OpenFiles } from '../../storage/file-log/open-files.ts';
import { FaultyFiles } from '../support/faulty-files.ts';
import { batchOf, committed, readAll } from './conformance/log-suite.ts';

/** A file system that counts open files, and refuses more than `most` as a process does that may not have more. */
const counting = (inner: FileSystem, most = Number.POSITIVE_INFINITY) => {
  const state = { open: 0, highest: 0 };
  const files: FileSystem = {
    ...bind(inner),
    open(path, mode) {
      if (state.open >= most) throw new FileError('EMFILE', path, `EMFILE: too many open files, open '${path}'`);
      const file = inner.open(path, mode);
      state.open++;
      state.highest = Math.max(state.highest, state.open);
      let closed = false;
      return {
        path,
        readAt: (into, start, length, position) => file.readAt(into, start, length, position),
        writeAt: (from, start, length, position) => file.writeAt(from, start, length, position),
        size: () => file.size(),
        truncate: (size) => file.truncate(size),
        datasync: () => file.datasync(),
        datasyncSync: () => file.datasyncSync(),
        isLinked: () => file.isLinked(),
        close() {
          if (!closed) state.open--;
          closed = true;
          file.close();
        },
      };
    },
  };
  return { files, state };
};

const bind = (inner: FileSystem): FileSystem => ({
  open: (path, mode) => inner.open(path, mode),
  stat: (path) => inner.stat(path),
  readdir: (path) => inner.readdir(path),
  mkdir: (path) => inner.mkdir(path),
  rename: (from, to) => inner.rename(from, to),
  unlink: (path) => inner.unlink(path),
  removeTree: (path) => inner.removeTree(path),
  syncDirectory: (path) => inner.syncDirectory(path),
  bootId: () => inner.bootId(),
  processName: () => inner.processName(),
  lock: (path) => inner.lock(path),
});

const partitions = 60;
const rows = 3;

const use = async (files: FileSystem, openFiles: number) => {
  const clock = new ManualClock(1_700_000_000_000);
  const open = () => openFileLog({ directory: '/log', files, clock, timers: clock, random: new Random(1), openFiles });
  let log = await open();
  // Segments of one batch each.
  await log.createTopic({ name: 't', partitions, configs: { 'segment.bytes': '1024', 'max.message.bytes': '1024' } });
  const producer = await log.producer({ transactionalId: 'id' });
  const value = (partition: number, row: number) => `${partition}-${row}-${'x'.repeat(350)}`;
  for (let row = 0; row < rows; row++) {
    producer.begin();
    for (let partition = 0; partition < partitions; partition++) {
      await producer.append({ topic: 't', partition }, batchOf(value(partition, row)), 'append');
    }
    await producer.commit();
  }
  const check = async () => {
    const shared = openSharedReaders(log.exportView(), files);
    const reader = shared.reader();
    const requests = Array.from({ length: partitions }, (_, partition) => ({
      topic: 't',
      partition,
      offset: 0,
      isolation: committed,
    }));
    const { chunks, failures } = await reader.fetch(requests, { maxBytesPerPartition: 10_000, maxWaitMs: 0 });
    expect([chunks.length, failures.length]).toEqual([partitions, 0]);
    for (const chunk of chunks) chunk.release();
    shared.close();
    for (let partition = 0; partition < partitions; partition++) {
      expect(await readAll(log, { topic: 't', partition })).toEqual(
        Array.from({ length: rows }, (_, row) => `${row * 2}:${value(partition, row)}`),
      );
    }
  };
  await check();
  await log.close();
  log = await open();
  expect(log.damage).toEqual([]);
  await check();
  await log.close();
};

test('a log and its readers keep no more segment files open than they were told', async () => {
  const { files, state } = counting(new FaultyFiles());
  await use(files, 20);
  // Besides: the owner file, a reader's quarter, and a file that is being written whole.
  expect(state.highest).toBeLessThanOrEqual(20 + 8 + 3);
  expect(state.highest).toBeGreaterThan(20);
  expect(state.open).toBe(0);
});

test('where the process may not open another file, the log closes some of its own', async () => {
  const { files, state } = counting(new FaultyFiles(), 40);
  await use(files, 1000);
  expect(state.highest).toBe(40);
  expect(state.open).toBe(0);
});

test('the limit comes back once the process can open files again', () => {
  let room = 6;
  let open = 0;
  const user = (): FileUser => ({
    openFile: () => {
      if (open >= room) throw new FileError('EMFILE', 'f', 'EMFILE: too many open files');
      open++;
      return { close: () => open-- } as unknown as OpenFile;
    },
  });
  const files = new OpenFiles(40);
  for (let i = 0; i < 30; i++) files.of(user());
  expect(files.limit).toBeLessThanOrEqual(6);
  // Somewhere else in the process files were closed.
  room = 1000;
  for (let i = 0; i < 2000; i++) files.of(user());
  expect([files.limit, files.count, open]).toEqual([40, 40, 40]);
  files.closeAll();
});

test.each([1, 2])('a sync whose file could not be opened is done by the next call (%i slots)', async (slots) => {
  const syncSlots = new SyncSlots(slots);
  // With one slot the first sync waits for it; with two it begins at once.
  let free = (): void => {};
  const busy = syncSlots.run(() => new Promise((resolve) => (free = resolve)));
  let refuse = true;
  let syncs = 0;
  const file = { datasync: async () => void syncs++ } as unknown as OpenFile;
  const failures: unknown[] = [];
  const sync = new FileSync(
    () => {
      if (refuse) throw new FileError('EMFILE', 'f', 'EMFILE: too many open files');
      return file;
    },
    syncSlots,
    (cause) => failures.push(cause),
  );
  sync.touch();
  const first = sync.sync().catch((cause: unknown) => cause);
  sync.touch();
  const second = sync.sync().catch((cause: unknown) => cause);
  free();
  await busy;
  expect(await first).toMatchObject({ code: 'EMFILE' });
  await second;
  refuse = false;
  await sync.sync();
  expect([sync.dirty, syncs, failures]).toEqual([false, 1, []]);
  sync.touch();
  await Promise.all([sync.sync(), sync.sync()]);
  expect([sync.dirty, syncs]).toEqual([false, 2]);
});
