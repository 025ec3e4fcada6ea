/** Where a store's checkpoint stands, read without opening the store, which would clear a checkpoint that cannot be
 *  used. */

import { readF64, writeI32 } from '../../base/index.ts';
import { checksumBytes, isWhole } from './checksum.ts';
import { changelogIdOf, kinds, kvPrefixBytes, layoutVersion } from './layout.ts';
import type { OrderedKv } from './ordered-kv.ts';

/** The changelog offset up to which the checkpoint holds everything; undefined when there is none for this changelog,
 *  or a damaged one. Throws a `KvError`. */
export const checkpointPosition = (kv: OrderedKv, storeId: number, changelogId: string): number | undefined => {
  const key = new Uint8Array(kvPrefixBytes);
  writeI32(key, 0, storeId);
  key[kvPrefixBytes - 1] = kinds.position;
  const value = kv.getSync(key);
  if (value === undefined) return undefined;
  if (!isWhole(key, value)) return undefined;
  if (value[0] !== layoutVersion) return undefined;
  return changelogIdOf(value.subarray(0, value.length - checksumBytes)) === changelogId ? readF64(value, 1) : undefined;
};
