/**
 * Store builders for processors of users.
 *
 *   const counts = Stores.keyValue('counts', string, int64);
 *   const prices = Stores.orderedKeyValue('prices', string, float64);       // with range, prefix, all
 *   const clicks = Stores.window('clicks', string, int64, { retentionMs: 3_600_000 });
 *   const alarms = Stores.orderedWindow('alarms', string, int64, { retentionMs: 3_600_000 });  // with fetchAll, all
 *   const visits = Stores.session('visits', string, int64, { retentionMs: 3_600_000 });
 *   const rates = Stores.versioned('rates', string, float64, { historyMs: 86_400_000 });  // as of any time of a day
 *
 * A plain key-value store is a hash table: it answers single keys, an order of magnitude faster than an ordered one. So
 * whether a store can be walked in order is declared with the store, and calls that need an order exist only there.
 *
 * All stores are transactional: what a processor writes is seen by it at once, becomes visible to queries with the
 * commit, and is undone when the transaction is.
 */

import { UserError } from '../../base/index.ts';
import { requireName, requireSerdes } from '../given.ts';
import { timestampBytes } from '../operators/timestamped.ts';
import type { Serde } from '../serde.ts';
import type { StoreSpec } from '../stores/store.ts';
import { schemaHashOf } from '../stores/store-spec.ts';
import { KeyValueFace, type StateKeyValueStore } from './key-value-face.ts';
import { OrderedKeyValueFace, type StateOrderedKeyValueStore } from './ordered-key-value-face.ts';
import { OrderedWindowFace, type StateOrderedWindowStore } from './ordered-window-face.ts';
import { SessionFace, type StateSessionStore } from './session-face.ts';
import { type StoreBuilder, storedForm } from './store-builder.ts';
import { type ValueAndTimestamp, valueAndTimestamp } from './value-and-timestamp.ts';
import { type StateVersionedStore, VersionedFace } from './versioned-face.ts';
import { type StateWindowStore, WindowFace } from './window-face.ts';

export interface StoreBuilderOptions {
  /** False: entries are in memory only, and are read again from the changelog at each start. Default: entries are also
   *  checkpointed in the state directory, may take more room than there is memory, and a start replays only the end of
   *  the changelog. */
  readonly persistent?: boolean;
  /** False: there is no changelog, and a restart begins with an empty store. Default true. */
  readonly logged?: boolean;
}

export interface WindowStoreOptions extends StoreBuilderOptions {
  /** How long an entry stays after its time, in stream time. */
  readonly retentionMs: number;
}

export interface VersionedStoreOptions extends StoreBuilderOptions {
  /** How far back versions are known, in stream time. */
  readonly historyMs: number;
}

const specOf = ({
  persistent,
  logged,
}: StoreBuilderOptions): Pick<StoreBuilder<string, unknown>, 'persistent' | 'logged'> => ({
  ...(persistent === undefined ? {} : { persistent }),
  ...(logged === undefined ? {} : { logged }),
});

/** Refuses a store without a name or a serde. */
const requireParts = (kind: string, name: unknown, key: unknown, value: unknown): void => {
  requireName(`Stores.${kind}`, name);
  requireSerdes(`Stores.${kind}`, { key, value }, 'key', 'value');
};

const timedSpec = (
  name: string,
  retentionMs: number,
  held: Parameters<typeof schemaHashOf>[1],
  options: StoreBuilderOptions,
): Omit<StoreSpec, 'name'> => {
  if (!(Number.isInteger(retentionMs) && retentionMs > 0)) {
    throw new UserError(
      'STORE_RETENTION_INVALID',
      `the store "${name}" cannot keep its entries for ${retentionMs} ms`,
      {
        hint: 'Give a whole number of milliseconds above 0.',
      },
    );
  }
  return { kind: 'ordered', retentionMs, schemaHash: schemaHashOf('ordered', held), ...specOf(options) };
};

