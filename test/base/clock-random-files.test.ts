import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  BufferPool,
  FileError,
  ManualClock,
  Random,
  readWholeFile,
  replaceFile,
  utf8Bytes,
  utf8Text,
} from '../../base/index.ts';
import { nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';

test('a timer of the machine may be longer than Node has timers', () => {
  vi.useFakeTimers();
  try {
    const dayMs = 86_400_000;
    const fired: string[] = [];
    systemClock.after(60 * dayMs, () => fired.push('after 60 days'));
    systemClock.after(Number.POSITIVE_INFINITY, () => fired.push('never'));
    const cancel = systemClock.after(90 * dayMs, () => fired.push('cancelled'));
    vi.advanceTimersByTime(60 * dayMs - 1);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['after 60 days']);
    cancel();
    vi.advanceTimersByTime(60 * dayMs);
    expect(fired).toEqual(['after 60 days']);
  } finally {
    vi.useRealTimers();
  }
});

test('a manual clock fires what falls due, in order of time, each at its moment', () => {
  const clock = new ManualClock(1000);
  const fired: string[] = [];
  clock.after(20, () => fired.push(`late at ${clock.now()}`));
  clock.after(5, () => {
    fired.push(`early at ${clock.now()}`);
    clock.after(5, () => fired.push(`armed on the way at ${clock.now()}`));
  });
  const cancel = clock.after(7, () => fired.push('never'));
  cancel();
  clock.advance(19);
  expect(fired).toEqual(['early at 1005', 'armed on the way at 1010']);
  expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1019, 19, 1]);
  clock.jump(0);
  expect(clock.advanceToNext()).toBe(true);
  expect(fired.at(-1)).toBe('late at 1');
  expect(clock.advanceToNext()).toBe(false);
});

test('the machine has a clock that goes on and timers that fire and are cancelled', async () => {
  const before = systemClock.monotonic();
  const cancel = systemClock.after(1, () => expect.unreachable());
  cancel();
  await new Promise<void>((resolve) => systemClock.after(2, resolve));
  expect(systemClock.monotonic()).toBeGreaterThan(before);
  expect(systemClock.now()).toBeGreaterThan(1_700_000_000_000);
});

test('the same seed gives the same numbers, another one others', () => {
  const numbers = (seed: number) => {
    const random = new Random(seed);
    return [
      random.u32(),
      random.float(),
      random.below(10),
      random.pick(['a', 'b', 'c']),
      random.uuid(),
      random.shortId(),
    ];
  };
  expect(numbers(1)).toEqual(numbers(1));
  expect(numbers(1)).not.toEqual(numbers(2));
  expect(systemRandom().u32()).not.toBe(systemRandom().u32());
});

test('numbers fill their range evenly', () => {
  const random = new Random(3);
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 10_000; i++) {
    const n = random.between(0, 4);
    counts[n] = (counts[n] as number) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
});

test('identifiers have the form of version 4 UUIDs', () => {
  const random = new Random(1);
  expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (let i = 0; i < 200; i++) expect(random.shortId()).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
});

test('a pool gives a buffer again that was given back', () => {
  const pool = new BufferPool(100_000);
  const first = pool.take(5000);
  expect(first.length).toBe(8192);
  pool.give(first.subarray(0, 10));
  expect(pool.take(6000).buffer).toBe(first.buffer);
  const other = pool.take(8192);
  expect(other.buffer).not.toBe(first.buffer);
  pool.give(new Uint8Array(5000));
  expect(pool.take(4097).length).toBe(8192);
});

test('files are written, read, cut, replaced and removed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  try {
    const path = join(directory, 'a', 'file');
    nodeFiles.mkdir(join(directory, 'a'));
    const file = nodeFiles.open(path, 'create');
    expect(file.writeAt(utf8Bytes('hello world'), 0, 11, 0)).toBe(11);
    await file.datasync();
    file.truncate(5);
    file.datasyncSync();
    expect(file.size()).toBe(5);
    const syncing = file.datasync();
    file.close();
    await syncing;
    expect(utf8Text(readWholeFile(nodeFiles, path))).toBe('hello');
    replaceFile(nodeFiles, path, utf8Bytes('new'));
    expect(utf8Text(readWholeFile(nodeFiles, path))).toBe('new');
    expect(nodeFiles.readdir(join(directory, 'a'))).toEqual(['file']);
    expect(nodeFiles.stat(path)).toEqual({ kind: 'file', size: 3 });
    nodeFiles.rename(path, `${path}2`);
    expect(nodeFiles.stat(path)).toBeUndefined();
    expect(() => nodeFiles.open(path, 'read')).toThrow(FileError);
    expect(() => nodeFiles.unlink(path)).toThrow(/ENOENT/);
    nodeFiles.removeTree(join(directory, 'a'));
    expect(nodeFiles.stat(join(directory, 'a'))).toBeUndefined();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a directory is made together with those above it, and refused where nothing can be made', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  try {
    nodeFiles.mkdir(join(directory, 'a', 'b', 'c'));
    nodeFiles.mkdir(join(directory, 'a', 'b', 'c'));
    expect(nodeFiles.readdir(join(directory, 'a', 'b'))).toEqual(['c']);
    nodeFiles.open(join(directory, 'file'), 'create').close();
    expect(() => nodeFiles.mkdir(join(directory, 'file', 'below'))).toThrow(FileError);
    // Linux says "no such directory" here although the parent exists; elsewhere /proc itself cannot be made.
    expect(() => nodeFiles.mkdir('/proc/millrace/data')).toThrow(FileError);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
