/** Entries that were appended in the open transaction, and are not in pages yet: an ordered store with a retention time
 *  answers as a plain list does, wherever its entries lie. */

import { describe, expect, test } from 'vitest';
import { compareBytes, Random, readOrderedI64, writeOrderedI64 } from '../../../base/index.ts';
import { FlatTable } from '../../../engine/stores/flat-table.ts';
import { kinds } from '../../../engine/stores/layout.ts';
import type { OrderedStateStore } from '../../../engine/stores/state-store.ts';
import type { OrderedCursor } from '../../../engine/stores/store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import { bytesOf, textOf } from './forms.ts';

const newStore = async (retentionMs: number): Promise<OrderedStateStore> => {
  const store = createStore({ name: 'o', kind: 'ordered', retentionMs }, { kv: undefined, storeId: 1, pageBytes: 128 });
  await store.open();
  return store;
};

const orderOf = (time: number, sequence: number): Uint8Array => {
  const order = new Uint8Array(12);
  writeOrderedI64(order, 0, time);
  order[11] = sequence;
  return order;
};

const timeBound = (time: number): Uint8Array => orderOf(time, 0).subarray(0, 8);

const append = (store: OrderedStateStore, key: string, time: number, text: string): number => {
  const [k, v] = [bytesOf(key), bytesOf(text)];
  return store.append(k, 0, k.length, time, v, 0, v.length);
};

const under = (cursor: OrderedCursor): string =>
  `${readOrderedI64(cursor.valueBytes, cursor.orderStart)}:${textOf(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)}`;

const rest = (cursor: OrderedCursor): string[] => {
  const found: string[] = [];
  while (cursor.next()) found.push(under(cursor));
  return found;
};

const fetch = (store: OrderedStateStore, key: string, from?: Uint8Array, to?: Uint8Array): string[] => {
  const cursor = store.cursor();
  const bytes = bytesOf(key);
  cursor.fetch(bytes, 0, bytes.length, from, to);
  return rest(cursor);
};

const changelogOf = (store: OrderedStateStore): string[] => {
  const written: string[] = [];
  store.writeChangelog((key, start, end, value, valueStart, valueEnd) => {
    if (key[start] !== 0) return;
    const time = readOrderedI64(key, end - 12);
    written.push(`${time}:${valueStart < 0 ? 'removed' : textOf(value, valueStart, valueEnd)}`);
  });
  return written;
};

interface Entry {
  readonly key: string;
  readonly order: Uint8Array;
  value: string;
}

/** What a store promises, in a list. */
class Model {
  entries: Entry[] = [];
  committed: Entry[] = [];
  below = Number.NEGATIVE_INFINITY;
  committedBelow = Number.NEGATIVE_INFINITY;

  of(key: string): Entry[] {
    return this.entries
      .filter((entry) => entry.key === key && readOrderedI64(entry.order, 0) >= this.below)
      .sort((a, b) => compare(a.order, b.order));
  }

  find(key: string, order: Uint8Array): Entry | undefined {
    return this.of(key).find((entry) => compare(entry.order, order) === 0);
  }

  put(key: string, order: Uint8Array, value: string): void {
    if (readOrderedI64(order, 0) < this.below) return;
    const found = this.find(key, order);
    if (found === undefined) this.entries.push({ key, order, value });
    else found.value = value;
  }

  append(key: string, time: number, value: string): number {
    if (time < this.below) return 0;
    const last = this.of(key).findLast(({ order }) => readOrderedI64(order, 0) === time);
    const sequence = last === undefined ? 0 : (last.order[11] as number) + 1;
    this.put(key, orderOf(time, sequence), value);
    return sequence;
  }

  delete(key: string, order: Uint8Array): void {
    const found = this.find(key, order);
    this.entries = this.entries.filter((entry) => entry !== found);
  }

  commit(): void {
    this.committed = this.entries.map((entry) => ({ ...entry }));
    this.committedBelow = this.below;
  }

  rollback(): void {
    this.entries = this.committed.map((entry) => ({ ...entry }));
    this.below = this.committedBelow;
  }
}

const compare = (a: Uint8Array, b: Uint8Array): number => compareBytes(a, 0, a.length, b, 0, b.length);

