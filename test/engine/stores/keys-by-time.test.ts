/** Keys by time against a sorted list: what the open transaction holds, what the store has, and both together. */

import { describe, expect, test } from 'vitest';
import { ByteWriter, Random } from '../../../base/index.ts';
import { KeysByTime } from '../../../engine/stores/keys-by-time.ts';
import type { OrderedStateStore } from '../../../engine/stores/state-store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import { bytesOf, textOf } from './forms.ts';

const newStore = async (): Promise<OrderedStateStore> => {
  const store = createStore({ name: 'o', kind: 'ordered' }, { kv: undefined, storeId: 1 });
  await store.open();
  return store;
};

const keysOf = (store: OrderedStateStore): KeysByTime => new KeysByTime(store, () => new ByteWriter());

const add = (keys: KeysByTime, time: number, key: string): void => {
  const bytes = bytesOf(key);
  keys.add(time, bytes, 0, bytes.length);
};

const remove = (keys: KeysByTime, time: number, key: string): void => {
  const bytes = bytesOf(key);
  keys.remove(time, bytes, 0, bytes.length);
};

const taken = (keys: KeysByTime, latest: number, most = Number.POSITIVE_INFINITY): string[] => {
  const names: string[] = [];
  while (names.length < most && keys.take(latest))
    names.push(`${keys.time} ${textOf(keys.keyBytes, keys.keyStart, keys.keyEnd)}`);
  return names;
};

describe('keys by time', () => {
  test('what comes and goes in one transaction is no change of the store', async () => {
    const store = await newStore();
    const keys = keysOf(store);
    for (const key of ['b', 'a', 'c']) add(keys, 5, key);
    expect(keys.earliest).toBe(5);
    expect(taken(keys, 4)).toEqual([]);
    expect(taken(keys, 5)).toEqual(['5 a', '5 b', '5 c']);
    expect(keys.earliest).toBe(Number.POSITIVE_INFINITY);
    keys.settle();
    expect(store.changed()).toBe(0);
  });

  test('a long transaction in which keys come and go takes little memory', async () => {
    const store = await newStore();
    const scratch: ByteWriter[] = [];
    const keys = new KeysByTime(store, () => {
      const writer = new ByteWriter();
      scratch.push(writer);
      return writer;
    });
    add(keys, 1_000_000, 'stays');
    let left = 300_000;
    for (let time = 0; time < 300_000; time++) {
      add(keys, time, `key ${time}`);
      if (keys.take(time)) left--;
    }
    expect(left).toBe(0);
    expect(Math.max(...scratch.map(({ buffer }) => buffer.length))).toBeLessThan(2 << 20);
    expect(taken(keys, 1_000_000)).toEqual(['1000000 stays']);
  });

  test('a key that is added again comes once, one that was removed does not come', async () => {
    const store = await newStore();
    const keys = keysOf(store);
    for (const key of ['a', 'b', 'c']) add(keys, 1, key);
    keys.settle();
    store.commit(3);
    add(keys, 1, 'b');
    add(keys, 1, 'b');
    remove(keys, 1, 'a');
    remove(keys, 1, 'd');
    remove(keys, 1, 'c');
    add(keys, 1, 'c');
    expect(taken(keys, 1)).toEqual(['1 b', '1 c']);
    keys.settle();
    store.commit(6);
    expect(taken(keys, Number.POSITIVE_INFINITY)).toEqual([]);
  });

  test('keys with the same beginning, or that others begin with, come in the order of their bytes', async () => {
    const keys = keysOf(await newStore());
    const names = ['abcdefgh', 'abcdef', 'abcdeg', 'abcdef\0', 'abcdefgg', '', 'a'];
    for (const name of names) add(keys, -1, name);
    const sorted = [...names].sort().map((name) => `-1 ${name}`);
    expect(taken(keys, 0)).toEqual(sorted);
  });

  test('more changes than are held at once', async () => {
    const store = await newStore();
    const keys = keysOf(store);
    for (let i = 0; i < 70_000; i++) add(keys, (i * 7919) % 70_000, 'k');
    expect(store.changed()).toBeGreaterThan(0);
    expect(taken(keys, 69_999, 5000)).toEqual(Array.from({ length: 5000 }, (_, i) => `${i} k`));
  });

  test('histories of all kinds give what a sorted list gives', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const store = await newStore();
      const keys = keysOf(store);
      const times = 1 + random.below(8);
      const names = 1 + random.below(12);
      let committed = new Set<string>();
      let model = new Set<string>();
      const sorted = (): string[] =>
        [...model].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
      let offset = 0;
      for (let step = 0; step < 300; step++) {
        const time = random.below(times);
        const name = `key-${random.below(names)}`;
        const what = random.below(12);
        if (what < 5) {
          // Of a time that may have passed.
          add(keys, time, name);
          model.add(`${time} ${name}`);
        } else if (what < 7) {
          remove(keys, time, name);
          model.delete(`${time} ${name}`);
        } else if (what < 9) {
          const most = 1 + random.below(4);
          const expected = sorted()
            .filter((key) => Number.parseInt(key, 10) <= time)
            .slice(0, most);
          expect(taken(keys, time, most)).toEqual(expected);
          for (const key of expected) model.delete(key);
        } else if (what === 9) {
          const [first] = sorted();
          if (first !== undefined) expect(keys.earliest).toBeLessThanOrEqual(Number.parseInt(first, 10));
        } else if (what === 10) {
          keys.settle();
          store.commit(++offset);
          committed = new Set(model);
        } else {
          store.rollback();
          keys.rollback();
          model = new Set(committed);
        }
      }
      expect(taken(keys, times)).toEqual(sorted());
    }
  });
});
