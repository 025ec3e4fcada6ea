/** One memory budget for all stores: shared by use, over threads, and nothing is lost by it. */

import { expect, test } from 'vitest';
import { bytesUsed, MemoryBudget, newSharedUse } from '../../../engine/stores/memory-budget.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import type { KeyValueStateStore } from '../../../engine/stores/state-store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import { bytesOf, textOf } from './world.ts';

const limit = 1 << 20;

const newStore = async (kv: MemoryKv, storeId: number, memory: MemoryBudget): Promise<KeyValueStateStore> => {
  const store = createStore({ name: `s${storeId}`, kind: 'key-value' }, { kv, storeId, memory });
  await store.open();
  return store;
};

/** Puts entries of about 200 bytes, commits and checkpoints them. */
const fill = async (store: KeyValueStateStore, from: number, to: number): Promise<void> => {
  for (let i = from; i < to; i++) {
    const key = bytesOf(`key-${i}`);
    const value = bytesOf(`${i}`.padEnd(150, '.'));
    store.put(key, 0, key.length, value, 0, value.length);
    if (i % 500 !== 499) continue;
    store.commit(i + 1);
    await store.checkpoint();
  }
  store.commit(to);
  await store.checkpoint();
};

const expectAll = (store: KeyValueStateStore, count: number): void => {
  for (let i = 0; i < count; i++) {
    const key = bytesOf(`key-${i}`);
    expect(textOf(store.readCommitted(key, 0, key.length) ?? bytesOf('')).replace(/\.+$/, '')).toBe(`${i}`);
  }
};

test('ten stores together keep to one limit, whatever each of them holds', async () => {
  const memory = new MemoryBudget(limit);
  const kv = new MemoryKv();
  const stores: KeyValueStateStore[] = [];
  for (let id = 1; id <= 10; id++) {
    const store = await newStore(kv, id, memory);
    stores.push(store);
    await fill(store, 0, 4_000);
    // What is due cannot leave: 500 entries at most lie between two checkpoints here.
    expect(memory.excess).toBeLessThan(500 * 300);
  }
  for (const store of stores) expectAll(store, 4_000);
  const inMemory = stores.reduce((sum, store) => sum + store.stats.entries, 0);
  expect(inMemory).toBeGreaterThan(2_000);
  expect(inMemory).toBeLessThan(8_000);
});

test('a store that is not used gives its share to one that is', async () => {
  const memory = new MemoryBudget(limit);
  const kv = new MemoryKv();
  const idle = await newStore(kv, 1, memory);
  const busy = await newStore(kv, 2, memory);
  await fill(idle, 0, 3_000);
  const before = idle.stats.entries;
  expect(before).toBe(3_000);
  await fill(busy, 0, 20_000);
  expect(idle.stats.entries).toBeLessThan(before / 10);
  expect(busy.stats.entries).toBeGreaterThan(2_000);
  expectAll(idle, 3_000);
  expectAll(busy, 20_000);
});

test('a store that may forget gives its share away, but for what the open transaction has changed', async () => {
  const memory = new MemoryBudget(limit);
  const forgetful = createStore(
    { name: 'known', kind: 'key-value', logged: false, forgets: true },
    { kv: new MemoryKv(), storeId: 1, memory },
  );
  await forgetful.open();
  await fill(forgetful, 0, 3_000);
  const held = (): number =>
    Array.from({ length: 3_001 }, (_, i) => bytesOf(`key-${i}`)).filter((key) => forgetful.get(key, 0, key.length))
      .length;
  expect(held()).toBe(3_000);
  const last = bytesOf('key-3000');
  forgetful.put(last, 0, last.length, last, 0, last.length);
  await fill(await newStore(new MemoryKv(), 2, memory), 0, 20_000);
  expect(held()).toBeLessThan(300);
  expect(forgetful.get(last, 0, last.length)).toBe(true);
  forgetful.rollback();
  expect(forgetful.get(last, 0, last.length)).toBe(false);
  // What it has forgotten is absent, and can be put again.
  const first = bytesOf('key-0');
  expect(forgetful.get(first, 0, first.length)).toBe(false);
  forgetful.put(first, 0, first.length, last, 0, last.length);
  forgetful.commit(3_001);
  expect(forgetful.get(first, 0, first.length)).toBe(true);
});

