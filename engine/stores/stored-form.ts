/** How a store's entries stand in the key-value store: keys below its number, values with their checksums
 *  (`layout.ts`). */

import { copyBytes, writeI32 } from '../../base/index.ts';
import { appendChecksum, checksumBytes } from './checksum.ts';
import { kvPrefixBytes } from './layout.ts';
import type { KvBatch, KvRange } from './ordered-kv.ts';
import { ViewScratch } from './view-scratch.ts';

export class StoredForm {
  /** The store's number in its shard: an unsigned 32-bit number. */
  storeId: number;
  readonly #keys = new ViewScratch();
  readonly #values = new ViewScratch();

  constructor(storeId: number) {
    this.storeId = storeId;
  }

  /** The key of an entry; good until the next call. */
  key(kind: number, key: Uint8Array, start: number, end: number): Uint8Array {
    const length = kvPrefixBytes + (end - start);
    const bytes = this.#keys.reserve(length);
    writeI32(bytes, 0, this.storeId);
    bytes[4] = kind;
    copyBytes(key, start, end, bytes, kvPrefixBytes);
    return this.#keys.view(length);
  }

  /** All keys of one kind, or all of the store. */
  range(kind?: number): KvRange {
    const from = new Uint8Array(kind === undefined ? 4 : kvPrefixBytes);
    writeI32(from, 0, this.storeId);
    if (kind !== undefined) from[4] = kind;
    const to = new Uint8Array(kvPrefixBytes);
    writeI32(to, 0, this.storeId);
    to[4] = kind === undefined ? 0xff : kind + 1;
    return { from, to };
  }

  /** Puts an entry into a batch with its checksum, which is the answer. `key` is as `key()` made it. */
  put(batch: KvBatch, key: Uint8Array, bytes: Uint8Array, start: number, length: number): number {
    const value = this.#values.reserve(length + checksumBytes);
    copyBytes(bytes, start, start + length, value, 0);
    const checksum = appendChecksum(key, value, length);
    batch.put(key, this.#values.view(length + checksumBytes));
    return checksum;
  }
}
