/**
 * The assignor: which thread runs which task of a query, and in which shard the task's state is kept.
 *
 * A pure function. A shard of the state directory belongs to one thread, so the shard of a task decides its thread:
 *
 *   task -> shard     the one that holds its state already (sticky), else its home: hash of the application id + partition
 *   shard -> thread   its owner
 *
 * So a task comes back to its checkpoint after a restart, tasks of one partition meet on one thread, and queries begin
 * at different threads. A shard that none of the threads owns (there are fewer shards than before) counts as not known.
 * A task that is moved by hand keeps its new shard in the query's record.
 */

import { assert, murmur2, utf8Bytes } from '../../base/index.ts';
import type { ThreadShards } from './thread-shards.ts';

/** Where a task runs. */
export interface TaskPlacement {
  readonly thread: number;
  readonly shard: number;
}

/** By task id. */
export type Assignment = ReadonlyMap<string, TaskPlacement>;

export interface AssignorInput {
  readonly applicationId: string;
  readonly tasks: readonly { readonly id: string; readonly partition: number }[];
  readonly threads: readonly ThreadShards[];
  /** Shards that hold state, by task id. */
  readonly shards?: Readonly<Record<string, number>>;
}

export const assignTasks = ({ applicationId, tasks, threads, shards = {} }: AssignorInput): Assignment => {
  const ownerOf = new Map<number, number>();
  for (const { thread, shards: owned } of threads) for (const shard of owned) ownerOf.set(shard, thread);
  const all = [...ownerOf.keys()].sort((a, b) => a - b);
  assert(all.length > 0, `no thread can run the query ${applicationId}`);
  const first = murmur2(utf8Bytes(applicationId)) & 0x7fff_ffff;
  const assignment = new Map<string, TaskPlacement>();
  for (const { id, partition } of tasks) {
    const home = all[(first + partition) % all.length] as number;
    const known = shards[id];
    const shard = known !== undefined && ownerOf.has(known) ? known : home;
    assignment.set(id, { shard, thread: ownerOf.get(shard) as number });
  }
  return assignment;
};

export const placementOf = (assignment: Assignment, taskId: string): TaskPlacement => {
  const placement = assignment.get(taskId);
  assert(placement !== undefined, `the task ${taskId} is not assigned`);
  return placement;
};
