/** Threads that are launched before a data directory is opened. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWith } from '../../library/index.ts';
import { launchThreads } from '../../library/launch.ts';

let data: string;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-launch-'));
});

afterEach(() => {
  rmSync(data, { recursive: true, force: true });
});

test('one for each worker that owns a shard with state', async () => {
  const countOf = async (workers: number): Promise<number> => {
    const launched = launchThreads(data, workers);
    const { waiting } = launched;
    await launched.end();
    return waiting;
  };
  expect(await countOf(2)).toBe(0);
  for (const shard of [0, 2]) mkdirSync(join(data, 'state', `shard-${shard}`), { recursive: true });
  expect([await countOf(0), await countOf(1), await countOf(2), await countOf(4)]).toEqual([0, 1, 1, 2]);
});

test('they are ended where the directory cannot be opened', async () => {
  mkdirSync(join(data, 'state', 'shard-0'), { recursive: true });
  for (const wrong of [
    { workers: 99 },
    { properties: { 'no.such.property': 1 } },
    { functions: ['/no/such/file.ts'] },
  ]) {
    const launched = launchThreads(data, 1);
    expect(launched.waiting).toBe(1);
    await expect(openWith({ data, ...wrong }, launched)).rejects.toThrow();
    expect(launched.waiting).toBe(0);
  }
});
