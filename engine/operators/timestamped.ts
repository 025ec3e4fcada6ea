/**
 * How operators keep a value in a store: its event time first (i64, big-endian), then the value's own bytes, as Kafka's
 * timestamped stores.
 */

import { type ByteWriter, readI64 } from '../../base/index.ts';
import { type StreamRecord, writeValue } from '../record.ts';
import type { Serde } from '../serde.ts';

/** Bytes of the time before the value. */
export const timestampBytes = 8;

/** The event time of a kept value that begins at `start`. */
export const timestampOf = (bytes: Uint8Array, start: number): number => readI64(bytes, start);

/** Writes time and value, from the writer's beginning. */
export const writeTimestamped = <V>(
  out: ByteWriter,
  timestamp: number,
  value: V,
  serde: Pick<Serde<V>, 'write'>,
): void => {
  out.reset();
  out.i64(timestamp);
  serde.write(value, out);
};

/** The same of a value that came with a record, and its time. */
export const writeTimestampedOf = <V>(
  out: ByteWriter,
  record: StreamRecord<V>,
  value: V,
  serde: Pick<Serde<V>, 'write'>,
): void => {
  out.reset();
  out.i64(record.timestamp);
  writeValue(record, value, serde, out);
};

/** Why a value was refused by its store, after `writeTimestamped`. */
export const whyTooLarge = (store: string, bytes: number): string =>
  `the new value takes ${bytes} bytes, more than an entry of the store ${store} may have; the former one stays`;
