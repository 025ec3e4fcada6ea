/**
 * The messages between the thread that owns the log and the task hosts (one per thread).
 *
 * The same messages go to a host on the calling thread and to one in a worker; only the transport differs. All of it is
 * data that survives a structured clone, but for an inline topology, which holds closures and therefore stays on the
 * calling thread. Messages keep their order in each direction. A `run` is one attempt to run a query: a number given at
 * each (re)start; messages of an ended run are ignored by both sides, so that nothing late can affect its successor.
 *
 * One transaction, as the messages show it:
 *
 *   host      batch…  progress(pending)                           the first of them opens the transaction, 100 ms later (2 s when far behind) at most:
 *   main      prepare                                             hosts stop stepping this query, flush,
 *   host      batch…  prepared(positions)                         and report how far they have read
 *   main      committed(changelog offsets)                        the hosts step again
 *
 * A failure on the way: `hold` stops the hosts; `rollback(positions)` takes them back, each answers `rolled back`, and
 * when all have, `go` lets them step. (When the commit turns out to have happened, `committed` comes instead.)
 *
 * One task that moves to another thread (`task-move.ts`):
 *
 *   main      suspend task, prepare                               to the thread that it leaves
 *   host      prepared(positions) … task suspended                the task stands still behind a commit; its stores are read as before
 *   main      assign                                              to the thread that it goes to, where that has nothing of the run
 *   host      assigned
 *   main      open task                                           it restores the stores of the task,
 *   host      task opened                                         or: task not opened; then the first thread gets `resume task`
 *   main      release task, start task                            the first thread closes it, the second one steps it
 */

import type { DropReason } from '../operator.ts';
import type { CommittedEntry, EntryRange, ScanRange, WindowRange } from '../stores/state-store.ts';
import type { Topology } from '../topology.ts';
import type { MeterReading } from './meter.ts';
import type { PartitionPosition } from './partition-position.ts';
import type { ClosingTime } from './quiet-time.ts';
import type { RecordErrorPolicies } from './record-errors.ts';
import type { CallReport } from './store-samples.ts';
import type { TopologyModule } from './topology-module.ts';
import type { InputTime, LowWatermarks, OutputTime } from './watermarks.ts';

/** Number of one attempt to run a query. */
export type Run = number;

/** Where a query begins without a committed offset, and continues when the records at its offset were deleted (Kafka's
 *  `auto.offset.reset`). `none`: it fails instead. */
export type OffsetReset = 'earliest' | 'latest' | 'none';

/**
 * What a failure may do to results. Either way nothing is lost.
 *
 * - `exactly once`: outputs, state and positions are committed together, and read by nobody before that.
 * - `at least once`: there are no transactions. Outputs can be read as soon as they are written, within milliseconds;
 *   positions are committed afterwards, when all that was written before is on the disk. What was processed behind the
 *   last commit is processed again after a crash or a failure: its outputs come twice, and a count counts it twice.
 */
export type Guarantee = 'exactly once' | 'at least once';

