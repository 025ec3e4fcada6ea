/** LevelDB itself: damage on the disk is told, and costs the damaged store only. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeyValueStore } from '../../../engine/stores/create-store.ts';
import { openLevelKv, openLevelShard } from '../../../engine/stores/level-store.ts';
import { KvError, type OrderedKv } from '../../../engine/stores/ordered-kv.ts';
import type { KeyValueStateStore } from '../../../engine/stores/state-store.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-level-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const text = new TextEncoder();
const storeOf = (kv: OrderedKv, storeId: number): KeyValueStateStore =>
  createKeyValueStore({ name: `s${storeId}`, kind: 'key-value' }, { kv, storeId, memoryLimitBytes: 1 << 20 });

/** Fills some stores, checkpoints them and closes: everything lies in table files or the write-ahead log. */
const fill = async (stores: number): Promise<void> => {
  // A small write buffer makes table files at once.
  const kv = await openLevelKv(directory, { writeBufferBytes: 64 << 10 });
  for (let id = 1; id <= stores; id++) {
    const store = storeOf(kv, id);
    await store.open();
    for (let i = 0; i < 3_000; i++) {
      const key = text.encode(`key-${String(i).padStart(5, '0')}`);
      store.put(key, 0, key.length, key, 0, key.length);
    }
    store.commit(3_000);
    await store.checkpoint();
    await store.close();
  }
  await kv.close();
};

const readAll = (store: KeyValueStateStore): number => {
  let found = 0;
  for (let i = 0; i < 3_000; i++) {
    const key = text.encode(`key-${String(i).padStart(5, '0')}`);
    if (store.readCommitted(key, 0, key.length) !== undefined) found++;
  }
  return found;
};

const flip = async (file: string, from: number, to: number): Promise<void> => {
  const bytes = await readFile(join(directory, file));
  for (let at = Math.max(0, from); at < Math.min(bytes.length, to); at++) bytes[at] = (bytes[at] as number) ^ 0x5a;
  await writeFile(join(directory, file), bytes);
};

const tables = async (): Promise<string[]> =>
  (await readdir(directory)).filter((file) => /\.(ldb|sst)$/.test(file)).sort();

const kvErrorOf = async (work: () => unknown): Promise<KvError | undefined> => {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof KvError) return error;
    throw error;
  }
};

test('a damaged table file is told as damage by the store that reads it; cleared, the store works again and the other one never noticed', async () => {
  await fill(2);
  const files = await tables();
  expect(files.length).toBeGreaterThan(1);
  // The first table file holds the first store's keys; its blocks are damaged, its index at the end is not.
  await flip(files[0] as string, 0, 8_000);
  const kv = await openLevelKv(directory);
  const damaged = storeOf(kv, 1);
  const sound = storeOf(kv, 2);
  const error = await kvErrorOf(async () => {
    await damaged.open();
    readAll(damaged);
  });
  expect(error?.kind).toBe('corrupt');
  expect(error?.message).toMatch(/^LevelDB: /);
  expect((await sound.open()).position).toBe(3_000);
  expect(readAll(sound)).toBe(3_000);
  await kvErrorOf(() => damaged.clear());
  await kv.close();
  // Where the damage lay in the way of clearing, the shard was marked and is begun anew.
  const reasons: string[] = [];
  const again = await openLevelShard(directory, { onDamage: (why) => reasons.push(why) });
  const cleared = storeOf(again, 1);
  expect((await cleared.open()).position).toBe(undefined);
  expect(readAll(cleared)).toBe(0);
  const other = storeOf(again, 2);
  if (reasons.length === 0) expect((await other.open()).position).toBe(3_000);
  else expect((await other.open()).position).toBe(undefined);
  await again.close();
});

test.each(['CURRENT', 'MANIFEST'])(
  'a damaged %s is told as damage when it is opened; as a shard it is begun anew',
  async (name) => {
    await fill(1);
    const file = (await readdir(directory)).find((each) => each.startsWith(name)) ?? '';
    await flip(file, 0, 100_000);
    expect((await kvErrorOf(() => openLevelKv(directory)))?.kind).toBe('corrupt');
    const reasons: string[] = [];
    const kv = await openLevelShard(directory, { onDamage: (why) => reasons.push(why) });
    expect(reasons.length).toBe(1);
    expect((await storeOf(kv, 1).open()).position).toBe(undefined);
    await kv.close();
  },
);

test('a missing table file is told as damage when it is read', async () => {
  await fill(2);
  expect((await tables()).length).toBeGreaterThan(0);
  for (const file of await tables()) await rm(join(directory, file));
  const error = await kvErrorOf(async () => {
    const kv = await openLevelKv(directory);
    try {
      const store = storeOf(kv, 1);
      await store.open();
      readAll(store);
    } finally {
      await kv.close();
    }
  });
  expect(error?.kind).toBe('corrupt');
});

test('a shard that somebody else has open is told as locked', async () => {
  const kv = await openLevelKv(directory);
  expect((await kvErrorOf(() => openLevelShard(directory)))?.kind).toBe('locked');
  await kv.close();
});

test('what a closed shard is asked fails as a key-value error', async () => {
  const kv = await openLevelKv(directory);
  await kv.close();
  expect((await kvErrorOf(() => kv.getSync(text.encode('a'))))?.kind).toBe('failed');
});
