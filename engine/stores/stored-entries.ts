/**
 * The store's entries in its key-value store: their keys below the store's number, their values with checksums
 * (`layout.ts`), and the sum over all of them.
 *
 * Everything that is read is verified. Damage that was found stays noted: the store has to be cleared and restored.
 */

import { assert, copyBytes, readU32, writeI32 } from '../../base/index.ts';
import { appendChecksum, checksumBytes, isWhole, verifyChecksum } from './checksum.ts';
import { EntrySum, entrySumBytes } from './entry-sum.ts';
import { kinds, kvPrefixBytes, positionValue } from './layout.ts';
import { type KvBatch, KvError, type KvRange, type OrderedKv } from './ordered-kv.ts';
import { ViewScratch } from './view-scratch.ts';

const noBytes = new Uint8Array(0);

export class StoredEntries {
  /** Undefined: the store is kept in memory only. */
  readonly kv: OrderedKv | undefined;
  /** The store's number in its shard: an unsigned 32-bit number. */
  storeId: number;
  /** Over what the key-value store has of this store, as of the last batch that was built for it. */
  sum = new EntrySum();
  /** What is wrong with what the key-value store has, once that was found. */
  damage: string | undefined;
  reads = 0;
  writes = 0;
  readonly #keys = new ViewScratch();
  readonly #values = new ViewScratch();

  constructor(kv: OrderedKv | undefined, storeId: number) {
    this.kv = kv;
    this.storeId = storeId;
  }

  /** Forgets what was known of a former content. */
  reset(): void {
    this.sum = new EntrySum();
    this.damage = undefined;
  }

  /** The key of an entry; valid until the next call. */
  key(kind: number, key: Uint8Array, start: number, end: number): Uint8Array {
    assert(start <= end, 'a key ends before it begins');
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

  /** Every batch that changes entries of the store ends with the sum over them: what survives a crash goes together. */
  putSum(batch: KvBatch): void {
    assert(this.sum.count >= 0, 'more entries of a store were removed from its sum than were added');
    this.put(batch, this.key(kinds.sum, noBytes, 0, 0), this.sum.toBytes(), 0, entrySumBytes);
  }

  putPosition(batch: KvBatch, position: number, changelogId: string, form: string): void {
    assert(Number.isSafeInteger(position) && position >= 0, `a checkpoint at the changelog offset ${position}`);
    const value = positionValue(position, changelogId, form);
    this.put(batch, this.key(kinds.position, noBytes, 0, 0), value, 0, value.length);
  }

  /** The value as it is stored, its checksum behind it; undefined when there is none. Throws a `KvError`. */
  read(kind: number, key: Uint8Array, start: number, end: number): Uint8Array | undefined {
    return this.#getVerified(this.key(kind, key, start, end));
  }

  /** Whether a value that was kept elsewhere, `bytes[from, to)`, is one of this key as it would be stored. */
  isWhole(
    kind: number,
    key: Uint8Array,
    start: number,
    end: number,
    { bytes, start: from, end: to }: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
  ): boolean {
    return isWhole(this.key(kind, key, start, end), bytes, from, to);
  }

  /** A value that the store has once, without its checksum. */
  readOwn(kind: number): Uint8Array | undefined {
    const stored = this.read(kind, noBytes, 0, 0);
    return stored?.subarray(0, stored.length - checksumBytes);
  }

  /** The checksum of what is stored under a key that `key()` made; 0: nothing is. */
  checksumOf(key: Uint8Array): number {
    this.reads++;
    const value = this.#getVerified(key);
    return value === undefined ? 0 : readU32(value, value.length - checksumBytes);
  }

  #getVerified(key: Uint8Array): Uint8Array | undefined {
    try {
      const value = this.kv?.getSync(key);
      if (value !== undefined) verifyChecksum(key, value);
      return value;
    } catch (error) {
      throw this.noted(error);
    }
  }

  /** Notes damage; answers with the error, to be thrown. */
  noted(error: unknown): unknown {
    if (error instanceof KvError && error.kind === 'corrupt') this.damage = error.message;
    return error;
  }
}
