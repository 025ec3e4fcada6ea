/**
 * Suspects: which query is the cause when threads end again and again.
 *
 * A thread that ends (its memory is exhausted, most often) takes all its queries along; they start again in a new one.
 * That would repeat for ever when one of them ends it each time. So each host notes the run that it works for, and the
 * end of a thread counts for that query. After `deathsUntilSuspect` of them within `windowMs` the query is a suspect:
 * it runs alone in a thread of its own, with an empty shard of its own. When that thread ends as well, the cause is
 * certain, and the query fails. If the wrong one was suspected, it continues alone, and the ends of the shared thread
 * still count.
 */

import { defaultRuntimeLimits } from './runtime-options.ts';

export const deathsUntilSuspect = 3;
/** Queries that may run alone at the same time. */
export const mostAlone = 8;
const windowMs = 10 * 60_000;

/** Whether a shard of the state directory belonged to a query that ran alone. They come behind those that workers share
 *  and the one of the calling thread; what they hold is of use to that run only. */
export const isPassingShard = (shard: number, { shards } = defaultRuntimeLimits): boolean =>
  shard > shards && shard <= shards + mostAlone;

export class Suspects {
  /** By query id: when threads ended that it worked in, in order. */
  readonly #deaths = new Map<string, number[]>();
  /** Query ids, by the slot in which they run alone. */
  readonly #alone: (string | undefined)[] = Array.from({ length: mostAlone }, () => undefined);

  /** A thread has ended while it worked for this query. Answers how often that has happened within `windowMs`. */
  died(queryId: string, nowMs: number): number {
    const deaths = (this.#deaths.get(queryId) ?? []).filter((ms) => nowMs - ms < windowMs);
    deaths.push(nowMs);
    this.#deaths.set(queryId, deaths);
    return deaths.length;
  }

  /** The slot of a query that runs alone, counted from 0; undefined: it runs with the others. */
  slotOf(queryId: string): number | undefined {
    const slot = this.#alone.indexOf(queryId);
    return slot < 0 ? undefined : slot;
  }

  /** Gives the query a slot of its own from its next start on; false while all are in use. */
  isolate(queryId: string): boolean {
    const free = this.#alone.indexOf(undefined);
    if (free < 0) return false;
    this.#alone[free] = queryId;
    return true;
  }

  /** The query was stopped, or has failed: its slot is free. */
  forget(queryId: string): void {
    this.#deaths.delete(queryId);
    const slot = this.slotOf(queryId);
    if (slot !== undefined) this.#alone[slot] = undefined;
  }
}
