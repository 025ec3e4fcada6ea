/**
 * What declares a store of a user's processors: its name and kind as the topology needs them, and the typed face that a
 * processor gets of it. `stores.ts` makes them.
 */

import type { ByteWriter } from '../../base/index.ts';
import type { Serde } from '../serde.ts';
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
  /** How its entries are read from outside. */
  readonly form: StoredForm;
}

/** Left out, `sizeMs`: a key-value store; else the entries have times: those of windows of this size, or of sessions
 *  (undefined). */
export interface StoredForm {
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly entries: 'plain' | 'ordered' | 'versions';
  readonly sizeMs?: number | undefined;
}

export const storedForm = <K, V>(
  key: Serde<K>,
  value: Serde<V>,
  entries: StoredForm['entries'],
  times: Pick<StoredForm, 'sizeMs'> = {},
): StoredForm => ({
  // Who reads the store has the types of its builder.
  key: key as Serde<unknown>,
  value: value as Serde<unknown>,
  entries,
  ...times,
});

export type AnyStoreBuilder = StoreBuilder<string, unknown>;

/** What a builder's store looks like. */
export type StoreOf<B> = B extends StoreBuilder<string, infer Store> ? Store : never;
