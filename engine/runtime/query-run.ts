/**
 * A run of a query: one attempt to run it, from the setting up of its topics and positions to the removal of its tasks
 * from all threads. After a failure that may pass the next run follows.
 */

import type { TaskPlacement } from './assignor.ts';
import type { CommitCoordinator } from './commit-coordinator.ts';
import type { PartitionPosition } from './partition-position.ts';
import type { HostCounters, Run, RunAssignment } from './protocol.ts';
import type { QuerySetup } from './query-setup.ts';
import type { TaskMove } from './task-move.ts';

export class QueryRun {
  readonly id: Run;
  /** What is known of the topics that records have named in former runs. */
  readonly namedTopics: RunAssignment['namedTopics'];
  readonly setup: QuerySetup;
  /** Threads that were given tasks of this query; without any, the one that has its global stores. */
  readonly threads: Set<number>;
  /** Those that have opened and restored them. */
  readonly assigned = new Set<number>();
  readonly removed = new Set<number>();
  /** Where its tasks run now. */
  readonly assignment: Map<string, TaskPlacement>;
  /** Undefined before the run is ready, and for a transient query. */
  coordinator: CommitCoordinator | undefined;
  move: TaskMove | undefined;
  /** Tasks moved so far: what was read of several threads before and after a move does not fit together. */
  moves = 0;
  /** Of a query without a coordinator. */
  readonly progress = new Map<number, { readonly pending: boolean; readonly drained: boolean }>();
  readonly counters = new Map<number, HostCounters>();
  /** By thread: where its tasks stand when they have nothing left to read. */
  readonly positions = new Map<number, readonly PartitionPosition[]>();
  ready: { resolve(): void; reject(error: Error): void } | undefined;
  /** It is taken down without waiting for commits and checkpoints. */
  hurried = false;
  onRemoved: (() => void) | undefined;

  constructor(id: Run, setup: QuerySetup, namedTopics: RunAssignment['namedTopics']) {
    this.id = id;
    this.namedTopics = namedTopics;
    this.setup = setup;
    this.assignment = new Map(setup.assignment);
    this.threads = new Set(setup.threads);
  }

  /** Nothing pending or under way, and everything read as of the hosts' last look. */
  get idle(): boolean {
    if (this.move !== undefined) return false;
    if (this.coordinator !== undefined) return this.coordinator.idle;
    for (const thread of this.threads) {
      const progress = this.progress.get(thread);
      if (progress === undefined || progress.pending || !progress.drained) return false;
    }
    return true;
  }

  /** How many tasks run on a thread. */
  tasksOn(thread: number): number {
    let tasks = 0;
    for (const placement of this.assignment.values()) if (placement.thread === thread) tasks++;
    return tasks;
  }

  checkRemoved(): void {
    if (this.removed.size < this.threads.size) return;
    this.onRemoved?.();
    this.onRemoved = undefined;
  }
}
