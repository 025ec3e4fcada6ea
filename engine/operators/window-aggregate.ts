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
 */

import type { ProcessorSupplier } from '../processor.ts';
import { StreamRecord } from '../record.ts';
import type { TimeWindows } from '../windows/tumbling.ts';
import { accumulatorOf, pending } from './accumulation.ts';
import type { Aggregation } from './aggregate.ts';
import { whyTooLarge } from './timestamped.ts';

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
}

export const windowAggregate =
  <V, A, R>(aggregation: WindowAggregation<V, A, R>): ProcessorSupplier<V, R> =>
  (context, forward) => {
    const { store: name, accumulation, windows, graceMs, retentionMs, nullValues } = aggregation;
    const { sizeMs, advanceMs } = windows;
    const store = context.store(name, 'window');
    const accumulator = accumulatorOf(accumulation, context);
    const { inPlace } = accumulator;
    const key = context.scratch();
    const out = new StreamRecord<R>();
    let expired = Number.NEGATIVE_INFINITY;

    const update = (record: StreamRecord<V>, start: number): void => {
      const { keyBytes, keyStart, keyEnd } = record;
      const found = inPlace
        ? store.getForUpdate(start, keyBytes, keyStart, keyEnd)
        : store.get(start, keyBytes, keyStart, keyEnd);
      const next = accumulator.add(found ? store : undefined, record, out);
      if (next === pending.delete) store.delete(start, keyBytes, keyStart, keyEnd);
      else if (next === pending.put) {
        const { entry, entryLength } = accumulator;
        if (!store.put(start, keyBytes, keyStart, keyEnd, entry, 0, entryLength))
          return context.drop('serialization', record, whyTooLarge(name, entryLength));
      }
      key.reset();
      key.bytes(keyBytes, keyStart, keyEnd);
      key.i64(start);
      out.keyBytes = key.buffer;
      out.keyStart = 0;
      out.keyEnd = key.length;
      forward(out);
    };

    return {
      process(record) {
        if (record.keyStart < 0) return context.drop('null-key', record, 'a record without a key is not aggregated');
        if (record.value === null && nullValues === 'dropped')
          return context.drop('null-value', record, 'a record without a value is not aggregated');
        const { timestamp } = record;
        const time = context.originTime(timestamp);
        const oldest = context.streamTime() - retentionMs;
        out.takeEnvelope(record);
        out.headersAt = 0;
        for (let start = windows.first(timestamp); start <= timestamp; start += advanceMs) {
          if (start + sizeMs + graceMs > time && start > oldest) update(record, start);
          else context.drop('late', record, whyLate(start, sizeMs, graceMs, Math.max(time, context.streamTime())));
        }
      },
      flush() {
        const below = context.streamTime() - retentionMs + 1;
        if (below <= expired) return;
        expired = below;
        store.expireBelow(below);
      },
      rollback() {
        expired = Number.NEGATIVE_INFINITY;
      },
    };
  };

const whyLate = (start: number, sizeMs: number, graceMs: number, time: number): string =>
  `the window [${start}, ${start + sizeMs}) with a grace of ${graceMs} ms is closed: stream time is ${time}`;
