/** What the ordered kind promises beyond what the random histories compare: named cases, as an operator meets them. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Random, readOrderedI64, writeOrderedI64 } from '../../../base/index.ts';
import { Expiry } from '../../../engine/stores/expiry.ts';
import { openLevelKv } from '../../../engine/stores/level-store.ts';
import { MemoryBudget } from '../../../engine/stores/memory-budget.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import { PageTree } from '../../../engine/stores/page-tree.ts';
import type { OrderedStateStore } from '../../../engine/stores/state-store.ts';
import type { OrderedCursor } from '../../../engine/stores/store.ts';
import { StoreCore } from '../../../engine/stores/store-core.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import type { StoreOptions } from '../../../engine/stores/store-options.ts';
import { TreeKey } from '../../../engine/stores/tree-key.ts';
import { bytesOf, textOf } from './forms.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const newStore = async (options: Partial<StoreOptions> & { retentionMs?: number } = {}): Promise<OrderedStateStore> => {
  const { retentionMs, ...rest } = options;
  const spec = { name: 'o', kind: 'ordered' as const, ...(retentionMs === undefined ? {} : { retentionMs }) };
  const store = createStore(spec, { kv: undefined, storeId: 1, ...rest });
  await store.open();
  return store;
};

/** A time, then a text. */
const timeOrder = (time: number, rest = ''): Uint8Array => {
  const order = new Uint8Array(8 + rest.length);
  writeOrderedI64(order, 0, time);
  order.set(bytesOf(rest), 8);
  return order;
};

const put = (store: OrderedStateStore, key: string, order: Uint8Array, text: string): boolean => {
  const [k, v] = [bytesOf(key), bytesOf(text)];
  return store.put(k, 0, k.length, order, 0, order.length, v, 0, v.length);
};

const valueUnder = (cursor: OrderedCursor): string => textOf(cursor.valueBytes, cursor.valueStart, cursor.valueEnd);

const fetch = (
  store: OrderedStateStore,
  key: string,
  {
    from,
    to,
    limit = 1_000_000,
    backward = false,
  }: { from?: Uint8Array; to?: Uint8Array; limit?: number; backward?: boolean } = {},
): string[] => {
  const cursor = store.cursor();
  const bytes = bytesOf(key);
  if (backward) cursor.fetchBackward(bytes, 0, bytes.length, from, to);
  else cursor.fetch(bytes, 0, bytes.length, from, to);
  const found: string[] = [];
  while (found.length < limit && cursor.next()) found.push(valueUnder(cursor));
  return found;
};

describe('calls that are timed', () => {
  const timed = async (retentionMs: number | undefined): Promise<string[]> => {
    const store = await newStore(retentionMs === undefined ? {} : { retentionMs });
    const key = bytesOf('k');
    const calls: string[] = [];
    let ms = 0;
    // Cursors are made before.
    const cursor = store.cursor();
    store.timeCalls({ now: () => ms++, took: (name, took) => calls.push(`${name} ${took}`) });
    put(store, 'k', timeOrder(10, 'a'), 'x');
    store.visitBackward(key, 0, 1, timeOrder(0), () => calls.push('entry') > 0);
    store.overwriteVisited(timeOrder(15, 'a'), bytesOf('z'), 0, 1);
    // Not done, and not counted: a put follows where an operator calls it.
    calls.push(String(store.overwriteVisited(timeOrder(15, 'a'), bytesOf('z'), 0, 1)));
    store.append(key, 0, 1, 20, bytesOf('y'), 0, 1);
    calls.push(String(store.get(key, 0, 1, timeOrder(15, 'a'), 0, 9)));
    store.delete(key, 0, 1, timeOrder(15, 'a'), 0, 9);
    store.append(key, 0, 1, 30, bytesOf('w'), 0, 1);
    store.visitBackward(key, 0, 1, timeOrder(0), () => calls.push('entry') > 0);
    cursor.fetch(key, 0, 1);
    while (cursor.next()) calls.push(valueUnder(cursor));
    cursor.fetchBackward(key, 0, 1);
    while (cursor.next()) calls.push(valueUnder(cursor));
    // Under way when timing ends.
    cursor.fetchBackward(key, 0, 1);
    calls.push(String(cursor.next()));
    store.timeCalls(undefined);
    while (cursor.next()) calls.push(valueUnder(cursor));
    cursor.fetch(key, 0, 1);
    calls.push(String(cursor.next()));
    return calls;
  };

  test('with a retention time they are fetches, puts and removals', async () => {
    expect(await timed(1_000)).toEqual([
      ...['put 1', 'entry', 'fetch 1', 'put 1', 'false', 'put 1', 'fetch 1', 'true', 'remove 1', 'put 1'],
      ...['entry', 'entry', 'fetch 1', 'fetch 1', 'y', 'w', 'fetch 1', 'w', 'y', 'fetch 1', 'true', 'y', 'true'],
    ]);
  });

  test('without one they are those of a key-value store, and ranges', async () => {
    expect(await timed(undefined)).toEqual([
      ...['put 1', 'entry', 'range 1', 'put 1', 'false', 'put 1', 'get 1', 'true', 'delete 1', 'put 1'],
      ...['entry', 'entry', 'range 1', 'range 1', 'y', 'w', 'range 1', 'w', 'y', 'range 1', 'true', 'y', 'true'],
    ]);
  });
});

