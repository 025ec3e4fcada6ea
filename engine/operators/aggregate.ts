/**
 * Aggregate over a stream, per key: a' = add(a or initialize(), record); emits k: a → a' for every record.
 *
 * State: a key-value store, per key the time of the result and the accumulator. The result's time is the largest of the
 * records in it. A record without a key or without a value is dropped (`null-key`, `null-value`). When `add` answers
 * null the row is deleted and a tombstone goes on. `before` is known only where `sendBefore` asks for it (a second read
 * of the old accumulator); a new key has null before. (Kafka sends the initializer's result there; a row that nobody
 * has seen is not retracted here.)
 *
 * `add` may change the accumulator it is given and return it. A result that is larger than a store takes drops the
 * record (`serialization`): the key keeps its last result, and nothing goes on.
 */

import type { ProcessorContext, ProcessorSupplier } from '../processor.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import { timestampBytes, timestampOf, whyTooLarge, writeTimestamped } from './timestamped.ts';

export interface Aggregation<V, A> {
  readonly store: string;
  readonly accumulator: Serde<A>;
  initialize(): A;
  add(accumulator: A, record: StreamRecord<V>, context: ProcessorContext): A | null;
  /** Whether a child needs the row before. */
  readonly sendBefore?: boolean;
}

export const aggregate =
  <V, A>(aggregation: Aggregation<V, A>): ProcessorSupplier<V, A> =>
  (context, forward) => {
    const { accumulator: serde, sendBefore = false } = aggregation;
    const store = context.keyValueStore(aggregation.store);
    const kept = context.scratch();
    const out = new StreamRecord<A>();
    return {
      process(record) {
        const { keyBytes, keyStart, keyEnd } = record;
        if (keyStart < 0) return context.drop('null-key', record, 'a record without a key is not aggregated');
        if (record.value === null)
          return context.drop('null-value', record, 'a record without a value is not aggregated');
        out.takeEnvelope(record);
        out.headersAt = 0;
        let accumulator: A;
        if (store.get(keyBytes, keyStart, keyEnd)) {
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
        if (result === null) store.delete(keyBytes, keyStart, keyEnd);
        else {
          writeTimestamped(kept, out.timestamp, result, serde);
          if (!store.put(keyBytes, keyStart, keyEnd, kept.buffer, 0, kept.length))
            return context.drop('serialization', record, whyTooLarge(aggregation.store, kept.length));
        }
        out.value = result;
        if (!sendBefore) out.before = unknown;
        forward(out);
      },
    };
  };
