/** What the test driver is given and what it shows: typed records. */

import { ByteWriter } from '../base/index.ts';
import type { RecordHeader } from '../storage/index.ts';
import type { Serde } from './serde.ts';

/** How keys and values of a topic or a store are read and written. */
export interface Forms<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

export interface TestRecord<K, V> {
  readonly key: K | null;
  readonly value: V | null;
  readonly timestamp: number;
  readonly headers: readonly RecordHeader[];
  readonly partition: number;
  readonly offset: number;
}

/** A record to be piped. Left out: no key, no value, the clock's time, no headers, the partition of the key. */
export interface PipedRecord<K, V> {
  readonly key?: K | null;
  readonly value?: V | null;
  readonly timestamp?: number;
  readonly headers?: readonly RecordHeader[];
  readonly partition?: number;
}

export const noBytes = new Uint8Array(0);

export const bytesOf = <T>(serde: Serde<T>, value: T | null | undefined): Uint8Array | null => {
  if (value === null || value === undefined) return null;
  const out = new ByteWriter(64);
  serde.write(value, out);
  return out.slice();
};

export const valueOf = <T>(serde: Serde<T>, bytes: Uint8Array | null): T | null =>
  bytes === null ? null : serde.read(bytes, 0, bytes.length);
