/**
 * Table source: reads records as changes of rows: k: row before → value. Also `toTable`, and any table that is to be
 * kept.
 *
 * State: a key-value store, per key the time and the row; or none (`store` left out), then `before` is unknown. A null
 * value deletes the row; a record without a key is dropped (`null-key`). A record that is older than the row it meets
 * is applied all the same: later arrival wins, as in Kafka's plain tables. Every record is forwarded, also one that
 * changes nothing, unless `knownDeletesOnly`: then a null value is forwarded only where it deletes a row of the store.
 * `before` only where a child asks for it. An outdated change of a versioned table that this one is made of is
 * forwarded, and not kept.
 *
 * Cached, it emits merged updates at the end of each transaction instead (`cached-results.ts`), where it has a store;
 * but for outdated changes, which go at once.
 */

import { assert } from '../../base/index.ts';
import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import { type CacheOption, cachedResults, isCached } from './cached-results.ts';
import { timestampBytes, whyTooLarge, writeTimestampedOf } from './timestamped.ts';

export interface TableFields<V> {
  readonly store?: string;
  readonly row: Serde<V>;
  /** For a source behind a filter without state: a row that was never forwarded is not retracted. */
  readonly knownDeletesOnly?: boolean;
  readonly cache?: CacheOption | undefined;
}

export const tableSource =
  <V>({ store: name, row, knownDeletesOnly = false, cache }: TableFields<V>): OperatorSupplier<V, V> =>
  (context, forward) => {
    const store = name === undefined ? undefined : context.store(name, 'key-value');
    assert(store !== undefined || !knownDeletesOnly, 'a table without a store cannot tell which rows there are');
    const cached =
      store !== undefined && isCached(context, cache)
        ? cachedResults(context, forward, {
            visitChanges: (visit) => store.visitChanges(visit),
            result: (bytes, start, end) => row.read(bytes, start + timestampBytes, end),
          })
        : undefined;
    const { sendsBefore } = context;
    const kept = context.scratch();
    const out = new StreamRecord<V>();
    return {
      process(record) {
        const { keyBytes, keyStart, keyEnd, value } = record;
        if (keyStart < 0) return context.drop('null-key', record, 'a row of a table needs a key');
        out.takeEnvelope(record);
        out.value = value;
        out.read = record.read;
        out.before = unknown;
        if (store !== undefined && !record.outdated) {
          if (knownDeletesOnly && value === null && !store.get(keyBytes, keyStart, keyEnd)) return;
          if (sendsBefore && cached === undefined) {
            const found = store.get(keyBytes, keyStart, keyEnd);
            out.before = found ? row.read(store.valueBytes, store.valueStart + timestampBytes, store.valueEnd) : null;
          }
          if (value === null) {
            cached?.deleted(keyBytes, keyStart, keyEnd, record.timestamp);
            store.delete(keyBytes, keyStart, keyEnd);
          } else {
            writeTimestampedOf(kept, record, value, row);
            if (!store.put(keyBytes, keyStart, keyEnd, kept.buffer, 0, kept.length))
              return context.drop('serialization', record, whyTooLarge(store.name, kept.length));
          }
          if (cached !== undefined) return;
        }
        forward(out);
      },
      ...cached,
    };
  };
