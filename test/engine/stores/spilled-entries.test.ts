/** Copies of what has left memory, against a plain map; and that nothing depends on them. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../../base/index.ts';
import { FlatTable } from '../../../engine/stores/flat-table.ts';
import { MemoryBudget } from '../../../engine/stores/memory-budget.ts';
import { MemoryKv, MemoryScratch } from '../../../engine/stores/memory-kv.ts';
import { scratchBlockBytes } from '../../../engine/stores/ordered-kv.ts';
import { SpilledEntries } from '../../../engine/stores/spilled-entries.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import { bytesOf, textOf } from './world.ts';

const kind = 0;
const checksum = 0x12345678;

/** Entries of text, as they leave memory. */
class Spill {
  readonly scratch = new MemoryScratch();
  /** Bits of the hash of a key that are used. */
  hashMask = -1;
  /** Keys that begin with one of these characters have expired. */
  gone = '';
  /** Why the copies were given up. */
  readonly failures: string[] = [];
  readonly entries = new SpilledEntries(
    this.scratch,
    (bytes, at) => this.gone.includes(String.fromCharCode(bytes[at + 1] as number)),
    (why) => this.failures.push(why),
  );

  #hashOf(key: string): number {
    const bytes = bytesOf(key);
    return new FlatTable({ seed: 5, listed: false }).hash(kind, bytes, 0, bytes.length) & this.hashMask;
  }

  /** Undefined values: the entry is absent. */
  keep(some: ReadonlyMap<string, string | undefined>): void {
    const table = new FlatTable({ seed: 5, listed: false });
    const addresses = new Int32Array(some.size);
    const hashes = new Int32Array(some.size);
    let count = 0;
    for (const [key, value] of some) {
      const bytes = bytesOf(key);
      const hash = this.#hashOf(key);
      const address = table.insert(hash, kind, bytes, 0, bytes.length, value?.length ?? 0);
      table.setChecksum(address, checksum);
      hashes[count] = hash;
      addresses[count++] =
        value === undefined ? address : table.setValue(address, bytesOf(value), 0, bytesOf(value).length);
    }
    this.entries.keep(table, addresses, hashes, count);
  }

  find(key: string): string | undefined {
    const bytes = bytesOf(key);
    if (!this.entries.find(this.#hashOf(key), kind, bytes, 0, bytes.length)) return undefined;
    const { bytes: found, start, end } = this.entries;
    expect(new DataView(found.buffer).getUint32(found.byteOffset + end - 4)).toBe(checksum);
    return textOf(found, start, end - 4);
  }
}

test('what leaves memory is found as it was last, and what is absent or too large is not', () => {
  const entry = fc.tuple(
    fc.nat(2_000).map((n) => `key-${n}`),
    fc.oneof(fc.constant(-1), fc.nat(20), fc.nat(20), fc.nat(900), fc.constant(2_000)),
  );
  const step = fc.array(entry, { maxLength: 1_500, size: 'max' });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12, size: 'max' }), (steps) => {
      const spill = new Spill();
      const model = new Map<string, string>();
      for (const [i, some] of steps.entries()) {
        const leaving = new Map(
          some.map(([key, length]) => [key, length < 0 ? undefined : `${i}`.padEnd(length, '.').slice(0, length)]),
        );
        spill.keep(leaving);
        for (const [key, value] of leaving) {
          if (value === undefined || value.length > 1_000) model.delete(key);
          else model.set(key, value);
        }
      }
      for (let n = 0; n <= 2_000; n++) expect(spill.find(`key-${n}`)).toBe(model.get(`key-${n}`));
    }),
    { numRuns: 15 },
  );
});

test('blocks are split as they fill, and given back together', () => {
  const spill = new Spill();
  for (let from = 0; from < 20_000; from += 500)
    spill.keep(new Map(Array.from({ length: 500 }, (_, i) => [`${from + i}`, 'x'.repeat(20)])));
  for (let i = 0; i < 20_000; i++) expect(spill.find(`${i}`)).toBe('x'.repeat(20));
  const bytes = spill.scratch.used * scratchBlockBytes;
  expect(bytes).toBeGreaterThan(20_000 * 30);
  expect(bytes).toBeLessThan(20_000 * 120);
  spill.entries.clear();
  expect(spill.scratch.used).toBe(0);
  expect(spill.find('7')).toBeUndefined();
});

