/**
 * Aggregate over a grouped table, per group: a' = add(subtract(a, before), after); emits g: a → a' for every change.
 *
 * State: a key-value store, per group the time of the result and the accumulator. The result's time is the largest of
 * the changes applied to the group. There is nothing to subtract from a group that does not exist. Where the result is
 * null the group is deleted; a deletion goes on, also when nothing was there (as in Kafka Streams). `before` is sent
 * only where a child asks for it.
 *
 * Cached, it emits merged updates at the end of each transaction instead (`cached-results.ts`).
 *
 * An accumulator that is larger than a store takes drops the change (`serialization`): the group keeps its last result.
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import { type CacheOption, cachedResults, isCached } from './cached-results.ts';
import type { Change } from './change.ts';
import { timestampBytes, timestampOf, whyTooLarge, writeTimestamped } from './timestamped.ts';

export interface TableAggregation<V, A> {
  readonly store: string;
  readonly accumulator: Serde<A>;
  /** The accumulator with the row; it may be changed in place. Null: a group without rows. */
  readonly add: (accumulator: A | null, row: V, record: StreamRecord<Change<V>>, context: OperatorContext) => A | null;
  /** The accumulator without the row. */
  readonly subtract: (accumulator: A, row: V, record: StreamRecord<Change<V>>, context: OperatorContext) => A | null;
  readonly cache?: CacheOption | undefined;
}

export const tableAggregate =
  <V, A>(aggregation: TableAggregation<V, A>): OperatorSupplier<Change<V>, A> =>
  (context, forward) => {
    const { store: name, accumulator: serde, add, subtract, cache } = aggregation;
    const store = context.store(name, 'key-value');
    const cached = isCached(context, cache)
      ? cachedResults(context, forward, {
          visitChanges: (visit) => store.visitChanges(visit),
          result: (bytes, start, end) => serde.read(bytes, start + timestampBytes, end),
        })
      : undefined;
    const sendsBefore = context.sendsBefore && cached === undefined;
    const kept = context.scratch();
    const out = new StreamRecord<A>();
    return {
      process(record) {
        const { keyBytes, keyStart, keyEnd, value: change } = record;
        if (keyStart < 0) return context.drop('null-key', record, 'a change without a group is not aggregated');
        if (change === null) return context.drop('null-value', record, 'a record without a change is not aggregated');
        out.takeEnvelope(record);
        out.before = sendsBefore ? null : unknown;
        let accumulated: A | null = null;
        if (store.get(keyBytes, keyStart, keyEnd)) {
          const { valueBytes, valueStart, valueEnd } = store;
          const latest = timestampOf(valueBytes, valueStart);
          if (latest > out.timestamp) out.timestamp = latest;
          // Read for itself: the functions may change what they are given.
          if (sendsBefore) out.before = serde.read(valueBytes, valueStart + timestampBytes, valueEnd);
          accumulated = serde.read(valueBytes, valueStart + timestampBytes, valueEnd);
        }
        const { before, after } = change;
        if (before !== null && accumulated !== null) accumulated = subtract(accumulated, before, record, context);
        if (after !== null) accumulated = add(accumulated, after, record, context);
        if (accumulated === null) {
          cached?.deleted(keyBytes, keyStart, keyEnd, out.timestamp);
          store.delete(keyBytes, keyStart, keyEnd);
        } else {
          writeTimestamped(kept, out.timestamp, accumulated, serde);
          if (!store.put(keyBytes, keyStart, keyEnd, kept.buffer, 0, kept.length))
            return context.drop('serialization', record, whyTooLarge(name, kept.length));
        }
        if (cached !== undefined) return;
        out.value = accumulated;
        forward(out);
      },
      ...cached,
    };
  };