export const Stores = {
  /** Values by key. */
  keyValue<const Name extends string, K, V>(
    name: Name,
    key: Serde<K>,
    value: Serde<V>,
    options: StoreBuilderOptions = {},
  ): StoreBuilder<Name, StateKeyValueStore<K, V>> {
    requireParts('keyValue', name, key, value);
    return {
      name,
      kind: 'key-value',
      schemaHash: schemaHashOf('key-value', [key, value]),
      ...specOf(options),
      open: (access) => new KeyValueFace(access, name, key, value),
      form: storedForm(key, value, 'plain'),
    };
  },

  /** Values by key, each with an event time: the form of the DSL's own stores, so that a builder of the same name gives
   *  a processor access to a table's rows. */
  timestampedKeyValue<const Name extends string, K, V>(
    name: Name,
    key: Serde<K>,
    value: Serde<V>,
    options: StoreBuilderOptions = {},
  ): StoreBuilder<Name, StateKeyValueStore<K, ValueAndTimestamp<V>>> {
    requireParts('timestampedKeyValue', name, key, value);
    return Stores.keyValue(name, key, valueAndTimestamp(value, timestampBytes), options);
  },

  /** Values by key, in the order of the keys' bytes: with ranges, prefixes, and all entries. Text is in the order of
   *  its UTF-8, non-negative numbers in their own; negative ones come behind them, as in Kafka. */
  orderedKeyValue<const Name extends string, K, V>(
    name: Name,
    key: Serde<K>,
    value: Serde<V>,
    options: StoreBuilderOptions = {},
  ): StoreBuilder<Name, StateOrderedKeyValueStore<K, V>> {
    requireParts('orderedKeyValue', name, key, value);
    return {
      name,
      kind: 'ordered',
      schemaHash: schemaHashOf('ordered', [key, value, 'in the order of keys']),
      ...specOf(options),
      open: (access) => new OrderedKeyValueFace(access, name, key, value),
      form: storedForm(key, value, 'ordered'),
    };
  },

  /** Values by key and time (the start of a window, as a rule), for a limited time. Throws STORE_RETENTION_INVALID. */
  window<const Name extends string, K, V>(
    name: Name,
    key: Serde<K>,
    value: Serde<V>,
    options: WindowStoreOptions,
  ): StoreBuilder<Name, StateWindowStore<K, V>> {
    requireParts('window', name, key, value);
    const { retentionMs } = options;
    return {
      name,
      ...timedSpec(name, retentionMs, [key, value, 'by time'], options),
      open: (access) => new WindowFace(access, name, key, value, retentionMs),
      form: storedForm(key, value, 'plain', { sizeMs: 0 }),
    };
  },

  /** Values by time and key, for a limited time, with walks over the entries of all keys within some times. Those of
   *  one key (`fetchRange`) are found by such a walk: where only they are asked for, `window` is faster. Throws
   *  STORE_RETENTION_INVALID. */
  orderedWindow<const Name extends string, K, V>(
    name: Name,
    key: Serde<K>,
    value: Serde<V>,
    options: WindowStoreOptions,
  ): StoreBuilder<Name, StateOrderedWindowStore<K, V>> {
    requireParts('orderedWindow', name, key, value);
    const { retentionMs } = options;
    return {
      name,
      ...timedSpec(name, retentionMs, [key, value, 'by time, then key'], options),
      open: (access) => new OrderedWindowFace(access, name, key, value, retentionMs),
      form: storedForm(key, value, 'ordered', { sizeMs: 0 }),
    };
  },

  /** Values by key and session, for a limited time after its end: the form of the DSL's own sessions, so that a builder
   *  of the same name gives a processor access to them. Throws STORE_RETENTION_INVALID. */
  session<const Name extends string, K, V>(
    name: Name,
    key: Serde<K>,
    value: Serde<V>,
    options: WindowStoreOptions,
  ): StoreBuilder<Name, StateSessionStore<K, V>> {
    requireParts('session', name, key, value);
    const { retentionMs } = options;
    return {
      name,
      ...timedSpec(name, retentionMs, [key, value, 'sessions'], options),
      open: (access) => new SessionFace(access, name, key, value, retentionMs),
      form: storedForm(key, value, 'plain', { sizeMs: undefined }),
    };
  },

  /** Values by key, with what they were before, as far back as the history goes. Throws STORE_RETENTION_INVALID. */
  versioned<const Name extends string, K, V>(
    name: Name,
    key: Serde<K>,
    value: Serde<V>,
    options: VersionedStoreOptions,
  ): StoreBuilder<Name, StateVersionedStore<K, V>> {
    requireParts('versioned', name, key, value);
    const { historyMs } = options;
    return {
      name,
      ...timedSpec(name, historyMs, [key, value, 'latest and former versions'], options),
      open: (access) => new VersionedFace(access, name, key, value, historyMs),
      form: storedForm(key, value, 'versions'),
    };
  },
} as const;
