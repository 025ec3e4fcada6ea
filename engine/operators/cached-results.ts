/**
 * Results that are merged between commits: an operator that is cached sends nothing while it processes records, and at
 * the end of each transaction, once for each key that the transaction has changed in its store, in the order of their
 * first changes: k: result as of the last commit → result now. That is the result that was sent last, since each commit
 * sends all.
 *
 * What has come and gone between two commits is not sent. A result goes with the time that is kept with it, a deletion
 * with the time at which it was made, without headers. `before` is sent only where a child asks for it; it is null
 * where nothing was sent yet. Nothing is kept beside the store, which notes what its entries were before, but the times
 * of deletions; so a transaction that is undone leaves nothing behind.
 */

import { readLatin1 } from '../../base/index.ts';
import type { Forward, OperatorContext } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { ChangeVisitor } from '../stores/store.ts';
import { timestampOf } from './timestamped.ts';

/** Whether updates of a key are merged between commits; asked when the operator is made. Left out, or undefined: as
 *  the application has it. */
export type CacheOption = () => boolean | undefined;

export const isCached = (context: OperatorContext, cache: CacheOption | undefined): boolean =>
  cache?.() ?? context.cachesResults;

/** Where the results of an operator are. */
export interface ResultStore<V, R> {
  /** Visits the entries that the open transaction has changed, under the keys that go on. */
  visitChanges(visit: ChangeVisitor): void;
  /** The result of the entry `bytes[start, end)`, of the record's key and time; valid until the next but one is
   *  made. */
  result(bytes: Uint8Array, start: number, end: number, record: StreamRecord<V>): R;
  /** Bytes of a window behind the key's own. Default 0. */
  readonly windowBytes?: number;
  /** The time of a result by its key. Left out: the one that its entry begins with. */
  readonly timeOfKey?: (key: Uint8Array, keyEnd: number) => number;
}

export interface CachedResults {
  /** The open transaction has deleted the result of this key, at this time. */
  deleted(key: Uint8Array, start: number, end: number, time: number): void;
  /** At the end of the transaction, before anything expires: sends what has changed. */
  flush(): void;
  rollback(): void;
}

export const cachedResults = <V, R>(
  context: OperatorContext,
  forward: Forward<R>,
  { visitChanges, result, windowBytes = 0, timeOfKey }: ResultStore<V, R>,
): CachedResults => {
  const { sendsBefore } = context;
  const deletions = new Deletions();
  const out = new StreamRecord<R>();
  /** For functions that look at the record: it has the key and the time. */
  const made = new StreamRecord<V>();
  const emit: ChangeVisitor = (key, keyStart, keyEnd, before, beforeStart, beforeEnd, after, afterStart, afterEnd) => {
    if (beforeStart < 0 && afterStart < 0) return;
    made.keyBytes = key;
    made.keyStart = keyStart;
    made.keyEnd = keyEnd;
    if (timeOfKey !== undefined) made.timestamp = timeOfKey(key, keyEnd);
    else made.timestamp = afterStart < 0 ? deletions.timeOf(key, keyStart, keyEnd) : timestampOf(after, afterStart);
    out.takeEnvelope(made);
    made.keyEnd = keyEnd - windowBytes;
    out.before = unknown;
    if (sendsBefore) out.before = beforeStart < 0 ? null : result(before, beforeStart, beforeEnd, made);
    out.value = afterStart < 0 ? null : result(after, afterStart, afterEnd, made);
    forward(out);
  };
  return {
    deleted(key, start, end, time) {
      deletions.add(key, start, end, time);
    },
    flush() {
      visitChanges(emit);
      deletions.clear();
    },
    rollback: () => deletions.clear(),
  };
};

/** The times of the results that the open transaction has deleted; there are few. */
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
