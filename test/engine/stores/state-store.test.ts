/** What every store promises, whatever lies behind it: memory only, a key-value store and little memory, LevelDB and
 *  little memory. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { withChecksum } from '../../../engine/stores/checksum.ts';
import { openLevelKv } from '../../../engine/stores/level-store.ts';
import { MemoryBudget } from '../../../engine/stores/memory-budget.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import type { OrderedKv } from '../../../engine/stores/ordered-kv.ts';
import type {
  KeyValueStateStore,
  ScanRange,
  StateStore,
  WindowStateStore,
} from '../../../engine/stores/state-store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import { bytesOf, textOf } from './world.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

type Setup = { readonly kv: () => Promise<OrderedKv | undefined>; readonly memoryLimitBytes: number };

const setups: Record<string, Setup> = {
  'memory only': { kv: async () => undefined, memoryLimitBytes: 0 },
  'a key-value store and little memory': { kv: async () => new MemoryKv(), memoryLimitBytes: 10_000 },
  'LevelDB and little memory': {
    kv: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'millrace-store-'));
      const kv = await openLevelKv(directory);
      ends.push(async () => {
        await kv.close();
        await rm(directory, { recursive: true });
      });
      return kv;
    },
    memoryLimitBytes: 10_000,
  },
};

/** One committed entry of a changelog. */
type Entry = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

/** A store with a changelog, and calls that take text. */
class Bench<S extends StateStore> {
  readonly store: S;
  readonly changelog: Entry[];

  constructor(store: S, changelog: Entry[] = []) {
    this.store = store;
    this.changelog = changelog;
  }

  commit(): void {
    this.store.writeChangelog((key, keyStart, keyEnd, value, valueStart, valueEnd) => {
      this.changelog.push({
        key: key.slice(keyStart, keyEnd),
        value: valueStart < 0 ? undefined : value.slice(valueStart, valueEnd),
      });
    });
    this.store.commit(this.changelog.length);
  }

  replay(from = 0): void {
    for (const { key, value } of this.changelog.slice(from)) {
      this.store.applyChangelog(key, 0, key.length, value ?? key, value === undefined ? -1 : 0, value?.length ?? -1);
    }
    this.store.commit(this.changelog.length);
  }

  async scan(range: ScanRange = {}): Promise<string[]> {
    const found: string[] = [];
    await this.store.scanCommitted(range, (chunk) => {
      for (let i = 0; i < chunk.count; i++) {
        const key = textOf(chunk.bytes, chunk.keyStarts[i], chunk.keyEnds[i]);
        const value = textOf(chunk.bytes, chunk.valueStarts[i], chunk.valueEnds[i]);
        const window = this.store.kind === 'window' ? `@${chunk.windowStarts[i]}` : '';
        found.push(`${key}${window}=${value}`);
      }
    });
    return found.sort();
  }
}

class KeyValueBench extends Bench<KeyValueStateStore> {
  get(key: string): string | undefined {
    const bytes = bytesOf(key);
    const { store } = this;
    return store.get(bytes, 0, bytes.length) ? textOf(store.valueBytes, store.valueStart, store.valueEnd) : undefined;
  }

  put(key: string, value: string): void {
    const bytes = bytesOf(key);
    const valueBytes = bytesOf(value);
    this.store.put(bytes, 0, bytes.length, valueBytes, 0, valueBytes.length);
  }

  delete(key: string): void {
    const bytes = bytesOf(key);
    this.store.delete(bytes, 0, bytes.length);
  }

  committed(key: string): string | undefined {
    const bytes = bytesOf(key);
    const value = this.store.readCommitted(bytes, 0, bytes.length);
    return value === undefined ? undefined : textOf(value);
  }
}

class WindowBench extends Bench<WindowStateStore> {
  get(window: number, key: string): string | undefined {
    const bytes = bytesOf(key);
    const { store } = this;
    return store.get(window, bytes, 0, bytes.length)
      ? textOf(store.valueBytes, store.valueStart, store.valueEnd)
      : undefined;
  }

  put(window: number, key: string, value: string): void {
    const bytes = bytesOf(key);
    const valueBytes = bytesOf(value);
    this.store.put(window, bytes, 0, bytes.length, valueBytes, 0, valueBytes.length);
  }

