/** The hash table and the memory below it, against a plain map. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../base/index.ts';
import { FlatTable } from '../../../engine/stores/flat-table.ts';
import { Slab } from '../../../engine/stores/slab.ts';
import { bytesOf, textOf } from './world.ts';

const kind = 0;

class TableOfText {
  readonly table: FlatTable;

  constructor(seed = 1) {
    this.table = new FlatTable({ seed, listed: false });
  }

  find(key: string): number {
    const bytes = bytesOf(key);
    return this.table.find(this.table.hash(kind, bytes, 0, bytes.length), kind, bytes, 0, bytes.length);
  }

  get(key: string): string | undefined {
    const address = this.find(key);
    if (address === 0) return undefined;
    const start = this.table.valueStart(address);
    return textOf(this.table.bytesOf(address), start, start + this.table.valueLength(address));
  }

  put(key: string, value: string): void {
    const bytes = bytesOf(key);
    const valueBytes = bytesOf(value);
    const hash = this.table.hash(kind, bytes, 0, bytes.length);
    const address =
      this.table.find(hash, kind, bytes, 0, bytes.length) ||
      this.table.insert(hash, kind, bytes, 0, bytes.length, valueBytes.length);
    this.table.setValue(address, valueBytes, 0, valueBytes.length);
  }

  delete(key: string): void {
    const address = this.find(key);
    if (address !== 0) this.table.remove(address);
  }

  /** All entries, by ranges of hashes of a width that fits nothing. */
  entries(width: number): Map<string, string> {
    const found = new Map<string, string>();
    for (let from = 0; from < 2 ** 32; ) {
      from = this.table.visitHashes(from, Math.min(2 ** 32, from + width), (address) => {
        const bytes = this.table.bytesOf(address);
        const keyStart = this.table.keyStart(address) + 1;
        const valueStart = this.table.valueStart(address);
        const key = textOf(bytes, keyStart, valueStart);
        expect(found.has(key)).toBe(false);
        found.set(key, textOf(bytes, valueStart, valueStart + this.table.valueLength(address)));
        return true;
      });
    }
    return found;
  }
}

test('a table is a plain map, whatever is put, grown, shrunk and taken out', () => {
  const operation = fc.record({
    key: fc.nat(400).map((n) => `${n}`),
    length: fc.oneof(fc.constant(-1), fc.nat(30), fc.nat(3_000)),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 2_000, size: 'max' }), fc.nat(), (operations, seed) => {
      const table = new TableOfText(seed);
      const model = new Map<string, string>();
      for (const [i, { key, length }] of operations.entries()) {
        if (length < 0) {
          table.delete(key);
          model.delete(key);
        } else {
          const value = `${i}`.padEnd(length, '.');
          table.put(key, value);
          model.set(key, value);
        }
        expect(table.get(key)).toBe(model.get(key));
      }
      expect(table.entries(1_234_567_890)).toEqual(model);
      expect(table.table.count).toBe(model.size);
    }),
    { numRuns: 25 },
  );
});

test('a key is hashed and compared alike, from whatever buffers it comes and in whatever turns', () => {
  const random = new Random(5);
  const table = new FlatTable({ seed: 9, listed: true });
  const keys = Array.from({ length: 40 }, () => Uint8Array.from({ length: random.below(30) }, () => random.below(3)));
  // Each buffer has all keys, elsewhere and at another distance from its beginning.
  const buffers = Array.from({ length: 3 }, (_, n) => {
    const whole = new Uint8Array(4_000).subarray(n);
    const starts = keys.map(() => 0);
    let at = 0;
    for (const [i, key] of [...keys.entries()].sort(() => random.float() - 0.5)) {
      starts[i] = at += 1 + random.below(8);
      whole.set(key, at);
      at += key.length;
    }
    return { whole, starts };
  });
  const added = new Map<string, number>();
  for (let step = 0; step < 5_000; step++) {
    const { whole, starts } = random.pick(random.chance(0.6) ? buffers.slice(0, 1) : buffers);
    const i = random.below(keys.length);
    const [key, start] = [keys[i] as Uint8Array, starts[i] as number];
    const end = start + key.length;
    const copy = key.slice();
    const hash = table.hash(kind, whole, start, end);
    expect(table.hash(kind, copy, 0, copy.length)).toBe(hash);
    const found = table.find(hash, kind, whole, start, end);
    expect(found).toBe(added.get(textOf(key)) ?? 0);
    const other = random.pick(keys);
    if (found !== 0) expect(table.holds(found, kind, other, 0, other.length)).toBe(textOf(other) === textOf(key));
    else added.set(textOf(key), table.insert(hash, kind, whole, start, end, 8));
  }
});

