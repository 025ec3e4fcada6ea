/**
 * Aggregate over a stream, per key and time window: for each window w that holds the record's time, a' = add(a or
 * initialize(), record); emits (k, w): a → a'. The key that goes on is the key's bytes, then the window's start (i64,
 * big-endian).
 *
 * State: a window store, per window and key the time of the result and the accumulator. The result's time is the
 * largest of the records in it. A record without a key is dropped (`null-key`); one without a value is shown to `add`
 * (as in Kafka). `before` as in `aggregate.ts`.
 *
 * Late: a window takes nothing more when its end + grace <= the record's origin time (`../operator-time.ts`), each
 * window by itself; such a record is dropped for it (`late`). Expiry: windows whose start is at or below stream time −
 * retention are dropped from the store at the next commit, and never begun anew.
 */

import type { ProcessorContext, ProcessorSupplier } from '../processor.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import type { TimeWindows } from '../windows/tumbling.ts';
import { timestampBytes, timestampOf, whyTooLarge, writeTimestamped } from './timestamped.ts';

export interface WindowAggregation<V, A> {
  readonly store: string;
  readonly windows: TimeWindows;
  readonly graceMs: number;
  /** How long a window is kept after its start; at least its size and grace. The store's specification says the same.
   *  */
  readonly retentionMs: number;
  readonly accumulator: Serde<A>;
  initialize(): A;
  add(accumulator: A, record: StreamRecord<V>, context: ProcessorContext): A | null;
  readonly sendBefore?: boolean;
}

export const windowAggregate =
  <V, A>(aggregation: WindowAggregation<V, A>): ProcessorSupplier<V, A> =>
  (context, forward) => {
    const { accumulator: serde, windows, graceMs, retentionMs, sendBefore = false } = aggregation;
    const { sizeMs, advanceMs } = windows;
    const store = context.windowStore(aggregation.store);
    const kept = context.scratch();
    const key = context.scratch();
    const out = new StreamRecord<A>();
    let expired = Number.NEGATIVE_INFINITY;

    const update = (record: StreamRecord<V>, start: number): void => {
      const { keyBytes, keyStart, keyEnd } = record;
      out.timestamp = record.timestamp;
      let accumulator: A;
      if (store.get(start, keyBytes, keyStart, keyEnd)) {
        const { valueBytes, valueStart, valueEnd } = store;
        const timestamp = timestampOf(valueBytes, valueStart);
        if (timestamp > out.timestamp) out.timestamp = timestamp;
        accumulator = serde.read(valueBytes, valueStart + timestampBytes, valueEnd);
        if (sendBefore) out.before = serde.read(valueBytes, valueStart + timestampBytes, valueEnd);
      } else {
        accumulator = aggregation.initialize();
        if (sendBefore) out.before = null;
      }
      const result = aggregation.add(accumulator, record, context);
      if (result === null) store.delete(start, keyBytes, keyStart, keyEnd);
      else {
        writeTimestamped(kept, out.timestamp, result, serde);
        if (!store.put(start, keyBytes, keyStart, keyEnd, kept.buffer, 0, kept.length))
          return context.drop('serialization', record, whyTooLarge(aggregation.store, kept.length));
      }
      key.reset();
      key.bytes(keyBytes, keyStart, keyEnd);
      key.i64(start);
      out.keyBytes = key.buffer;
      out.keyStart = 0;
      out.keyEnd = key.length;
      out.value = result;
      if (!sendBefore) out.before = unknown;
      forward(out);
    };

    return {
      process(record) {
        if (record.keyStart < 0) return context.drop('null-key', record, 'a record without a key is not aggregated');
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