describe('a range fetch', () => {
  test('takes its lower bound in and leaves its upper bound out, in both directions, and may stop early', async () => {
    const store = await newStore({ pageBytes: 64 });
    for (let i = 0; i < 50; i++) put(store, 'k', bytesOf(String(i).padStart(2, '0')), `${i}`);
    put(store, 'j', bytesOf('20'), 'another key');
    const bounds = { from: bytesOf('20'), to: bytesOf('24') };
    expect(fetch(store, 'k', bounds)).toEqual(['20', '21', '22', '23']);
    expect(fetch(store, 'k', { ...bounds, backward: true })).toEqual(['23', '22', '21', '20']);
    expect(fetch(store, 'k', { ...bounds, limit: 2 })).toEqual(['20', '21']);
    expect(fetch(store, 'k', { from: bytesOf('48') })).toEqual(['48', '49']);
    expect(fetch(store, 'k', { to: bytesOf('01') })).toEqual(['0']);
    expect(fetch(store, 'k', { from: bytesOf('24'), to: bytesOf('20') })).toEqual([]);
    expect(fetch(store, 'nobody')).toEqual([]);
  });

  test('visits what a prefix begins with when the upper bound is the prefix with its last byte raised', async () => {
    const store = await newStore();
    for (const order of ['a', 'ab', 'ab\0', 'abc', 'ac', 'b']) put(store, 'k', bytesOf(order), order);
    expect(fetch(store, 'k', { from: bytesOf('ab'), to: bytesOf('ac') })).toEqual(['ab', 'ab\0', 'abc']);
  });

  test('finds the version that was valid at a time: the newest one at or below it', async () => {
    const store = await newStore();
    for (const time of [100, 200, 300]) put(store, 'k', timeOrder(time), `from ${time}`);
    const validAt = (time: number): string[] =>
      fetch(store, 'k', { to: timeOrder(time + 1), limit: 1, backward: true });
    expect([99, 100, 199, 200, 1000].map(validAt)).toEqual([
      [],
      ['from 100'],
      ['from 100'],
      ['from 200'],
      ['from 300'],
    ]);
  });

  test('takes the earliest over all keys where orders hold time, sequence and key', async () => {
    const store = await newStore({ pageBytes: 100 });
    const times = Array.from({ length: 200 }, (_, i) => (i * 7919) % 1000);
    for (const [i, time] of times.entries())
      put(store, '', timeOrder(time, `#${String(i).padStart(3, '0')}`), `${time}`);
    const none = new Uint8Array(0);
    const cursor = store.cursor();
    const taken: number[] = [];
    cursor.fetch(none, 0, 0, undefined, timeOrder(500));
    while (cursor.next()) {
      taken.push(readOrderedI64(cursor.valueBytes, cursor.orderStart));
      const { valueBytes, orderStart, orderEnd } = cursor;
      store.delete(none, 0, 0, valueBytes, orderStart, orderEnd);
    }
    expect(taken).toEqual(times.filter((time) => time < 500).sort((a, b) => a - b));
    expect(fetch(store, '').length).toBe(200 - taken.length);
  });
});

