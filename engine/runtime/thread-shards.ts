/** Which shards of a state directory each worker thread owns. It imports nothing that takes time to load: threads are
 *  launched by it before anything else. */

import { defaultRuntimeLimits } from './runtime-options.ts';

/** A thread that may run tasks of the query, and the shards that it owns: at least one over all threads. */
export interface ThreadShards {
  readonly thread: number;
  readonly shards: readonly number[];
}

/** The shards divided among worker threads 1 to `workers`. */
export const divideShards = (shards: number, workers: number): readonly ThreadShards[] =>
  Array.from({ length: workers }, (_, worker) => ({
    thread: 1 + worker,
    shards: Array.from({ length: shards }, (_shard, shard) => shard).filter((shard) => shard % workers === worker),
  }));

/** How many of so many threads own one of these shards. */
export const threadsOwning = (shards: readonly number[], workers: number): number =>
  divideShards(defaultRuntimeLimits.shards, workers).filter((thread) =>
    thread.shards.some((shard) => shards.includes(shard)),
  ).length;
