/** Makes a store from its specification: the one place that knows which class stands behind which kind. */

import { KeyValueStateTable } from './key-value-store.ts';
import type { OrderedKv } from './ordered-kv.ts';
import type { KeyValueStateStore, StateStore, WindowStateStore } from './state-store.ts';
import type { StoreSpec } from './store.ts';
import { WindowStateTable } from './window-store.ts';

export type StoreOptions = {
  /** The shard that checkpoints and spills this store; undefined keeps it in memory only, without any limit. */
  readonly kv: OrderedKv | undefined;
  /** Compact id of the store within its shard (an unsigned 32-bit number), the prefix of all its keys there. It must be the same after a restart. */
  readonly storeId: number;
  /** Id of the changelog topic. A checkpoint of another one is none. */
  readonly changelogId?: string;
  /** Beyond so many bytes entries that the checkpoint holds leave memory. */
  readonly memoryLimitBytes: number;
  /** A random unsigned 32-bit number: keys that collide cannot be prepared from outside. */
  readonly hashSeed?: number;
  /** Number of entries from which a store looks ahead; tests make it 0. */
  readonly lookAheadFrom?: number;
  /** Entries that a checkpoint writes together; tests make it small. */
  readonly chunkEntries?: number;
};

export const createKeyValueStore = (spec: StoreSpec, options: StoreOptions): KeyValueStateStore =>
  new KeyValueStateTable(spec, options);

export const createWindowStore = (spec: StoreSpec, options: StoreOptions): WindowStateStore =>
  new WindowStateTable(spec, options);

export const createStore = (spec: StoreSpec, options: StoreOptions): StateStore => {
  switch (spec.kind) {
    case 'key-value':
      return createKeyValueStore(spec, options);
    case 'window':
      return createWindowStore(spec, options);
  }
};
