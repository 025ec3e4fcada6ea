/** A run as its host keeps it: its tasks, the phase it is in, and what was reported of it. */

import type { DropReason } from '../operator.ts';
import type { StateStore } from '../stores/state-store.ts';
import type { StoreSpec } from '../stores/store.ts';
import { type Topology } from '../topology.ts';
import { type SinkNode, type SourceNode, type SubTopology, topicOf } from '../topology-nodes.ts';
import type { DeadLetterWriter } from './dead-letters.ts';
import { TaskCounters } from './drops.ts';
import type { Exchange } from './exchange.ts';
import type { Subscription } from './feed.ts';
import { Meter } from './meter.ts';
import type { PartitionPosition } from './partition-position.ts';
import type { ProcessingLogWriter } from './processing-log.ts';
import type {
  AssignedOutput,
  HostCounters,
  LastDrop,
  Run,
  RunAssignment,
  TaskAssignment,
  TaskReport,
} from './protocol.ts';
import type { QuietTime } from './quiet-time.ts';
import type { RecordErrorPolicies } from './record-errors.ts';
import type { Shard } from './shards.ts';
import { StoreSamples } from './store-samples.ts';
import type { Task } from './task.ts';
import type { TaskInput } from './task-input.ts';
import type { SubTopologyGraph } from './watermarks.ts';

/**
 * - `assigning`: stores are opened and restored; - `ready`: waits for `go`; - `running`: steps;
 * - `holding`: the transaction failed, `rollback` is to come; - `prepared`: flushed, the log decides;
 * - `failed`: never steps again; - `removed`: is being taken down.
 */
export type RunPhase = 'assigning' | 'ready' | 'running' | 'holding' | 'prepared' | 'failed' | 'removed';

/**
 * - `opening`: its stores are opened and restored; - `open`: takes part in the run;
 * - `suspending`: processes nothing more, what it has done is in the open transaction;
 * - `suspended`: has nothing uncommitted and stands still; its stores are read as before.
 */
export type TaskPhase = 'opening' | 'open' | 'suspending' | 'suspended';

/** Records that a task processes before the next one steps. */
const stepRecords = 8192;
/** The same for a transient query, whose rows may be large, before it is known how large. */
const firstStepRecords = 64;
/** A transaction that has changed more entries of one store than this does not get longer: the store's next checkpoint
 *  has to write them, and they cannot leave memory before. */
const mostChanges = 1 << 17;
/** A run is behind while so much of what the transaction has read is left to read. So little that what is left takes an
 *  interval at most, which the commit coordinator leaves to the transaction. Otherwise another one reads it, and logs,
 *  commits and sends again the keys that it changes. */
const shareLeft = 1 / 16;

export class HostedTask {
  readonly run: HostedRun;
  readonly task: Task;
  readonly assignment: TaskAssignment;
  phase: TaskPhase = 'opening';
  readonly process = new Meter();
  readonly punctuate = new Meter();
  readonly samples = new StoreSamples();
  /** By index of the input: between a record's time and its processing. */
  readonly latencies: readonly Meter[];
  /** Records of each input up to its last measurement. */
  readonly measured: number[];
  /** By store. */
  readonly restores = new Map<string, { readonly restored: number; readonly remaining: number }>();
  /** The check of a whole checkpoint is under way: nothing is derived from a store before it is proven to be whole. */
  checking = 0;
  /** One for each input of the task, in their order; undefined for one that reads an exchange. */
  subscriptions: readonly (Subscription | undefined)[] = [];
  /** Repartition topics that the task writes. */
  readonly repartitions: readonly string[];
  /** Where its stores are checkpointed. */
  readonly shard: Shard | undefined;
  /** The numbers that its stores have there, by name. */
  readonly storeIds: ReadonlyMap<string, number>;

  constructor(
    run: HostedRun,
    task: Task,
    assignment: TaskAssignment,
    shard: Shard | undefined,
    storeIds: ReadonlyMap<string, number>,
  ) {
    this.run = run;
    this.storeIds = storeIds;
    this.task = task;
    this.assignment = assignment;
    this.shard = shard;
    this.latencies = task.inputs.map(() => new Meter());
    this.measured = task.inputs.map(() => 0);
    this.repartitions = task.subTopology.sinks
      .filter(({ repartition }) => repartition)
      .map((sink) => topicOf(run.assignment.applicationId, sink));
  }
}

