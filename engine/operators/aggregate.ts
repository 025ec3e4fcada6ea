/**
 * Aggregate over a stream, per key: a' = add(a or the initial one, record); emits k: result(a) → result(a') for every
 * record.
 *
 * State: a key-value store, per key the time of the result and the accumulator (`accumulation.ts`). The result's time
 * is the largest of the records in it. A record without a key or without a value is dropped (`null-key`, `null-value`).
 * Where `add` deletes the group a tombstone goes on. `before` is sent only where a child asks for it; a new key has
 * null before. (Kafka sends the initializer's result there; a row that was never sent is not retracted here.)
 *
 * An accumulator that is larger than a store takes drops the record (`serialization`): the key keeps its last result,
 * and nothing goes on.
 *
 * Cached, it emits merged updates at the end of each transaction instead (`cached-results.ts`).
 */

import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import { type Accumulation, accumulatorOf, pending } from './accumulation.ts';
import { type CacheOption, cachedResults, isCached } from './cached-results.ts';
import { timestampOf, whyTooLarge } from './timestamped.ts';

export interface Aggregation<V, A, R> {
  readonly store: string;
  readonly accumulation: Accumulation<V, A, R>;
  readonly cache?: CacheOption | undefined;
}

export const aggregate =
  <V, A, R>({ store: name, accumulation, cache }: Aggregation<V, A, R>): OperatorSupplier<V, R> =>
  (context, forward) => {
    const store = context.store(name, 'key-value');
    const accumulator = accumulatorOf(accumulation, context);
    const { inPlace } = accumulator;
    const cached = isCached(context, cache)
      ? cachedResults(context, forward, {
          visitChanges: (visit) => store.visitChanges(visit),
          result: accumulator.result,
        })
      : undefined;
    const out = new StreamRecord<R>();
    const process = (record: StreamRecord<V>): void => {
      const { keyBytes, keyStart, keyEnd } = record;
      if (keyStart < 0) return context.drop('null-key', record, 'a record without a key is not aggregated');
      if (record.value === null)
        return context.drop('null-value', record, 'a record without a value is not aggregated');
      const found = inPlace ? store.getForUpdate(keyBytes, keyStart, keyEnd) : store.get(keyBytes, keyStart, keyEnd);
      if (cached === undefined) out.takeEnvelope(record);
      const next = accumulator.add(found ? store : undefined, record, cached === undefined ? out : undefined);
      if (next === pending.delete) {
        if (cached !== undefined) {
          const latest = found ? timestampOf(store.valueBytes, store.valueStart) : record.timestamp;
          cached.deleted(keyBytes, keyStart, keyEnd, Math.max(latest, record.timestamp));
        }
        store.delete(keyBytes, keyStart, keyEnd);
      } else if (next === pending.put) {
        const { entry, entryLength } = accumulator;
        if (!store.put(keyBytes, keyStart, keyEnd, entry, 0, entryLength))
          return context.drop('serialization', record, whyTooLarge(name, entryLength));
      }
      if (cached === undefined) forward(out);
    };
    return { process, ...cached };
  };