test('what a join appends counts while its transaction is open, and gives its memory back when that is short', async () => {
  const memory = new MemoryBudget(limit * 2);
  const join = createStore(
    { name: 'join', kind: 'ordered', retentionMs: 10_000 },
    { kv: new MemoryKv(), storeId: 1, memory },
  );
  await join.open();
  const before = memory.excess;
  const value = new Uint8Array(1_000);
  for (let time = 0; time < 1_000; time++) join.append(bytesOf('k'), 0, 1, time, value, 0, value.length);
  expect(memory.excess - before).toBeGreaterThan(900_000);
  join.rollback();
  expect(join.stats.bytesInMemory).toBeGreaterThan(900_000);
  await fill(await newStore(new MemoryKv(), 2, memory), 0, 20_000);
  expect(join.stats.bytesInMemory).toBeLessThan(100_000);
});

test('a store whose entries are only written over gives memory back when it is short', async () => {
  const used = newSharedUse(2);
  const memory = new MemoryBudget(limit, used, 0);
  const store = await newStore(new MemoryKv(), 1, memory);
  await fill(store, 0, 3_000);
  expect(store.stats.entries).toBe(3_000);
  new MemoryBudget(limit, used, 1).add(limit);
  for (let pass = 0; pass < 3; pass++) {
    for (let i = 0; i < 1_000; i++) {
      const key = bytesOf(`key-${i}`);
      expect(store.get(key, 0, key.length)).toBe(true);
      const value = bytesOf(`${i}`.padEnd(150, '-'));
      store.put(key, 0, key.length, value, 0, value.length);
    }
    store.commit(3_001 + pass);
    await store.checkpoint();
  }
  expect(store.stats.entries).toBeLessThan(300);
  for (let i = 0; i < 3_000; i++) {
    const key = bytesOf(`key-${i}`);
    expect(textOf(store.readCommitted(key, 0, key.length) ?? bytesOf(''))).toBe(
      `${i}`.padEnd(150, i < 1_000 ? '-' : '.'),
    );
  }
});

test('what a large transaction has needed is given back by small ones', async () => {
  const memory = new MemoryBudget(64 << 20);
  const store = await newStore(new MemoryKv(), 1, memory);
  const putAll = async (count: number, mark: string): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const key = bytesOf(`key-${i}`);
      const value = bytesOf(mark.repeat(50));
      store.put(key, 0, key.length, value, 0, value.length);
    }
    store.commit(1);
    await store.checkpoint();
  };
  const beyondEntries = (): number => memory.excess + memory.limitBytes - store.stats.entries * 88;
  await putAll(20_000, 'a');
  await putAll(20_000, 'b');
  // 20 bytes of an item, the 50 of the value before, and 4 in the queue of due entries.
  expect(beyondEntries()).toBeGreaterThan(1_000_000);
  await putAll(10, 'c');
  await putAll(10, 'd');
  expect(beyondEntries()).toBeLessThan(300_000);
});

test('a store that is closed leaves its share', async () => {
  const memory = new MemoryBudget(limit);
  const store = await newStore(new MemoryKv(), 1, memory);
  await fill(store, 0, 1_000);
  expect(memory.excess).toBeGreaterThan(-limit + 100_000);
  await store.close();
  expect(memory.excess).toBe(-limit);
});

test('threads share the limit: what others use counts, and a thread that has nothing to do gives way', async () => {
  const used = newSharedUse(2);
  const first = new MemoryBudget(limit, used, 0);
  const second = new MemoryBudget(limit, used, 1);
  const idle = await newStore(new MemoryKv(), 1, first);
  const busy = await newStore(new MemoryKv(), 1, second);
  await fill(idle, 0, 3_000);
  await fill(busy, 0, 3_000);
  // The busy thread could evict its own entries only.
  expect(idle.stats.entries).toBe(3_000);
  expect(bytesUsed(used)).toBeGreaterThan(limit * 0.9);
  for (let i = 0; i < 8; i++) {
    first.giveWay(65_536);
    await fill(busy, 3_000 + i * 500, 3_500 + i * 500);
  }
  expect(idle.stats.entries).toBeLessThan(1_800);
  expect(busy.stats.entries).toBeGreaterThan(2_000);
  expect(bytesUsed(used)).toBeLessThan(limit * 1.2);
  expectAll(idle, 3_000);
  expectAll(busy, 7_000);
});
