/** A run as its host keeps it: its tasks, where it stands in its life, and what is said of it to the coordinator. */

import type { DropReason } from '../processor.ts';
import type { StoreSpec } from '../stores/store.ts';
import { type SubTopology, topicOf } from '../topology.ts';
import type { Exchange } from './exchange.ts';
import type { Subscription } from './feed.ts';
import type { PartitionPosition } from './partition-position.ts';
import type { ProcessingLogWriter } from './processing-log.ts';
import type { Assignment, HostCounters, LastDrop, Run } from './protocol.ts';
import type { Shard } from './shards.ts';
import type { Task } from './task.ts';
import type { TaskInput } from './task-input.ts';
import type { SubTopologyGraph } from './watermarks.ts';

/**
 * - `assigning`: stores are opened and restored; - `ready`: waits for `go`; - `running`: steps;
 * - `holding`: the transaction failed, `rollback` is to come; - `prepared`: flushed, the log decides;
 * - `failed`: stands still for ever; - `removed`: is being taken down.
 */
export type Phase = 'assigning' | 'ready' | 'running' | 'holding' | 'prepared' | 'failed' | 'removed';

/** Records that a task processes before the next one has its turn. */
const stepRecords = 8192;
/** The same for a transient query, whose rows may be large, before it is known how large. */
const firstStepRecords = 64;

export class HostedTask {
  readonly run: HostedRun;
  readonly task: Task;
  /** One for each input of the task, in their order; undefined for one that reads an exchange. */
  readonly subscriptions: (Subscription | undefined)[] = [];
  /** Repartition topics that the task writes. */
  readonly repartitions: readonly string[];
  /** Where its stores are checkpointed. */
  readonly shard: Shard | undefined;

  constructor(run: HostedRun, task: Task, shard: Shard | undefined) {
    this.run = run;
    this.task = task;
    this.shard = shard;
    this.repartitions = task.subTopology.sinks
      .filter(({ repartition }) => repartition)
      .map((sink) => topicOf(run.assignment.applicationId, sink));
  }
}

export class HostedRun {
  readonly assignment: Assignment;
  /** Of a transient query. */
  exchange: Exchange | undefined;
  readonly tasks: HostedTask[] = [];
  phase: Phase = 'assigning';
  paused = false;
  /** Batches that were handed over and not given back; the run is not stepped while they exceed `mostUnanswered`. */
  unansweredBytes = 0;
  mostUnanswered: number;
  /** Records that a task of the run processes in one step. */
  stepRecords: number;
  replayed = 0;
  /** Transactions committed on this host. */
  commits = 0;
  /** Something was handed over or processed since the last commit. */
  pending = false;
  /** What was said last; undefined: say it again. */
  said: string | undefined;
  saidMs = 0;
  processingLog: ProcessingLogWriter | undefined;
  lastDrop: LastDrop | undefined;
  graph: SubTopologyGraph | undefined;
  /** When batches for repartition topics were last handed over although they were not full. */
  handedOverMs = 0;
  checkpointing: Promise<void> = Promise.resolve();
  checkpointsRunning = 0;
  /** It waits for a checkpoint: a restart would have too much to replay. */
  aheadOfCheckpoint = false;
  /** Checks of whole checkpoints that are under way: nothing is derived from a store before it is proven to be whole.
   *  */
  checking = 0;
  /** The same, to be awaited: rejects when one has found damage. */
  checked: Promise<unknown> = Promise.resolve();

  constructor(assignment: Assignment, limits: { readonly unansweredBytes: number }) {
    this.assignment = assignment;
    this.mostUnanswered = assignment.window ?? limits.unansweredBytes;
    this.stepRecords = assignment.window === undefined ? stepRecords : firstStepRecords;
  }

  get id(): Run {
    return this.assignment.run;
  }

  /** For a transient query: what else the coordinator does at each commit. What is left in the exchange is what its
   *  readers have no room for. */
  measureTime(): void {
    const inputs = this.tasks.flatMap(({ task }) => task.inputTimes());
    if (this.graph?.manyTasks !== true && !inputs.some(({ carried }) => carried)) return;
    const low = this.graph?.measure(inputs, [], () => undefined).low;
    if (low !== undefined) for (const { task } of this.tasks) task.setLow(low);
  }

  /** Nothing left to read, and nothing on its way that may have to be read. */
  get drained(): boolean {
    if (this.unansweredBytes > 0 || this.exchange?.empty === false) return false;
    for (const { task } of this.tasks) if (!task.drained) return false;
    return true;
  }

  /** It is not stepped before some of its batches were given back. */
  get full(): boolean {
    return this.unansweredBytes > this.mostUnanswered;
  }

  /** It will never step again. */
  get over(): boolean {
    return this.phase === 'removed' || this.phase === 'failed';
  }
}

export const positionOf = ({ topic, partition, position }: TaskInput): PartitionPosition => ({
  topic,
  partition,
  offset: position,
});

/** Bytes of results that one step of a transient query should bring: between steps the host looks whether the client
 *  keeps up. */
const leastStepBytes = 64 * 1024;
const mostStepBytes = 256 * 1024;

/** Fits the length of a transient query's steps to what the last one brought. */
export const fitSteps = (run: HostedRun, records: number, bytes: number): void => {
  if (bytes > mostStepBytes) run.stepRecords = Math.max(1, run.stepRecords >> 2);
  else if (bytes < leastStepBytes && records >= run.stepRecords)
    run.stepRecords = Math.min(stepRecords, run.stepRecords * 2);
};

/** Stores of a transient query are neither changelogged nor kept. */
export const unlogged = (subTopology: SubTopology): SubTopology => ({
  ...subTopology,
  stores: subTopology.stores.map((spec: StoreSpec) => ({ ...spec, logged: false })),
});

export const countersOf = (run: HostedRun): HostCounters => {
  let recordsRead = 0;
  let recordsOut = 0;
  let lag = 0;
  let storeEntries = 0;
  let storeBytes = 0;
  const drops: Partial<Record<DropReason, number>> = {};
  for (const { task, subscriptions } of run.tasks) {
    recordsRead += task.counters.recordsRead;
    recordsOut += task.counters.recordsOut;
    for (const [reason, count] of task.counters.drops) drops[reason] = (drops[reason] ?? 0) + count;
    for (const subscription of subscriptions) lag += subscription?.lag ?? 0;
    for (const { store } of task.stores) {
      const { entries, bytesInMemory } = store.stats;
      storeEntries += entries;
      storeBytes += bytesInMemory;
    }
  }
  return {
    recordsRead,
    recordsOut,
    drops,
    lastDrop: run.lastDrop,
    replayed: run.replayed,
    lag,
    storeEntries,
    storeBytes,
  };
};
