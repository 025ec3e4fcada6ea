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
 * Cached, it emits at the end of each transaction instead, once for each key that the transaction has changed, in the
 * order of their first changes: k: result as of the last commit → result now. That is the result that was sent last,
 * since each commit sends all. A group that has come and gone between two commits is not sent. Nothing is kept for it
 * beside the store, which notes what its entries were before.
 */

import { readLatin1 } from '../../base/index.ts';
import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { ChangeVisitor } from '../stores/store.ts';
import { type Accumulation, accumulatorOf, pending } from './accumulation.ts';
import { timestampOf, whyTooLarge } from './timestamped.ts';

export interface Aggregation<V, A, R> {
  readonly store: string;
  readonly accumulation: Accumulation<V, A, R>;
  /** Whether updates of a key are merged between commits. Left out: as the application has it. */
  readonly cache?: boolean | undefined;
}

export const aggregate =
  <V, A, R>({ store: name, accumulation, cache }: Aggregation<V, A, R>): OperatorSupplier<V, R> =>
  (context, forward) => {
    const store = context.store(name, 'key-value');
    const accumulator = accumulatorOf(accumulation, context);
    const { inPlace } = accumulator;
    const cached = cache ?? context.cachesResults;
    const deletions = new Deletions();
    const out = new StreamRecord<R>();
    const process = (record: StreamRecord<V>): void => {
      const { keyBytes, keyStart, keyEnd } = record;
      if (keyStart < 0) return context.drop('null-key', record, 'a record without a key is not aggregated');
      if (record.value === null)
        return context.drop('null-value', record, 'a record without a value is not aggregated');
      const found = inPlace ? store.getForUpdate(keyBytes, keyStart, keyEnd) : store.get(keyBytes, keyStart, keyEnd);
      if (!cached) out.takeEnvelope(record);
      const next = accumulator.add(found ? store : undefined, record, cached ? undefined : out);
      if (next === pending.delete) {
        if (cached) {
          const latest = found ? timestampOf(store.valueBytes, store.valueStart) : record.timestamp;
          deletions.add(keyBytes, keyStart, keyEnd, Math.max(latest, record.timestamp));
        }
        store.delete(keyBytes, keyStart, keyEnd);
      } else if (next === pending.put) {
        const { entry, entryLength } = accumulator;
        if (!store.put(keyBytes, keyStart, keyEnd, entry, 0, entryLength))
          return context.drop('serialization', record, whyTooLarge(name, entryLength));
      }
      if (!cached) forward(out);
    };
    if (!cached) return { process };

    const { sendsBefore } = context;
    /** For functions that look at the record: it has the key and the time. */
    const made = new StreamRecord<V>();
    const emit: ChangeVisitor = (
      key,
      keyStart,
      keyEnd,
      before,
      beforeStart,
      beforeEnd,
      after,
      afterStart,
      afterEnd,
    ) => {
      if (beforeStart < 0 && afterStart < 0) return;
      made.keyBytes = key;
      made.keyStart = keyStart;
      made.keyEnd = keyEnd;
      made.timestamp = afterStart < 0 ? deletions.timeOf(key, keyStart, keyEnd) : timestampOf(after, afterStart);
      out.takeEnvelope(made);
      out.before = unknown;
      if (sendsBefore) out.before = beforeStart < 0 ? null : accumulator.result(before, beforeStart, beforeEnd, made);
      out.value = afterStart < 0 ? null : accumulator.result(after, afterStart, afterEnd, made);
      forward(out);
    };
    return {
      process,
      flush() {
        store.visitChanges(emit);
        deletions.clear();
      },
      rollback: () => deletions.clear(),
    };
  };

/** The times of the groups that the open transaction has deleted; there are few. */
class Deletions {
  readonly #times = new Map<string, number>();

  add(key: Uint8Array, start: number, end: number, time: number): void {
    this.#times.set(readLatin1(key, start, end), time);
  }

  timeOf(key: Uint8Array, start: number, end: number): number {
    return this.#times.get(readLatin1(key, start, end)) ?? 0;
  }

  clear(): void {
    if (this.#times.size > 0) this.#times.clear();
  }
}
