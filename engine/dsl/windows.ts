/**
 * Windows as the DSL names them: how large, how long they wait for late records, and the keys that carry one.
 */

import { readI64, UserError } from '../../base/index.ts';
import { type Serde, SerdeError } from '../serde.ts';
import { type TimeWindows as Starts, tumbling } from '../windows/tumbling.ts';

/** A key within one window, `[start, end)`. */
export interface Windowed<K> {
  readonly key: K;
  readonly start: number;
  readonly end: number;
}

/** Bytes that a time window adds behind the key's own. */
export const timeWindowBytes = 8;

/** Windows of one size, aligned to the epoch. */
export class TimeWindows {
  readonly starts: Starts;
  readonly graceMs: number;

  private constructor(starts: Starts, graceMs: number) {
    this.starts = starts;
    this.graceMs = graceMs;
  }

  /** Tumbling windows that take records until `graceMs` after their end, by the writer's stream time. */
  static ofSizeAndGrace(sizeMs: number, graceMs: number): TimeWindows {
    if (!(Number.isInteger(sizeMs) && sizeMs > 0)) {
      throw new UserError('DSL_WINDOW_INVALID', `a window cannot have the size ${sizeMs} ms`);
    }
    if (!(Number.isInteger(graceMs) && graceMs >= 0)) {
      throw new UserError('DSL_WINDOW_INVALID', `a window cannot have a grace of ${graceMs} ms`);
    }
    return new TimeWindows(tumbling(sizeMs), graceMs);
  }

  static ofSizeWithNoGrace(sizeMs: number): TimeWindows {
    return TimeWindows.ofSizeAndGrace(sizeMs, 0);
  }

  get sizeMs(): number {
    return this.starts.sizeMs;
  }
}

/** Windowed keys as Kafka writes them: the key's bytes, then the window's start; the end follows from the size. */
export const timeWindowed = <K>(key: Serde<K>, sizeMs: number): Serde<Windowed<K>> => ({
  name: `time-windowed ${key.name}`,
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
});