describe('a random history', () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))('answers as a list does (seed %i)', async (seed) => {
    const random = new Random(seed);
    const retentionMs = [40, 100, 1_000][seed % 3] as number;
    const jitter = [1, 10, 60][(seed >> 1) % 3] as number;
    const store = await newStore(retentionMs);
    const restored = await newStore(retentionMs);
    const model = new Model();
    const cursor = store.cursor();
    const keys = ['a', 'b', 'cc', ''];
    let now = 100;
    let offset = 0;

    const change = (): void => {
      const key = random.pick(keys);
      const bytes = bytesOf(key);
      now += random.below(4);
      const time = now - random.below(jitter);
      const order = orderOf(time, random.below(3));
      const value = `${now}`.repeat(1 + random.below(3));
      const valueBytes = bytesOf(value);
      const choice = random.below(20);
      if (choice < 13) expect(append(store, key, time, value)).toBe(model.append(key, time, value));
      else if (choice < 15) {
        const known = random.pick([...model.of(key).map((entry) => entry.order), order]);
        store.put(bytes, 0, bytes.length, known, 0, 12, valueBytes, 0, valueBytes.length);
        model.put(key, known, value);
      } else if (choice < 18) {
        const known = random.pick([...model.of(key).map((entry) => entry.order), order]);
        store.delete(bytes, 0, bytes.length, known, 0, 12);
        model.delete(key, known);
      } else if (choice === 18) {
        const known = random.pick([...model.of(key).map((entry) => entry.order), order]);
        store.replace(bytes, 0, bytes.length, known, order, valueBytes, 0, valueBytes.length);
        model.delete(key, known);
        model.put(key, order, value);
      } else {
        const below = now - retentionMs;
        store.expireBelow(below);
        model.below = Math.max(model.below, below);
      }
    };

    const check = (key: string): void => {
      const bytes = bytesOf(key);
      const all = model.of(key);
      for (const { order, value } of all) {
        expect(store.get(bytes, 0, bytes.length, order, 0, 12)).toBe(true);
        expect(textOf(store.valueBytes, store.valueStart, store.valueEnd)).toBe(value);
      }
      const [from, to] = [now - random.below(80), now - random.below(40)];
      const fromOrder = random.chance(0.3) ? orderOf(from, 1) : timeBound(from);
      const toOrder = random.chance(0.3) ? orderOf(to, 1) : timeBound(to);
      const within = (entry: Entry): boolean =>
        compare(entry.order, fromOrder) >= 0 && compare(entry.order, toOrder) < 0;
      const expected = all.filter(within).map(({ order, value }) => `${readOrderedI64(order, 0)}:${value}`);
      cursor.fetch(bytes, 0, bytes.length, fromOrder, toOrder);
      expect(rest(cursor)).toEqual(expected);
      cursor.fetchBackward(bytes, 0, bytes.length, fromOrder, toOrder);
      expect(rest(cursor)).toEqual(expected.reverse());
    };

    /** Walks a key while the store changes. */
    const walk = (key: string): void => {
      const bytes = bytesOf(key);
      const backward = random.chance(0.5);
      if (backward) cursor.fetchBackward(bytes, 0, bytes.length);
      else cursor.fetch(bytes, 0, bytes.length);
      if (random.chance(0.3)) change();
      let last: Uint8Array | undefined;
      for (let step = 0; step < 10; step++) {
        const place = last;
        const ahead = model.of(key).filter(({ order }) => {
          if (place === undefined) return true;
          return backward ? compare(order, place) < 0 : compare(order, place) > 0;
        });
        const next = backward ? ahead.at(-1) : ahead[0];
        expect(cursor.next()).toBe(next !== undefined);
        if (next === undefined) return;
        last = next.order;
        const shown = `${readOrderedI64(next.order, 0)}:${next.value}`;
        expect(under(cursor)).toBe(shown);
        if (random.chance(0.5)) change();
        expect(under(cursor)).toBe(shown);
      }
    };

    const commit = (): void => {
      store.writeChangelog((key, start, end, value, valueStart, valueEnd) =>
        restored.applyChangelog(key, start, end, value, valueStart, valueEnd),
      );
      offset += 10_000;
      store.commit(offset);
      restored.commit(offset);
      model.commit();
      for (const key of keys) {
        const expected = model.of(key).map(({ order, value }) => ({ order, value: bytesOf(value) }));
        for (const each of [store, restored]) {
          const found = each.committedEntries(bytesOf(key)).map(({ order, value }) => ({ order, value }));
          expect(found).toEqual(expected);
        }
      }
    };

    for (let step = 0; step < 1_500; step++) {
      change();
      const choice = random.below(40);
      if (choice < 4) check(random.pick(keys));
      else if (choice < 7) walk(random.pick(keys));
      else if (choice === 7) commit();
      else if (choice === 8 && random.chance(0.4)) {
        store.rollback();
        model.rollback();
      }
    }
  });
});