describe('an append', () => {
  test.each([undefined, 90])(
    'puts an entry behind all of its time, whatever was deleted (retention %s)',
    async (retentionMs) => {
      const store = await newStore({ pageBytes: 64, ...(retentionMs === undefined ? {} : { retentionMs }) });
      const random = new Random(7);
      const key = bytesOf('k');
      const model = new Map<number, number[]>();
      for (let step = 0; step < 3_000; step++) {
        const time = random.below(40);
        const sequences = model.get(time) ?? [];
        model.set(time, sequences);
        if (sequences.length > 0 && random.chance(0.45)) {
          const at = random.chance(0.5) ? sequences.length - 1 : random.below(sequences.length);
          const [sequence = 0] = sequences.splice(at, 1);
          const order = new Uint8Array(12);
          writeOrderedI64(order, 0, time);
          order[11] = sequence;
          expect(store.get(key, 0, 1, order, 0, 12)).toBe(true);
          store.delete(key, 0, 1, order, 0, 12);
        } else {
          const value = bytesOf(`${step}`);
          const sequence = store.append(key, 0, 1, time, value, 0, value.length);
          expect(sequence).toBe((sequences.at(-1) ?? -1) + 1);
          sequences.push(sequence);
        }
      }
      expect(fetch(store, 'k').length).toBe([...model.values()].flat().length);
    },
  );

  test.each([undefined, 60])('reaches the changelog with what follows it (retention %s)', async (retentionMs) => {
    const options = { pageBytes: 128, ...(retentionMs === undefined ? {} : { retentionMs }) };
    const store = await newStore(options);
    const restored = await newStore(options);
    const random = new Random(11);
    const order = new Uint8Array(12);
    let offset = 0;
    for (let step = 0; step < 1_500; step++) {
      const key = bytesOf(`${random.below(3)}`);
      const time = random.below(20);
      const value = bytesOf('v'.repeat(random.below(9)) + step);
      writeOrderedI64(order, 0, time);
      order[11] = random.below(4);
      const choice = random.below(12);
      if (choice < 5) store.append(key, 0, 1, time, value, 0, value.length);
      else if (choice < 7) store.put(key, 0, 1, order, 0, 12, value, 0, value.length);
      else if (choice < 10) store.delete(key, 0, 1, order, 0, 12);
      else if (choice === 10) store.rollback();
      else {
        if (retentionMs !== undefined && step > 800) store.expireBelow(Math.floor((step - 800) / 150));
        store.writeChangelog((bytes, start, end, from, valueStart, valueEnd) =>
          restored.applyChangelog(bytes, start, end, from, valueStart, valueEnd),
        );
        offset += 1000;
        store.commit(offset);
        restored.commit(offset);
        for (const one of ['0', '1', '2'])
          expect(restored.committedEntries(bytesOf(one))).toEqual(store.committedEntries(bytesOf(one)));
      }
    }
  });

  test('refuses what is larger than an entry may be', async () => {
    const store = await newStore({ entryLimitBytes: 100 });
    const key = bytesOf('k');
    expect(store.append(key, 0, 1, 5, new Uint8Array(100), 0, 100)).toBe(-1);
    expect(store.append(key, 0, 1, 5, new Uint8Array(10), 0, 10)).toBe(0);
    expect(store.append(key, 0, 1, 5, new Uint8Array(0), 0, 0)).toBe(1);
  });
});

