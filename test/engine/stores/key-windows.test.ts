/** Rows of a key's windows: they name entries that exist, whatever moves or goes, and find most of them. */

import { expect, test } from 'vitest';
import { Random, writeOrderedI64 } from '../../../base/index.ts';
import { Expiry } from '../../../engine/stores/expiry.ts';
import { FlatTable } from '../../../engine/stores/flat-table.ts';
import { KeyWindows } from '../../../engine/stores/key-windows.ts';
import { kinds } from '../../../engine/stores/layout.ts';
import { StoreCore } from '../../../engine/stores/store-core.ts';

const advanceMs = 12_000;
const count = 5;

const keyOf = (window: number, key: number): Uint8Array => {
  const bytes = new Uint8Array(8 + 5);
  writeOrderedI64(bytes, 0, window * advanceMs);
  bytes.set([107, key >> 8, key, key, 1], 8);
  return bytes;
};

test.each([40, 3_000])(
  '%i keys: an address is always one of an entry of the key, or of one with the same hash',
  (keys) => {
    const random = new Random(keys);
    const table = new FlatTable({ seed: 3, listed: true });
    const windows = new KeyWindows({ advanceMs, count });
    const live = new Map<number, { readonly window: number; readonly key: number }>();
    table.onMove = (from, to) => {
      windows.replace(table, from, to);
      live.set(to, live.get(from) as { window: number; key: number });
      live.delete(from);
    };
    const hashOf = (key: number): number => {
      const bytes = keyOf(0, key);
      return table.hash(kinds.data, bytes, 8, bytes.length);
    };
    let [asked, found] = [0, 0];
    let latest = 0;
    for (let step = 0; step < 60_000; step++) {
      if (step % 3_000 === 0) latest++;
      const [window, key] = [latest - random.below(count), random.below(keys)];
      const bytes = keyOf(window, key);
      const hash = table.hash(kinds.data, bytes, 0, bytes.length);
      const address = table.find(hash, kinds.data, bytes, 0, bytes.length);
      const hint = windows.at(windows.rowOf(hashOf(key)), window * advanceMs);
      if (hint !== 0) expect(live.get(hint)?.key).toBe(key);
      if (address !== 0) asked++;
      if (hint === address && address !== 0) found++;
      if (address === 0) {
        const added = table.insert(hash, kinds.data, bytes, 0, bytes.length, 8);
        table.enlist(added, 0);
        live.set(added, { window, key });
        windows.set(hashOf(key), window * advanceMs, added, table.count);
      } else if (random.chance(0.1)) {
        windows.replace(table, address, 0);
        live.delete(address);
        table.remove(address);
      } else {
        if (random.chance(0.2)) table.setValue(address, new Uint8Array(90), 0, random.below(90));
        const now = table.find(hash, kinds.data, bytes, 0, bytes.length);
        if (hint === 0) windows.set(hashOf(key), window * advanceMs, now, table.count);
      }
      if (step % 500 === 0) table.defragment();
    }
    expect(asked).toBeGreaterThan(1_000);
    expect(found).toBeGreaterThan(asked * 0.9);
    expect(windows.bytesInMemory).toBeLessThan(Math.max(1024, table.count) * 2 * 36);
    windows.clear();
    for (const { window, key } of live.values())
      expect(windows.at(windows.rowOf(hashOf(key)), window * advanceMs)).toBe(0);
  },
);

test('follows entries that move, and forgets those that expire, that are rolled back and that are cleared', () => {
  const core = new StoreCore({ kv: undefined, storeId: 1 }, { expiry: new Expiry(0) });
  const windows = new KeyWindows({ advanceMs, count });
  core.keyWindows = windows;
  const hash = core.table.hash(kinds.data, keyOf(0, 7), 8, 13);
  const put = (window: number, length: number): number => {
    const bytes = keyOf(window, 7);
    core.put(kinds.data, bytes, 0, bytes.length, new Uint8Array(length), 0, length, 0);
    return core.last;
  };
  const keep = (window: number): void => windows.set(hash, window * advanceMs, put(window, 10), 1);
  const at = (window: number): number => windows.at(windows.rowOf(hash), window * advanceMs);

  keep(1);
  const before = at(1);
  const moved = put(1, 500);
  expect(moved).not.toBe(before);
  expect(at(1)).toBe(moved);
  core.commit(1);
  keep(2);
  core.rollback();
  expect([at(1), at(2)]).toEqual([moved, 0]);
  core.expireBelow(2 * advanceMs);
  core.commit(2);
  expect(at(1)).toBe(0);
  keep(3);
  core.reset();
  expect(at(3)).toBe(0);
});
