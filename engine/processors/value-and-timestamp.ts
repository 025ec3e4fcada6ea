/** A value with an event time, as the DSL's stores keep it. */

import { readI64 } from '../../base/index.ts';
import { type Serde, SerdeError } from '../serde.ts';

export interface ValueAndTimestamp<V> {
  readonly value: V;
  /** Epoch milliseconds. */
  readonly timestamp: number;
}

/** The name of the serde of a value behind its time. */
export const timestampedName = ({ name }: { readonly name: string }): string => `timestamped ${name}`;

/** The time first (i64, big-endian), then the value's own bytes. */
export const valueAndTimestamp = <V>(value: Serde<V>, timeBytes: number): Serde<ValueAndTimestamp<V>> => ({
  name: timestampedName(value),
  write(stored, out) {
    out.i64(stored.timestamp);
    value.write(stored.value, out);
  },
  read(bytes, start, end) {
    if (end - start < timeBytes) throw new SerdeError(`a value with its time takes at least ${timeBytes} bytes`);
    return { timestamp: readI64(bytes, start), value: value.read(bytes, start + timeBytes, end) };
  },
});