/** Records of a source, offsets [from, to), that a query never saw. */
export interface LostRecords {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** What a host must know of a topic that tasks write. */
export interface AssignedOutput {
  readonly topic: string;
  /** The topic's own id: one that is created again under the same name is another topic. */
  readonly id: string;
  readonly partitions: number;
  /** Largest batch that the topic takes. */
  readonly maxBatchBytes: number;
}

/** The client of a transient query, on the thread that owns the log. */
export interface RowSink {
  /** A record batch of the topology's result (`operators/result.ts`). `Runtime.acknowledge` gives it back: the query
   *  waits while the memory of batches that were not given back exceeds its window. */
  rows(batch: Uint8Array): void;
  /** The query failed by itself: no more rows come. */
  ended(error: Error): void;
}

/** A task as the host that runs it gets it. */
export interface TaskAssignment {
  readonly id: string;
  readonly subTopology: number;
  readonly partition: number;
  /** Where its stores are checkpointed. */
  readonly shard: number;
  /** The next offset of each source partition. */
  readonly positions: readonly PartitionPosition[];
}

/**
 * Updates of one key are merged, and only the last is sent on when the transaction ends: what is not sent is not
 * committed, so nothing of it can be lost.
 */
export interface EmitCache {
  /** The transaction ends when it has changed so much of the stores on a thread: 20 bytes for each changed entry, and
   *  its value before. */
  readonly bytes: number;
  /** It lasts so long, also where nothing is left to read. Left out: as long as those of other queries, and longer
   *  while it is behind (`HostedRun.behind`). */
  readonly intervalMs?: number;
}

/** A query as a host gets it, with the tasks that run there. */
export interface RunAssignment {
  readonly run: Run;
  readonly queryId: string;
  readonly applicationId: string;
  readonly topology:
    | { readonly kind: 'inline'; readonly topology: Topology; readonly onError: RecordErrorPolicies }
    | { readonly kind: 'plan'; readonly plan: unknown }
    /** `shape`: as the topology describes itself, the same in each thread. */
    | { readonly kind: 'module'; readonly module: TopologyModule; readonly shape: string };
  readonly tasks: readonly TaskAssignment[];
  readonly outputs: readonly AssignedOutput[];
  /** Numbers of tasks per sub-topology. */
  readonly partitionCounts: readonly number[];
  /** The ids of the topics that are read, by full name. */
  readonly topicIds: Readonly<Record<string, string>>;
  /** Topics of global stores. */
  readonly globalTopics: readonly { readonly topic: string; readonly partitions: number }[];
  /** Reads of repartition topics see the open transaction of this producer. Undefined for a transient query, which
   *  writes nothing: its host needs no coordinator. */
  readonly producerId: number | undefined;
  readonly guarantee: Guarantee;
  /** Of a transient query: bytes of result batches that its client may leave unacknowledged before the host stops
   *  stepping it. All its tasks are on one host, its stores are neither changelogged nor checkpointed, its repartitions
   *  stay in memory. Undefined for any other query. */
  readonly window: number | undefined;
  readonly offsetReset: OffsetReset;
  /** Topics that records have named in former runs; undefined: there was no such topic when this run began. */
  readonly namedTopics: readonly { readonly topic: string; readonly output: AssignedOutput | undefined }[];
  /** See `input-order.ts`. */
  readonly maxTaskIdleMs: number;
  readonly closing: ClosingTime;
  /** Undefined: every update is sent. */
  readonly cache: EmitCache | undefined;
  /** Before anything was read: no times, but where origins are mixed. Undefined: where there is one task of each
   *  sub-topology. */
  readonly low: LowWatermarks | undefined;
  /** Where rows about dropped records go; undefined: they are counted only. */
  readonly processingLog: string | undefined;
  /** Where records go that could not be read, processed or written; one of `outputs`. */
  readonly deadLetters: string | undefined;
}

/** Store entries that a read or a scan found: bytes of their own. `windowStart` for windowed stores only. */
export type StoreEntry = CommittedEntry;

export type { EntryRange, WindowRange };

/** A record, or a part of one, that a query left out: where it was, and why. */
export interface LastDrop {
  readonly reason: DropReason;
  readonly detail: string;
  readonly topic: string;
  /** −1, and the offset too, where the record's offset is not known. */
  readonly partition: number;
  readonly offset: number;
  /** When it was left out, epoch milliseconds. */
  readonly timeMs: number;
}

/** What a host has counted for a run since it was assigned: what is committed, but for `recordsRead`. */
export interface HostCounters {
  readonly recordsRead: number;
  readonly recordsOut: number;
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
  /** The last of them, whether committed or not. */
  readonly lastDrop: LastDrop | undefined;
  /** Changelog records replayed when it was assigned. */
  readonly replayed: number;
  /** Offsets that the tasks have not read yet, as far as the host knows. */
  readonly lag: number;
  readonly storeEntries: number;
  readonly storeBytes: number;
}

/** What a host has counted over all queries: shared work is counted once. */
export interface ThreadCounters {
  readonly fetches: number;
  readonly blocks: number;
  readonly batchesDecoded: number;
  readonly recordsDecoded: number;
  /** Times that a deserializer has made its view of a block. */
  readonly viewsMade: number;
  /** Times that a block went to one more task than the one that it was read for. */
  readonly blocksShared: number;
}

/** What a task has done, and where it stands (`metrics.ts`). */
export interface TaskReport {
  readonly queryId: string;
  readonly taskId: string;
  readonly process: MeterReading;
  readonly punctuate: MeterReading;
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
  /** Blocks that wait. */
  readonly buffered: number;
  readonly inputs: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly node: string;
    readonly records: number;
    readonly lag: number;
    /** Between a record's time and its processing, of the last records of steps. */
    readonly latency: MeterReading;
  }[];
  /** Of nodes between sources and sinks; what was undone is counted, too. */
  readonly inner: readonly { readonly node: string; readonly records: number }[];
  /** Of sinks: what was committed. */
  readonly outputs: readonly { readonly node: string; readonly records: number }[];
  readonly stores: readonly {
    readonly name: string;
    readonly entries: number;
    readonly bytes: number;
    /** Changelog records that no checkpoint holds yet. */
    readonly due: number;
    readonly copiesGivenUp: number;
    readonly restored: number;
    /** Offsets that are left to restore. */
    readonly remaining: number;
    readonly calls: readonly CallReport[];
  }[];
}

