/** What every key-value store below the stores promises: the model in memory and LevelDB alike. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openLevelKv } from '../../../engine/stores/level-store.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import { type KvRange, type OrderedKv, scratchBlockBytes } from '../../../engine/stores/ordered-kv.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const everything: KvRange = { from: bytes(0), to: bytes(255, 255) };

const all = async (kv: OrderedKv, range: KvRange = everything): Promise<number[][][]> => {
  const found: number[][][] = [];
  const iterator = kv.iterate(range);
  for (let some = await iterator.next(2); some.length > 0; some = await iterator.next(2)) {
    for (const [key, value] of some) found.push([[...key], [...value]]);
  }
  await iterator.close();
  return found;
};

const write = async (kv: OrderedKv, ...puts: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<void> => {
  const batch = kv.batch();
  for (const [key, value] of puts) batch.put(key, value);
  await batch.write({ sync: true });
};

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const makers: Record<string, () => Promise<OrderedKv>> = {
  memory: async () => new MemoryKv(),
  level: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-kv-'));
    const kv = await openLevelKv(join(directory, 'shard-0'));
    ends.push(async () => {
      await kv.close();
      await rm(directory, { recursive: true });
    });
    return kv;
  },
};

describe.each(Object.keys(makers))('the %s key-value store', (name) => {
  const open = (): Promise<OrderedKv> => (makers[name] as () => Promise<OrderedKv>)();

  test('reads what a batch wrote, and nothing else', async () => {
    const kv = await open();
    await write(kv, [bytes(1), bytes(10)], [bytes(2), bytes()]);
    expect([...(kv.getSync(bytes(1)) ?? [])]).toEqual([10]);
    expect(kv.getSync(bytes(2))?.length).toBe(0);
    expect(kv.getSync(bytes(3))).toBeUndefined();
  });

  test('a scratch block holds what was written last, and is used again when it was given back', async () => {
    const { scratch } = await open();
    const blocks = [scratch.allocate(), scratch.allocate()];
    const [first = -1, second = -1] = blocks;
    for (const [i, block] of blocks.entries()) scratch.write(block, new Uint8Array(scratchBlockBytes).fill(i + 1));
    const page = new Uint8Array(8);
    scratch.read(second, scratchBlockBytes - 8, page);
    expect([...page]).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
    scratch.read(first, 16, page);
    expect(page[0]).toBe(1);
    scratch.release(first);
    expect(scratch.allocate()).toBe(first);
    scratch.read(second, 0, page);
    expect(page[0]).toBe(2);
  });

  test('the last operation of a batch on a key counts', async () => {
    const kv = await open();
    const batch = kv.batch();
    batch.put(bytes(1), bytes(1));
    batch.delete(bytes(1));
    batch.delete(bytes(2));
    batch.put(bytes(2), bytes(2));
    expect(batch.length).toBe(4);
    await batch.write({ sync: true });
    expect(await all(kv)).toEqual([[[2], [2]]]);
  });

  test('copies what it is handed before the call returns', async () => {
    const kv = await open();
    const key = bytes(1);
    const value = bytes(7);
    const batch = kv.batch();
    batch.put(key, value);
    key[0] = 9;
    value[0] = 9;
    await batch.write({ sync: true });
    expect(await all(kv)).toEqual([[[1], [7]]]);
  });

  test('orders keys by unsigned bytes and iterates from the first to before the last', async () => {
    const kv = await open();
    await write(kv, ...[[255], [1, 0], [1], [128], [1, 255]].map((key) => [Uint8Array.from(key), bytes()] as const));
    expect((await all(kv)).map(([key]) => key)).toEqual([[1], [1, 0], [1, 255], [128], [255]]);
    expect((await all(kv, { from: bytes(1, 0), to: bytes(128) })).map(([key]) => key)).toEqual([
      [1, 0],
      [1, 255],
    ]);
  });

  test('an iterator sees the store as it was when it was made', async () => {
    const kv = await open();
    await write(kv, [bytes(1), bytes(1)], [bytes(2), bytes(1)]);
    const iterator = kv.iterate(everything);
    await write(kv, [bytes(2), bytes(2)], [bytes(3), bytes(2)]);
    const seen = [...(await iterator.next(10))].map(([key, value]) => [key[0], value[0]]);
    await iterator.close();
    expect(seen).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  test.each([true, false])('clears a range and nothing beside it (sync: %s)', async (sync) => {
    const kv = await open();
    await write(kv, ...[1, 2, 3, 4].map((key) => [bytes(key), bytes()] as const));
    await kv.clear({ from: bytes(2), to: bytes(4) }, { sync });
    expect((await all(kv)).map(([key]) => key)).toEqual([[1], [4]]);
  });
});

test('after a crash the model keeps synced writes and loses or keeps each unsynced one on its own', async () => {
  const kv = new MemoryKv();
  for (const [key, sync] of [
    [1, false],
    [2, true],
    [3, false],
  ] as const) {
    const batch = kv.batch();
    batch.put(bytes(key), bytes());
    await batch.write({ sync });
  }
  const answers = [false, true];
  const after = kv.crash(() => answers.shift() === true);
  expect((await all(after)).map(([key]) => key)).toEqual([[2], [3]]);
  expect(() => kv.getSync(bytes(1))).toThrow('closed');
});
