import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileError, type FileSystem, utf8Bytes } from '../../base/index.ts';
import { nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';
import { openFileLog } from '../../storage/file-log/index.ts';
import { encodeBatch, stampBatch } from '../../storage/index.ts';
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

/** Starts a process that opens the log and stays; resolves once it has it. `within` is a command that runs another
 *  one. */
const holder = async (...within: string[]) => {
  const script = new URL('./support/hold-directory.ts', import.meta.url).pathname;
  const command = [...within, process.execPath, '--conditions=millrace-source', script, directory];
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
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

test('a process in another container holds the directory as well, although its id says nothing here', async (context) => {
  const container = ['--pid', '--fork', '--kill-child', '--mount-proc'];
  if (spawnSync('unshare', [...container, 'true']).status !== 0) {
    context.skip('this system lets nobody make a process namespace (unshare --pid)');
  }
  const { child, ended } = await holder('unshare', ...container);
  expect(await failure(open())).toBe('DATA_DIR_LOCKED');
  child.kill('SIGKILL');
  await ended;
  // The process inside is killed a moment after its container.
  await expect
    .poll(async () => {
      await (await open()).close();
      return 'closed';
    })
    .toBe('closed');
});

test('a directory is refused while this process has it open, and free after closing', async () => {
  const log = await open();
  expect(await failure(open())).toBe('DATA_DIR_LOCKED');
  await log.close();
  await (await open()).close();
});

test('closing a log twice is closing it once: both calls answer when it is closed', async () => {
  const log = await open();
  await log.createTopic({ name: 't', partitions: 1 });
  const producer = await log.producer({ transactionalId: 'id' });
  producer.begin();
  await producer.append({ topic: 't', partition: 0 }, batchOf('a'), 'append');
  const committing = producer.commit();
  await Promise.all([log.close(), log.close()]);
  await committing;
  await (await open()).close();
});

test('a lock file that nobody holds does not count, whatever is written beside it', async () => {
  writeFileSync(join(directory, 'lock'), '');
  const text = JSON.stringify({ epoch: 7, boot: '', process: `process ${process.pid} on this host` });
  writeFileSync(join(directory, 'owner'), text);
  await (await open()).close();
  expect(JSON.parse(readFileSync(join(directory, 'owner'), 'utf8'))).toMatchObject({ epoch: 8 });
});

test('a process whose lock was lost is fenced when another one takes over: it acknowledges and writes nothing more', async () => {
  const { child, ended } = await holder();
  const [id = ''] = readdirSync(join(directory, 'topics'));
  // The kernel's lock belongs to the file: with the file gone another process can lock a new one.
  rmSync(join(directory, 'lock'));
  const log = await open();
  const kept = { topic: 'kept', partition: 0 };
  const told = new Promise<string>((resolve) =>
    child.stdout.once('data', (text: Buffer) => resolve(String(text).trim())),
  );
  const producer = await log.producer();
  await producer.append(kept, batchOf('mine'), 'durable');
  const files = () =>
    readdirSync(join(directory, 'topics', id, '0')).map((name) => [
      name,
      statSync(join(directory, 'topics', id, '0', name)).size,
    ]);
  const before = files();
  child.kill('SIGUSR2');
  expect(await told).toBe('unavailable/LOG_TAKEN_OVER unavailable/LOG_TAKEN_OVER unavailable/LOG_TAKEN_OVER');
  expect(files()).toEqual(before);
  await ended;
  expect(await readAll(log, kept)).toEqual(['0:before', '3:mine']);
  await log.close();
});

test('a directory written by a newer version is refused', async () => {
  await (await open()).close();
  writeFileSync(join(directory, 'format'), '{"format":2}');
  expect(await failure(open())).toBe('DATA_DIR_NEWER');
  // Refusing lets go of it.
  writeFileSync(join(directory, 'format'), '{"format":1}');
  await (await open()).close();
});

test.each([
  ['a format file that says nothing', () => writeFileSync(join(directory, 'format'), 'what?')],
  ['a file in place of a directory', () => writeFileSync(join(directory, 'topics'), '')],
])('%s makes the directory unreadable', async (_, damage) => {
  damage();
  expect(await failure(open())).toBe('DATA_DIR_UNREADABLE');
});

test('a file in the place of the directory itself is named as one', async () => {
  rmSync(directory, { recursive: true });
  writeFileSync(directory, '');
  await expect(open()).rejects.toMatchObject({
    code: 'DATA_DIR_UNREADABLE',
    message: `${directory} is a file; the data of a log is a directory`,
    hint: 'Give the path of a directory: one that does not exist yet is made.',
  });
});

test.each([
  ['["ids"]', '{"limit":"many"}', 'the field "limit" must be a whole number of at least 0, not "many"'],
  ['["producer","id"]', '{"producerId":1,"epoch":40000}', 'the field "epoch" must be at most 32766, not 40000'],
  ['["commit","id"]', '{"producerId":1,"epoch":0,"partitions":[["t",0,5,4]]}', 'not ["t",0,5,4]'],
  ['["topic","id"]', '{"name":"t","partitions":1}', 'the field "configs" is missing; it must be an object'],
  ['["later","id"]', '{}', 'records of the kind "later" are not known'],
  ['"ids"', '{}', 'its key must be a list'],
  ['["ids"]', '{"limit":', 'it is not JSON'],
])('a record %s of the transaction log that holds something else is named: %s', async (key, value, message) => {
  const log = await open();
  await log.close();
  const file = join(directory, 'internal', 'transactions', '00000000000000000000.log');
  const bytes = readFileSync(file);
  const batch = encodeBatch([{ key: utf8Bytes(key), value: utf8Bytes(value) }]);
  stampBatch(batch, { baseOffset: 1, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
  writeFileSync(file, Buffer.concat([bytes, batch]));
  const opened = open();
  await expect(opened).rejects.toMatchObject({ code: 'DATA_DIR_UNREADABLE' });
  await expect(opened).rejects.toThrow('the record at offset 1 of');
  await expect(opened).rejects.toThrow(message);
});

test('a list of damage that holds something else is named with its entry and field', async () => {
  await (await open()).close();
  writeFileSync(join(directory, 'damage'), '{"format":1,"entries":[{"kind":"records","path":"p"}]}');
  await expect(open()).rejects.toThrow('entry 1: the field "message" is missing; it must be a text');
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
