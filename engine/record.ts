/**
 * A record in flight.
 *
 * One mutable object per edge of the topology, not one per record: it and what its fields point to (key bytes, value
 * row) are valid until `process` returns. A processor that keeps something copies it. The key is always bytes, as it
 * lies in the source batch or in a store; values are whatever the operators on this path agree on (a DSL user's
 * objects, SQL's row arrays).
 *
 * The same shape carries stream records and table changes. For a change, `value` is the row after (`null`: deleted) and
 * `before` the row before: a row, `null` (it was absent) or `unknown` (it was not kept). Streams leave `before`
 * unknown.
 */

import type { ByteWriter } from '../base/index.ts';
import type { Serde } from './serde.ts';

/** The row before a change is not known. A unique value, never a row. */
export const unknown: unique symbol = Symbol('unknown');
export type Unknown = typeof unknown;

const noBytes = new Uint8Array(0);

/** The bytes `bytes[start, end)` that a value was read from by a serde that keeps them (`Serde.keepsBytes`). */
export class ReadValue {
  /** Only compared. */
  readonly serde: object;
  value: unknown = null;
  bytes: Uint8Array = noBytes;
  start = 0;
  end = 0;

  constructor(serde: object) {
    this.serde = serde;
  }
}

export class StreamRecord<V> {
  /** The key is `keyBytes[keyStart, keyEnd)`; a null key has `keyStart` −1. Windowed keys carry the window's start
   *  (and, for sessions, its end) as big-endian i64 behind the key's own bytes. */
  keyBytes: Uint8Array = noBytes;
  keyStart = -1;
  keyEnd = -1;
  value: V | null = null;
  /** What parts of the value refer to that are not read yet; only for those that have agreed on it. */
  valueBytes: Uint8Array = noBytes;
  /** The bytes that the value was read from, where it still is that one: see `bytesOfValue`. */
  read: ReadValue | undefined = undefined;
  before: V | null | Unknown = unknown;
  /** For a change of a versioned table: its key has a later row already. Joins and aggregates of tables, and
   *  stores of tables that are made of it, pass over it. */
  outdated = false;
  /** Event time, epoch milliseconds. */
  timestamp = 0;
  /** Record headers as they lie in a batch (count varint first) in `headerBytes` at `headersAt`; 0 means none. */
  headerBytes: Uint8Array = noBytes;
  headersAt = 0;
  /** Where the record came from: partition and offset within the source topic of this path; −1 when it was made
   *  here. */
  partition = -1;
  offset = -1;
  /** Row number within the block being scanned; meaningful to the source's own fused operators only. */
  index = 0;

  hasKey(): boolean {
    return this.keyStart >= 0;
  }

  /** Takes all but the value from another record: what a stateless operator forwards. */
  takeEnvelope(from: StreamRecord<unknown>): void {
    this.keyBytes = from.keyBytes;
    this.keyStart = from.keyStart;
    this.keyEnd = from.keyEnd;
    this.outdated = from.outdated;
    this.timestamp = from.timestamp;
    this.headerBytes = from.headerBytes;
    this.headersAt = from.headersAt;
    this.partition = from.partition;
    this.offset = from.offset;
  }
}

/** Where a value that came with a record was read by this serde and passed on as it was: its bytes. Else undefined: it
 *  has to be written. */
export const bytesOfValue = <V>(
  { read }: StreamRecord<unknown>,
  value: V,
  serde: Pick<Serde<V>, 'write'>,
): ReadValue | undefined => (read !== undefined && read.serde === serde && read.value === value ? read : undefined);

/** Writes a value that came with a record. */
export const writeValue = <V>(
  record: StreamRecord<unknown>,
  value: V,
  serde: Pick<Serde<V>, 'write'>,
  out: ByteWriter,
): void => {
  const read = bytesOfValue(record, value, serde);
  if (read === undefined) serde.write(value, out);
  else out.bytes(read.bytes, read.start, read.end);
};
