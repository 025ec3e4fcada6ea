/** Makes a store from its specification: the one place that knows which class stands behind which kind. */

import { KeyValueStateTable } from './key-value-store.ts';
import type { KeyValueStateStore, StateStore, WindowStateStore } from './state-store.ts';
import type { StoreSpec } from './store.ts';
import type { StoreOptions } from './store-options.ts';
import { WindowStateTable } from './window-store.ts';

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