test('what has expired, and the gaps that changes of length leave, take no room for long', () => {
  const spill = new Spill();
  let most = 0;
  for (let window = 0; window < 25; window++) {
    const letter = String.fromCharCode(65 + window);
    if (window > 0) spill.gone += String.fromCharCode(64 + window);
    for (let size = 20; size < 60; size += 10)
      spill.keep(new Map(Array.from({ length: 3_000 }, (_, i) => [`${letter}${i}`, 'x'.repeat(size)])));
    if (window === 5) most = spill.scratch.used;
    expect(spill.find(`${letter}77`)).toBe('x'.repeat(50));
  }
  expect(spill.scratch.used).toBeLessThanOrEqual(most * 2);
});

test.each([0, 7, 0x700, -0x1000_0000])(
  'of keys whose hashes are alike (mask %i) none is found with a value of another or of before',
  (mask) => {
    const spill = new Spill();
    spill.hashMask = mask;
    const model = new Map<string, string>();
    for (let round = 0; round < 10; round++) {
      const some = new Map(
        Array.from({ length: 300 }, (_, i) => [
          `${(round * 77 + i) % 700}`,
          `${round}/${i}`.padEnd(20 + (round % 3), '.'),
        ]),
      );
      spill.keep(some);
      let found = 0;
      for (const [key, value] of some) model.set(key, value);
      for (const [key, value] of model) {
        const copy = spill.find(key);
        if (copy === undefined) continue;
        expect(copy).toBe(value);
        found++;
      }
      expect(found).toBeGreaterThan(0);
    }
    // A full page does not lead to more and more blocks.
    expect(spill.scratch.used).toBeLessThan(60);
  },
);

test('when the disk fails nothing is found any more, which is reported once, and nothing else happens', () => {
  const spill = new Spill();
  spill.keep(new Map([['a', '1']]));
  spill.scratch.isBroken = true;
  expect(spill.find('a')).toBeUndefined();
  spill.keep(new Map([['a', '2']]));
  spill.scratch.isBroken = false;
  expect(spill.find('a')).toBeUndefined();
  spill.keep(new Map([['a', '3']]));
  expect(spill.find('a')).toBeUndefined();
  expect(spill.scratch.used).toBe(0);
  expect(spill.failures).toEqual(['the scratch file cannot be used']);
  expect(spill.entries.isGivenUp).toBe(true);
});

test('what was there before a write that the disk has lost is not found', () => {
  const spill = new Spill();
  spill.keep(new Map([['a', '1']]));
  expect(spill.find('a')).toBe('1');
  spill.scratch.losesWrites = true;
  spill.keep(new Map([['a', '2']]));
  expect(spill.find('a')).toBeUndefined();
  expect(spill.failures).toEqual(['a block is not as it was written']);
});

test('a store whose copies are damaged reads its entries from the key-value store', async () => {
  const kv = new MemoryKv();
  const store = createStore({ name: 's', kind: 'key-value' }, { kv, storeId: 1, memory: new MemoryBudget(100_000) });
  await store.open();
  const random = new Random(7);
  const value = (i: number, round: number): string => `${i}`.padEnd(20 + (round % 2) * 10, '.');
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 5_000; i++) {
      const key = bytesOf(`key-${i}`);
      const bytes = bytesOf(value(i, round));
      store.put(key, 0, key.length, bytes, 0, bytes.length);
      if (i % 500 !== 499) continue;
      store.commit(round * 5_000 + i + 1);
      await store.checkpoint();
    }
    const { reads } = kv;
    for (let i = 0; i < 5_000; i++) {
      const key = bytesOf(`key-${i}`);
      expect(store.get(key, 0, key.length)).toBe(true);
      expect(textOf(store.valueBytes, store.valueStart, store.valueEnd)).toBe(value(i, round));
    }
    expect(store.stats.evictions).toBeGreaterThan(3_000);
    if (round < 2) expect(kv.reads).toBe(reads);
    else expect(kv.reads).toBeGreaterThan(reads);
    expect(store.stats.copiesGivenUp).toBe(round < 2 ? 0 : 1);
    if (round === 1)
      kv.scratch.damage(
        () => random.below(50) === 0,
        () => random.below(256),
      );
  }
});