test('a hundred thousand entries split sub-tables and shrink them again; memory follows', () => {
  const table = new TableOfText();
  const count = 100_000;
  for (let i = 0; i < count; i++) table.put(`key-${i}`, `${i}`);
  for (let i = 0; i < count; i++) expect(table.get(`key-${i}`)).toBe(`${i}`);
  const { slab } = table.table;
  // Key, value, header, kind and rounding: within a few bytes of the sum.
  expect(slab.liveBytes).toBeLessThan(count * 40);
  expect(table.table.slotBytes).toBeLessThan(count * 8 * 3);
  for (let i = 0; i < count; i++) if (i % 100 !== 0) table.delete(`key-${i}`);
  for (let i = 0; i < count; i += 100) expect(table.get(`key-${i}`)).toBe(`${i}`);
  expect(table.table.slotBytes).toBeLessThan(count);
  expect(slab.wasteful).toBe(true);
  while (slab.wasteful && table.table.defragment());
  expect(slab.reservedBytes).toBeLessThan(3 << 20);
  for (let i = 0; i < count; i += 100) expect(table.get(`key-${i}`)).toBe(`${i}`);
});

test('entries that were moved are told, and keep flags, place and list', () => {
  const table = new FlatTable({ seed: 5, listed: true });
  const moves = new Map<number, number>();
  table.onMove = (from, to) => moves.set(from, to);
  const key = bytesOf('key');
  const addresses = [0, 1, 2].map((i) => {
    const each = Uint8Array.from([...key, i]);
    const address = table.insert(table.hash(kind, each, 0, 4), kind, each, 0, 4, 1);
    table.enlist(address, 3);
    table.setPlace(address, 40 + i);
    return address;
  });
  const value = new Uint8Array(1_000).fill(7);
  const moved = table.setValue(addresses[1] as number, value, 0, 1_000);
  expect(moved).not.toBe(addresses[1]);
  expect(moves.get(addresses[1] as number)).toBe(moved);
  expect(table.place(moved)).toBe(41);
  const inList: number[] = [];
  while (table.headOf(3) !== 0) {
    inList.push(table.place(table.headOf(3)));
    table.remove(table.headOf(3));
  }
  expect(inList).toEqual([42, 41, 40]);
  expect(table.count).toBe(0);
});

test('keys whose hashes were equal on purpose cost time, never memory', () => {
  const table = new TableOfText();
  for (let i = 0; i < 30_000; i++) {
    const key = bytesOf(`${i}`);
    table.table.insert(0x7777_7777, kind, key, 0, key.length, 0);
    if (i > 12_000) break;
  }
  expect(table.table.slotBytes).toBeLessThan(64 << 20);
});

describe('a slab', () => {
  test('hands out blocks that do not overlap, reuses freed ones and accounts for every byte', () => {
    const random = new Random(11);
    const slab = new Slab();
    const blocks = new Map<number, number>();
    let live = 0;
    for (let i = 0; i < 30_000; i++) {
      if (random.chance(0.45) && blocks.size > 0) {
        const address = random.pick([...blocks.keys()].slice(0, 50));
        live -= slab.unitsOf(address) * 8;
        slab.free(address);
        blocks.delete(address);
      } else {
        const units = random.chance(0.01) ? random.between(1, 40_000) : random.between(2, 60);
        const address = slab.allocate(units);
        expect(blocks.has(address)).toBe(false);
        expect(slab.unitsOf(address)).toBe(units);
        live += units * 8;
        blocks.set(address, units);
      }
      if (i % 3_000 === 0) {
        const sorted = [...blocks].sort(([a], [b]) => a - b);
        for (let at = 1; at < sorted.length; at++) {
          const [address, units] = sorted[at - 1] as [number, number];
          const next = (sorted[at] as [number, number])[0];
          if (address >>> 17 === next >>> 17) expect(address + units).toBeLessThanOrEqual(next);
        }
      }
      expect(slab.liveBytes).toBe(live);
    }
    for (const address of blocks.keys()) slab.free(address);
    expect(slab.liveBytes).toBe(0);
  });

  test('gives a block above 256 KiB a segment of its own, and its memory back when it is freed', () => {
    const slab = new Slab();
    slab.allocate(4);
    const before = slab.reservedBytes;
    const large = slab.allocate(1 << 20);
    expect(slab.reservedBytes).toBe(before + (8 << 20));
    slab.free(large);
    expect(slab.reservedBytes).toBe(before);
  });

  test('starts small', () => {
    const slab = new Slab();
    slab.allocate(10);
    expect(slab.reservedBytes).toBe(4096);
  });
});