describe('a cursor', () => {
  test('goes on where it is when the entry under it is removed, put again or grows, and visits what is put ahead', async () => {
    const store = await newStore({ pageBytes: 64 });
    for (let i = 0; i < 20; i++) put(store, 'k', bytesOf(String(i * 2).padStart(2, '0')), `${i * 2}`);
    const cursor = store.cursor();
    const key = bytesOf('k');
    cursor.fetch(key, 0, 1);
    const found: string[] = [];
    while (cursor.next()) {
      const value = valueUnder(cursor);
      const order = cursor.valueBytes.slice(cursor.orderStart, cursor.orderEnd);
      if (value === '4') store.delete(key, 0, 1, order, 0, order.length);
      if (value === '6') put(store, 'k', order, 'x'.repeat(5000));
      if (value === '8') put(store, 'k', bytesOf('09'), 'put ahead');
      if (value === '10') put(store, 'k', bytesOf('03'), 'put behind');
      if (value === '12') store.delete(key, 0, 1, bytesOf('14'), 0, 2);
      expect(valueUnder(cursor)).toBe(value);
      found.push(value);
    }
    expect(found).toEqual([
      '0',
      '2',
      '4',
      '6',
      '8',
      'put ahead',
      '10',
      '12',
      ...Array.from({ length: 12 }, (_, i) => `${16 + i * 2}`),
    ]);
  });

  test('keeps what lies under it when another store pushes its page out of memory', async () => {
    const memory = new MemoryBudget(20_000);
    const kv = new MemoryKv();
    const store = await newStore({ kv, memory });
    for (let i = 0; i < 100; i++) put(store, 'k', bytesOf(String(i).padStart(2, '0')), `${i}`.padEnd(50, '.'));
    store.commit(100);
    await store.checkpoint();
    const other = await newStore({ kv, memory, storeId: 2 });
    const cursor = store.cursor();
    cursor.fetch(bytesOf('k'), 0, 1);
    for (let i = 0; i < 100; i++) {
      expect(cursor.next()).toBe(true);
      for (let j = 0; j < 20; j++) put(other, `${i} ${j}`, bytesOf('o'), 'v'.repeat(100));
      expect(valueUnder(cursor)).toBe(`${i}`.padEnd(50, '.'));
    }
    expect(cursor.next()).toBe(false);
    expect(store.stats.evictions).toBeGreaterThan(0);
  });

  test('ends with its transaction', async () => {
    const store = await newStore();
    for (const order of ['a', 'b']) put(store, 'k', bytesOf(order), order);
    const cursor = store.cursor();
    cursor.fetch(bytesOf('k'), 0, 1);
    expect(cursor.next()).toBe(true);
    store.commit(2);
    expect(() => cursor.next()).toThrow('a cursor is used after the end of its transaction');
    cursor.fetch(bytesOf('k'), 0, 1);
    expect(cursor.next()).toBe(true);
  });
});

test('the changelog has one entry for each key and order, and its keys do not depend on pages or retention', async () => {
  const store = await newStore({ retentionMs: 90_000 });
  put(store, 'key', timeOrder(1, 'a'), 'first');
  put(store, 'key', timeOrder(1, 'a'), 'second');
  put(store, 'key', timeOrder(100_000, 'b'), 'other window');
  const order = timeOrder(100_000, 'c');
  put(store, 'key', order, 'removed again');
  store.delete(bytesOf('key'), 0, 3, order, 0, order.length);
  expect(store.changed()).toBe(2);
  const entries: [string, string | undefined][] = [];
  store.writeChangelog((key, keyStart, keyEnd, value, valueStart, valueEnd) =>
    entries.push([textOf(key, keyStart, keyEnd), valueStart < 0 ? undefined : textOf(value, valueStart, valueEnd)]),
  );
  const name = (of: Uint8Array): string => `\0\x03key${textOf(of)}`;
  expect(entries).toEqual([
    [name(timeOrder(1, 'a')), 'second'],
    [name(timeOrder(100_000, 'b')), 'other window'],
  ]);
});

test('the changelog has a removal only of what was committed, however often it was put and removed since', async () => {
  const store = await newStore();
  const changes = (): string[] => {
    const entries: string[] = [];
    store.writeChangelog((key, keyStart, keyEnd, _value, valueStart) =>
      entries.push(`${textOf(key, keyStart, keyEnd).slice(3)}${valueStart < 0 ? '-' : ''}`),
    );
    expect(store.changed()).toBe(entries.length);
    return entries;
  };
  const remove = (order: string): void => store.delete(bytesOf('k'), 0, 1, bytesOf(order), 0, order.length);
  for (const order of ['a', 'b', 'c']) put(store, 'k', bytesOf(order), order);
  expect(changes()).toEqual(['a', 'b', 'c']);
  store.commit(3);
  for (let times = 0; times < 3; times++) {
    for (const order of ['a', 'd']) put(store, 'k', bytesOf(order), `${order}${times}`);
    for (const order of ['a', 'b', 'd']) remove(order);
  }
  put(store, 'k', bytesOf('c'), 'again');
  expect(changes()).toEqual(['a-', 'b-', 'c']);
  store.rollback();
  remove('a');
  put(store, 'k', bytesOf('a'), 'again');
  put(store, 'k', bytesOf('d'), 'new');
  expect(changes()).toEqual(['a', 'd']);
});

