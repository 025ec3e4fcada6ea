/**
 * Aggregate over a stream, per key and session: the sessions s1 … sn that the record's time joins become one, s = their
 * span with the point [t, t] of the record; a' = add(merge(merge(initial, a1) …, an), record). Emits (k, si): ai →
 * nothing for each of them in the order of their ends, then (k, s): nothing → result(a'). The key that goes on is the
 * key's bytes, then the session's end and its start (i64, big-endian); the time of a result is the end of its session.
 *
 * Also where s has the same bounds as the only session found it is retracted first, as in Kafka Streams; but not where
 * both are the point [t, t]: then its result changes as that of any group. (There Kafka sends no row before; here it is
 * the one that was sent last.)
 *
 * State: sessions in an ordered store (`../stores/session-store.ts`), per session the accumulator. A record without a
 * key is dropped (`null-key`); one without a value is given to `add`, or dropped (`null-value`). Where `add` deletes
 * the group a tombstone goes on for s.
 *
 * Late: where the end of s < the record's origin time (`../operator-time.ts`) − grace − gap the record is dropped
 * (`late`), and nothing changes. A session is kept until its end < that time − retention, and is not found from then
 * on, whether it has been dropped from the store (at the next commit) or not. With the least retention, gap + grace, a
 * session that is closed is never joined again.
 *
 * On window close (`openWindows`): emits (k, s): nothing → result(a) once, when s closes, which is when nothing can
 * join it any more, end + gap + grace < stream time (`open-windows.ts`); retractions are not sent. A session that was
 * sent is never joined again, whatever the retention. (Kafka Streams joins it while it is kept, and sends the joined
 * one too.)
 *
 * Cached, it emits merged updates at the end of each transaction instead (`cached-results.ts`), unless results are sent
 * on window close: a session that was sent and has become part of another one is retracted, one that was not sent is
 * left out.
 */

import { assert, readI64 } from '../../base/index.ts';
import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import { type FoundSession, type SessionBounds, SessionStore } from '../stores/session-store.ts';
import type { SessionWindows } from '../windows/session.ts';
import type { MergingAccumulation } from './accumulation.ts';
import { type CacheOption, cachedResults, isCached } from './cached-results.ts';
import { heldAccumulatorOf } from './held-accumulator.ts';
import { OpenWindows } from './open-windows.ts';
import { whyTooLarge } from './timestamped.ts';
import type { NullValues } from './window-aggregate.ts';

export interface SessionAggregation<V, A, R> {
  readonly store: string;
  readonly windows: SessionWindows;
  readonly graceMs: number;
  /** How long a session is kept after its end; at least gap and grace. The store's specification has at least this. */
  readonly retentionMs: number;
  readonly accumulation: MergingAccumulation<V, A, R>;
  /** What happens to records without a value; default: they are given to `add`. */
  readonly nullValues?: NullValues;
  /** Results go when sessions close; the ordered store that keeps the open ones. Left out: every update goes. */
  readonly openWindows?: string;
  readonly cache?: CacheOption | undefined;
}

const boundsBytes = 16;

