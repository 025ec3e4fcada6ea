/**
 * Store ids: which number stands for which store in a shard.
 *
 * A shard is shared by the stores of many queries; each keeps its entries below a number of four bytes. The numbers are given here, kept
 * in the shard itself below number 0, and never given twice: what a forgotten store left behind can never be taken for another one's.
 *
 *   00000000                                      next number (u32)
 *   00000000 · application LF task LF store       number (u32) · kind (1 byte: 0 key-value, 1 window)
 */

import { readU32, utf8Bytes, utf8Text, writeI32 } from '../../base/index.ts';
import type { OrderedKv } from '../stores/ordered-kv.ts';
import type { StoreSpec } from '../stores/store.ts';

const root = new Uint8Array(4);

const keyOf = (applicationId: string, taskId: string, store: string): Uint8Array =>
  utf8Bytes(`\0\0\0\0${applicationId}\n${taskId}\n${store}`);

const valueOf = (number: number, kind?: StoreSpec['kind']): Uint8Array => {
  const bytes = new Uint8Array(kind === undefined ? 4 : 5);
  writeI32(bytes, 0, number);
  if (kind === 'window') bytes[4] = 1;
  return bytes;
};

/** The store's number in this shard; a new one is on the disk before it is answered. Calls for one shard must not overlap. */
export const storeIdOf = async (
  kv: OrderedKv,
  applicationId: string,
  taskId: string,
  { name, kind }: StoreSpec,
): Promise<number> => {
  const key = keyOf(applicationId, taskId, name);
  const known = kv.getSync(key);
  // A store that changed its kind is another store.
  if (known !== undefined && (known[4] === 1) === (kind === 'window')) return readU32(known, 0);
  const next = kv.getSync(root);
  const number = next === undefined ? 1 : readU32(next, 0);
  const batch = kv.batch();
  batch.put(root, valueOf(number + 1));
  batch.put(key, valueOf(number, kind));
  await batch.write({ sync: true });
  return number;
};

export interface KnownStore {
  readonly key: Uint8Array;
  readonly taskId: string;
  readonly storeId: number;
  readonly spec: StoreSpec;
}

/** All stores of an application in this shard. */
export const storesOf = async (kv: OrderedKv, applicationId: string): Promise<readonly KnownStore[]> => {
  const from = utf8Bytes(`\0\0\0\0${applicationId}\n`);
  const to = utf8Bytes(`\0\0\0\0${applicationId}\x0b`);
  const found: KnownStore[] = [];
  const iterator = kv.iterate({ from, to });
  try {
    for (;;) {
      const entries = await iterator.next(100);
      if (entries.length === 0) return found;
      for (const [key, value] of entries) {
        const [taskId = '', name = ''] = utf8Text(key.subarray(from.length)).split('\n');
        const spec: StoreSpec = value[4] === 1 ? { name, kind: 'window', retentionMs: 1 } : { name, kind: 'key-value' };
        found.push({ key, taskId, storeId: readU32(value, 0), spec });
      }
    }
  } finally {
    await iterator.close();
  }
};

/** Deletes a store with all its entries from the shard. */
export const forgetStore = async (kv: OrderedKv, { key, storeId }: KnownStore): Promise<void> => {
  const range = { from: new Uint8Array(4), to: new Uint8Array(4) };
  writeI32(range.from, 0, storeId);
  writeI32(range.to, 0, storeId + 1);
  await kv.clear(range, { sync: true });
  const batch = kv.batch();
  batch.delete(key);
  await batch.write({ sync: true });
};