test('what has expired is absent at once, also within a window that has not wholly expired, and stays so after a restart', async () => {
  const kv = new MemoryKv();
  const store = await newStore({ kv, retentionMs: 3_000 });
  for (let time = 0; time < 5_000; time += 100) put(store, 'k', timeOrder(time), `${time}`);
  store.commit(50);
  await store.checkpoint();
  store.expireBelow(2_250);
  expect(fetch(store, 'k', { limit: 1 })).toEqual(['2300']);
  expect(fetch(store, 'k', { backward: true }).at(-1)).toBe('2300');
  const late = timeOrder(2_200);
  expect(store.get(bytesOf('k'), 0, 1, late, 0, late.length)).toBe(false);
  expect(put(store, 'k', late, 'too late')).toBe(true);
  expect(store.readCommitted(bytesOf('k'), 0, 1, late, 0, late.length)).toEqual(bytesOf('2200'));
  store.rollback();
  expect(fetch(store, 'k', { limit: 1 })).toEqual(['0']);
  store.expireBelow(2_250);
  store.commit(51);
  expect(store.readCommitted(bytesOf('k'), 0, 1, late, 0, late.length)).toBeUndefined();
  await store.checkpoint();
  const again = await newStore({ kv: kv.crash(() => false), retentionMs: 3_000 });
  expect(fetch(again, 'k', { limit: 1 })).toEqual(['2300']);
  let scanned = 0;
  await again.scanCommitted({}, (chunk) => {
    scanned += chunk.count;
  });
  expect(scanned).toBe(27);
});

test('splits of trees that expire before a checkpoint are forgotten with them', () => {
  const windowMs = 1_000;
  const core = new StoreCore({ kv: new MemoryKv(), storeId: 1 }, { expiry: new Expiry(windowMs), paged: true });
  const key = new TreeKey();
  const tree = new PageTree(core, key, 64);
  for (let window = -5; window < 5; window++) {
    key.setWindowed(window * windowMs, bytesOf('k'), 0, 1);
    for (let i = 0; i < 10; i++) {
      const order = timeOrder(window * windowMs + i);
      tree.put(order, 0, order.length, order, 0, order.length, 'change');
    }
  }
  core.commit(1);
  expect(core.linked.size).toBe(10);
  core.expireBelow(-500);
  core.commit(2);
  expect(core.linked.size).toBe(6);
  core.expireBelow(5_000);
  core.rollback();
  expect(core.linked.size).toBe(6);
  core.expireBelow(5_000);
  core.commit(3);
  expect(core.linked.size).toBe(0);
});

test('a checkpoint that was written for another retention time is discarded: the windows of its pages are others', async () => {
  const kv = new MemoryKv();
  const store = await newStore({ kv, retentionMs: 3_000 });
  put(store, 'k', timeOrder(1), 'a');
  store.commit(1);
  await store.checkpoint();
  const spec = { name: 'o', kind: 'ordered' as const, retentionMs: 6_000 };
  const other = createStore(spec, { kv, storeId: 1 });
  expect(await other.open()).toEqual({
    position: undefined,
    discarded: 'its checkpoint was written for another retention time',
  });
  expect(fetch(other, 'k')).toEqual([]);
});

test('an entry that is larger than a store takes is refused, order included', async () => {
  const store = await newStore({ entryLimitBytes: 1_000 });
  expect(put(store, 'k', bytesOf('o'), 'v'.repeat(900))).toBe(true);
  expect(put(store, 'k', bytesOf('o'.repeat(100)), 'v'.repeat(900))).toBe(false);
  expect(fetch(store, 'k').map((value) => value.length)).toEqual([900]);
});

test('orders without a time, and an expiry without a retention time, are faults of the caller', async () => {
  const byTime = await newStore({ retentionMs: 1_000 });
  expect(() => put(byTime, 'k', bytesOf('short'), 'v')).toThrow('does not begin with a time');
  const store = await newStore();
  expect(() => store.expireBelow(5)).toThrow('has no retention time');
});

