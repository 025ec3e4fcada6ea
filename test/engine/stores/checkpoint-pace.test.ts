/** What a checkpoint does at once, and when it lets the thread do other work. */

import { expect, test } from 'vitest';
import { MemoryBudget } from '../../../engine/stores/memory-budget.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import type { KeyValueStateStore } from '../../../engine/stores/state-store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import { bytesOf } from './world.ts';

const entries = 6_000;

class Paced {
  readonly #store: KeyValueStateStore;
  /** For each write of the key-value store the entries that the one before had; the rests between them. */
  readonly happened: (number | 'rest')[] = [];
  #written = 0;
  #begun = false;
  #offset = 0;

  constructor(memoryLimitBytes = 1 << 24) {
    const kv = new MemoryKv({ beforeWrite: async () => this.#noteWrite() });
    const memory = new MemoryBudget(memoryLimitBytes);
    this.#store = createStore({ name: 's', kind: 'key-value' }, { kv, storeId: 1, memory });
  }

  /** It is called twice for each write, and before the write is counted. */
  #noteWrite(): void {
    this.#begun = !this.#begun;
    if (!this.#begun) return;
    this.happened.push(this.#store.stats.kvWrites - this.#written);
    this.#written = this.#store.stats.kvWrites;
  }

  get store(): KeyValueStateStore {
    return this.#store;
  }

  async fill(rounds = 1): Promise<this> {
    if (this.#offset === 0) await this.#store.open();
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < entries; i++) {
        const key = bytesOf(`key-${i}`);
        this.#store.put(key, 0, key.length, key, 0, key.length);
      }
      this.#offset += entries;
      this.#store.commit(this.#offset);
    }
    return this;
  }

  get rests(): number {
    return this.happened.filter((one) => one === 'rest').length;
  }

  get writes(): number {
    return this.happened.length - this.rests;
  }

  rest = async (): Promise<void> => {
    this.happened.push('rest');
  };
}

test('a checkpoint that nothing waits for writes some hundred entries at once, and rests behind each but the last', async () => {
  const paced = await new Paced().fill();
  await paced.store.checkpoint({ urgent: () => false, rest: paced.rest });
  expect(paced.rests).toBe(Math.ceil(entries / 256) - 1);
  expect(paced.happened.slice(0, 6)).toEqual([0, 'rest', 256, 'rest', 256, 'rest']);
  expect(paced.store.stats).toMatchObject({ dueEntries: 0, position: entries, kvWrites: entries });
});

test('a checkpoint without a pace does not rest', async () => {
  const paced = await new Paced().fill();
  await paced.store.checkpoint();
  expect(paced.rests).toBe(0);
  expect(paced.writes).toBe(Math.ceil(entries / 2_048) + 1);
});

test('a checkpoint that becomes urgent rests no more, and writes larger chunks', async () => {
  const paced = await new Paced().fill();
  await paced.store.checkpoint({ urgent: () => paced.rests >= 3, rest: paced.rest });
  expect(paced.rests).toBe(3);
  expect(paced.writes).toBe(3 + Math.ceil((entries - 3 * 256) / 2_048) + 1);
});

test('a checkpoint does not rest while a restart would replay half a million records', async () => {
  const paced = await new Paced().fill(Math.ceil(500_000 / entries));
  await paced.store.checkpoint({ urgent: () => false, rest: paced.rest });
  expect(paced.rests).toBe(0);
});

test('a checkpoint does not rest while memory is short', async () => {
  const paced = await new Paced(1_000).fill();
  await paced.store.checkpoint({ urgent: () => false, rest: paced.rest });
  expect(paced.rests).toBe(0);
});

test('a checkpoint that rests ends with the close of its store', async () => {
  const paced = await new Paced().fill();
  let closed: Promise<void> | undefined;
  const rest = async (): Promise<void> => {
    await paced.rest();
    closed = paced.store.close();
  };
  await paced.store.checkpoint({ urgent: () => false, rest });
  await closed;
  expect(paced.rests).toBe(1);
  expect(paced.store.stats.position).toBeUndefined();
});
