/**
 * What declares a store of a user's processors: its name and kind as the topology needs them, and the typed face that a
 * processor gets of it. `stores.ts` makes them.
 */

import type { ByteWriter } from '../../base/index.ts';
import type { OperatorStores, StoreKind, StoreSpec } from '../stores/store.ts';

/** What a face needs of the processor that it belongs to. */
export interface StoreAccess {
  store<K extends StoreKind>(name: string, kind: K): OperatorStores[K];
  scratch(): ByteWriter;
  /** The number of the call in hand: what was lent in a former one is back. */
  turn(): number;
  /** The time by which entries of windows are expired. */
  streamTime(): number;
  /** To be called at each commit, with the time below which nothing comes any more. */
  atCommit(work: (streamTime: number) => void): void;
}

/** Declares a store. Give one builder to all processors that share the store. */
export interface StoreBuilder<Name extends string, Store> extends StoreSpec {
  readonly name: Name;
  /** Called once for each processor. */
  open(access: StoreAccess): Store;
}

export type AnyStoreBuilder = StoreBuilder<string, unknown>;

/** What a builder's store looks like. */
export type StoreOf<B> = B extends StoreBuilder<string, infer Store> ? Store : never;
