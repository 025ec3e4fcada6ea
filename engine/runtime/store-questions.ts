/** What a pull query asks of a store: the committed entries of one key, or pages of a scan, as copies that may cross a
 *  thread. */

import { unreachable } from '../../base/index.ts';
import type { OrderedStateStore, ScanChunk, ScanRange, StateStore, WindowStateStore } from '../stores/state-store.ts';
import type { StoreEntry, WindowRange } from './protocol.ts';

/** The committed entries of a key: one, one for each window within the range, or one for each order. */
export const readEntries = (
  store: StateStore,
  key: Uint8Array,
  windows: WindowRange | undefined,
  entries: StoreEntry[],
): void => {
  switch (store.kind) {
    case 'key-value': {
      const value = store.readCommitted(key, 0, key.length);
      if (value !== undefined) entries.push({ key, value });
      return;
    }
    case 'window':
      readWindows(store, key, windows, entries);
      return;
    case 'ordered':
      readOrdered(store, key, entries);
      return;
    default:
      unreachable(store);
  }
};

const readOrdered = (store: OrderedStateStore, key: Uint8Array, entries: StoreEntry[]): void => {
  const cursor = store.committedCursor();
  cursor.fetch(key, 0, key.length);
  while (cursor.next()) {
    const { valueBytes: bytes, orderStart, orderEnd, valueStart, valueEnd } = cursor;
    entries.push({ key, value: bytes.slice(valueStart, valueEnd), order: bytes.slice(orderStart, orderEnd) });
  }
};

const readWindows = (
  store: WindowStateStore,
  key: Uint8Array,
  windows: WindowRange | undefined,
  entries: StoreEntry[],
): void => {
  const { from, to } = windows ?? { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  for (const windowStart of store.committedWindows()) {
    if (windowStart < from || windowStart > to) continue;
    const value = store.readCommittedWindow(windowStart, key, 0, key.length);
    if (value !== undefined) entries.push({ key, value, windowStart });
  }
};

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
      // A visitor that answers at once lets nobody else run between the chunks of a store in memory.
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
  const { bytes, keyStarts, keyEnds, valueStarts, valueEnds, windowStarts, orderStarts, orderEnds } = chunk;
  const entries: StoreEntry[] = [];
  for (let i = from; i < to; i++) {
    const key = bytes.slice(keyStarts[i], keyEnds[i]);
    const value = bytes.slice(valueStarts[i], valueEnds[i]);
    switch (store.kind) {
      case 'key-value':
        entries.push({ key, value });
        break;
      case 'window':
        entries.push({ key, value, windowStart: windowStarts[i] as number });
        break;
      case 'ordered':
        entries.push({ key, value, order: bytes.slice(orderStarts[i], orderEnds[i]) });
        break;
      default:
        unreachable(store);
    }
  }
  return entries;
};