  delete(window: number, key: string): void {
    const bytes = bytesOf(key);
    this.store.delete(window, bytes, 0, bytes.length);
  }

  committed(window: number, key: string): string | undefined {
    const bytes = bytesOf(key);
    const value = this.store.readCommittedWindow(window, bytes, 0, bytes.length);
    return value === undefined ? undefined : textOf(value);
  }
}

const allBytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
const megabyte = allBytes.repeat(4096);

describe.each(Object.keys(setups))('with %s,', (name) => {
  const { kv: openKv, memoryLimitBytes } = setups[name] as Setup;
  const options = (kv: OrderedKv | undefined) => ({
    kv,
    storeId: 3,
    memory: new MemoryBudget(memoryLimitBytes),
    hashSeed: 99,
  });

  const keyValue = async (kv?: OrderedKv): Promise<KeyValueBench> => {
    const store = createStore({ name: 'kv', kind: 'key-value' }, options(kv ?? (await openKv())));
    await store.open();
    return new KeyValueBench(store);
  };
  const windowed = async (kv?: OrderedKv): Promise<WindowBench> => {
    const store = createStore({ name: 'w', kind: 'window' }, options(kv ?? (await openKv())));
    await store.open();
    return new WindowBench(store);
  };

  test('a transaction sees its own changes at once, others after the commit', async () => {
    const bench = await keyValue();
    bench.put('a', '1');
    expect(bench.get('a')).toBe('1');
    expect(bench.committed('a')).toBeUndefined();
    bench.commit();
    expect(bench.committed('a')).toBe('1');
    bench.put('a', '2');
    bench.put('b', '3');
    expect(bench.committed('a')).toBe('1');
    expect(await bench.scan()).toEqual(['a=1']);
    bench.delete('a');
    expect(bench.get('a')).toBeUndefined();
    expect(bench.committed('a')).toBe('1');
    bench.commit();
    expect(bench.committed('a')).toBeUndefined();
    expect(await bench.scan()).toEqual(['b=3']);
  });

  test('removing what is absent is no change, and neither is setting a meta number it has', async () => {
    const bench = await keyValue();
    bench.delete('nobody');
    expect(bench.store.changed()).toBe(0);
    bench.store.meta.set('time', 5);
    expect(bench.store.changed()).toBe(1);
    bench.commit();
    bench.store.meta.set('time', 5);
    expect(bench.store.changed()).toBe(0);
  });

  test('each changed key has one changelog entry, its last value', async () => {
    const bench = await keyValue();
    bench.put('a', '1');
    bench.put('a', '2');
    bench.put('b', '1');
    bench.delete('b');
    bench.store.meta.set('time', 7);
    expect(bench.store.changed()).toBe(3);
    bench.commit();
    expect(bench.changelog.map(({ key, value }) => [textOf(key), value && textOf(value)])).toEqual([
      ['\0a', '2'],
      ['\0b', undefined],
      ['\x01time', textOf(Uint8Array.from([0x40, 0x1c, 0, 0, 0, 0, 0, 0]))],
    ]);
  });

  test('a rollback brings back values that were changed, grown, shrunk, emptied or deleted, and takes new ones out', async () => {
    const bench = await keyValue();
    const before = { same: 'x', grown: 'y', shrunk: megabyte, empty: 'z', gone: 'w', '': 'empty key' };
    for (const [key, value] of Object.entries(before)) bench.put(key, value);
    bench.store.meta.set('time', 1);
    bench.commit();
    bench.put('same', 'X');
    bench.put('grown', megabyte);
    bench.put('shrunk', 's');
    bench.put('empty', '');
    bench.delete('gone');
    bench.put('new', 'n');
    bench.delete('');
    bench.store.meta.set('time', 2);
    bench.store.meta.set('other', 3);
    bench.store.rollback();
    for (const [key, value] of Object.entries(before)) expect(bench.get(key)).toBe(value);
    expect(bench.get('new')).toBeUndefined();
    expect(bench.store.meta.get('time')).toBe(1);
    expect(bench.store.meta.get('other')).toBeUndefined();
    expect(bench.store.changed()).toBe(0);
    expect((await bench.scan()).length).toBe(6);
  });

  test('keys and values may be empty, a megabyte long, and of all byte values', async () => {
    const bench = await keyValue();
    const texts = ['', '\0', '\xff', allBytes, megabyte];
    for (const key of texts) bench.put(key, texts[texts.length - 1 - texts.indexOf(key)] as string);
    bench.commit();
    await bench.store.checkpoint();
    for (let i = 0; i < 500; i++) bench.put(`filler ${i}`, 'f'.repeat(50));
    bench.commit();
    for (const key of texts) expect(bench.get(key) === texts[texts.length - 1 - texts.indexOf(key)]).toBe(true);
    bench.delete(megabyte);
    bench.put('\0', megabyte);
    bench.commit();
    await bench.store.checkpoint();
    expect(bench.get(megabyte)).toBeUndefined();
    expect(bench.committed('\0') === megabyte).toBe(true);
  });

  test('a value may be put from under the cursor, to its own key or another one', async () => {
    const bench = await keyValue();
    bench.put('from', 'abcdef');
    bench.get('from');
    const { store } = bench;
    const to = bytesOf('to');
    store.put(to, 0, 2, store.valueBytes, store.valueStart, store.valueEnd);
    const from = bytesOf('from');
    bench.get('from');
    store.put(from, 0, 4, store.valueBytes, store.valueStart + 2, store.valueEnd);
    expect([bench.get('from'), bench.get('to')]).toEqual(['cdef', 'abcdef']);
  });

  test('ten times the memory limit in data reads as if all were in memory, also in the middle of a transaction and after its rollback', async () => {
    const bench = await keyValue();
    const value = (i: number, version: number): string => `${i}:${version}`.padEnd(60, '.');
    for (let i = 0; i < 1_700; i++) {
      bench.put(`key-${i}`, value(i, 0));
      if (i % 100 === 99) {
        bench.commit();
        await bench.store.checkpoint();
      }
    }
    const { stats } = bench.store;
    if (bench.store.stats.complete) expect(name).toBe('memory only');
    else expect(stats.evictions).toBeGreaterThan(1_000);
    for (let i = 0; i < 1_700; i += 3) bench.put(`key-${i}`, value(i, 1));
    for (let i = 1; i < 1_700; i += 3) bench.delete(`key-${i}`);
    for (let i = 0; i < 1_700; i++) {
      const expected = i % 3 === 1 ? undefined : value(i, i % 3 === 0 ? 1 : 0);
      expect(bench.get(`key-${i}`)).toBe(expected);
      expect(bench.committed(`key-${i}`)).toBe(value(i, 0));
    }
    expect((await bench.scan()).length).toBe(1_700);
    bench.store.rollback();
    for (let i = 0; i < 1_700; i++) expect(bench.get(`key-${i}`)).toBe(value(i, 0));
  });

  test('the changelog alone rebuilds a store, and applying it again changes nothing', async () => {
    const bench = await keyValue();
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 50; i++) bench.put(`key-${i}`, `${round}`.repeat(i));
      for (let i = round; i < 50; i += 7) bench.delete(`key-${i}`);
      bench.store.meta.set('round', round);
      bench.commit();
    }
    const expected = await bench.scan();
    const other = await keyValue();
    const copy = new KeyValueBench(other.store, bench.changelog);
    copy.replay();
    expect(await copy.scan()).toEqual(expected);
    copy.replay(100);
    expect(await copy.scan()).toEqual(expected);
    expect(copy.store.meta.get('round')).toBe(4);
  });

  test('a scan keeps to its range and limit, and ends when its visitor says so', async () => {
    const bench = await keyValue();
    for (let i = 0; i < 300; i++) bench.put(`k${String(i).padStart(3, '0')}`, 'v'.repeat(100));
    bench.commit();
    await bench.store.checkpoint();
    for (let i = 0; i < 300; i += 2) bench.put(`k${String(i).padStart(3, '0')}`, 'w');
    bench.commit();
    const inRange = await bench.scan({ from: bytesOf('k010'), to: bytesOf('k013') });
    expect(inRange).toEqual(['k010=w', `k011=${'v'.repeat(100)}`, 'k012=w']);
    expect((await bench.scan({ limit: 7 })).length).toBe(7);
    expect(await bench.scan({ limit: 0 })).toEqual([]);
    let chunks = 0;
    await bench.store.scanCommitted({}, () => {
      chunks++;
      return false;
    });
    expect(chunks).toBe(1);
  });

  test('a cleared store is empty and has no position', async () => {
    const kv = await openKv();
    const bench = await keyValue(kv);
    for (let i = 0; i < 300; i++) bench.put(`key-${i}`, 'v'.repeat(50));
    bench.commit();
    await bench.store.checkpoint();
    await bench.store.clear();
    expect(await bench.scan()).toEqual([]);
    expect(bench.get('key-1')).toBeUndefined();
    expect(bench.store.stats.position).toBeUndefined();
    bench.changelog.length = 0;
    bench.put('again', '1');
    bench.commit();
    await bench.store.checkpoint();
    await bench.store.close();
    if (kv === undefined) return;
    const store = createStore({ name: 'kv', kind: 'key-value' }, options(kv));
    expect((await store.open()).position).toBe(1);
    expect(await new KeyValueBench(store).scan()).toEqual(['again=1']);
  });

  test('stores of one shard do not see each other', async () => {
    const kv = await openKv();
    const all = [1, 2, 256, 0xffff_fffe].map((storeId) => {
      const store = createStore({ name: `s${storeId}`, kind: 'key-value' }, { ...options(kv), storeId });
      return new KeyValueBench(store);
    });
    for (const bench of all) {
      await bench.store.open();
      bench.put('a', bench.store.name);
      bench.commit();
      await bench.store.checkpoint();
    }
    await (all[1] as KeyValueBench).store.clear();
    expect(await Promise.all(all.map((bench) => bench.scan()))).toEqual([['a=s1'], [], ['a=s256'], ['a=s4294967294']]);
  });

  test('a window store keeps windows apart, before 1970 too', async () => {
    const bench = await windowed();
    bench.put(0, 'a', '0');
    bench.put(60_000, 'a', '1');
    bench.put(-60_000, 'a', '-1');
    bench.put(1_700_000_000_000, 'a', 'now');
    expect(bench.store.committedWindows()).toEqual([]);
    bench.commit();
    bench.put(120_000, 'b', '2');
    expect(bench.store.committedWindows()).toEqual([-60_000, 0, 60_000, 1_700_000_000_000]);
    bench.delete(0, 'a');
    expect(bench.get(0, 'a')).toBeUndefined();
    expect(bench.committed(0, 'a')).toBe('0');
    bench.store.rollback();
    expect(bench.store.committedWindows()).toEqual([-60_000, 0, 60_000, 1_700_000_000_000]);
    expect(await bench.scan({ fromWindow: -60_000, toWindow: 60_000 })).toEqual(['a@-60000=-1', 'a@0=0']);
    expect(await bench.scan({ fromWindow: 60_000, from: bytesOf('b') })).toEqual([]);
  });

  test('expiry drops exactly the windows below, in the transaction at once and for others at its commit', async () => {
    const bench = await windowed();
    for (let window = 0; window < 40; window++) {
      for (let key = 0; key < 10; key++) bench.put(window * 1000, `key-${key}`, `${window}`.padEnd(30));
    }
    bench.commit();
    await bench.store.checkpoint();
    bench.store.expireBelow(20_000);
    expect(bench.get(19_000, 'key-1')).toBeUndefined();
    expect(bench.get(20_000, 'key-1')).toBeDefined();
    expect(bench.committed(0, 'key-1')).toBeDefined();
    expect((await bench.scan()).length).toBe(400);
    bench.store.rollback();
    expect(bench.get(0, 'key-1')).toBeDefined();
    bench.store.expireBelow(20_000);
    bench.store.expireBelow(5_000);
    bench.put(19_000, 'key-1', 'too late');
    expect(bench.store.changed()).toBe(1);
    bench.commit();
    expect(bench.committed(19_000, 'key-1')).toBeUndefined();
    expect(bench.store.committedWindows()[0]).toBe(20_000);
    expect((await bench.scan()).length).toBe(200);
    await bench.store.checkpoint();
    expect((await bench.scan()).length).toBe(200);
    const copy = new WindowBench((await windowed()).store, bench.changelog);
    copy.replay();
    expect(await copy.scan()).toEqual(await bench.scan());
    expect(copy.store.committedWindows()).toEqual(bench.store.committedWindows());
  });
});

