/**
 * Aggregate over a stream, per key and time window: for each window w that holds the record's time, a' = add(a or the
 * initial one, record); emits (k, w): result(a) → result(a'). The key that goes on is the key's bytes, then the
 * window's start (i64, big-endian).
 *
 * State: a window store, per window and key the time of the result and the accumulator (`accumulation.ts`). The
 * result's time is the largest of the records in it. A record without a key is dropped (`null-key`); one without a
 * value is given to `add` (as in Kafka), or dropped (`null-value`). `before` as in `aggregate.ts`.
 *
 * Late: a window takes nothing more when its end + grace <= the record's origin time (`../operator-time.ts`), each
 * window by itself; such a record is dropped for it (`late`). Expiry: windows whose start is at or below stream time −
 * retention are dropped from the store at the next commit, and do not begin again.
 *
 * On window close (`openWindows`): emits (k, w): nothing → result(a) once, when the window closes, which is at end +
 * grace by stream time (`open-windows.ts`); a group that was deleted is not sent. Such a window is late by stream time
 * as well: where origins are mixed, a record that is in time by its own origin may come after its window was sent.
 *
 * Cached, it emits merged updates at the end of each transaction instead (`cached-results.ts`); not where results are
 * sent on window close, or held back.
 */

import { assert, readI64 } from '../../base/index.ts';
import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { TimeWindows } from '../windows/tumbling.ts';
import { accumulatorOf, pending } from './accumulation.ts';
import type { Aggregation } from './aggregate.ts';
import { cachedResults, isCached } from './cached-results.ts';
import { heldAccumulatorOf } from './held-accumulator.ts';
import { OpenWindows } from './open-windows.ts';
import { timestampBytes, timestampOf, whyTooLarge } from './timestamped.ts';

/** What a windowed aggregate does with records without a value: they are given to its function, or dropped. */
export type NullValues = 'given' | 'dropped';

export interface WindowAggregation<V, A, R> extends Aggregation<V, A, R> {
  readonly windows: TimeWindows;
  readonly graceMs: number;
  /** How long a window is kept after its start; at least its size and grace. The same as in the store's
   *  specification. */
  readonly retentionMs: number;
  /** Default: given. */
  readonly nullValues?: NullValues;
  /** Results go when windows close; the ordered store that keeps the open ones. Left out: every update goes. */
  readonly openWindows?: string;
  /** Whether a child holds results back, and reads them from the store when their windows close (`suppress.ts`): that a
   *  group is new is sent in any case (`before` null), and windows are dropped one commit later than they expire. Asked
   *  when the operator is made. Default: no. */
  readonly heldBack?: () => boolean;
}

const startBytes = 8;

