/**
 * Versioned table source: reads records as versions of rows: at its own time, k: row before → value. As `tableSource`,
 * but which row a key has is decided by the records' times, not by the order in which they come.
 *
 * State: `versions.ts`. A null value deletes the row from its time on. A record older than the latest version of its
 * key changes history only: it is forwarded as `outdated`, with the row before unknown. `toStream` sends it on; joins
 * and aggregates of tables, stores of tables that are made of this one, and `suppress` pass over it. A record of before
 * stream time − history is dropped (`late`), one without a key as well (`null-key`). History expires with each record,
 * so that what is found does not depend on where commits fall.
 */

import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import { whyTooLarge, writeTimestamped } from './timestamped.ts';
import { type VersionedStores, versionsIn } from './versions.ts';

export interface VersionedTableFields<V> {
  readonly stores: VersionedStores;
  readonly row: Serde<V>;
}

export const versionedTableSource =
  <V>({ stores, row }: VersionedTableFields<V>): OperatorSupplier<V, V> =>
  (context, forward) => {
    const versions = versionsIn(context, stores);
    const { historyMs } = stores;
    const { sendsBefore } = context;
    const kept = context.scratch();
    const out = new StreamRecord<V>();
    let expired = Number.NEGATIVE_INFINITY;

    const expire = (time: number): void => {
      const below = time - historyMs + 1;
      if (below <= expired) return;
      expired = below;
      versions.expireBelow(below);
    };

    return {
      process(record) {
        const { value, timestamp } = record;
        if (record.keyStart < 0) return context.drop('null-key', record, 'a row of a table needs a key');
        const time = Math.max(context.originTime(timestamp), context.streamTime());
        if (timestamp < time - historyMs) return context.drop('late', record, whyLate(timestamp, historyMs, time));
        expire(context.reachedTime());
        out.takeEnvelope(record);
        out.value = value;
        out.before = unknown;
        if (sendsBefore) {
          const found = versions.findLatest(record);
          out.before = found ? row.read(versions.valueBytes, versions.valueStart, versions.valueEnd) : null;
        }
        if (value !== null) writeTimestamped(kept, timestamp, value, row);
        const isLatest = versions.put(record, value === null ? undefined : kept);
        if (isLatest === undefined) return context.drop('serialization', record, whyTooLarge(stores.rows, kept.length));
        out.outdated = !isLatest;
        if (!isLatest) out.before = unknown;
        forward(out);
      },
      flush() {
        expire(context.streamTime());
      },
      rollback() {
        expired = Number.NEGATIVE_INFINITY;
      },
    };
  };

const whyLate = (timestamp: number, historyMs: number, time: number): string =>
  `a version of ${timestamp} is older than the history of ${historyMs} ms that is kept: stream time is ${time}`;
