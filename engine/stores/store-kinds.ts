/**
 * The kinds of stores, one row each: what stands behind a kind, and how it is noted on the disk. To add a kind, add its
 * face to `OperatorStores` (`store.ts`), what the runtime reads of it besides the common life cycle to `StateStores`
 * (`state-store.ts`), a file with its class, a row here, and a row in the conformance suite
 * (`test/engine/stores/forms.ts`), without which the suite does not compile.
 */

import { KeyValueStateTable } from './key-value-store.ts';
import { OrderedStateTable } from './ordered-store.ts';
import type { StateStore, StateStores } from './state-store.ts';
import type { StoreKind, StoreSpec } from './store.ts';
import type { StoreOptions } from './store-options.ts';
import { WindowStateTable } from './window-store.ts';

interface KindOfStore<K extends StoreKind> {
  /** The byte that stands for the kind in a shard's register (`../runtime/store-ids.ts`). Never changed, never
   *  reused. */
  readonly code: number;
  /** Whether a specification of this kind has a retention time. */
  readonly retention: 'none' | 'optional' | 'required';
  create(spec: StoreSpec, options: StoreOptions): StateStores[K];
}

export const storeKinds: { readonly [K in StoreKind]: KindOfStore<K> } = {
  'key-value': {
    code: 0,
    retention: 'none',
    create: (spec, options) => new KeyValueStateTable(spec, options),
  },
  window: {
    code: 1,
    retention: 'required',
    create: (spec, options) => new WindowStateTable(spec, options),
  },
  ordered: {
    code: 2,
    retention: 'optional',
    create: (spec, options) => new OrderedStateTable(spec, options),
  },
};

/** Makes a store from its specification. */
export const createStore = <K extends StoreKind>(
  spec: StoreSpec & { readonly kind: K },
  options: StoreOptions,
): StateStores[K] => storeKinds[spec.kind].create(spec, options);

export const isOfKind = <K extends StoreKind>(store: StateStore, kind: K): store is StateStores[K] =>
  store.kind === kind;