export const sessionAggregate =
  <V, A, R>(aggregation: SessionAggregation<V, A, R>): OperatorSupplier<V, R> =>
  (context, forward) => {
    const { store: name, accumulation, windows, graceMs, retentionMs, nullValues, openWindows } = aggregation;
    const store = new SessionStore(context.store(name, 'ordered'));
    const held = heldAccumulatorOf(accumulation, context);
    const { sendsBefore } = context;
    const found = new FoundSessions(store, context);
    const range = { earliestEnd: 0, latestStart: 0, disjoint: false };
    /** The session that the record in process makes. */
    const joined = { start: 0, end: 0 };
    const entry = context.scratch();
    const key = context.scratch();
    let ownEnd = 0;
    const out = new StreamRecord<R>();
    const closesAfter = graceMs + windows.gapMs;

    const open = openWindows === undefined ? undefined : new OpenWindows(context, openWindows);
    const closed = new StreamRecord<V>();
    const closesAt = (end: number): number => end + closesAfter + 1;

    /** Begins the keys of sessions of one key; `putBounds` ends them. */
    const beginKey = (keyBytes: Uint8Array, keyStart: number, keyEnd: number): void => {
      key.reset();
      key.bytes(keyBytes, keyStart, keyEnd);
      ownEnd = key.length;
    };
    const putBounds = ({ start, end }: SessionBounds): void => {
      key.length = ownEnd;
      key.i64(end);
      key.i64(start);
    };
    const putKey = (keyBytes: Uint8Array, keyStart: number, keyEnd: number, session: SessionBounds): void => {
      beginKey(keyBytes, keyStart, keyEnd);
      putBounds(session);
    };
    const writeKey = ({ keyBytes, keyStart, keyEnd }: StreamRecord<V>, session: SessionBounds): void =>
      putKey(keyBytes, keyStart, keyEnd, session);

    const cached =
      open === undefined && isCached(context, aggregation.cache)
        ? cachedResults<V, R>(context, forward, {
            visitChanges: (visit) =>
              store.visitChanges(
                (start, end, bytes, keyStart, keyEnd, before, from, to, after, afterStart, afterEnd) => {
                  putKey(bytes, keyStart, keyEnd, { start, end });
                  visit(key.buffer, 0, key.length, before, from, to, after, afterStart, afterEnd);
                },
              ),
            result(bytes, start, end, record) {
              held.read(bytes, start, end);
              return held.result(record);
            },
            windowBytes: boundsBytes,
            timeOfKey: (bytes, keyEnd) => readI64(bytes, keyEnd - boundsBytes),
          })
        : undefined;

    /** Sends what `out` has under the key that was begun and a session. */
    const send = (session: SessionBounds): void => {
      putBounds(session);
      out.keyBytes = key.buffer;
      out.keyStart = 0;
      out.keyEnd = key.length;
      out.timestamp = session.end;
      forward(out);
    };

    const resultBefore = (index: number, record: StreamRecord<V>): R => {
      held.read(found.values.buffer, found.valueStart(index), found.valueEnd(index));
      return held.result(record);
    };

    /** Retracts the sessions found, and sends the one that was made of them. */
    const sendChanges = (record: StreamRecord<V>, kept: boolean): void => {
      out.takeEnvelope(record);
      beginKey(record.keyBytes, record.keyStart, record.keyEnd);
      const isPoint = joined.start === joined.end;
      out.value = null;
      // The last one was found first.
      for (let i = found.count - 1; i >= 0 && !isPoint; i--) {
        out.before = sendsBefore ? resultBefore(i, record) : unknown;
        send(found.at(i));
      }
      out.before = unknown;
      if (sendsBefore) {
        out.before = isPoint && found.count > 0 ? resultBefore(0, record) : null;
        // What is held is one of those before.
        if (kept) held.read(entry.buffer, 0, entry.length);
      }
      out.value = kept ? held.result(record) : null;
      send(joined);
    };

    const close = (keyBytes: Uint8Array, keyStart: number, keyEnd: number): void => {
      const boundsAt = keyEnd - boundsBytes;
      const end = readI64(keyBytes, boundsAt);
      const kept = store.get(keyBytes, keyStart, boundsAt, readI64(keyBytes, boundsAt + 8), end);
      assert(kept, 'a session that closes is not there');
      out.keyBytes = closed.keyBytes = keyBytes;
      out.keyStart = closed.keyStart = keyStart;
      out.keyEnd = keyEnd;
      closed.keyEnd = boundsAt;
      out.timestamp = closed.timestamp = end;
      out.headersAt = 0;
      out.partition = out.offset = -1;
      held.read(store.valueBytes, store.valueStart, store.valueEnd);
      out.before = sendsBefore ? null : unknown;
      out.value = held.result(closed);
      forward(out);
    };

    return {
      process(record) {
        const { keyBytes, keyStart, keyEnd, timestamp } = record;
        if (keyStart < 0) return context.drop('null-key', record, 'a record without a key is not aggregated');
        if (record.value === null && nullValues === 'dropped')
          return context.drop('null-value', record, 'a record without a value is not aggregated');
        let time = Math.max(context.originTime(timestamp), context.streamTime());
        if (open !== undefined) time = Math.max(time, context.reachedTime());

        let start = timestamp;
        let end = timestamp;
        found.reset();
        const keptMs = open === undefined ? retentionMs : closesAfter;
        range.earliestEnd = Math.max(windows.earliestEnd(timestamp), time - keptMs);
        range.latestStart = windows.latestStart(timestamp);
        // Sessions overlap only where one was over by the time of some origin, and is not by that of another.
        range.disjoint = !context.mixesOrigins();
        store.visit(keyBytes, keyStart, keyEnd, range, found.add);
        for (let i = 0; i < found.count; i++) {
          const session = found.at(i);
          start = Math.min(start, session.start);
          end = Math.max(end, session.end);
        }
        joined.start = start;
        joined.end = end;
        if (end < time - closesAfter)
          return context.drop('late', record, whyLate(start, end, windows.gapMs, graceMs, time));

        held.initialize();
        // The last one was found first.
        for (let i = found.count - 1; i >= 0; i--)
          if (!held.merge(found.values.buffer, found.valueStart(i), found.valueEnd(i), record)) return;
        const kept = held.add(record);
        let overwritten = false;
        if (kept) {
          entry.reset();
          held.write(entry);
          const { buffer, length } = entry;
          // Most records extend one session.
          overwritten = found.count === 1 && store.overwriteVisited(joined, buffer, 0, length);
          if (!overwritten && !store.put(keyBytes, keyStart, keyEnd, joined, buffer, 0, length))
            return context.drop('serialization', record, whyTooLarge(name, length));
        }
        for (let i = found.count - 1; i >= 0; i--) {
          const session = found.at(i);
          if (kept && session.start === start && session.end === end) continue;
          if (!overwritten) store.remove(keyBytes, keyStart, keyEnd, session);
          if (open === undefined) continue;
          writeKey(record, session);
          open.remove(closesAt(session.end), key);
        }
        if (cached !== undefined) return;
        if (open === undefined) return sendChanges(record, kept);
        if (kept) {
          writeKey(record, joined);
          open.add(closesAt(end), key);
        }
        open.closeUntil(context.reachedTime(), close);
      },
      flush() {
        cached?.flush();
        open?.flush(context.streamTime(), close);
        store.expireBelow(context.streamTime() - retentionMs);
      },
      due: () => open?.earliest ?? Number.POSITIVE_INFINITY,
      rollback() {
        cached?.rollback();
        open?.rollback();
      },
    };
  };