export const windowAggregate =
  <V, A, R>(aggregation: WindowAggregation<V, A, R>): OperatorSupplier<V, R> =>
  (context, forward) => {
    const { store: name, accumulation, windows, graceMs, retentionMs, nullValues, openWindows } = aggregation;
    const heldBack = aggregation.heldBack?.() ?? false;
    const { sizeMs, advanceMs } = windows;
    const store = context.store(name, 'window');
    const ofKey = store.windowsOfKey(
      advanceMs < sizeMs ? { advanceMs, count: Math.ceil(sizeMs / advanceMs) } : undefined,
    );
    const accumulator = accumulatorOf(accumulation, context);
    const { inPlace } = accumulator;
    const key = context.scratch();
    let keyLength = 0;
    const cached =
      openWindows === undefined && !heldBack && isCached(context, aggregation.cache)
        ? cachedResults(context, forward, {
            visitChanges: (visit) =>
              store.visitChanges((start, keyBytes, keyStart, keyEnd, before, from, to, after, afterStart, afterEnd) => {
                beginKey(keyBytes, keyStart, keyEnd);
                putStart(start);
                visit(key.buffer, 0, key.length, before, from, to, after, afterStart, afterEnd);
              }),
            result: accumulator.result,
            windowBytes: startBytes,
          })
        : undefined;
    const out = new StreamRecord<R>();
    let expired = Number.NEGATIVE_INFINITY;
    /** As of the last commit. */
    let streamTime = Number.NEGATIVE_INFINITY;
    const open = openWindows === undefined ? undefined : new OpenWindows(context, openWindows);
    const held = heldAccumulatorOf(accumulation, context);
    const closed = new StreamRecord<V>();
    const closesAt = (start: number): number => start + sizeMs + graceMs;

    /** Begins the keys of the windows of one key; `putStart` ends them. */
    const beginKey = (keyBytes: Uint8Array, keyStart: number, keyEnd: number): void => {
      key.reset();
      key.bytes(keyBytes, keyStart, keyEnd);
      keyLength = key.length;
    };
    const putStart = (start: number): void => {
      key.length = keyLength;
      key.i64(start);
    };

    const update = (record: StreamRecord<V>, start: number): void => {
      const found = inPlace ? ofKey.getForUpdate(start) : ofKey.get(start);
      const next = accumulator.add(found ? ofKey : undefined, record, cached === undefined ? out : undefined);
      if (next === pending.delete) {
        if (cached !== undefined) {
          const latest = found ? timestampOf(ofKey.valueBytes, ofKey.valueStart) : record.timestamp;
          putStart(start);
          cached.deleted(key.buffer, 0, key.length, Math.max(latest, record.timestamp));
        }
        ofKey.delete(start);
      } else if (next === pending.put) {
        const { entry, entryLength } = accumulator;
        if (!ofKey.put(start, entry, 0, entryLength))
          return context.drop('serialization', record, whyTooLarge(name, entryLength));
      }
      if (cached !== undefined) return;
      putStart(start);
      if (open !== undefined) {
        if (next === pending.delete) open.remove(closesAt(start), key);
        else if (!found) open.add(closesAt(start), key);
        return;
      }
      if (heldBack && !found) out.before = null;
      out.keyBytes = key.buffer;
      out.keyStart = 0;
      out.keyEnd = key.length;
      forward(out);
    };

    const close = (keyBytes: Uint8Array, keyStart: number, keyEnd: number): void => {
      const ownEnd = keyEnd - startBytes;
      assert(store.get(readI64(keyBytes, ownEnd), keyBytes, keyStart, ownEnd), 'a window that closes has no result');
      const { valueBytes, valueStart, valueEnd } = store;
      out.keyBytes = closed.keyBytes = keyBytes;
      out.keyStart = closed.keyStart = keyStart;
      out.keyEnd = keyEnd;
      closed.keyEnd = ownEnd;
      out.timestamp = closed.timestamp = timestampOf(valueBytes, valueStart);
      out.headersAt = 0;
      out.partition = out.offset = -1;
      held.read(valueBytes, valueStart + timestampBytes, valueEnd);
      out.before = context.sendsBefore ? null : unknown;
      out.value = held.result(closed);
      forward(out);
    };

    return {
      process(record) {
        const { keyBytes, keyStart, keyEnd, timestamp } = record;
        if (keyStart < 0) return context.drop('null-key', record, 'a record without a key is not aggregated');
        if (record.value === null && nullValues === 'dropped')
          return context.drop('null-value', record, 'a record without a value is not aggregated');
        let time = context.originTime(timestamp);
        if (open !== undefined) time = Math.max(time, context.reachedTime());
        const oldest = context.streamTime() - retentionMs;
        out.takeEnvelope(record);
        beginKey(keyBytes, keyStart, keyEnd);
        const first = windows.first(timestamp);
        ofKey.comeTo(keyBytes, keyStart, keyEnd, first);
        // Windows that start at or before are closed.
        const latestClosed = time - sizeMs - graceMs;
        for (let start = first; start <= timestamp; start += advanceMs) {
          if (start > latestClosed && start > oldest) update(record, start);
          else context.drop('late', record, whyLate(start, sizeMs, graceMs, Math.max(time, context.streamTime())));
        }
        open?.closeUntil(context.reachedTime(), close);
      },
      flush() {
        cached?.flush();
        open?.flush(context.streamTime(), close);
        const time = heldBack ? streamTime : context.streamTime();
        streamTime = context.streamTime();
        const below = time - retentionMs + 1;
        if (below <= expired) return;
        expired = below;
        store.expireBelow(below);
      },
      due: () => open?.earliest ?? Number.POSITIVE_INFINITY,
      rollback() {
        expired = streamTime = Number.NEGATIVE_INFINITY;
        cached?.rollback();
        open?.rollback();
      },
    };
  };

const whyLate = (start: number, sizeMs: number, graceMs: number, time: number): string =>
  `the window [${start}, ${start + sizeMs}) with a grace of ${graceMs} ms is closed: stream time is ${time}`;
