/** The key-value store: the common core with the operator's key as it is. */

import { Checkpoint } from './checkpoint.ts';
import { kinds } from './layout.ts';
import { scanCommitted } from './scan.ts';
import type {
  ChangelogAppend,
  KeyColumns,
  KeyValueStateStore,
  OpenedStore,
  ScanRange,
  ScanVisitor,
  StoreMeta,
  StoreStats,
} from './state-store.ts';
import type { StoreSpec } from './store.ts';
import { StoreCore } from './store-core.ts';
import { mostEntryBytes, type StoreOptions } from './store-options.ts';

export class KeyValueStateTable implements KeyValueStateStore {
  readonly kind = 'key-value';
  readonly name: string;
  readonly spec: StoreSpec;
  readonly #core: StoreCore;
  readonly #checkpoint: Checkpoint;

  constructor(spec: StoreSpec, options: StoreOptions) {
    this.name = spec.name;
    this.spec = spec;
    this.#core = new StoreCore({
      windowed: false,
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

  get(key: Uint8Array, start: number, end: number): boolean {
    return this.#core.get(kinds.data, key, start, end, this.#hint(key, start));
  }

  getForUpdate(key: Uint8Array, start: number, end: number): boolean {
    return this.#core.getForUpdate(kinds.data, key, start, end, this.#hint(key, start));
  }

  put(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    return this.#core.put(kinds.data, key, start, end, value, valueStart, valueEnd, this.#hint(key, start));
  }

  delete(key: Uint8Array, start: number, end: number): void {
    this.#core.delete(kinds.data, key, start, end);
  }

  readCommitted(key: Uint8Array, start: number, end: number): Uint8Array | undefined {
    return this.#core.readCommitted(kinds.data, key, start, end);
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
    return key === ahead.bytes ? ahead.hint(table, kinds.data, start, undefined) : 0;
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