export interface ThreadReport {
  readonly counters: ThreadCounters;
  readonly process: MeterReading;
  readonly punctuate: MeterReading;
  readonly tasks: readonly TaskReport[];
}

/** An error as it crosses a thread. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
  /** True when the same work may succeed later. */
  readonly passing: boolean;
}

/** What happened on a host that changes no state but should be known. */
export type Note =
  | {
      readonly about: 'restored';
      readonly store: string;
      readonly taskId: string;
      readonly replayed: number;
      readonly from: number;
    }
  | { readonly about: 'rebuilt'; readonly store: string; readonly taskId: string; readonly why: string }
  | { readonly about: 'copies given up'; readonly store: string; readonly taskId: string; readonly why: string }
  | { readonly about: 'checkpoint failed'; readonly store: string; readonly taskId: string; readonly why: string }
  | { readonly about: 'tasks not spread'; readonly why: string }
  | ({ readonly about: 'records gone' } & LostRecords);

/** How far the restore of a store has come; `start` and `end` come once for each, also where nothing is to be
 *  replayed. */
export interface RestoreProgress {
  readonly phase: 'start' | 'batch' | 'end';
  readonly store: string;
  readonly taskId: string;
  /** The changelog. */
  readonly topic: string;
  readonly partition: number;
  /** Offsets of the changelog: where the restore began (behind what the checkpoint holds), how far it has come, and
   *  where it ends. */
  readonly from: number;
  readonly position: number;
  readonly end: number;
  /** Records applied so far. */
  readonly restored: number;
  /** Offsets that are left; records at most, as control records and compacted ones have offsets too. */
  readonly remaining: number;
}

export type ToHost =
  | { readonly kind: 'assign'; readonly assignment: RunAssignment }
  /** Opens a further task of a run, and restores its stores: their changelogs reach at least to `changelogEnds`.
   *  Answered by `task opened` or `task not opened`. */
  | {
      readonly kind: 'open task';
      readonly run: Run;
      readonly task: TaskAssignment;
      readonly changelogEnds: readonly PartitionPosition[];
    }
  /** An opened task steps from now on, and its stores can be read here. */
  | { readonly kind: 'start task'; readonly run: Run; readonly task: string }
  /** The task processes nothing more; `task suspended` answers when all it has done is committed or rolled back. */
  | { readonly kind: 'suspend task'; readonly run: Run; readonly task: string }
  /** A suspended task steps again. */
  | { readonly kind: 'resume task'; readonly run: Run; readonly task: string }
  /** A suspended task runs elsewhere: it is closed, and deleted from its shard. */
  | { readonly kind: 'release task'; readonly run: Run; readonly task: string }
  | { readonly kind: 'go'; readonly run: Run }
  | { readonly kind: 'hold'; readonly run: Run }
  | { readonly kind: 'pause'; readonly run: Run; readonly paused: boolean }
  /** Answers `topic asked`; undefined: there is no such topic. */
  | {
      readonly kind: 'topic';
      readonly run: Run;
      readonly topic: string;
      readonly output: AssignedOutput | undefined;
    }
  | { readonly kind: 'window'; readonly run: Run; readonly bytes: number }
  /** `passed`: stream time moves on at least to here (`quiet-time.ts`). */
  | { readonly kind: 'prepare'; readonly run: Run; readonly passed?: number }
  /** `low`: left out where no origins can be mixed. */
  | {
      readonly kind: 'committed';
      readonly run: Run;
      readonly changelog: readonly PartitionPosition[];
      readonly low: LowWatermarks | undefined;
    }
  | { readonly kind: 'rollback'; readonly run: Run; readonly positions: readonly PartitionPosition[] }
  /** Ends the run on this host. `keep`: checkpoint the stores first; else their memory is only released (the changelog
   *  has all). `stray`: a task that is deleted from its shard, as its state is elsewhere. */
  | { readonly kind: 'remove'; readonly run: Run; readonly keep: boolean; readonly stray?: string }
  /** Deletes what shards hold of an application. Answered. */
  | {
      readonly kind: 'forget';
      readonly request: number;
      readonly applicationId: string;
      readonly shards: readonly number[];
    }
  | {
      readonly kind: 'read';
      readonly request: number;
      readonly run: Run;
      readonly store: string;
      readonly key: Uint8Array;
      readonly range: EntryRange;
    }
  | {
      readonly kind: 'scan';
      readonly request: number;
      readonly run: Run;
      readonly store: string;
      readonly range: ScanRange;
    }
  /** The page of a scan was consumed: the next one may come, or the scan ends. */
  | { readonly kind: 'scan-next'; readonly request: number; readonly more: boolean }
  | { readonly kind: 'stats'; readonly request: number }
  /** The log, or the client, has acknowledged this batch; its memory comes back to the host that filled it. */
  | { readonly kind: 'acknowledged'; readonly run: Run; readonly bytes: Uint8Array }
  | { readonly kind: 'close' };

