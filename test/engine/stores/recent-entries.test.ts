/** Entries that were appended in the open transaction, and are not in pages yet: an ordered store with a retention time
 *  answers as a plain list does, wherever its entries lie. */

import { describe, expect, test } from 'vitest';
import { compareBytes, Random, readOrderedI64, writeOrderedI64 } from '../../../base/index.ts';
import { FlatTable } from '../../../engine/stores/flat-table.ts';
import { kinds } from '../../../engine/stores/layout.ts';
import { LookAhead } from '../../../engine/stores/look-ahead.ts';
import { MemoryBudget } from '../../../engine/stores/memory-budget.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import { mostSegments, RecentEntries } from '../../../engine/stores/recent-entries.ts';
import type { KeyColumns, OrderedStateStore } from '../../../engine/stores/state-store.ts';
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
  // Every other one with its first byte apart.
  if (v.length % 2 === 0) return store.append(k, 0, k.length, time, v, 0, v.length);
  return store.append(k, 0, k.length, time, v, 1, v.length, v[0]);
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

const visited = (store: OrderedStateStore, key: Uint8Array, from: Uint8Array): string[] => {
  const found: string[] = [];
  store.visitBackward(key, 0, key.length, from, (bytes, orderStart, _orderEnd, valueStart, valueEnd) => {
    found.push(`${readOrderedI64(bytes, orderStart)}:${textOf(bytes, valueStart, valueEnd)}`);
    return true;
  });
  return found;
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

/** A block with these keys, one behind the other. */
const blockOf = (keys: readonly string[]): { readonly columns: KeyColumns } => {
  const ends = keys.map(
    (
      (end) => (key: string) =>
        (end += key.length)
    )(0),
  );
  const keyStart = Int32Array.from(keys, (key, i) => (ends[i] as number) - key.length);
  return { columns: { bytes: bytesOf(keys.join('')), keyStart, keyEnd: Int32Array.from(ends) } };
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
        const last = model.of(key).at(-visited(store, bytes, known).length);
        if (store.overwriteVisited(order, valueBytes, 0, valueBytes.length))
          model.delete(key, last?.order as Uint8Array);
        else store.put(bytes, 0, bytes.length, order, 0, 12, valueBytes, 0, valueBytes.length);
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
      const times = all.filter(({ order }) => readOrderedI64(order, 0) >= from && readOrderedI64(order, 0) <= to);
      cursor.fetchTimes(bytes, 0, bytes.length, from, to);
      expect(rest(cursor)).toEqual(times.map(({ order, value }) => `${readOrderedI64(order, 0)}:${value}`));
      const later = all.filter((entry) => compare(entry.order, fromOrder) >= 0);
      const laterFirst = later.map(({ order, value }) => `${readOrderedI64(order, 0)}:${value}`).reverse();
      expect(visited(store, bytes, fromOrder)).toEqual(laterFirst);
    };

    /** Walks a key while the store changes. */
    const walk = (key: string): void => {
      const bytes = bytesOf(key);
      const backward = random.chance(0.5);
      const from = now - retentionMs - random.below(retentionMs);
      if (backward) cursor.fetchBackward(bytes, 0, bytes.length, timeBound(from));
      else if (random.chance(0.5)) cursor.fetch(bytes, 0, bytes.length, timeBound(from));
      else cursor.fetchTimes(bytes, 0, bytes.length, from, 2 ** 40);
      if (random.chance(0.3)) change();
      let last: Uint8Array | undefined;
      for (let step = 0; step < 10; step++) {
        const place = last;
        const ahead = model.of(key).filter(({ order }) => {
          if (readOrderedI64(order, 0) < from) return false;
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

test.each([1, 7, 64])('rows that are expected, %i at a time of two blocks in turns, change no answer', async (rows) => {
  const options = { kv: undefined, storeId: 1, lookAheadFrom: 0 };
  const store = createStore({ name: 'o', kind: 'ordered', retentionMs: 100 }, options);
  const plain = await newStore(100);
  await store.open();
  const random = new Random(rows);
  const cursors = [store.cursor(), plain.cursor()] as const;
  const inHand = { index: 0 };
  store.follow(inHand);
  for (let now = 1_000, round = 0; round < 6; round++) {
    const blocks = [0, 1].map(() => blockOf(Array.from({ length: 300 }, () => `k${random.below(40)}`.repeat(2))));
    for (const [side, { columns }] of blocks.entries()) store.expect(columns, 0, 300, side);
    for (let from = 0; from < 300; from += rows) {
      for (const [side, { columns }] of blocks.entries()) {
        const to = Math.min(from + rows, 300);
        inHand.index = side;
        for (let row = from; row < to; row++) {
          const { bytes } = columns;
          const [start, end] = [columns.keyStart[row] as number, columns.keyEnd[row] as number];
          const time = now++ - random.below(5);
          if (side === 0) {
            const sequences = [store, plain].map((each) => each.append(bytes, start, end, time, bytes, start, end));
            expect(sequences[0]).toBe(sequences[1]);
          } else {
            const found = cursors.map((cursor) => {
              cursor.fetchTimes(bytes, start, end, time - 90, time);
              return rest(cursor);
            });
            expect(found[0]).toEqual(found[1]);
          }
        }
      }
      for (const each of [store, plain]) each.expireBelow(now - 100);
    }
    for (const each of [store, plain]) {
      if (round % 3 === 1) each.rollback();
      else each.commit(round + 1);
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
  // Less than a segment of 64 KiB.
  expect(store.stats.entries).toBeLessThan(1_200);
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

test('positions come to their end: what has gone into pages and is removed there is removed in the changelog', () => {
  const table = new FlatTable({ seed: 0, listed: true });
  const store = { table, ahead: new LookAhead(), position: 1, logged: 1, memory: { afterGrowth() {} } };
  const recent = new RecentEntries(store, mostSegments - 1);
  // More than half of a segment.
  const [k, value] = [bytesOf('k'), new Uint8Array(40_000)];
  const add = (time: number): number => recent.append(k, 0, 1, time, value, 0, value.length);
  expect(add(1)).toBe(0);
  recent.commit();
  expect(add(2)).toBe(-1);
  recent.moveTo(0, () => {});
  const written: number[] = [];
  recent.changes.write(
    0,
    () => false,
    (key, _start, end, _value, valueStart) => written.push(readOrderedI64(key, end - 12), valueStart),
  );
  expect(written).toEqual([1, -1]);
  recent.commit();
  // They begin again.
  for (const time of [3, 4]) expect(add(time)).toBe(0);
});

describe('over commits', () => {
  const newKvStore = async (
    kv: MemoryKv,
    { retentionMs = 1_000_000, memory }: { retentionMs?: number; memory?: MemoryBudget } = {},
  ) => {
    const spec = { name: 'o', kind: 'ordered', retentionMs } as const;
    const store = createStore(spec, { kv, storeId: 1, ...(memory === undefined ? {} : { memory }) });
    const { position } = await store.open();
    await store.verify();
    return { store, position };
  };
  type Written = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

  const commitTo = (store: OrderedStateStore, changelog: Written[]): void => {
    store.writeChangelog((key, start, end, value, valueStart, valueEnd) => {
      changelog.push({
        key: key.slice(start, end),
        value: valueStart < 0 ? undefined : value.slice(valueStart, valueEnd),
      });
    });
    store.commit(changelog.length);
  };

  const restart = async (kv: MemoryKv, changelog: readonly Written[]) => {
    const { store, position } = await newKvStore(kv.crash(() => true));
    for (const { key, value } of changelog.slice(position ?? 0))
      store.applyChangelog(key, 0, key.length, value ?? key, value === undefined ? -1 : 0, value?.length ?? -1);
    store.commit(changelog.length);
    return { store, replayed: changelog.length - (position ?? 0) };
  };

  test('what expires before the next checkpoint is never written, and a restart replays what has not', async () => {
    const kv = new MemoryKv();
    const { store } = await newKvStore(kv);
    const changelog: Written[] = [];
    const pad = 'x'.repeat(500);
    for (let time = 0; time < 4_000; time++) {
      expect(append(store, `${time % 7}`, time, `${time}${pad}`)).toBe(0);
      if (time % 10 !== 9) continue;
      store.expireBelow(time - 300);
      commitTo(store, changelog);
      if (time % 1_000 === 999) await store.checkpoint();
    }
    // The expiry, its sum and the position, for each checkpoint.
    expect(store.stats.kvWrites).toBe(4);
    const { store: again, replayed } = await restart(kv, changelog);
    expect(replayed).toBeGreaterThan(300);
    // What remains, and what begins in the same segment, besides an expiry for each commit.
    expect(replayed).toBeLessThan(500);
    for (const each of [store, again]) {
      for (let key = 0; key < 7; key++) {
        const times = Array.from({ length: 4_000 }, (_, time) => time).filter((t) => t >= 3_699 && t % 7 === key);
        expect(fetch(each, `${key}`)).toEqual(times.map((time) => `${time}:${time}${pad}`));
        const entries = each.committedEntries(bytesOf(`${key}`));
        expect(entries.map(({ value }) => textOf(value))).toEqual(times.map((time) => `${time}${pad}`));
      }
    }
  });

  test('those of an idle store go into pages, and its checkpoint holds all', async () => {
    const kv = new MemoryKv();
    const { store } = await newKvStore(kv);
    const changelog: Written[] = [];
    for (const time of [1, 2]) {
      append(store, 'k', time, `v${time}`);
      commitTo(store, changelog);
      expect(store.checkpointDue(time * 1_000)).toBe(false);
    }
    expect(store.checkpointDue(6_000)).toBe(false);
    store.checkpointDue(7_000);
    expect(store.checkpointDue(12_000)).toBe(true);
    await store.checkpoint();
    expect(store.stats.dueRecords).toBe(0);
    const { store: again, replayed } = await restart(kv, changelog);
    expect(replayed).toBe(0);
    expect(fetch(again, 'k')).toEqual(['1:v1', '2:v2']);
  });

  test('an open transaction of an idle store is left alone', async () => {
    const { store } = await newKvStore(new MemoryKv());
    append(store, 'k', 1, 'a');
    store.commit(1);
    store.checkpointDue(0);
    append(store, 'k', 2, 'b');
    store.checkpointDue(10_000);
    store.rollback();
    expect(fetch(store, 'k')).toEqual(['1:a']);
  });

  test('a transaction that has changed nothing in the end is left alone as well', async () => {
    const kv = new MemoryKv();
    const { store } = await newKvStore(kv);
    const changelog: Written[] = [];
    const [k, v] = [bytesOf('k'), bytesOf('v')];
    const pad = 'x'.repeat(20_000);
    append(store, 'k', 4, 'in pages');
    commitTo(store, changelog);
    store.checkpointDue(0);
    store.checkpointDue(10_000);
    for (let time = 10; time < 100; time++) append(store, 'k', time, `${time}${pad}`);
    commitTo(store, changelog);
    store.checkpointDue(10_000);
    store.put(k, 0, 1, orderOf(3, 0), 0, 12, v, 0, 1);
    store.delete(k, 0, 1, orderOf(3, 0), 0, 12);
    const same = bytesOf(`12${pad}`);
    store.put(k, 0, 1, orderOf(12, 0), 0, 12, same, 0, same.length);
    expect(changelogOf(store)).toEqual([]);
    // Its task does not commit it.
    expect(store.changed()).toBe(0);
    store.checkpointDue(20_000);
    const times = [4, ...Array.from({ length: 90 }, (_, i) => 10 + i)];
    for (const time of times) expect(store.get(k, 0, 1, orderOf(time, 0), 0, 12)).toBe(true);
    store.rollback();
    append(store, 'k', 200, 'later');
    commitTo(store, changelog);
    store.checkpointDue(20_000);
    for (let ms = 30_000; ms < 40_000; ms += 1_000) store.checkpointDue(ms);
    await store.checkpoint();
    const { store: again, replayed } = await restart(kv, changelog);
    expect(replayed).toBe(0);
    for (const each of [store, again])
      expect(fetch(each, 'k').map((text) => Number(text.split(':')[0]))).toEqual([...times, 200]);
  });

  test('a restart replays no more than 250,000 records for them', async () => {
    const kv = new MemoryKv();
    const { store } = await newKvStore(kv);
    let offset = 0;
    for (let time = 0; time < 300_000; time++) {
      append(store, `${time % 100}`, time, '');
      if (time % 10_000 !== 9_999) continue;
      store.commit((offset += 10_000));
      if (store.checkpointDue(0)) await store.checkpoint();
      expect(offset - (store.stats.position ?? 0)).toBeLessThanOrEqual(510_000);
    }
    await store.checkpoint();
    expect(store.stats.dueRecords).toBeLessThanOrEqual(250_000);
  });

  test('they leave memory that is short', async () => {
    const memory = new MemoryBudget(1 << 20);
    const { store } = await newKvStore(new MemoryKv(), { memory });
    const value = 'x'.repeat(1_000);
    for (let time = 0; time < 6_000; time++) {
      append(store, `${time % 100}`, time, value);
      if (time % 100 !== 99) continue;
      store.commit(time + 1);
      if (store.checkpointDue(0)) await store.checkpoint();
    }
    expect(store.stats.evictions).toBeGreaterThan(0);
    expect(store.stats.bytesInMemory).toBeLessThan(3 << 20);
    expect(fetch(store, '42').length).toBe(60);
  });

  test('they leave memory that is short for others, when their store is asked for a checkpoint', async () => {
    const memory = new MemoryBudget(1 << 20);
    const { store } = await newKvStore(new MemoryKv(), { memory });
    for (let time = 0; time < 500; time++) append(store, `${time % 100}`, time, 'x'.repeat(1_000));
    store.commit(500);
    store.checkpointDue(0);
    expect(store.stats.dueEntries).toBe(0);
    memory.add(1 << 20);
    store.checkpointDue(1);
    expect(store.stats.dueEntries).toBeGreaterThan(0);
  });

  test.each([0, 400])('they take 16 MiB at most, and the oldest go first (%i ms out of order)', async (jitter) => {
    const random = new Random(jitter);
    const { store } = await newKvStore(new MemoryKv());
    const pad = 'x'.repeat(8);
    const value = new Uint8Array(20_010);
    const none = bytesOf('no order');
    const all = new Map<string, number[]>();
    const check = (): void => {
      for (const [key, times] of all) {
        const expected = times.toSorted((a, b) => a - b);
        const cursor = store.cursor();
        const bytes = bytesOf(key);
        cursor.fetch(bytes, 0, bytes.length);
        for (const time of expected) {
          expect(cursor.next()).toBe(true);
          expect(readOrderedI64(cursor.valueBytes, cursor.orderStart)).toBe(time);
          const text = textOf(cursor.valueBytes, cursor.valueStart, cursor.valueStart + 8);
          expect(text).toBe(`${time}${pad}`.slice(0, 8));
        }
        expect(cursor.next()).toBe(false);
        const committed = store.committedEntries(bytes);
        expect(committed.map(({ order = none }) => readOrderedI64(order, 0))).toEqual(expected);
      }
    };
    for (let i = 0; i < 1_200; i++) {
      const time = i * 10 - random.below(jitter + 1);
      const key = `${random.below(40)}`;
      const times = all.get(key) ?? [];
      all.set(key, times);
      if (times.includes(time)) continue;
      const [k, digits] = [bytesOf(key), bytesOf(`${time}`)];
      value.fill(pad.charCodeAt(0)).set(digits);
      store.append(k, 0, k.length, time, value, 0, digits.length + 20_000);
      times.push(time);
      if (i % 100 !== 99) continue;
      store.commit(i + 1);
      const { entries, dueEntries } = store.stats;
      expect(entries - dueEntries).toBeLessThan(800);
      if (i % 400 === 399) check();
    }
    expect(store.stats.dueEntries).toBeGreaterThan(0);
    check();
    const steps: number[] = [];
    for (let ms = 0; steps.length < 3 || steps.at(-1) !== steps.at(-2); ms += 5_000) {
      store.checkpointDue(ms);
      steps.push(store.stats.entries - store.stats.dueEntries);
    }
    // No more than 1 MiB at a time.
    expect(steps.length).toBeGreaterThan(10);
    expect(steps.at(-1)).toBe(0);
    check();
  });

  test('they go into pages where fetches of older ones walk past too many of them', async () => {
    const store = await newStore(1_000_000);
    for (let time = 0; time < 1_000; time++) append(store, 'k', time, 'v');
    store.commit(1);
    expect(store.stats.entries).toBe(1_000);
    const cursor = store.cursor();
    const k = bytesOf('k');
    for (let i = 0; i < 40; i++) {
      cursor.fetch(k, 0, 1, timeBound(3), timeBound(5));
      expect(rest(cursor)).toEqual(['3:v', '4:v']);
    }
    append(store, 'k', 1_000, 'v');
    store.commit(2);
    expect(store.stats.entries).toBeLessThan(500);
    expect(fetch(store, 'k').length).toBe(1_001);
  });

  test('where fetches walk past too many of them, and where memory is short, they go into pages a few at a time', async () => {
    for (const isShort of [false, true]) {
      const memory = new MemoryBudget(1 << 25);
      const { store } = await newKvStore(new MemoryKv(), { memory });
      const pad = 'x'.repeat(1_000);
      const entries = 6_000;
      for (let time = 0; time < entries; time++) append(store, `${time % 100}`, time, `${time}${pad}`);
      store.commit(1);
      const recent = (): number => store.stats.entries - store.stats.dueEntries;
      expect(recent()).toBe(entries);
      const cursor = store.cursor();
      const [k, one] = [bytesOf('0'), bytesOf('1')];
      for (let i = 0; i < 4_000 && !isShort; i++) {
        cursor.fetch(k, 0, 1, timeBound(3), timeBound(5));
        expect(cursor.next()).toBe(false);
      }
      if (isShort) memory.add(1 << 25);
      let steps = 0;
      for (let offset = 2; recent() > 5; offset++, steps++) {
        const before = recent();
        append(store, 'new', entries + offset, '');
        store.commit(offset);
        // Of 1,060 bytes each.
        expect(before - recent()).toBeLessThan(1_100);
        expect(store.get(one, 0, 1, orderOf(1, 0), 0, 12)).toBe(true);
      }
      expect(steps).toBeGreaterThan(5);
      expect(steps).toBeLessThan(10);
      expect(fetch(store, '7').length).toBe(entries / 100);
      expect(store.committedEntries(bytesOf('7')).length).toBe(entries / 100);
    }
  });

  test('a cursor over what is committed visits each once, when they go into pages meanwhile', async () => {
    for (const backward of [false, true]) {
      for (const before of [0, 1, 2, 5, 10, 11]) {
        const { store } = await newKvStore(new MemoryKv());
        const k = bytesOf('k');
        // In pages.
        store.put(k, 0, 1, orderOf(5, 0), 0, 12, k, 0, 1);
        store.commit(1);
        for (let time = 10; time < 20; time++) append(store, 'k', time, `v${time}`);
        store.commit(11);
        const all = ['5:k', ...Array.from({ length: 10 }, (_, i) => `${10 + i}:v${10 + i}`)];
        if (backward) all.reverse();
        const cursor = store.committedCursor();
        if (backward) cursor.fetchBackward(k, 0, 1);
        else cursor.fetch(k, 0, 1);
        const seen: string[] = [];
        for (let i = 0; i < before && cursor.next(); i++) seen.push(under(cursor));
        store.checkpointDue(0);
        store.checkpointDue(5_000);
        expect([...seen, ...rest(cursor)]).toEqual(all);
      }
    }
  });

  test('a cursor over what is committed goes on behind a commit that forgets what it was about to visit', async () => {
    for (const backward of [false, true]) {
      const { store } = await newKvStore(new MemoryKv(), { retentionMs: 100 });
      const k = bytesOf('k');
      for (let time = 0; time < 10; time++) append(store, 'k', time, `${time}${'x'.repeat(20_000)}`);
      store.commit(1);
      append(store, 'k', 150, 'new');
      store.expireBelow(6);
      const cursor = store.committedCursor();
      if (backward) cursor.fetchBackward(k, 0, 1);
      else cursor.fetch(k, 0, 1);
      expect(cursor.next()).toBe(true);
      store.commit(2);
      const times = rest(cursor).map((text) => Number(text.split(':')[0]));
      expect(times).toEqual(backward ? [8, 7, 6] : [6, 7, 8, 9, 150]);
    }
  });

  test.each(['in memory', 'on the disk'])(
    'a scan of pages %s visits each once, when entries go into pages meanwhile and later ones come',
    async (where) => {
      const kv = new MemoryKv();
      const changelog: Written[] = [];
      const spec = { name: 'o', kind: 'ordered', retentionMs: 1_000_000 } as const;
      const open = async (): Promise<OrderedStateStore> => {
        const store = createStore(spec, { kv, storeId: 1, segmentsAtOnce: 1, scanChunkBytes: 10 });
        await store.open();
        await store.verify();
        return store;
      };
      const keys = ['a', 'b', 'c'];
      let store = await open();
      for (const key of keys) append(store, key, 1, 'in pages');
      commitTo(store, changelog);
      for (const ms of [0, 5_000]) store.checkpointDue(ms);
      await store.checkpoint();
      // Then it is read from the key-value store.
      if (where === 'on the disk') store = await open();
      const time = 2_000_000;
      for (let i = -9; i <= 0; i++) store.put(bytesOf('a'), 0, 1, orderOf(time + i, 0), 0, 12, bytesOf('p'), 0, 1);
      for (let i = 1; i <= 9; i++) append(store, keys[i % 3] as string, time + i, `${i}${'x'.repeat(25_000)}`);
      commitTo(store, changelog);
      const expected = keys.map((key) => `${key}@1`);
      for (let i = -9; i <= 0; i++) expected.push(`a@${time + i}`);
      for (let i = 1; i <= 9; i++) expected.push(`${keys[i % 3]}@${time + i}`);
      const found: string[] = [];
      let ms = 10_000;
      store.checkpointDue(ms);
      await store.scanCommitted({}, async (chunk) => {
        for (let i = 0; i < chunk.count; i++) {
          const { key, order = key } = store.entryAt(chunk, i);
          found.push(`${textOf(key)}@${readOrderedI64(order, 0)}`);
        }
        store.checkpointDue((ms += 5_000));
        await new Promise((resolve) => setImmediate(resolve));
      });
      expect(found.sort()).toEqual(expected.sort());
      expect(store.stats.entries).toBe(store.stats.dueEntries + (where === 'on the disk' ? 0 : 3));
    },
  );

  test('times before 1970 and beyond 32 bits, and empty keys and values, are as others', async () => {
    const kv = new MemoryKv();
    const { store } = await newKvStore(kv, { retentionMs: 2 ** 52 });
    const changelog: Written[] = [];
    const times = [-(2 ** 51), -(2 ** 31) - 1, -1, 0, 2 ** 31, 2 ** 32, 2 ** 51 - 1, 2 ** 51];
    const shown = times.flatMap((time) => [`${time}:`, `${time}:v`]);
    for (const key of ['', 'k']) {
      for (const time of times) {
        expect(append(store, key, time, '')).toBe(0);
        expect(append(store, key, time, 'v')).toBe(1);
      }
    }
    commitTo(store, changelog);
    const { store: again } = await restart(kv, changelog);
    const { store: settled } = await restart(kv, changelog);
    for (const ms of [0, 5_000]) store.checkpointDue(ms);
    for (const each of [store, again, settled]) {
      for (const key of ['', 'k']) {
        expect(fetch(each, key)).toEqual(shown);
        expect(fetch(each, key, timeBound(-1), timeBound(2 ** 51))).toEqual(shown.slice(4, -2));
        expect(visited(each, bytesOf(key), timeBound(2 ** 32))).toEqual(shown.slice(10).reverse());
        expect(each.committedEntries(bytesOf(key)).map(({ value }) => textOf(value))).toEqual(
          times.flatMap(() => ['', 'v']),
        );
      }
    }
    for (const each of [store, again]) {
      each.expireBelow(2 ** 31);
      each.commit(changelog.length + 1);
      expect(fetch(each, '')).toEqual(shown.slice(8));
    }
  });

  test('an entry that is overwritten twice, removed and put again in one transaction is as before when that is undone', async () => {
    const { store } = await newKvStore(new MemoryKv());
    const k = bytesOf('k');
    for (const time of [1, 2]) append(store, 'k', time, `a${time}`);
    store.commit(1);
    const put = (time: number, text: string): void => {
      const value = bytesOf(text);
      store.put(k, 0, 1, orderOf(time, 0), 0, 12, value, 0, value.length);
    };
    const changes = [
      () => put(1, 'b1'),
      () => put(1, 'c1'),
      () => store.delete(k, 0, 1, orderOf(1, 0), 0, 12),
      () => append(store, 'k', 1, 'd1'),
      () => put(1, 'e1'),
      // Of another length: all go into pages.
      () => put(1, 'longer'),
      () => put(2, 'b2'),
      () => store.delete(k, 0, 1, orderOf(2, 0), 0, 12),
    ];
    for (let count = 1; count <= changes.length; count++) {
      for (const change of changes.slice(0, count)) change();
      const committed = (): string[] => store.committedEntries(k).map(({ value }) => textOf(value));
      expect(committed()).toEqual(['a1', 'a2']);
      store.rollback();
      expect([fetch(store, 'k'), committed()]).toEqual([
        ['1:a1', '2:a2'],
        ['a1', 'a2'],
      ]);
    }
    for (const change of changes) change();
    expect(changelogOf(store).sort()).toEqual(['1:longer', '2:removed']);
    store.commit(2);
    expect(fetch(store, 'k')).toEqual(['1:longer']);
  });

  test('a value that is overwritten is read as it is committed, until it is', async () => {
    const { store } = await newKvStore(new MemoryKv());
    const [k, v] = [bytesOf('k'), bytesOf('b')];
    append(store, 'k', 1, 'a');
    store.commit(1);
    const committed = (): string[] => store.committedEntries(k).map(({ value }) => textOf(value));
    const overwrite = (): void => void store.put(k, 0, 1, orderOf(1, 0), 0, 12, v, 0, 1);
    overwrite();
    expect([fetch(store, 'k'), committed()]).toEqual([['1:b'], ['a']]);
    store.rollback();
    expect([fetch(store, 'k'), committed()]).toEqual([['1:a'], ['a']]);
    overwrite();
    expect(changelogOf(store)).toEqual(['1:b']);
    store.commit(2);
    expect([fetch(store, 'k'), committed()]).toEqual([['1:b'], ['b']]);
  });
});
