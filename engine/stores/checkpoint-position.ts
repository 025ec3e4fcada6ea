/** Where a store's checkpoint stands, read without opening the store (which would clear a checkpoint that is of no use
 *  to it). */

import { equalBytes, readF64, utf8Bytes, writeI32 } from '../../base/index.ts';
import { checksumBytes, isWhole } from './checksum.ts';
import { kinds, kvPrefixBytes, layoutVersion } from './layout.ts';
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
  const id = utf8Bytes(changelogId);
  const end = 9 + id.length;
  return value.length === end + checksumBytes && equalBytes(value, 9, end, id, 0, id.length)
    ? readF64(value, 1)
    : undefined;
};