export type FromHost =
  | { readonly kind: 'assigned'; readonly run: Run; readonly replayed: number }
  | {
      readonly kind: 'batch';
      readonly run: Run;
      readonly topic: string;
      readonly partition: number;
      readonly bytes: Uint8Array;
    }
  /** Result rows of a transient query, final. Answered by `acknowledged`. */
  | { readonly kind: 'rows'; readonly run: Run; readonly bytes: Uint8Array }
  /** `pending`: something is not committed yet. `drained`: nothing left to read, as of the last look; `positions` are
   *  then where that is. `mayLast`, `behind`: see `HostedRun`; what is behind may last. */
  | {
      readonly kind: 'progress';
      readonly run: Run;
      readonly pending: boolean;
      readonly drained: boolean;
      readonly mayLast: boolean;
      readonly behind: boolean;
      /** How many tasks of the run this is about: where one has come or gone since, `drained` does not hold. */
      readonly tasks: number;
      readonly positions: readonly PartitionPosition[];
      readonly counters: HostCounters;
    }
  | {
      readonly kind: 'prepared';
      readonly run: Run;
      readonly positions: readonly PartitionPosition[];
      readonly records: number;
      /** See `TaskCommit`. */
      readonly due: number;
      readonly time: number;
      readonly inputs: readonly InputTime[];
      readonly outputs: readonly OutputTime[];
    }
  /** A record names a topic that the host has not met yet. The transaction does not end before the answer. */
  | { readonly kind: 'topic asked'; readonly run: Run; readonly topic: string }
  /** A processor asks for a commit: what it has done so far, at least, is to be in it. */
  | { readonly kind: 'commit asked'; readonly run: Run }
  | { readonly kind: 'rolled back'; readonly run: Run }
  | { readonly kind: 'task suspended'; readonly run: Run; readonly task: string }
  | { readonly kind: 'task opened'; readonly run: Run; readonly task: string }
  | { readonly kind: 'task not opened'; readonly run: Run; readonly task: string; readonly error: ErrorReport }
  | { readonly kind: 'removed'; readonly run: Run }
  | { readonly kind: 'restoring'; readonly run: Run; readonly progress: RestoreProgress }
  | { readonly kind: 'failed'; readonly run: Run; readonly error: ErrorReport }
  | { readonly kind: 'page'; readonly request: number; readonly entries: readonly StoreEntry[]; readonly done: boolean }
  | { readonly kind: 'refused'; readonly request: number; readonly error: ErrorReport }
  | { readonly kind: 'counted'; readonly request: number; readonly report: ThreadReport }
  /** The checkpoint of a store durably holds everything below this position of its changelog. */
  | { readonly kind: 'checkpointed'; readonly run: Run; readonly changelog: PartitionPosition }
  /** Something for the observer that changes nothing: a checkpoint that failed, a store rebuilt, records lost to
   *  retention. */
  | { readonly kind: 'note'; readonly run: Run; readonly note: Note }
  /** A shard of the state directory was damaged beyond opening; an empty one replaces it. */
  | { readonly kind: 'shard damaged'; readonly shard: number; readonly why: string }
  | { readonly kind: 'closed' };

/** One direction of a messenger. */
export type Post<M> = (message: M) => void;