test('a cursor visits what comes between its beginning and its first entry, wherever that is put', async () => {
  const move = (store: OrderedStateStore): void => {
    // Makes the recent entries go into pages.
    const [k, v, order] = [bytesOf('other'), bytesOf('v'), orderOf(200, 0)];
    store.put(k, 0, k.length, order, 0, 12, v, 0, v.length);
  };
  const put = (store: OrderedStateStore): void => {
    const [k, v, order] = [bytesOf('k'), bytesOf('later'), orderOf(60, 0)];
    store.put(k, 0, k.length, order, 0, 12, v, 0, v.length);
  };
  for (const backward of [false, true]) {
    for (const change of [move, put]) {
      const store = await newStore(1_000);
      append(store, 'former', 10, 'f');
      if (change === put) store.commit(1);
      else append(store, 'k', 50, 'v');
      const cursor = store.cursor();
      const former = bytesOf('former');
      cursor.fetchBackward(former, 0, former.length);
      expect(rest(cursor)).toEqual(['10:f']);
      const k = bytesOf('k');
      if (backward) cursor.fetchBackward(k, 0, 1, timeBound(40), timeBound(100));
      else cursor.fetch(k, 0, 1, timeBound(40), timeBound(100));
      change(store);
      expect(rest(cursor)).toEqual([change === put ? '60:later' : '50:v']);
    }
  }
});

test('what expires before the commit reaches neither the changelog nor pages', async () => {
  const store = await newStore(10);
  for (let time = 0; time < 10_000; time++) {
    append(store, 'k', time, `v${time}`);
    if (time % 10 === 0) store.expireBelow(time - 10);
  }
  const last = Array.from({ length: 20 }, (_, i) => `${9_980 + i}:v${9_980 + i}`);
  expect(fetch(store, 'k')).toEqual(last);
  // Entries of 40 bytes: those that have expired give their memory back.
  expect(store.changedBytes()).toBeLessThan(200_000);
  expect(changelogOf(store)).toEqual(last);
  store.commit(100);
  expect(store.stats.entries).toBeLessThan(10);
  expect(fetch(store, 'k')).toEqual(last);
});

test('entries that were all removed leave no memory in use behind their transaction', async () => {
  const store = await newStore(1_000);
  const k = bytesOf('k');
  append(store, 'k', 10, 'v');
  store.delete(k, 0, 1, orderOf(10, 0), 0, 12);
  store.commit(1);
  expect(store.changedBytes()).toBe(0);
});

test('entries that become too many go into pages before the commit, and a large one goes there at once', async () => {
  const store = await newStore(1_000_000);
  const large = 'x'.repeat(60_000);
  for (let time = 0; time < 150; time++) expect(append(store, 'k', time, `${time}${large}`)).toBe(0);
  expect(append(store, 'k', 149, 'again')).toBe(1);
  expect(append(store, 'k', 300, 'y'.repeat(70_000))).toBe(0);
  expect(append(store, 'k', 300, 'behind it')).toBe(1);
  expect(append(store, 'k', 301, 'later')).toBe(0);
  const texts = fetch(store, 'k').map((text) => text.slice(0, 9).replaceAll(/[xy]/g, ''));
  expect(texts.slice(0, 3)).toEqual(['0:0', '1:1', '2:2']);
  expect(texts.slice(-5)).toEqual(['149:149', '149:again', '300:', '300:behin', '301:later']);
  expect(texts.length).toBe(154);
});

test('keys whose hashes are the same do not meet', async () => {
  const store = await newStore(1_000_000);
  const table = new FlatTable({ seed: 0, listed: true });
  const byHash = new Map<number, string>();
  const alike: [string, string][] = [];
  for (let i = 0; alike.length < 3; i++) {
    const key = bytesOf(`${i}`);
    const hash = table.hash(kinds.data, key, 0, key.length);
    const other = byHash.get(hash);
    if (other !== undefined) alike.push([other, `${i}`]);
    byHash.set(hash, `${i}`);
  }
  for (const [a, b] of alike) {
    for (const [i, key] of [a, b, b, a].entries()) expect(append(store, key, 1 + (i >> 1), `${i}`)).toBe(0);
    expect(append(store, b, 2, '4')).toBe(1);
    expect(fetch(store, a)).toEqual(['1:0', '2:3']);
    expect(fetch(store, b)).toEqual(['1:1', '2:2', '2:4']);
  }
  changelogOf(store);
  store.commit(100);
  for (const [a] of alike) expect(fetch(store, a)).toEqual(['1:0', '2:3']);
});