test('one key with 200,000 entries on LevelDB opens without reading them, and keeps to its memory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-ordered-'));
  let kv = await openLevelKv(directory);
  ends.push(async () => {
    await kv.close();
    await rm(directory, { recursive: true });
  });
  const limit = 4 << 20;
  const count = 200_000;
  const order = new Uint8Array(4);
  const value = bytesOf('v'.repeat(40));
  const setOrder = (i: number): void => {
    new DataView(order.buffer).setUint32(0, Math.imul(i, 0x9e3779b1));
  };
  const store = await newStore({ kv, memory: new MemoryBudget(limit) });
  const key = bytesOf('foreign');
  for (let i = 0; i < count; i++) {
    setOrder(i);
    store.put(key, 0, key.length, order, 0, 4, value, 0, value.length);
    if (i % 2_000 !== 1_999) continue;
    store.commit(i + 1);
    if (store.checkpointDue(i)) await store.checkpoint();
  }
  await store.checkpoint();
  expect(store.stats.evictions).toBeGreaterThan(1_000);
  expect(store.stats.bytesInMemory).toBeLessThan(limit * 2.5);
  await store.close();
  await kv.close();
  kv = await openLevelKv(directory);
  const again = await newStore({ kv, memory: new MemoryBudget(limit) });
  expect(again.stats.entries).toBe(0);
  expect(fetch(again, 'foreign', { limit: 10 }).length).toBe(10);
  // A way down the tree, whatever its size.
  expect(again.stats.kvReads).toBeLessThan(8);
  setOrder(123_456);
  expect(again.get(key, 0, key.length, order, 0, 4)).toBe(true);
  expect(fetch(again, 'foreign').length).toBe(count);
});

test('a crash at any write of a checkpoint loses no entry that a split has moved, nor one of a split that was not committed when the checkpoint before was written', async () => {
  type Entry = { readonly key: Uint8Array; readonly value: Uint8Array };
  let crashes = 0;
  for (let seed = 1; seed <= 12; seed++) {
    for (let failAt = 0, failed = true; failed; failAt++) {
      failed = false;
      let writes = Number.NEGATIVE_INFINITY;
      const kv = new MemoryKv({
        beforeWrite: async () => {
          // Two calls for each write: before it takes effect, and before it answers.
          if (writes++ !== failAt * 2) return;
          failed = true;
          throw new Error('the power is gone');
        },
      });
      const options = { kv, pageBytes: 64, chunkEntries: 1 };
      const store = await newStore(options);
      const changelog: Entry[] = [];
      const commit = (): void => {
        store.writeChangelog((key, keyStart, keyEnd, value, valueStart, valueEnd) =>
          changelog.push({ key: key.slice(keyStart, keyEnd), value: value.slice(valueStart, valueEnd) }),
        );
        store.commit(changelog.length);
      };
      const putSome = (from: number, to: number): void => {
        for (let i = from; i < to; i++) put(store, 'k', bytesOf(`${(i * seed * 37) % 101}`), `${i}`);
      };
      putSome(0, 20);
      commit();
      await store.checkpoint();
      putSome(20, 40);
      commit();
      // The next checkpoint writes the pages as they are committed, without these splits.
      putSome(40, 60);
      await store.checkpoint();
      commit();
      const expected = fetch(store, 'k');
      writes = 0;
      await store.checkpoint().catch(() => {});
      if (failed) crashes++;
      const again = await newStore({ ...options, kv: kv.crash(() => true) });
      const { position = 0 } = again.stats;
      await again.verify();
      for (const { key, value } of changelog.slice(position)) {
        again.applyChangelog(key, 0, key.length, value, 0, value.length);
      }
      again.commit(changelog.length);
      expect(fetch(again, 'k'), `seed ${seed}, write ${failAt}`).toEqual(expected);
    }
  }
  expect(crashes).toBeGreaterThan(20);
});

test('an entry that was visited is overwritten in its place only where its page cannot have left memory since', async () => {
  const random = new Random(5);
  const store = await newStore({
    retentionMs: 50,
    kv: new MemoryKv(),
    memory: new MemoryBudget(10_000),
    pageBytes: 256,
  });
  const model = new Map<string, string>();
  let overwritten = 0;
  for (let step = 0; step < 12_000; step++) {
    const name = `key ${random.below(200)}`;
    const key = bytesOf(name);
    const now = 1_000 + step / 100;
    const to = timeOrder(Math.floor(now - random.below(20)));
    const value = bytesOf(`${name} at ${step}`.padEnd(30));
    let from: Uint8Array | undefined;
    if (random.chance(0.5) && store.comeToLast(key, 0, key.length)) {
      const { valueBytes, orderStart, valueStart, valueEnd } = store;
      expect(textOf(valueBytes, valueStart, valueEnd)).toBe(model.get(name));
      from = valueBytes.slice(orderStart, valueStart);
    } else {
      // All of its windows are looked through.
      store.visitBackward(key, 0, key.length, timeOrder(0), (bytes, orderStart, orderEnd) => {
        from = bytes.slice(orderStart, orderEnd);
        return random.chance(0.5);
      });
    }
    expect(from !== undefined).toBe(model.has(name));
    if (store.overwriteVisited(to, value, 0, value.length)) overwritten++;
    else {
      if (from !== undefined) store.delete(key, 0, key.length, from, 0, from.length);
      store.put(key, 0, key.length, to, 0, to.length, value, 0, value.length);
    }
    model.set(name, textOf(value));
    if (step % 200 !== 199) continue;
    store.commit(step);
    await store.checkpoint();
    for (const [name, value] of model)
      expect(store.committedEntries(bytesOf(name)).map((entry) => textOf(entry.value))).toEqual([value]);
  }
  expect(overwritten).toBeGreaterThan(1_000);
  expect(store.stats.evictions).toBeGreaterThan(1_000);
});

