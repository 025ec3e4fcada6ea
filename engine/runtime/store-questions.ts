/** What a pull query asks of a store: the committed entries of one key, or pages of a scan, as copies that may cross a thread. */

import type { ScanChunk, StateStore, WindowStateStore } from '../stores/state-store.ts';
import type { StoreEntry, WindowRange } from './protocol.ts';

/** The committed entries of a key: one, or one for each window within the range. */
export const readEntries = (
  store: StateStore,
  key: Uint8Array,
  windows: WindowRange | undefined,
  entries: StoreEntry[],
): void => {
  if (store.kind === 'window') {
    readWindows(store, key, windows, entries);
    return;
  }
  const value = store.readCommitted(key, 0, key.length);
  if (value !== undefined) entries.push({ key, value });
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

/** Entries [from, to) of a scan's chunk. */
export const entriesOf = (store: StateStore, chunk: ScanChunk, from: number, to: number): readonly StoreEntry[] => {
  const { bytes, keyStarts, keyEnds, valueStarts, valueEnds, windowStarts } = chunk;
  const entries: StoreEntry[] = [];
  for (let i = from; i < to; i++) {
    const key = bytes.slice(keyStarts[i], keyEnds[i]);
    const value = bytes.slice(valueStarts[i], valueEnds[i]);
    entries.push(store.kind === 'window' ? { key, value, windowStart: windowStarts[i] as number } : { key, value });
  }
  return entries;
};
