/** LevelDB itself: damage on the disk is told, and costs the damaged store only. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { damageInFiles } from '../../../engine/stores/level-files.ts';
import { openLevelKv, openLevelShard } from '../../../engine/stores/level-store.ts';
import { KvError, type OrderedKv, scratchBlockBytes } from '../../../engine/stores/ordered-kv.ts';
import type { KeyValueStateStore } from '../../../engine/stores/state-store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';

let data = '';
let directory = '';
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'millrace-level-'));
  directory = join(data, 'state', 'shard-0');
});
afterEach(async () => {
  await rm(data, { recursive: true, force: true });
});

const openShard = (onDamage?: (why: string) => void): Promise<OrderedKv> =>
  openLevelShard(join(data, 'state'), 0, onDamage === undefined ? {} : { onDamage });

const text = new TextEncoder();
const storeOf = (kv: OrderedKv, storeId: number, renewStoreId?: () => Promise<number>): KeyValueStateStore =>
  createStore(
    { name: `s${storeId}`, kind: 'key-value' },
    { kv, storeId, ...(renewStoreId === undefined ? {} : { renewStoreId }) },
  );

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

test('a damaged table file is found by the store that it belongs to; cleared, the store works again and the other one never noticed', async () => {
  await fill(2);
  const files = await tables();
  expect(files.length).toBeGreaterThan(1);
  // The first table file holds the first store's keys; its blocks are damaged, its index at the end is not.
  await flip(files[0] as string, 0, 8_000);
  const kv = await openLevelKv(directory);
  const damaged = storeOf(kv, 1, async () => 3);
  const sound = storeOf(kv, 2);
  const error = await kvErrorOf(async () => {
    await damaged.open();
    await damaged.verify();
  });
  expect(error?.kind).toBe('corrupt');
  expect(damaged.damage).toBe(error?.message);
  expect((await sound.open()).position).toBe(3_000);
  await sound.verify();
  expect(readAll(sound)).toBe(3_000);
  await damaged.clear();
  expect(damaged.damage).toBeUndefined();
  expect(readAll(damaged)).toBe(0);
  const key = text.encode('key-00001');
  damaged.put(key, 0, key.length, key, 0, key.length);
  damaged.commit(1);
  await damaged.checkpoint();
  await kv.close();
  const again = await openLevelKv(directory);
  const rebuilt = storeOf(again, 3);
  expect((await rebuilt.open()).position).toBe(1);
  await rebuilt.verify();
  expect(readAll(rebuilt)).toBe(1);
  const other = storeOf(again, 2);
  expect((await other.open()).position).toBe(3_000);
  await other.verify();
  await again.close();
});

test.each(['CURRENT', 'MANIFEST'])(
  'a damaged %s is reported as damage when it is opened; as a shard it begins again, empty',
  async (name) => {
    await fill(1);
    const file = (await readdir(directory)).find((each) => each.startsWith(name)) ?? '';
    await flip(file, 0, 100_000);
    expect((await kvErrorOf(() => openLevelKv(directory)))?.kind).toBe('corrupt');
    const reasons: string[] = [];
    const kv = await openShard((why) => reasons.push(why));
    expect(reasons.length).toBe(1);
    expect((await storeOf(kv, 1).open()).position).toBe(undefined);
    await kv.close();
    // Nothing was wiped: the damaged database is kept beside the state, and the reason names the place.
    const aside = join(data, 'quarantine', 'state', 'shard-0');
    expect(await readdir(aside)).toContain(file);
    expect(reasons[0]).toContain(aside);
    await (await openShard(() => expect.unreachable())).close();
  },
);

test('every flipped bit of a table file is found before the file is read', async () => {
  await fill(2);
  const [file = ''] = await tables();
  const bytes = await readFile(join(directory, file));
  expect(await damageInFiles(directory)).toBeUndefined();
  for (let at = 0; at < bytes.length; at += 997) {
    // The footer is padded: bytes behind the two places that it names mean nothing.
    if (at >= bytes.length - 48 && at < bytes.length - 8) continue;
    const damaged = Uint8Array.from(bytes);
    damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
    await writeFile(join(directory, file), damaged);
    expect(await damageInFiles(directory), `byte ${at}`).toContain(file);
  }
});

test('a missing CURRENT is damage, although LevelDB would make a new database over the old one', async () => {
  await fill(1);
  await rm(join(directory, 'CURRENT'));
  const reasons: string[] = [];
  await (await openShard((why) => reasons.push(why))).close();
  expect(reasons).toEqual([expect.stringContaining('the file CURRENT is missing')]);
});

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
  expect((await kvErrorOf(() => openShard()))?.kind).toBe('locked');
  await kv.close();
});

test('what a closed shard is asked fails as a key-value error', async () => {
  const kv = await openLevelKv(directory);
  await kv.close();
  expect((await kvErrorOf(() => kv.getSync(text.encode('a'))))?.kind).toBe('failed');
});

test('the scratch file has no name, and one that a crash left is deleted', async () => {
  await openShard().then((kv) => kv.close());
  await writeFile(join(directory, 'scratch'), 'left by a process that was killed before it took the name away');
  const kv = await openShard();
  kv.scratch.write(kv.scratch.allocate(), new Uint8Array(scratchBlockBytes));
  expect(await readdir(directory)).not.toContain('scratch');
  const page = new Uint8Array(8);
  kv.scratch.read(0, 0, page);
  kv.scratch.release(0);
  expect(() => kv.scratch.read(0, 0, page)).toThrow(KvError);
  // It begins anew, with a file of its own.
  kv.scratch.write(kv.scratch.allocate(), new Uint8Array(scratchBlockBytes).fill(3));
  kv.scratch.read(0, 0, page);
  expect(page[0]).toBe(3);
  await kv.close();
  expect(() => kv.scratch.read(0, 0, page)).toThrow(KvError);
  expect(() => kv.scratch.allocate()).toThrow(KvError);
});