test.for([
  {
    by: 'visiting',
    come: (store: OrderedStateStore) => store.visitBackward(bytesOf('k'), 0, 1, timeOrder(0), () => false),
  },
  { by: 'coming to the last one', come: (store: OrderedStateStore) => store.comeToLast(bytesOf('k'), 0, 1) },
])(
  'an entry found by $by is not overwritten where its page lay before another store needed the memory',
  async ({ come }) => {
    const memory = new MemoryBudget(20_000);
    const store = await newStore({ retentionMs: 50, kv: new MemoryKv(), memory });
    const other = await newStore({ kv: new MemoryKv(), storeId: 2, memory });
    put(store, 'k', timeOrder(1_001), 'before');
    store.commit(1);
    await store.checkpoint();
    come(store);
    const { evictions } = store.stats;
    for (let i = 0; i < 1_000 && store.stats.evictions === evictions; i++)
      put(other, `key ${i}`, bytesOf('order'), 'x'.repeat(200));
    expect(store.stats.evictions).toBeGreaterThan(evictions);
    expect(store.overwriteVisited(timeOrder(1_002), bytesOf('behind'), 0, 6)).toBe(false);
    expect(store.changed()).toBe(0);
    expect(fetch(store, 'k')).toEqual(['before']);
  },
);

test('a cursor shows the entry that it came to, where that is overwritten in its place, and then the new one', async () => {
  const store = await newStore({ retentionMs: 50 });
  put(store, 'k', timeOrder(1_001), 'before');
  const cursor = store.cursor();
  cursor.fetch(bytesOf('k'), 0, 1);
  expect(cursor.next()).toBe(true);
  expect(store.comeToLast(bytesOf('k'), 0, 1)).toBe(true);
  expect(store.overwriteVisited(timeOrder(1_002), bytesOf('behind'), 0, 6)).toBe(true);
  expect(valueUnder(cursor)).toBe('before');
  expect(cursor.next()).toBe(true);
  expect(valueUnder(cursor)).toBe('behind');
  expect(cursor.next()).toBe(false);
});