/** The sessions that a record joins: bounds, and copies of their values. */
class FoundSessions {
  count = 0;
  readonly values;
  readonly #store: SessionStore;
  readonly #bounds: SessionBounds[] = [];
  readonly #valueEnds: number[] = [];

  constructor(store: SessionStore, context: OperatorContext) {
    this.#store = store;
    this.values = context.scratch();
  }

  reset(): void {
    this.count = 0;
    this.values.reset();
  }

  readonly add: FoundSession = (bytes, valueStart, valueEnd) => {
    const index = this.count++;
    const bounds = (this.#bounds[index] ??= { start: 0, end: 0 });
    bounds.start = this.#store.start;
    bounds.end = this.#store.end;
    this.values.bytes(bytes, valueStart, valueEnd);
    this.#valueEnds[index] = this.values.length;
  };

  at(index: number): SessionBounds {
    return this.#bounds[index] as SessionBounds;
  }

  valueStart(index: number): number {
    return index === 0 ? 0 : (this.#valueEnds[index - 1] as number);
  }

  valueEnd(index: number): number {
    return this.#valueEnds[index] as number;
  }
}

const whyLate = (start: number, end: number, gapMs: number, graceMs: number, time: number): string =>
  `the session [${start}, ${end}] with a gap of ${gapMs} ms and a grace of ${graceMs} ms is closed: stream time is ${time}`;
