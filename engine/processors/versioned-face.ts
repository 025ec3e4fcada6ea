/**
 * Values by key with what they were before, as a processor sees them: the versions of a table's rows (`versions.ts`),
 * kept in one ordered store. The latest version of a key lies under an end that no other one has, so that it never
 * expires.
 */

import { type ByteWriter, writeOrderedI64 } from '../../base/index.ts';
import { ProcessorMisuse } from '../misuse.ts';
import { timestampBytes, writeTimestamped } from '../operators/timestamped.ts';
import { type LatestRows, noEnd, Versions } from '../operators/versions.ts';
import { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import type { OrderedStore } from '../stores/store.ts';
import { tooLarge } from './key-value-face.ts';
import type { StoreAccess } from './store-builder.ts';
import type { ValueAndTimestamp } from './value-and-timestamp.ts';

export interface StateVersionedStore<K, V> {
  readonly name: string;
  /** The value of a key from a time on, until the next version; null: there is none from then on. False, and nothing
   *  changes, when the time lies before the history. Throws STORE_ENTRY_TOO_LARGE; nothing changes then either. */
  put(key: K, value: V | null, timestamp: number): boolean;
  /** The latest value, or that as of a time, with the time since which it is valid. A version that ended before the
   *  history began is forgotten. */
  get(key: K, asOf?: number): ValueAndTimestamp<V> | undefined;
}

/** The orders of the latest versions. */
const latestOrder = new Uint8Array(2 * timestampBytes);
writeOrderedI64(latestOrder, 0, noEnd);

/** The latest versions in the store of all of them. What `get` finds is a copy: it stays while the store is written. */
class Latest implements LatestRows {
  valueBytes: Uint8Array = new Uint8Array(0);
  readonly valueStart = 0;
  valueEnd = 0;
  readonly #store: OrderedStore;
  readonly #copy: ByteWriter;

  constructor(store: OrderedStore, copy: ByteWriter) {
    this.#store = store;
    this.#copy = copy;
  }

  get(key: Uint8Array, start: number, end: number): boolean {
    const store = this.#store;
    if (!store.get(key, start, end, latestOrder, 0, latestOrder.length)) return false;
    const copy = this.#copy;
    copy.reset();
    copy.bytes(store.valueBytes, store.valueStart, store.valueEnd);
    this.valueBytes = copy.buffer;
    this.valueEnd = copy.length;
    return true;
  }

  put(key: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): boolean {
    return this.#store.put(key, start, end, latestOrder, 0, latestOrder.length, value, valueStart, valueEnd);
  }

  delete(key: Uint8Array, start: number, end: number): void {
    this.#store.delete(key, start, end, latestOrder, 0, latestOrder.length);
  }
}

export class VersionedFace<K, V> implements StateVersionedStore<K, V> {
  readonly name: string;
  readonly #access: StoreAccess;
  readonly #store: OrderedStore;
  readonly #versions: Versions;
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;
  readonly #historyMs: number;
  readonly #keyOut: ByteWriter;
  readonly #valueOut: ByteWriter;
  /** The key, and the time of a new version. */
  readonly #at = new StreamRecord<unknown>();

  constructor(access: StoreAccess, name: string, key: Serde<K>, value: Serde<V>, historyMs: number) {
    this.name = name;
    this.#access = access;
    this.#store = access.store(name, 'ordered');
    this.#versions = new Versions(new Latest(this.#store, access.scratch()), this.#store);
    this.#key = key;
    this.#value = value;
    this.#historyMs = historyMs;
    this.#keyOut = access.scratch();
    this.#valueOut = access.scratch();
  }

  /** Begins a call: what it finds depends on the records alone, not on when a commit removes what has expired. */
  #begin(key: K, timestamp: number): StreamRecord<unknown> {
    const streamTime = this.#access.streamTime();
    if (streamTime > Number.NEGATIVE_INFINITY) this.#store.expireBelow(streamTime - this.#historyMs + 1);
    const out = this.#keyOut;
    out.reset();
    this.#key.write(key, out);
    const at = this.#at;
    at.keyBytes = out.buffer;
    at.keyStart = 0;
    at.keyEnd = out.length;
    at.timestamp = timestamp;
    return at;
  }

  put(key: K, value: V | null, timestamp: number): boolean {
    if (!Number.isSafeInteger(timestamp)) {
      throw new ProcessorMisuse(
        'STORE_TIME_INVALID',
        `${timestamp} cannot be the time of a version in the store "${this.name}"`,
        { hint: 'Give a whole number of milliseconds.' },
      );
    }
    if (timestamp < this.#access.streamTime() - this.#historyMs) return false;
    const at = this.#begin(key, timestamp);
    const out = this.#valueOut;
    if (value !== null) writeTimestamped(out, timestamp, value, this.#value);
    if (this.#versions.put(at, value === null ? undefined : out) === undefined)
      throw tooLarge(this.name, at.keyEnd + out.length);
    return true;
  }

  get(key: K, asOf: number = noEnd): ValueAndTimestamp<V> | undefined {
    const at = this.#begin(key, asOf);
    const versions = this.#versions;
    if (!versions.find(at, asOf)) return undefined;
    const value = this.#value.read(versions.valueBytes, versions.valueStart, versions.valueEnd);
    return { value, timestamp: versions.timestamp };
  }
}