test('what is deleted of a window that never left memory is not kept in memory', async () => {
  const options = { kv: new MemoryKv(), storeId: 1, memory: new MemoryBudget(300_000) };
  const store = createStore({ name: 's', kind: 'window', retentionMs: 10 }, options);
  await store.open();
  let position = 0;
  const each = async (count: number, call: (key: Uint8Array) => void): Promise<void> => {
    for (let i = 0; i < count; i++) call(bytesOf(`key-${i}`));
    store.commit(++position);
    await store.checkpoint();
  };
  await each(8_000, (key) => store.put(1, key, 0, key.length, key, 0, key.length));
  await each(8_000, (key) => store.put(2, key, 0, key.length, key, 0, key.length));
  expect(store.stats.evictions).toBeGreaterThan(0);
  store.expireBelow(3);
  await each(500, (key) => store.put(3, key, 0, key.length, key, 0, key.length));
  const { entries } = store.stats;
  expect(entries).toBeGreaterThan(500);
  await each(500, (key) => store.delete(3, key, 0, key.length));
  expect(store.stats.entries).toBe(entries - 500);
});

test('what was deleted after it had left memory and come back stays deleted, also when it is put again in vain', async () => {
  const kv = new MemoryKv();
  const store = createStore({ name: 's', kind: 'key-value' }, { kv, storeId: 1, memory: new MemoryBudget(100_000) });
  await store.open();
  const keys = Array.from({ length: 5_000 }, (_, i) => bytesOf(`key-${i}`));
  const found = (some: readonly Uint8Array[]): number => some.filter((key) => store.get(key, 0, key.length)).length;
  const put = (key: Uint8Array): boolean => store.put(key, 0, key.length, key, 0, key.length);
  let position = 0;
  const commit = async (): Promise<void> => {
    store.commit(++position);
    await store.checkpoint();
  };
  for (let from = 0; from < keys.length; from += 500) {
    keys.slice(from, from + 500).forEach(put);
    await commit();
  }
  const some = keys.slice(0, 100);
  const { reads } = kv;
  const { kvReads } = store.stats;
  expect(found(some)).toBe(100);
  // All of them had left memory, and came back from their copies.
  expect(store.stats.kvReads).toBe(kvReads + 100);
  expect(kv.reads).toBe(reads);
  for (const key of some) store.delete(key, 0, key.length);
  await commit();
  expect(found(some)).toBe(0);
  some.forEach(put);
  store.rollback();
  expect(found(some)).toBe(0);
  // They leave memory again.
  for (let round = 0; round < 3; round++) expect(found(keys)).toBe(4_900);
});

test('a store that was cleared finds nothing of before, and one that was closed takes no blocks', async () => {
  const kv = new MemoryKv();
  const store = createStore({ name: 's', kind: 'key-value' }, { kv, storeId: 1, memory: new MemoryBudget(100_000) });
  await store.open();
  const found = (name: string): boolean => store.get(bytesOf(name), 0, name.length);
  const fill = async (letter: string): Promise<void> => {
    for (let i = 0; i < 5_000; i++) {
      const key = bytesOf(`${letter}${i}`);
      store.put(key, 0, key.length, key, 0, key.length);
      if (i % 500 !== 499) continue;
      store.commit(i + 1);
      await store.checkpoint();
    }
    expect(store.stats.complete).toBe(false);
    expect(kv.scratch.used).toBeGreaterThan(0);
    for (let i = 0; i < 5_000; i += 10) expect(found(`${letter}${i}`)).toBe(true);
  };
  await fill('a');
  await store.clear();
  expect(kv.scratch.used).toBe(0);
  await store.open();
  await fill('b');
  for (let i = 0; i < 5_000; i += 10) expect(found(`a${i}`)).toBe(false);
  await store.close();
  expect(kv.scratch.used).toBe(0);
});
