import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileError, type FileSystem } from '../../base/index.ts';
import { nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';
import { openFileLog } from '../../storage/file-log/index.ts';
import { batchOf, failure, readAll } from './conformance/log-suite.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-data-'));
});

afterEach(() => {
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true, force: true });
});

const open = (files: FileSystem = nodeFiles) =>
  openFileLog({ directory, files, clock: systemClock, timers: systemClock, random: systemRandom() });

/** Starts a process that opens the log and stays; resolves once it has it. */
const holder = async () => {
  const script = new URL('./support/hold-directory.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=millrace-source', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return { child, ended };
};

test('a directory that another process holds is refused with its name; a killed process holds nothing', async () => {
  const { child, ended } = await holder();
  const error = await open().then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toMatchObject({ code: 'DATA_DIR_LOCKED', message: expect.stringContaining(`process ${child.pid}`) });
  child.kill('SIGKILL');
  await ended;
  const log = await open();
  expect(log.recovery.cleanShutdown).toBe(false);
  expect(log.recovery.abortedTransactions).toEqual(['held']);
  expect(await readAll(log, { topic: 'kept', partition: 0 })).toEqual(['0:before']);
  await log.close();
});

test('a directory is refused while this process has it open, and free after closing', async () => {
  const log = await open();
  expect(await failure(open())).toBe('DATA_DIR_LOCKED');
  await log.close();
  await (await open()).close();
  expect(readdirSync(directory)).not.toContain('lock');
});

test('a lock left by a process whose id belongs to another one now is stale', async () => {
  const own = JSON.stringify({ pid: process.pid, started: '1', boot: readBoot() });
  writeFileSync(join(directory, 'lock'), own);
  await (await open()).close();
});

const readBoot = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
};

test('a directory written by a newer version is refused', async () => {
  await (await open()).close();
  writeFileSync(join(directory, 'format'), '{"format":2}');
  expect(await failure(open())).toBe('DATA_DIR_NEWER');
  // Refusing lets go of it.
  expect(readdirSync(directory)).not.toContain('lock');
});

test.each([
  ['a format file that says nothing', () => writeFileSync(join(directory, 'format'), 'what?')],
  ['a file in place of a directory', () => writeFileSync(join(directory, 'topics'), '')],
])('%s makes the directory unreadable', async (_, damage) => {
  damage();
  expect(await failure(open())).toBe('DATA_DIR_UNREADABLE');
});

test('a directory that may not be read or written is unreadable', async () => {
  const forbidden: FileSystem = {
    ...nodeFiles,
    mkdir: (path) => {
      throw new FileError('EACCES', path, `EACCES: permission denied, mkdir '${path}'`);
    },
  };
  await expect(open(forbidden)).rejects.toMatchObject({
    code: 'DATA_DIR_UNREADABLE',
    message: expect.stringContaining('permission denied'),
  });
});

test('what a crash left of a half-made or half-deleted topic is cleared away', async () => {
  mkdirSync(join(directory, 'topics', 'AAAAAAAAAAAAAAAAAAAAAA', '0'), { recursive: true });
  const log = await open();
  expect(await log.describeTopics()).toEqual([]);
  expect(readdirSync(join(directory, 'topics'))).toEqual([]);
  await log.close();
});

test('directories are named by topic id, never by the topic', async () => {
  const log = await open();
  const { id } = await log.createTopic({ name: 'some.topic', partitions: 2 });
  const producer = await log.producer();
  await producer.append({ topic: 'some.topic', partition: 1 }, batchOf('a'), 'durable');
  expect(readdirSync(join(directory, 'topics'))).toEqual([id]);
  expect(readdirSync(join(directory, 'topics', id)).sort()).toEqual(['0', '1', 'topic.json']);
  await log.close();
  expect(readdirSync(join(directory, 'topics', id, '1')).sort()).toEqual([
    '00000000000000000000.index',
    '00000000000000000000.log',
    '00000000000000000000.timeindex',
    '00000000000000000001.snapshot',
  ]);
});

test('a new directory is no crash', async () => {
  const log = await open();
  expect(log.recovery).toMatchObject({ cleanShutdown: true, partitionsRecovered: 0 });
  await log.close();
});