/** The global stores of the run on this thread (`global-stores.ts`). */
export interface OpenGlobals {
  readonly ready: Promise<void>;
  readonly stores: ReadonlyMap<string, StateStore>;
  close(): Promise<void>;
}

export class HostedRun {
  readonly assignment: RunAssignment;
  /** Of a transient query. */
  exchange: Exchange | undefined;
  /** Of a transient query whose windows close on a quiet stream; of others the commit coordinator has it. */
  quiet: QuietTime | undefined;
  /** All that hold stores: those that are opening and suspended included. */
  readonly tasks: HostedTask[] = [];
  /** What tasks have counted that run elsewhere now. */
  readonly released = new TaskCounters();
  phase: RunPhase = 'assigning';
  paused = false;
  /** Batches that were handed over and not acknowledged; the run is not stepped while they exceed
   *  `mostUnacknowledged`. */
  unacknowledgedBytes = 0;
  mostUnacknowledged: number;
  /** Records that a task of the run processes in one step. */
  stepRecords: number;
  replayed = 0;
  /** Transactions committed on this host. */
  commits = 0;
  /** Something was handed over or processed since the last commit. */
  pending = false;
  /** Topics that records have named (`operators/dynamic-sink.ts`). */
  readonly topics: Map<string, AssignedOutput | 'asked' | 'missing' | 'was missing'>;
  /** The transaction is to end when all topics that were asked for are known. */
  prepareWaits: { readonly passed: number | undefined } | undefined;
  /** One of its tasks has asked for a commit since the last one. */
  commitAsked = false;
  /** The last progress report; undefined: report again. */
  reported: string | undefined;
  reportedMs = 0;
  processingLog: ProcessingLogWriter | undefined;
  deadLetters: DeadLetterWriter | undefined;
  /** Known when the topology is. */
  onError: RecordErrorPolicies = {};
  lastDrop: LastDrop | undefined;
  /** Known when it is built. */
  topology: Topology | undefined;
  graph: SubTopologyGraph | undefined;
  /** Made with the first task. */
  globals: OpenGlobals | undefined;
  /** When batches for repartition topics were last handed over although they were not full. */
  handedOverMs = 0;
  checkpointing: Promise<void> = Promise.resolve();
  /** What is not checkpointed when the run is taken down is then. */
  checkpointAtEnd = true;
  removal: Promise<void> | undefined;
  checkpointsRunning = 0;
  /** It waits for a checkpoint: a restart would have too much to replay. */
  aheadOfCheckpoint = false;
  /** The checks of whole checkpoints, to be awaited: rejects when one has found damage. */
  checked: Promise<unknown> = Promise.resolve();

  constructor(assignment: RunAssignment, limits: { readonly unacknowledgedBytes: number }) {
    this.assignment = assignment;
    this.topics = new Map(assignment.namedTopics.map(({ topic, output }) => [topic, output ?? 'was missing']));
    this.mostUnacknowledged = assignment.window ?? limits.unacknowledgedBytes;
    this.stepRecords = assignment.window === undefined ? stepRecords : firstStepRecords;
  }

  /** Its windows close by the wall clock. */
  get byWallClock(): boolean {
    return this.assignment.closing.by === 'wall clock';
  }

  get id(): Run {
    return this.assignment.run;
  }

  /** Those that take part in transactions: `suspended` ones have nothing to commit. */
  get transactional(): readonly HostedTask[] {
    return this.tasks.filter(({ phase }) => phase === 'open' || phase === 'suspending');
  }

  /** Those whose stores answer questions. */
  get readable(): readonly HostedTask[] {
    return this.tasks.filter(({ phase }) => phase !== 'opening');
  }

  task(id: string): HostedTask | undefined {
    return this.tasks.find(({ task }) => task.id === id);
  }

  /** A check of a checkpoint is under way. */
  get checking(): boolean {
    return this.tasks.some(({ checking }) => checking > 0);
  }

  /** For a transient query: what else the commit coordinator does at each commit. What is left in the exchange is what
   *  its readers have no room for. */
  measureTime(): void {
    const inputs = this.tasks.flatMap(({ task }) => task.inputTimes());
    if (this.graph?.manyTasks !== true && !inputs.some(({ carried }) => carried)) return;
    const low = this.graph?.measure(inputs, [], () => undefined).low;
    if (low !== undefined) for (const { task } of this.tasks) task.setLow(low);
  }

  /** Nothing left to read, and nothing under way that may have to be read. */
  get drained(): boolean {
    if (this.unacknowledgedBytes > 0 || this.exchange?.empty === false) return false;
    for (const { task, phase } of this.tasks) if (phase !== 'opening' && !task.drained) return false;
    return true;
  }

