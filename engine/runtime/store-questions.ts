/** Scans of stores for pull queries, as copies that may cross a thread. */

import type { ScanChunk, ScanRange, StateStore } from '../stores/state-store.ts';
import type { StoreEntry } from './protocol.ts';

/** What a scan may copy at once, keys and values together. */
const copyBytes = 8 << 20;
const copyTries = 3;

/** Copies of all committed entries of these stores within the range, as of one commit; undefined where they are too
 *  many for that, or commits come faster than the stores are read. `commits` counts the commits of their run. */
export const copyOfOneCommit = async (
  stores: readonly StateStore[],
  range: ScanRange,
  commits: () => number,
): Promise<readonly StoreEntry[] | undefined> => {
  for (let tries = 0; tries < copyTries; tries++) {
    const before = commits();
    const copy: StoreEntry[] = [];
    let bytes = 0;
    for (const store of stores) {
      // With a visitor that answers at once nothing else runs between the chunks of a store in memory.
      await store.scanCommitted(range, (chunk) => {
        for (const entry of entriesOf(store, chunk, 0, chunk.count)) {
          bytes += entry.key.length + entry.value.length;
          copy.push(entry);
        }
        return bytes <= copyBytes;
      });
      if (bytes > copyBytes) return undefined;
    }
    if (commits() === before) return copy;
  }
  return undefined;
};

/** Entries [from, to) of a scan's chunk. */
export const entriesOf = (store: StateStore, chunk: ScanChunk, from: number, to: number): readonly StoreEntry[] => {
  const entries: StoreEntry[] = [];
  for (let i = from; i < to; i++) entries.push(store.entryAt(chunk, i));
  return entries;
};
