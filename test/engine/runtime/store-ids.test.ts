/** The register of a shard's stores, where a store is deleted. */

import { expect, test } from 'vitest';
import { StoreIds } from '../../../engine/runtime/store-ids.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import { KvError } from '../../../engine/stores/ordered-kv.ts';

const counts = { name: 'counts', kind: 'key-value' } as const;

test('a store whose deletion was cut short is not found again, and the next opening deletes the rest', async () => {
  let writes = 0;
  let fails = false;
  const kv = new MemoryKv({
    beforeWrite: async () => {
      await Promise.resolve();
      // The register, and some of the entries.
      if (fails && ++writes > 6) throw new KvError('full', 'no space left');
    },
  });
  const ids = await StoreIds.load(kv);
  const number = await ids.of('app', '0_0', counts);
  const batch = kv.batch();
  for (let i = 0; i < 1_000; i++) batch.put(Uint8Array.of(0, 0, 0, number, 1, i >> 8, i & 255), Uint8Array.of(i & 255));
  await batch.write({ sync: true });
  const [store] = ids.storesOf('app');
  if (store === undefined) throw new Error('the store is not known');
  fails = true;
  await expect(ids.forget(store)).rejects.toThrow('no space left');
  fails = false;
  expect(kv.size).toBeGreaterThan(10);
  const again = await StoreIds.load(kv.crash(() => true));
  expect(again.storesOf('app')).toEqual([]);
  expect(await again.of('app', '0_0', counts)).toBeGreaterThan(number);
});

test('what is left of deleted stores goes, and others stay', async () => {
  const kv = new MemoryKv();
  const ids = await StoreIds.load(kv);
  const number = await ids.of('app', '0_0', counts);
  await ids.of('app', '0_1', counts);
  const batch = kv.batch();
  for (let i = 0; i < 100; i++) batch.put(Uint8Array.of(0, 0, 0, number, 1, i), Uint8Array.of(i));
  await batch.write({ sync: true });
  const { clear } = kv;
  kv.clear = () => Promise.reject(new KvError('full', 'no space left'));
  for (const store of ids.storesOf('app').slice(0, 1)) await expect(ids.forget(store)).rejects.toThrow('no space left');
  kv.clear = clear;
  const again = await StoreIds.load(kv);
  await again.deleteForgotten();
  // The next number, and the other store.
  expect(kv.size).toBe(2);
  expect((await StoreIds.load(kv)).storesOf('app')).toMatchObject([{ taskId: '0_1' }]);
});
