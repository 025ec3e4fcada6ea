/**
 * The window store: the common core with keys that begin with the window's start.
 *
 * Expired windows are absent: a read finds nothing, a write is left out. An operator does not write there anyway, since
 * it expires by the low watermark and drops late rows by the origin's own time, which is not earlier.
 */

import { Expiry } from './expiry.ts';
import { KeyWindows, mostHops } from './key-windows.ts';
import { kinds, readTime, timeBytes } from './layout.ts';
import type { CommittedEntry, EntryRange, ScanChunk, WindowRange, WindowStateStore } from './state-store.ts';
import { StateTable } from './state-table.ts';
import type { Hops, StoreSpec, WindowVisitor } from './store.ts';
import type { StoreOptions } from './store-options.ts';
import { WindowedKey } from './windowed-key.ts';

const everyWindow: WindowRange = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

export class WindowStateTable extends StateTable implements WindowStateStore {
  readonly kind = 'window';
  readonly #expiry: Expiry;
  readonly #key = new WindowedKey();

  constructor(spec: StoreSpec, options: StoreOptions) {
    const expiry = new Expiry(0);
    super(spec, options, { expiry });
    this.#expiry = expiry;
  }

  hops(hops: Hops): void {
    if (hops.count > 1 && hops.count <= mostHops) this.core.keyWindows = new KeyWindows(hops);
  }

  get(windowStart: number, key: Uint8Array, start: number, end: number): boolean {
    if (windowStart < this.#expiry.below) return false;
    const length = this.#key.set(windowStart, key, start, end);
    const hint = this.#hint(windowStart, key, start, end);
    const found = this.core.get(kinds.data, this.#key.bytes, 0, length, hint);
    if (found) this.#keepPlace(hint, windowStart, key, start, end);
    return found;
  }

  getForUpdate(windowStart: number, key: Uint8Array, start: number, end: number): boolean {
    if (windowStart < this.#expiry.below) return false;
    const length = this.#key.set(windowStart, key, start, end);
    const hint = this.#hint(windowStart, key, start, end);
    const found = this.core.getForUpdate(kinds.data, this.#key.bytes, 0, length, hint);
    if (found) this.#keepPlace(hint, windowStart, key, start, end);
    return found;
  }

  put(
    windowStart: number,
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    if (windowStart < this.#expiry.below) return true;
    const length = this.#key.set(windowStart, key, start, end);
    const hint = this.#hint(windowStart, key, start, end);
    const isPut = this.core.put(kinds.data, this.#key.bytes, 0, length, value, valueStart, valueEnd, hint);
    if (isPut) this.#keepPlace(hint, windowStart, key, start, end);
    return isPut;
  }

  delete(windowStart: number, key: Uint8Array, start: number, end: number): void {
    if (windowStart < this.#expiry.below) return;
    const length = this.#key.set(windowStart, key, start, end);
    this.core.delete(kinds.data, this.#key.bytes, 0, length);
  }

  hasChanged(windowStart: number, key: Uint8Array, start: number, end: number): boolean {
    const length = this.#key.set(windowStart, key, start, end);
    return this.core.hasChanged(kinds.data, this.#key.bytes, 0, length);
  }

  latestStart(): number {
    return this.#expiry.windows.atOrBefore(Number.POSITIVE_INFINITY) ?? Number.NEGATIVE_INFINITY;
  }

  visitChanges(visit: WindowVisitor): void {
    const { below } = this.#expiry;
    this.core.visitChanges(kinds.data, (key, keyStart, keyEnd, before, from, to, after, start, end) => {
      const windowStart = readTime(key, keyStart);
      if (windowStart < below) return;
      visit(windowStart, key, keyStart + timeBytes, keyEnd, before, from, to, after, start, end);
    });
  }

  expireBelow(windowStart: number): void {
    this.core.expireBelow(windowStart);
  }

  readCommittedWindow(windowStart: number, key: Uint8Array, start: number, end: number): Uint8Array | undefined {
    if (windowStart < this.#expiry.committedBelow) return undefined;
    const length = this.#key.set(windowStart, key, start, end);
    return this.core.readCommitted(kinds.data, this.#key.bytes, 0, length);
  }

  committedWindows(): number[] {
    return this.#expiry.windows.committed();
  }

  committedEntries(key: Uint8Array, { windows: { from, to } = everyWindow }: EntryRange = {}): CommittedEntry[] {
    const entries: CommittedEntry[] = [];
    for (const windowStart of this.committedWindows()) {
      if (windowStart < from || windowStart > to) continue;
      const value = this.readCommittedWindow(windowStart, key, 0, key.length);
      if (value !== undefined) entries.push({ key, value, windowStart });
    }
    return entries;
  }

  override entryAt(chunk: ScanChunk, index: number): CommittedEntry {
    return { ...super.entryAt(chunk, index), windowStart: chunk.windowStarts[index] as number };
  }

  /** Where the entry may be, as far as that is known; else 0. */
  #hint(windowStart: number, key: Uint8Array, start: number, end: number): number {
    const { ahead, table, keyWindows } = this.core;
    if (keyWindows === undefined)
      return key === ahead.bytes ? ahead.of(windowStart).hint(table, kinds.data, start, this.#key.bytes) : 0;
    const hint = key === ahead.bytes ? ahead.windowHint(table, keyWindows, start, windowStart) : -1;
    return hint >= 0 ? hint : keyWindows.at(table.hash(kinds.data, key, start, end), windowStart);
  }

  /** Keeps where the entry was found or written, if that was not known before. */
  #keepPlace(hint: number, windowStart: number, key: Uint8Array, start: number, end: number): void {
    const { keyWindows, table, last } = this.core;
    if (keyWindows === undefined || last === hint) return;
    keyWindows.set(table.hash(kinds.data, key, start, end), windowStart, last, table.count);
  }
}