describe('keys of blocks that the store was told to expect', () => {
  /** `count` keys of few, one behind the other. */
  const blockOf = (random: Random, count: number) => {
    const keys = Array.from({ length: count }, () => `key ${random.below(40)}`);
    const keyStart = new Int32Array(count);
    const keyEnd = new Int32Array(count);
    for (let i = 0, at = 0; i < count; i++) {
      keyStart[i] = at;
      at += (keys[i] as string).length;
      keyEnd[i] = at;
    }
    return { keys, columns: { bytes: bytesOf(keys.join('')), keyStart, keyEnd }, row: 0 };
  };

  /** Visits the entries of a key down to an order; answers with the last one. */
  const lastVisited = (store: OrderedStateStore, key: readonly [Uint8Array, number, number], order: string): string => {
    let last = '';
    store.visitBackward(...key, bytesOf(order), (bytes, orderStart, orderEnd) => {
      last = textOf(bytes, orderStart, orderEnd);
      return last !== order;
    });
    return last;
  };

  test.for<{ name: string; retentionMs?: number }>([
    { name: 'without a retention time' },
    { name: 'with one', retentionMs: 100 },
  ])('are found where they are, however the store changed since they were looked up: $name', async (options) => {
    let overwritten = 0;
    let lasts = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const random = new Random(seed);
      const store = await newStore({ ...options, pageBytes: 128, lookAheadFrom: 0 });
      const inHand = { index: 0 };
      store.follow(inHand);
      const cursor = store.cursor();
      const entries = new Map<string, Map<string, string>>();
      const changelog = new Map<string, string>();
      for (let turn = 0; turn < 6; turn++) {
        const blocks = [blockOf(random, 60), blockOf(random, 60)];
        for (const [input, { columns }] of blocks.entries()) store.expect(columns, 0, 60, input);
        while (blocks.some(({ row }) => row < 60)) {
          const block = random.pick(blocks.filter(({ row }) => row < 60));
          const { keys, columns } = block;
          const to = Math.min(60, block.row + 1 + random.below(5));
          inHand.index = blocks.indexOf(block);
          for (; block.row < to; block.row++) {
            const key = keys[block.row] as string;
            const at = [
              columns.bytes,
              columns.keyStart[block.row] as number,
              columns.keyEnd[block.row] as number,
            ] as const;
            const of = entries.get(key) ?? new Map<string, string>();
            entries.set(key, of);
            const order = timeOrder(random.below(300));
            const name = textOf(order);
            const chance = random.below(5);
            if (chance === 0) {
              store.delete(...at, order, 0, order.length);
              of.delete(name);
            } else if (chance === 1) {
              for (const each of of.keys()) {
                const bytes = timeOrder(readOrderedI64(bytesOf(each), 0));
                store.delete(...at, bytes, 0, bytes.length);
              }
              of.clear();
            } else if (chance === 2 && of.size > 0) {
              const [from, held] = random.pick([...of]);
              const near = Math.max(0, readOrderedI64(bytesOf(from), 0) + random.between(-30, 30));
              const to = random.chance(0.7) ? timeOrder(near) : order;
              const value = bytesOf(random.chance(0.7) ? held.toUpperCase() : held.slice(1));
              expect(lastVisited(store, at, from)).toBe(from);
              if (store.overwriteVisited(to, value, 0, value.length)) {
                overwritten++;
                of.delete(from);
              } else store.put(...at, to, 0, to.length, value, 0, value.length);
              of.set(textOf(to), textOf(value));
            } else {
              const value = bytesOf(`${key} `.repeat(random.below(12)));
              store.put(...at, order, 0, order.length, value, 0, value.length);
              of.set(name, textOf(value));
            }
            expect(store.get(...at, order, 0, order.length)).toBe(of.has(name));
            cursor.fetch(...at);
            const found: string[] = [];
            while (cursor.next()) found.push(valueUnder(cursor));
            const sorted = [...of].sort(([a], [b]) => (a < b ? -1 : 1));
            expect(found).toEqual(sorted.map(([, value]) => value));
            if (store.comeToLast(...at)) {
              lasts++;
              expect(textOf(store.valueBytes, store.orderStart, store.valueEnd)).toBe(sorted.at(-1)?.join(''));
            }
            const time = random.below(300);
            const visited: string[] = [];
            const most = random.chance(0.5) ? Number.POSITIVE_INFINITY : 1 + random.below(3);
            store.visitBackward(...at, timeOrder(time), (bytes, orderStart, _orderEnd, valueStart, valueEnd) => {
              visited.push(`${readOrderedI64(bytes, orderStart)} ${textOf(bytes, valueStart, valueEnd)}`);
              return visited.length < most;
            });
            const later = sorted.map(([name, value]) => [readOrderedI64(bytesOf(name), 0), value] as const);
            const wanted = later.filter(([at]) => at >= time).map(([at, value]) => `${at} ${value}`);
            expect(visited).toEqual(wanted.toReversed().slice(0, most));
          }
        }
        store.writeChangelog((bytes, start, end, value, valueStart, valueEnd) => {
          const name = textOf(bytes, start, end);
          if (valueStart < 0) changelog.delete(name);
          else changelog.set(name, textOf(value, valueStart, valueEnd));
        });
        const all = [...entries].flatMap(([key, of]) =>
          [...of].map(([order, value]) => [`\0${String.fromCharCode(key.length)}${key}${order}`, value] as const),
        );
        expect(changelog).toEqual(new Map(all));
        store.commit(turn + 1);
      }
    }
    expect(overwritten).toBeGreaterThan(100);
    expect(lasts > 100).toBe(options.retentionMs !== undefined);
  });
});
