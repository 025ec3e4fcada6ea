/**
 * The window store: the common core with keys that begin with the window's start.
 *
 * Windows below the floor (see `store-core.ts`) are absent: a read finds nothing, a write is left out. An operator does
 * not write there anyway, since it expires by the low watermark and drops late rows by the origin's own time, which is
 * not earlier.
 */

import { copyBytes } from '../../base/index.ts';
import { Checkpoint } from './checkpoint.ts';
import { kinds, windowBytes, writeWindowStart } from './layout.ts';
import { scanCommitted } from './scan.ts';
import type {
  ChangelogAppend,
  KeyColumns,
  OpenedStore,
  ScanRange,
  ScanVisitor,
  StoreMeta,
  StoreStats,
  WindowStateStore,
} from './state-store.ts';
import type { StoreSpec } from './store.ts';
import { StoreCore } from './store-core.ts';
import { mostEntryBytes, type StoreOptions } from './store-options.ts';

export class WindowStateTable implements WindowStateStore {
  readonly kind = 'window';
  readonly name: string;
  readonly spec: StoreSpec;
  readonly #core: StoreCore;
  readonly #checkpoint: Checkpoint;
  #key = new Uint8Array(256);
  /** The window start that `#key` begins with. */
  #keyWindow = Number.NaN;

  constructor(spec: StoreSpec, options: StoreOptions) {
    this.name = spec.name;
    this.spec = spec;
    this.#core = new StoreCore({
      windowed: true,
      kv: spec.logged === false ? undefined : options.kv,
      storeId: options.storeId,
      memory: options.memory,
      entryLimitBytes: options.entryLimitBytes ?? mostEntryBytes,
      hashSeed: options.hashSeed ?? 0,
      changelogId: options.changelogId ?? '',
      lookAheadFrom: options.lookAheadFrom,
      scanChunkBytes: options.scanChunkBytes,
      renewStoreId: options.renewStoreId,
    });
    this.#checkpoint = new Checkpoint(this.#core, options.chunkEntries);
  }

  get valueBytes(): Uint8Array {
    return this.#core.valueBytes;
  }

  get valueStart(): number {
    return this.#core.valueStart;
  }

  get valueEnd(): number {
    return this.#core.valueEnd;
  }

  get meta(): StoreMeta {
    return this.#core.meta;
  }

  get stats(): StoreStats {
    return this.#core.stats;
  }

  get(windowStart: number, key: Uint8Array, start: number, end: number): boolean {
    if (windowStart < this.#core.floor) return false;
    const length = this.#setKey(windowStart, key, start, end);
    return this.#core.get(kinds.data, this.#key, 0, length, this.#hint(key, start));
  }

  getForUpdate(windowStart: number, key: Uint8Array, start: number, end: number): boolean {
    if (windowStart < this.#core.floor) return false;
    const length = this.#setKey(windowStart, key, start, end);
    return this.#core.getForUpdate(kinds.data, this.#key, 0, length, this.#hint(key, start));
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
    if (windowStart < this.#core.floor) return true;
    const length = this.#setKey(windowStart, key, start, end);
    return this.#core.put(kinds.data, this.#key, 0, length, value, valueStart, valueEnd, this.#hint(key, start));
  }

  delete(windowStart: number, key: Uint8Array, start: number, end: number): void {
    if (windowStart < this.#core.floor) return;
    const length = this.#setKey(windowStart, key, start, end);
    this.#core.delete(kinds.data, this.#key, 0, length);
  }

  expireBelow(windowStart: number): void {
    this.#core.expireBelow(windowStart);
  }

  readCommittedWindow(windowStart: number, key: Uint8Array, start: number, end: number): Uint8Array | undefined {
    if (windowStart < this.#core.committedFloor) return undefined;
    const length = this.#setKey(windowStart, key, start, end);
    return this.#core.readCommitted(kinds.data, this.#key, 0, length);
  }

  committedWindows(): number[] {
    return this.#core.windows?.committed() ?? [];
  }

  /** Writes window start and key behind each other into `#key`; answers with their length. */
  #setKey(windowStart: number, key: Uint8Array, start: number, end: number): number {
    const length = windowBytes + (end - start);
    if (length > this.#key.length) {
      this.#key = new Uint8Array(length * 2);
      this.#keyWindow = Number.NaN;
    }
    if (windowStart !== this.#keyWindow) {
      writeWindowStart(this.#key, 0, windowStart);
      this.#keyWindow = windowStart;
    }
    copyBytes(key, start, end, this.#key, windowBytes);
    return length;
  }

  scanCommitted(range: ScanRange, visit: ScanVisitor): Promise<void> {
    return scanCommitted(this.#core, range, visit);
  }

  open(): Promise<OpenedStore> {
    return this.#core.open();
  }

  verify(): Promise<void> {
    return this.#core.verify();
  }

  get damage(): string | undefined {
    return this.#core.damage;
  }

  get verified(): boolean {
    return this.#core.verified;
  }

  close(): Promise<void> {
    this.#core.close();
    return this.#checkpoint.stop();
  }

  async clear(): Promise<void> {
    await this.#checkpoint.stop();
    await this.#core.clear();
    this.#checkpoint.resume();
  }

  expect(columns: KeyColumns, from: number, to: number): void {
    this.#core.ahead.expect(columns, from, to);
  }

  /** Where the entry may be, if this is a key that was expected; else 0. */
  #hint(key: Uint8Array, start: number): number {
    const { ahead, table } = this.#core;
    return key === ahead.bytes ? ahead.hint(table, kinds.data, start, this.#key) : 0;
  }

  changed(): number {
    return this.#core.changes.count;
  }

  writeChangelog(append: ChangelogAppend): void {
    this.#core.writeChangelog(append);
  }

  commit(changelogNextOffset: number): void {
    this.#core.commit(changelogNextOffset);
  }

  rollback(): void {
    this.#core.rollback();
  }

  applyChangelog(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#core.applyChangelog(key, keyStart, keyEnd, value, valueStart, valueEnd);
  }

  checkpointDue(nowMs: number): boolean {
    return this.#checkpoint.isDue(nowMs);
  }

  checkpoint(): Promise<void> {
    return this.#checkpoint.run();
  }
}