describe('a store that starts again from its checkpoint', () => {
  const options = (kv: OrderedKv) => ({ kv, storeId: 1 });

  test('answers without loading anything but what it is asked for', async () => {
    const kv = new MemoryKv();
    const bench = new KeyValueBench(createStore({ name: 's', kind: 'key-value' }, options(kv)));
    await bench.store.open();
    for (let i = 0; i < 5_000; i++) bench.put(`key-${i}`, `${i}`);
    bench.commit();
    await bench.store.checkpoint();
    const again = new KeyValueBench(createStore({ name: 's', kind: 'key-value' }, options(kv)));
    expect((await again.store.open()).position).toBe(5_000);
    expect(again.store.stats.entries).toBe(0);
    const reads = kv.reads;
    expect(again.get('key-77')).toBe('77');
    expect(again.get('key-77')).toBe('77');
    expect(again.get('nobody')).toBeUndefined();
    expect(again.get('nobody')).toBeUndefined();
    expect(kv.reads - reads).toBe(2);
    expect(again.store.stats.kvReads).toBe(2);
  });

  test('knows its windows, and reads no disk for a window that never was', async () => {
    const kv = new MemoryKv();
    const open = async (): Promise<WindowBench> => {
      const bench = new WindowBench(createStore({ name: 's', kind: 'window' }, options(kv)));
      await bench.store.open();
      return bench;
    };
    const bench = await open();
    for (let window = 0; window < 100; window++) bench.put(window * 10, 'a', `${window}`);
    bench.commit();
    bench.store.expireBelow(500);
    bench.commit();
    await bench.store.checkpoint();
    const again = await open();
    expect(again.store.committedWindows()).toEqual(Array.from({ length: 50 }, (_, i) => 500 + i * 10));
    expect(again.get(490, 'a')).toBeUndefined();
    expect(again.get(505, 'a')).toBeUndefined();
    again.put(1_000, 'a', 'new window');
    expect(again.get(1_000, 'b')).toBeUndefined();
    expect(again.store.stats.kvReads).toBe(0);
    expect(again.get(990, 'a')).toBe('99');
    expect(again.store.stats.kvReads).toBe(1);
  });

  test('has no position before a checkpoint came to its end, and nothing of what was written until then', async () => {
    let writes = 0;
    const kv = new MemoryKv({
      beforeWrite: async () => {
        if (writes++ === 4) throw new Error('the power is gone');
      },
    });
    const bench = new KeyValueBench(createStore({ name: 's', kind: 'key-value' }, options(kv)));
    await bench.store.open();
    for (let i = 0; i < 20_000; i++) bench.put(`key-${i}`, `${i}`);
    bench.commit();
    await expect(bench.store.checkpoint()).rejects.toThrow('the power is gone');
    const after = kv.crash(() => true);
    expect(after.size).toBeGreaterThan(4_000);
    const again = new KeyValueBench(createStore({ name: 's', kind: 'key-value' }, options(after)));
    expect((await again.store.open()).position).toBe(undefined);
    expect(again.get('key-1')).toBeUndefined();
    expect(after.size).toBe(0);
  });

  test('does not use a checkpoint of another layout', async () => {
    const kv = new MemoryKv();
    const batch = kv.batch();
    const position = Uint8Array.from([0, 0, 0, 1, 4]);
    batch.put(position, withChecksum(position, Uint8Array.from([9, 0, 0, 0, 0, 0, 0, 0, 0])));
    batch.put(Uint8Array.from([0, 0, 0, 1, 0, 65]), Uint8Array.from([1]));
    await batch.write({ sync: true });
    const bench = new KeyValueBench(createStore({ name: 's', kind: 'key-value' }, options(kv)));
    expect((await bench.store.open()).position).toBe(undefined);
    expect(bench.get('A')).toBeUndefined();
  });
});

