/** The key-value store: the common core with the operator's key as it is. */

import { kinds } from './layout.ts';
import type { CommittedEntry, KeyValueStateStore } from './state-store.ts';
import { StateTable } from './state-table.ts';
import type { ChangeVisitor, StoreSpec } from './store.ts';
import type { StoreOptions } from './store-options.ts';

export class KeyValueStateTable extends StateTable implements KeyValueStateStore {
  readonly kind = 'key-value';

  constructor(spec: StoreSpec, options: StoreOptions) {
    super(spec, options, { forgets: spec.forgets === true });
  }

  get(key: Uint8Array, start: number, end: number): boolean {
    return this.core.get(kinds.data, key, start, end, this.#hint(key, start));
  }

  getForUpdate(key: Uint8Array, start: number, end: number): boolean {
    return this.core.getForUpdate(kinds.data, key, start, end, this.#hint(key, start));
  }

  put(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    return this.core.put(kinds.data, key, start, end, value, valueStart, valueEnd, this.#hint(key, start));
  }

  delete(key: Uint8Array, start: number, end: number): void {
    this.core.delete(kinds.data, key, start, end);
  }

  visitChanges(visit: ChangeVisitor): void {
    this.core.visitChanges(kinds.data, visit);
  }

  readCommitted(key: Uint8Array, start: number, end: number): Uint8Array | undefined {
    return this.core.readCommitted(kinds.data, key, start, end);
  }

  committedEntries(key: Uint8Array): CommittedEntry[] {
    const value = this.readCommitted(key, 0, key.length);
    return value === undefined ? [] : [{ key, value }];
  }

  /** Where the entry may be, if this is a key that was expected; else 0. */
  #hint(key: Uint8Array, start: number): number {
    const { ahead, table } = this.core;
    return key === ahead.bytes ? ahead.hint(table, kinds.data, start, undefined) : 0;
  }
}
