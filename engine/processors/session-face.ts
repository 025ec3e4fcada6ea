/** Values by key and session, as a processor sees them: an ordered store in the order of the sessions' ends, as the
 *  library's own sessions are kept. */

import { ProcessorMisuse } from '../misuse.ts';
import { readSessionOrder, sessionOrder } from '../stores/session-store.ts';
import type { Direction } from './ordered-key-value-face.ts';
import { TimedFace } from './timed-face.ts';

export interface SessionEntry<V> {
  /** Epoch milliseconds, both included. */
  readonly start: number;
  readonly end: number;
  readonly value: V;
}

export interface StateSessionStore<K, V> {
  readonly name: string;
  /** Null deletes the session. Throws STORE_ENTRY_TOO_LARGE, the former value then stays, and STORE_TIME_INVALID for a
   *  session that ends before it starts. */
  put(key: K, value: V | null, start: number, end: number): void;
  /** The value of the session with just these bounds. */
  get(key: K, start: number, end: number): V | undefined;
  /** The key's sessions that end at `earliestEnd` or later and start at `latestStart` or earlier, in the order of their
   *  ends: those that a record at t would join for a gap g are `find(key, t - g, t + g)`. An iterator is valid until
   *  the processor's call returns. */
  find(
    key: K,
    earliestEnd: number,
    latestStart: number,
    direction?: Direction,
  ): IterableIterator<SessionEntry<V>, undefined>;
  /** All sessions of the key. */
  fetch(key: K, direction?: Direction): IterableIterator<SessionEntry<V>, undefined>;
}

export class SessionFace<K, V> extends TimedFace<K, V> implements StateSessionStore<K, V> {
  put(key: K, value: V | null, start: number, end: number): void {
    this.checkTime(start);
    this.checkTime(end);
    if (end < start) {
      const session = `a session from ${start} to ${end} cannot be in the store "${this.name}"`;
      throw new ProcessorMisuse('STORE_TIME_INVALID', session, { hint: 'Give the start first, then the end.' });
    }
    this.putAt(key, value, end, sessionOrder(start, end));
  }

  get(key: K, start: number, end: number): V | undefined {
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end))) return undefined;
    return this.getAt(key, end, sessionOrder(start, end));
  }

  find(
    key: K,
    earliestEnd: number,
    latestStart: number,
    direction: Direction = {},
  ): IterableIterator<SessionEntry<V>, undefined> {
    return this.entriesAt(key, earliestEnd, Number.POSITIVE_INFINITY, direction, (cursor, value) => {
      const { start, end } = readSessionOrder(cursor.valueBytes, cursor.orderStart);
      return start > latestStart ? undefined : { start, end, value: value() };
    });
  }

  fetch(key: K, direction?: Direction): IterableIterator<SessionEntry<V>, undefined> {
    return this.find(key, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, direction);
  }
}