test('a checkpoint of a changelog that was deleted and created again under the same name is not used', async () => {
  const kv = new MemoryKv();
  const open = async (changelogId: string) => {
    const options = { kv, storeId: 1, changelogId };
    const bench = new KeyValueBench(createStore({ name: 's', kind: 'key-value' }, options));
    return { bench, ...(await bench.store.open()) };
  };
  const { bench } = await open('first');
  bench.put('a', '1');
  bench.commit();
  await bench.store.checkpoint();
  expect((await open('first')).position).toBe(1);
  const other = await open('second');
  expect(other.position).toBeUndefined();
  expect(other.discarded).toBe('its checkpoint belongs to a former changelog of the same name');
  expect(other.bench.get('a')).toBeUndefined();
});

describe('a checkpoint is due', () => {
  const make = async (memoryLimitBytes: number): Promise<KeyValueBench> => {
    const kv = new MemoryKv();
    const store = createStore(
      { name: 's', kind: 'key-value' },
      { kv, storeId: 1, memory: new MemoryBudget(memoryLimitBytes) },
    );
    await store.open();
    return new KeyValueBench(store);
  };

  test('some seconds after something was committed, and not while there is nothing to write', async () => {
    const bench = await make(1 << 30);
    const { store } = bench;
    expect(store.checkpointDue(1_000)).toBe(false);
    expect(store.checkpointDue(100_000)).toBe(false);
    bench.put('a', '1');
    bench.commit();
    expect(store.checkpointDue(100_001)).toBe(false);
    expect(store.checkpointDue(104_999)).toBe(false);
    expect(store.checkpointDue(105_001)).toBe(true);
    await store.checkpoint();
    expect(store.checkpointDue(200_000)).toBe(false);
  });

  test('after 500,000 changelog records, asked for once', async () => {
    const bench = await make(1 << 30);
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 10_000; i++) bench.put(`key-${i}`, `${round}`);
      expect(bench.store.checkpointDue(0)).toBe(false);
      bench.commit();
    }
    expect(bench.store.stats.dueRecords).toBe(500_000);
    expect(bench.store.checkpointDue(0)).toBe(true);
    expect(bench.store.checkpointDue(0)).toBe(false);
    await bench.store.checkpoint();
    expect(bench.store.stats).toMatchObject({ dueRecords: 0, dueEntries: 0, kvWrites: 10_000, position: 500_000 });
  });

  test('at once when entries that it would set free fill the memory', async () => {
    const bench = await make(10_000);
    for (let i = 0; i < 1_000; i++) bench.put(`key-${i}`, '');
    bench.commit();
    expect(bench.store.checkpointDue(0)).toBe(true);
    await bench.store.checkpoint();
    for (let i = 0; i < 1_000; i++) bench.put(`other-${i}`, '');
    expect(bench.store.stats.evictions).toBeGreaterThan(0);
  });
});

