/** The stores of a topology under test, typed, as of the last commit. */

import { assert, equalBytes, UserError } from '../base/index.ts';
import type { StoreForm } from './dsl/queryable-store.ts';
import { timestampBytes, timestampOf } from './operators/timestamped.ts';
import { otherForm } from './runtime/views/view.ts';
import { layoutOf, type WindowedLayout } from './runtime/views/windowed-layout.ts';
import type { Serde } from './serde.ts';
import { readSessionOrder } from './stores/session-store.ts';
import type { StateStore } from './stores/state-store.ts';
import { bytesOf, noBytes } from './test-records.ts';

/** A value in a store, with the event time of its result; undefined where the store keeps none, as those of processors
 *  do. */
export interface StoredValue<V> {
  readonly value: V;
  readonly timestamp: number | undefined;
}

const storedOf = <K, V>({ value: serde, entries }: StoreForm<K, V>, bytes: Uint8Array): StoredValue<V> => {
  const timestamped = (entries ?? 'timestamped') === 'timestamped';
  return {
    value: serde.read(bytes, timestamped ? timestampBytes : 0, bytes.length),
    timestamp: timestamped ? timestampOf(bytes, 0) : undefined,
  };
};

/** The form of a table that is made of a windowed one: its keys carry their windows. */
const byWindowedKey = <K, V>(
  form: StoreForm<K, V> & { readonly windowedKey?: unknown },
): StoreForm<K, V> | undefined =>
  // The keys of such a table are windowed ones, in its type too.
  form.windowedKey === undefined ? undefined : { ...form, key: form.windowedKey as Serde<K> };

/** Refuses a store whose keys carry their windows. */
const requireWindows = <K, V>(form: StoreForm<K, V>): void => {
  if (byWindowedKey(form) !== undefined)
    throw new UserError('STORE_FORM_DIFFERS', `the store "${form.name}" is kept by keys that carry their windows`, {
      hint: 'Read it with keyValueStore: the key is { key, start, end }.',
    });
};

export class TestStore<K, V> {
  readonly #stores: readonly StateStore[];
  readonly #form: StoreForm<K, V>;

  constructor(stores: readonly StateStore[], form: StoreForm<K, V>) {
    const ordered = form.entries === 'ordered';
    if (stores.some(({ kind }) => kind !== (ordered ? 'ordered' : 'key-value')))
      throw otherForm(form.name, ordered ? 'it has no order' : 'its entries are not of single keys');
    this.#stores = stores;
    this.#form = byWindowedKey(form) ?? form;
  }

  get(key: K): StoredValue<V> | undefined {
    const bytes = bytesOf(this.#form.key, key) ?? noBytes;
    for (const store of this.#stores) {
      const [found] =
        this.#form.entries === 'ordered'
          ? store.committedEntries(noBytes, { orders: { from: bytes, to: Uint8Array.of(...bytes, 0) } })
          : store.committedEntries(bytes);
      if (found !== undefined) return storedOf(this.#form, found.value);
    }
    return undefined;
  }
}

/** A window in a store; its end follows from its size. */
export interface StoredWindow<V> extends StoredValue<V> {
  readonly start: number;
}

/** Of time windows or sliding windows. */
export class TestWindowStore<K, V> {
  readonly #stores: readonly StateStore[];
  readonly #form: StoreForm<K, V>;
  readonly #layout: WindowedLayout<K>;

  constructor(stores: readonly StateStore[], form: StoreForm<K, V>) {
    requireWindows(form);
    this.#stores = stores;
    this.#form = form;
    this.#layout = layoutOf({ sizeMs: undefined, ...form });
  }

  get(key: K, windowStart: number): StoredValue<V> | undefined {
    const [found] = this.fetch(key, windowStart, windowStart);
    return found && { value: found.value, timestamp: found.timestamp };
  }

  /** The windows of a key that start within [from, to], in order of time. */
  fetch(key: K, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY): StoredWindow<V>[] {
    const bytes = bytesOf(this.#form.key, key) ?? noBytes;
    const search = this.#layout.search(bytes, from, to);
    assert(search.kind === 'read', `${this.#form.name} is not read by its windows`);
    return this.#stores.flatMap((store) => {
      assert(store.kind !== 'key-value', `${store.name} is not a window store`);
      return store.committedEntries(search.key, search.range).flatMap((entry) => {
        const start = this.#layout.startOf(entry);
        const isAsked = equalBytes(...this.#layout.keyBytesOf(entry), bytes, 0, bytes.length);
        return isAsked && start >= from && start <= to ? [{ ...storedOf(this.#form, entry.value), start }] : [];
      });
    });
  }

  /** Starts of the windows that are kept, in order. */
  windows(): number[] {
    const starts = new Set<number>();
    for (const store of this.#stores) {
      assert(store.kind === 'window', `${store.name} is not a window store`);
      for (const start of store.committedWindows()) starts.add(start);
    }
    return [...starts].sort((a, b) => a - b);
  }
}

/** A session in a store; its bounds are inclusive. */
export interface StoredSession<V> {
  readonly start: number;
  readonly end: number;
  readonly value: V;
}

export class TestSessionStore<K, V> {
  readonly #stores: readonly StateStore[];
  readonly #form: StoreForm<K, V>;

  constructor(stores: readonly StateStore[], form: StoreForm<K, V>) {
    requireWindows(form);
    this.#stores = stores;
    this.#form = form;
  }

  /** The sessions of a key, in order of time. */
  fetch(key: K): StoredSession<V>[] {
    const bytes = bytesOf(this.#form.key, key) ?? noBytes;
    return this.#stores.flatMap((store) => {
      assert(store.kind === 'ordered', `${store.name} is not a store of sessions`);
      return store.committedEntries(bytes).map(({ order = noBytes, value }) => ({
        ...readSessionOrder(order, 0),
        value: this.#form.value.read(value, 0, value.length),
      }));
    });
  }
}
