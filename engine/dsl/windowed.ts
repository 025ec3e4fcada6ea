/**
 * Keys that carry a window, as Kafka writes them: the key's bytes, then the start of a time window, or the end and the
 * start of a session (i64, big-endian).
 */

import { readI64, UserError } from '../../base/index.ts';
import { requireSerdes } from '../given.ts';
import { type Serde, SerdeError } from '../serde.ts';

/** A key within one window. Bounds are epoch milliseconds. The end of a tumbling or hopping window is exclusive, that
 *  of a sliding window or a session inclusive; that of an unlimited window is Infinity. */
export interface Windowed<K> {
  readonly key: K;
  readonly start: number;
  readonly end: number;
}

/** How a windowed key is written: the key's own serde, and the windows. */
export interface WindowedSerde<K> extends Serde<Windowed<K>> {
  readonly inner: Serde<K>;
  /** The size of time windows, in milliseconds; undefined for sessions. */
  readonly sizeMs: number | undefined;
}

/** Bytes that a time window adds behind the key's own. */
export const timeWindowBytes = 8;
/** Bytes that a session adds. */
export const sessionBytes = 16;

/** Whether a serde is one of windowed keys. */
export const isWindowed = (serde: object): serde is WindowedSerde<unknown> => 'inner' in serde && 'sizeMs' in serde;

/** Bytes of a window behind the key's own, as a serde writes them; 0: none. Records lie in the partition of the key
 *  without its window. */
export const windowBytesOf = (serde: object): number => {
  if (!isWindowed(serde)) return 0;
  return serde.sizeMs === undefined ? sessionBytes : timeWindowBytes;
};

/** Keys of time windows of one size; of sliding windows that is the time difference. The end is not written: it follows
 *  from the size. */
export const timeWindowed = <K>(key: Serde<K>, sizeMs: number): WindowedSerde<K> => {
  requireSerdes('timeWindowed', { key }, 'key');
  if (!(typeof sizeMs === 'number' && sizeMs >= 0))
    throw new UserError('DSL_WINDOW_INVALID', `a window cannot have the size ${sizeMs} ms`, {
      hint: 'The end of a window is not written: give the size of the windows, or the time difference of sliding ones.',
    });
  return {
    name: `time-windowed ${key.name}`,
    inner: key,
    sizeMs,
    write(value, out) {
      key.write(value.key, out);
      out.i64(value.start);
    },
    read(bytes, start, end) {
      const at = end - timeWindowBytes;
      if (at < start) throw new SerdeError(`a windowed key takes at least ${timeWindowBytes} bytes`);
      const windowStart = readI64(bytes, at);
      return { key: key.read(bytes, start, at), start: windowStart, end: windowStart + sizeMs };
    },
  };
};

/** The end of the time window in a key whose bytes end at `keyEnd`. */
export const endOfTimeWindow =
  (sizeMs: number) =>
  (bytes: Uint8Array, keyEnd: number): number =>
    readI64(bytes, keyEnd - timeWindowBytes) + sizeMs;

export const endOfSession = (bytes: Uint8Array, keyEnd: number): number => readI64(bytes, keyEnd - sessionBytes);

/** Keys of sessions. */
export const sessionWindowed = <K>(key: Serde<K>): WindowedSerde<K> => {
  requireSerdes('sessionWindowed', { key }, 'key');
  return {
    name: `session-windowed ${key.name}`,
    inner: key,
    sizeMs: undefined,
    write(value, out) {
      key.write(value.key, out);
      out.i64(value.end);
      out.i64(value.start);
    },
    read(bytes, start, end) {
      const at = end - sessionBytes;
      if (at < start) throw new SerdeError(`a key with a session takes at least ${sessionBytes} bytes`);
      return { key: key.read(bytes, start, at), start: readI64(bytes, at + 8), end: readI64(bytes, at) };
    },
  };
};