  /** Its transaction may last for more than one interval: it has not changed very much, and the run does not have to
   *  stand still. */
  get mayLast(): boolean {
    if (this.aheadOfCheckpoint || this.paused) return false;
    for (const { task, phase } of this.transactional) {
      for (const { store } of task.stores) if (store.changed() > mostChanges) return false;
      if (phase === 'suspending') return false;
    }
    return true;
  }

  /** Each task that has read something in this transaction has more than a share of that left to read. (What comes from
   *  repartition topics does not count: the transaction itself has written it.) */
  get behind(): boolean {
    let behind = false;
    for (const { task, subscriptions } of this.transactional) {
      let read = 0;
      let left = 0;
      for (const [i, { repartition, pending }] of task.inputs.entries()) {
        if (repartition) continue;
        read += pending;
        left += subscriptions[i]?.lag ?? 0;
      }
      if (read === 0) continue;
      if (left <= read * shareLeft) return false;
      behind = true;
    }
    return behind;
  }

  /** Its transaction has changed as much as an emit cache may hold. */
  get cacheFull(): boolean {
    const { cache } = this.assignment;
    if (cache === undefined) return false;
    let bytes = 0;
    for (const { task } of this.transactional) for (const { store } of task.stores) bytes += store.changedBytes();
    return bytes > cache.bytes;
  }

  /** It is not stepped before some of its batches were acknowledged. */
  get full(): boolean {
    return this.unacknowledgedBytes > this.mostUnacknowledged;
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

/** Adds what a task has counted to `total`. */
export const addCounters = (total: TaskCounters, { recordsRead, recordsOut, drops }: TaskCounters): void => {
  total.recordsRead += recordsRead;
  total.recordsOut += recordsOut;
  for (const [reason, count] of drops) total.drops.set(reason, (total.drops.get(reason) ?? 0) + count);
};

export const countersOf = (run: HostedRun): HostCounters => {
  const total = new TaskCounters();
  addCounters(total, run.released);
  let lag = 0;
  let storeEntries = 0;
  let storeBytes = 0;
  for (const { task, subscriptions } of run.tasks) {
    addCounters(total, task.counters);
    for (const subscription of subscriptions) lag += subscription?.lag ?? 0;
    for (const { store } of task.stores) {
      const { entries, bytesInMemory } = store.stats;
      storeEntries += entries;
      storeBytes += bytesInMemory;
    }
  }
  const drops: Partial<Record<DropReason, number>> = Object.fromEntries(total.drops);
  return {
    recordsRead: total.recordsRead,
    recordsOut: total.recordsOut,
    drops,
    lastDrop: run.lastDrop,
    replayed: run.replayed,
    lag,
    storeEntries,
    storeBytes,
  };
};

/** What a task shows of itself. `nowMs` is that of its meters. */
export const reportOfTask = (hosted: HostedTask, nowMs: number): TaskReport => {
  const { task, run, subscriptions, latencies, restores } = hosted;
  const { sources, sinks } = task.subTopology;
  const { applicationId, queryId } = run.assignment;
  const nodeOf = (nodes: readonly (SourceNode | SinkNode)[], topic: string): string =>
    nodes.find((node) => topicOf(applicationId, node) === topic)?.name ?? '';
  return {
    queryId,
    taskId: task.id,
    process: hosted.process.read(nowMs),
    punctuate: hosted.punctuate.read(nowMs),
    drops: Object.fromEntries(task.counters.drops),
    buffered: task.inputs.reduce((sum, { buffered }) => sum + buffered, 0),
    inputs: task.inputs.map(({ index, topic, partition, records }) => ({
      topic,
      partition,
      node: nodeOf(sources, topic),
      records,
      lag: subscriptions[index]?.lag ?? 0,
      latency: (latencies[index] ?? new Meter()).read(nowMs),
    })),
    inner: task.innerCounts(),
    outputs: task.outputCounts().map(({ topic, records }) => ({ node: nodeOf(sinks, topic), records })),
    stores: task.stores.map(({ store }) => {
      const { entries, bytesInMemory: bytes, dueRecords: due, copiesGivenUp } = store.stats;
      const { restored = 0, remaining = 0 } = restores.get(store.name) ?? {};
      const calls = hosted.samples.read(store.name, nowMs);
      return { name: store.name, entries, bytes, due, copiesGivenUp, restored, remaining, calls };
    }),
  };
};
