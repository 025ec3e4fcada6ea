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
import type { Hops, StoreSpec, WindowsOfKey, WindowVisitor } from './store.ts';
import type { StoreCore } from './store-core.ts';
import type { StoreOptions } from './store-options.ts';
import { WindowedKey } from './windowed-key.ts';

const everyWindow: WindowRange = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

export class WindowStateTable extends StateTable implements WindowStateStore {
  readonly kind = 'window';
  readonly #expiry: Expiry;
  readonly #key = new WindowedKey();
  readonly #ofKey: WindowsOfKeyInTable;

  constructor(spec: StoreSpec, options: StoreOptions) {
    const expiry = new Expiry(0);
    super(spec, options, { expiry });
    this.#expiry = expiry;
    this.#ofKey = new WindowsOfKeyInTable(this.core, expiry);
  }

  windowsOfKey(hops?: Hops): WindowsOfKey {
    if (hops !== undefined && hops.count > 1 && hops.count <= mostHops) this.core.keyWindows = new KeyWindows(hops);
    return new WindowsOfKeyInTable(this.core, this.#expiry);
  }

  get(windowStart: number, key: Uint8Array, start: number, end: number): boolean {
    this.#ofKey.comeTo(key, start, end, windowStart);
    return this.#ofKey.get(windowStart);
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
    this.#ofKey.comeTo(key, start, end, windowStart);
    return this.#ofKey.put(windowStart, value, valueStart, valueEnd);
  }

  delete(windowStart: number, key: Uint8Array, start: number, end: number): void {
    this.#ofKey.comeTo(key, start, end, windowStart);
    this.#ofKey.delete(windowStart);
  }

  hasChanged(windowStart: number, key: Uint8Array, start: number, end: number): boolean {
    this.#key.set(windowStart, key, start, end);
    return this.core.hasChanged(kinds.data, this.#key.bytes, 0, this.#key.length);
  }

  latestStart(): number {
    return this.#expiry.windows.last ?? Number.NEGATIVE_INFINITY;
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
    this.#key.set(windowStart, key, start, end);
    return this.core.readCommitted(kinds.data, this.#key.bytes, 0, this.#key.length);
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
}

class WindowsOfKeyInTable implements WindowsOfKey {
  readonly #core: StoreCore;
  readonly #expiry: Expiry;
  readonly #key = new WindowedKey();
  /** Where the key came from. */
  #from: Uint8Array | undefined;
  #fromStart = 0;
  /** Its hash and its row, of a store that keeps the windows of a key side by side. */
  #hash = 0;
  #row = 0;

  constructor(core: StoreCore, expiry: Expiry) {
    this.#core = core;
    this.#expiry = expiry;
  }

  get valueBytes(): Uint8Array {
    return this.#core.valueBytes;
  }

  get valueView(): DataView {
    return this.#core.valueView;
  }

  get valueStart(): number {
    return this.#core.valueStart;
  }

  get valueEnd(): number {
    return this.#core.valueEnd;
  }

  comeTo(key: Uint8Array, start: number, end: number, firstWindow: number): void {
    this.#key.setKey(key, start, end);
    this.#from = key;
    this.#fromStart = start;
    const { ahead, table, keyWindows } = this.#core;
    if (keyWindows === undefined) return;
    this.#hash = ahead.keyHash(table, keyWindows, table.count, key, start, end, firstWindow);
    this.#row = keyWindows.rowOf(this.#hash);
  }

  get(windowStart: number): boolean {
    if (windowStart < this.#expiry.below) return false;
    const hint = this.#hint(windowStart);
    const { bytes, length } = this.#key;
    const found = this.#core.get(kinds.data, bytes, 0, length, hint);
    if (found) this.#keepPlace(hint, windowStart);
    return found;
  }

  getForUpdate(windowStart: number): boolean {
    if (windowStart < this.#expiry.below) return false;
    const hint = this.#hint(windowStart);
    const { bytes, length } = this.#key;
    const found = this.#core.getForUpdate(kinds.data, bytes, 0, length, hint);
    if (found) this.#keepPlace(hint, windowStart);
    return found;
  }

  put(windowStart: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    if (windowStart < this.#expiry.below) return true;
    const hint = this.#hint(windowStart);
    const { bytes, length } = this.#key;
    const isPut = this.#core.put(kinds.data, bytes, 0, length, value, valueStart, valueEnd, hint);
    if (isPut) this.#keepPlace(hint, windowStart);
    return isPut;
  }

  delete(windowStart: number): void {
    if (windowStart < this.#expiry.below) return;
    this.#key.setWindow(windowStart);
    this.#core.delete(kinds.data, this.#key.bytes, 0, this.#key.length);
  }

  /** Completes the key by a window; answers with where its entry may be, as far as that is known, else 0. */
  #hint(windowStart: number): number {
    const { ahead, table, keyWindows } = this.#core;
    this.#key.setWindow(windowStart);
    if (keyWindows !== undefined) return keyWindows.at(this.#row, windowStart);
    if (this.#from !== ahead.bytes) return 0;
    return ahead.of(windowStart).hint(table, kinds.data, this.#fromStart, this.#key.bytes);
  }

  /** Keeps where the entry was found or written, if that was not known before. */
  #keepPlace(hint: number, windowStart: number): void {
    const { keyWindows, table, last } = this.#core;
    if (keyWindows === undefined || last === hint) return;
    keyWindows.set(this.#hash, windowStart, last, table.count);
  }
}
