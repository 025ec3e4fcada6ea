/** What a store is given beside its specification: the shard behind it, its place there, its limits. */

import type { MemoryBudget } from './memory-budget.ts';
import type { OrderedKv } from './ordered-kv.ts';

/** Largest batch of a changelog topic. */
export const changelogBatchBytes = 16 * 1024 * 1024;
/** What a batch of one record has beside key and value, at most. */
const recordOverheadBytes = 256;
/** Largest entry where a changelog batch may have so many bytes. */
export const entryLimit = (batchBytes: number): number => batchBytes - recordOverheadBytes;
export const mostEntryBytes = entryLimit(changelogBatchBytes);

export type StoreOptions = {
  /** The shard that checkpoints and spills this store; undefined keeps it in memory only. */
  readonly kv: OrderedKv | undefined;
  /** Compact id of the store within its shard (an unsigned 32-bit number), the prefix of all its keys there. It must be
   *  the same after a restart. */
  readonly storeId: number;
  /** Gives the store another number in its shard. With it a store that is cleared leaves what it had behind, out of
   *  reach. */
  readonly renewStoreId?: () => Promise<number>;
  /** Id of the changelog topic. A checkpoint that was written for another topic is not used. */
  readonly changelogId?: string;
  /** Largest entry, key and value together, in bytes: what a changelog record may have. Default `mostEntryBytes`. */
  readonly entryLimitBytes?: number;
  /** Shared with the other stores; undefined: this store is not counted, and evicts nothing. */
  readonly memory?: MemoryBudget;
  /** A random unsigned 32-bit number: keys that collide cannot be prepared from outside. */
  readonly hashSeed?: number;
  /** Called with the reason, at most once, when copies of what has left memory cannot be written or read, and are not
   *  kept any more. */
  readonly copiesGivenUp?: (why: string) => void;
  /** Number of entries from which a store looks ahead; tests make it 0. */
  readonly lookAheadFrom?: number;
  /** Entries that a checkpoint writes together; tests make it small. */
  readonly chunkEntries?: number;
  /** Bytes of a page of an ordered store; tests make it small. */
  readonly pageBytes?: number;
  /** Segments of an ordered store's recent entries that go into pages at once; tests make it small. */
  readonly segmentsAtOnce?: number;
  /** Bytes of one chunk of a scan; tests make it small. */
  readonly scanChunkBytes?: number;
};
