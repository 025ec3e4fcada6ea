/** The scratch file of a shard when the disk fails: its space is given back, and the shard goes on. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openLevelShard } from '../../../engine/stores/level-store.ts';
import { type OrderedKv, scratchBlockBytes } from '../../../engine/stores/ordered-kv.ts';

const faults = vi.hoisted(() => ({
  /** What a write does; left out: it writes. */
  write: undefined as (() => number) | undefined,
  close: false,
  remove: false,
  /** Files that were opened and closed. */
  open: [] as number[],
}));

vi.mock(import('node:fs'), async (importOriginal) => {
  const fs = await importOriginal();
  return {
    ...fs,
    openSync: (...of: Parameters<typeof fs.openSync>) => {
      const file = fs.openSync(...of);
      faults.open.push(file);
      return file;
    },
    writeSync: ((...of: Parameters<typeof fs.writeSync>) => faults.write?.() ?? fs.writeSync(...of)) as never,
    closeSync: (file: number) => {
      expect(faults.open, 'a file is closed that is not open').toContain(file);
      faults.open.splice(faults.open.indexOf(file), 1);
      fs.closeSync(file);
      if (faults.close) throw Object.assign(new Error('EIO: i/o error, close'), { code: 'EIO' });
    },
    rmSync: (...of: Parameters<typeof fs.rmSync>) => {
      if (faults.remove) throw Object.assign(new Error('EBUSY: resource busy or locked'), { code: 'EBUSY' });
      fs.rmSync(...of);
    },
  };
});

let data = '';
let kv: OrderedKv;
const openShard = (): Promise<OrderedKv> => openLevelShard(join(data, 'state'), 0);
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'millrace-scratch-'));
  kv = await openShard();
});
afterEach(async () => {
  Object.assign(faults, { write: undefined, close: false, remove: false });
  await kv.close();
  expect(faults.open).toEqual([]);
  await rm(data, { recursive: true, force: true });
});

const block = new Uint8Array(scratchBlockBytes);
const page = new Uint8Array(4096);
const diskFull = (): never => {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
};

test.each([
  ['fails', diskFull],
  ['is cut short', () => 4096],
])('a write that %s gives back the space of all stores, which others need more', (_, write) => {
  const { scratch } = kv;
  const [first, second] = [scratch.allocate(), scratch.allocate()];
  scratch.write(first, block);
  faults.write = write;
  expect(() => scratch.write(second, block)).toThrow();
  faults.write = undefined;
  expect(faults.open).toEqual([]);
  expect(() => scratch.read(first, 0, page)).toThrow();
  expect(() => scratch.allocate()).toThrow();
  scratch.release(first);
  scratch.release(second);
  // Every store hears what was wrong.
  expect(() => scratch.allocate()).toThrow(/no space left|not written whole/);
});

test('a shard that looks whether there is room on a full disk gives back first what it does not need', async () => {
  kv.scratch.write(kv.scratch.allocate(), block);
  expect(faults.open.length).toBe(1);
  await kv.hasRoom();
  expect(faults.open).toEqual([]);
});

test('a file that cannot be closed without an error is closed once, and its shard is closed as well', async () => {
  const { scratch } = kv;
  scratch.write(scratch.allocate(), block);
  faults.close = true;
  scratch.release(0);
  scratch.write(scratch.allocate(), block);
  await kv.close();
  expect(faults.open).toEqual([]);
  // The database gave up its lock.
  kv = await openShard();
});

test('a file that keeps its name is not used', async () => {
  faults.remove = true;
  expect(() => kv.scratch.allocate()).toThrow();
  expect(() => kv.scratch.allocate()).toThrow();
  expect(faults.open).toEqual([]);
  await kv.close();
  kv = await openShard();
  expect(await readdir(join(data, 'state', 'shard-0'))).not.toContain('scratch');
});
