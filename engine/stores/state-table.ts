/**
 * The life cycle that stores of all kinds share, over one core. A kind extends it by the calls of its operators, which
 * determine the keys that reach the core.
 */

import { Checkpoint } from './checkpoint.ts';
import { scanCommitted } from './scan.ts';
import type {
  CallTimes,
  ChangelogAppend,
  CheckpointPace,
  CommittedEntry,
  InputInHand,
  KeyColumns,
  OpenedStore,
  ScanChunk,
  ScanRange,
  ScanVisitor,
  StateStoreLifecycle,
  StoreMeta,
  StoreStats,
} from './state-store.ts';
import type { StoreSpec } from './store.ts';
import { type CoreForm, StoreCore } from './store-core.ts';
import { MetaEntries } from './store-meta.ts';
import { StoreOpening } from './store-opening.ts';
import type { StoreOptions } from './store-options.ts';

export abstract class StateTable implements Omit<StateStoreLifecycle, 'committedEntries'> {
  readonly name: string;
  readonly spec: StoreSpec;
  protected readonly core: StoreCore;
  readonly meta: StoreMeta;
  readonly #opening: StoreOpening;
  readonly #checkpoint: Checkpoint;

  constructor(spec: StoreSpec, options: StoreOptions, form: CoreForm) {
    this.name = spec.name;
    this.spec = spec;
    this.core = new StoreCore(spec.logged === false ? { ...options, kv: undefined } : options, form);
    this.meta = new MetaEntries(this.core);
    this.#opening = new StoreOpening(this.core, options.renewStoreId);
    this.#checkpoint = new Checkpoint(this.core, options.chunkEntries);
  }

  get valueBytes(): Uint8Array {
    return this.core.valueBytes;
  }

  get valueView(): DataView {
    return this.core.valueView;
  }

  get valueStart(): number {
    return this.core.valueStart;
  }

  get valueEnd(): number {
    return this.core.valueEnd;
  }

  get stats(): StoreStats {
    return this.core.stats;
  }

  get damage(): string | undefined {
    return this.core.stored.damage;
  }

  get verified(): boolean {
    return this.#opening.verified;
  }

  open(): Promise<OpenedStore> {
    return this.#opening.open();
  }

  verify(): Promise<void> {
    return this.#opening.verify();
  }

  close(): Promise<void> {
    this.core.memory.leave();
    this.core.spilled?.clear();
    this.#opening.close();
    return this.#checkpoint.stop();
  }

  async clear(): Promise<void> {
    await this.#checkpoint.stop();
    await this.#opening.clear();
    this.#checkpoint.resume();
  }

  expect(columns: KeyColumns, from: number, to: number, input: number): void {
    this.core.expect(columns, from, to, input);
  }

  follow(inHand: InputInHand): void {
    this.core.inHand = inHand;
  }

  timeCalls(times: CallTimes | undefined): void {
    this.core.times = times;
  }

  changedBytes(): number {
    return this.core.changedBytes;
  }

  changed(): number {
    return this.core.changes.count;
  }

  writeChangelog(append: ChangelogAppend): void {
    this.core.writeChangelog(append);
  }

  commit(changelogNextOffset: number): void {
    this.core.commit(changelogNextOffset);
  }

  rollback(): void {
    this.core.rollback();
  }

  applyChangelog(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.core.applyChangelog(key, keyStart, keyEnd, value, valueStart, valueEnd);
  }

  checkpointDue(nowMs: number): boolean {
    return this.#checkpoint.isDue(nowMs);
  }

  checkpoint(pace?: CheckpointPace): Promise<void> {
    return this.#checkpoint.run(pace);
  }

  entryAt({ bytes, keyStarts, keyEnds, valueStarts, valueEnds }: ScanChunk, index: number): CommittedEntry {
    return {
      key: bytes.slice(keyStarts[index], keyEnds[index]),
      value: bytes.slice(valueStarts[index], valueEnds[index]),
    };
  }

  scanCommitted(range: ScanRange, visit: ScanVisitor): Promise<void> {
    return scanCommitted(this.core, range, visit);
  }
}