test('memory that most entries have left is given back at commits, and what stays is moved with its state', async () => {
  const kv = new MemoryKv();
  const store = createStore({ name: 's', kind: 'window' }, { kv, storeId: 1 });
  await store.open();
  const bench = new WindowBench(store);
  const value = (i: number): string => `${i}`.padEnd(150 + (i % 13) * 8, '.');
  // Interleaved: what stays lies scattered over all segments.
  for (let i = 0; i < 40_000; i++) bench.put(i % 20 === 0 ? 2_000 : 1_000, `key-${i}`, value(i));
  bench.commit();
  const full = store.stats.bytesInMemory;
  bench.put(2_000, 'key-0', 'changed');
  bench.delete(2_000, 'key-20');
  store.expireBelow(2_000);
  bench.commit();
  for (let i = 0; i < 20; i++) {
    bench.put(2_000, 'key-40', `${i}`);
    bench.commit();
  }
  expect(store.stats.bytesInMemory).toBeLessThan(full / 2);
  bench.put(2_000, 'key-60', 'rolled back');
  store.rollback();
  const running = store.checkpoint();
  bench.put(2_000, 'key-80', 'open');
  await running;
  for (let i = 60; i < 40_000; i += 20) expect(bench.committed(2_000, `key-${i}`)).toBe(value(i));
  expect(bench.committed(2_000, 'key-0')).toBe('changed');
  expect(bench.committed(2_000, 'key-20')).toBeUndefined();
  expect(store.stats.dueEntries).toBe(0);
  bench.commit();
  await store.checkpoint();
  const again = new WindowBench(createStore({ name: 's', kind: 'window' }, { kv, storeId: 1 }));
  await again.store.open();
  expect((await again.scan()).length).toBe(1_999);
  expect(again.get(2_000, 'key-80')).toBe('open');
});
