/** A query as the runtime keeps it: what was asked for, the state it is in, and its present run. Counters outlive
 *  runs. */

import type { LogError } from '../../storage/index.ts';
import type { Topology } from '../topology.ts';
import { Meter } from './meter.ts';
import { noCounters, type QueryState } from './observer.ts';
import type {
  EmitCache,
  Guarantee,
  HostCounters,
  LostRecords,
  OffsetReset,
  RestoreProgress,
  RowSink,
} from './protocol.ts';
import type { QueryRun } from './query-run.ts';
import type { ClosingTime } from './quiet-time.ts';
import type { RecordErrorPolicies } from './record-errors.ts';
import type { TopologyModule } from './topology-module.ts';

/** What becomes of a query that fails for a reason that will not pass by itself. `replace thread`: its tasks start
 *  again from the last commit, with back-off; `shut down`: it stays failed. */
export type Uncaught = 'replace thread' | 'shut down';
export type UncaughtHandler = (error: Error) => Uncaught;

/** Hears of one query as things happen. */
export interface QueryListener {
  state?(state: QueryState, error: Error | undefined): void;
  restoring?(progress: RestoreProgress): void;
  /** While it runs: tasks begin to move to other threads, or are where they are to be. */
  rebalancing?(active: boolean): void;
}

export interface QuerySpec {
  readonly id: string;
  /** Names the query's committed offsets, internal topics and transactions. Must be the same after a restart. Default:
   *  the id. */
  readonly applicationId?: string;
  readonly topology: Topology;
  /** The same topology as data, from which a worker builds it. Without it the query runs on the calling thread. */
  readonly plan?: unknown;
  /** The same topology as a module, and the number of threads of its own in which it runs. */
  readonly module?: TopologyModule;
  readonly threads?: number;
  /** Default: earliest. */
  readonly offsetReset?: OffsetReset;
  /** How long a task waits for an input that has nothing to read while others have, in milliseconds; -1: not even for
   *  one that is behind. Default: 0 (`input-order.ts`). */
  readonly maxTaskIdleMs?: number;
  /** By what windows close. Default: stream time alone. */
  readonly closing?: ClosingTime;
  /** Aggregates merge the updates of a key between commits. Left out: every update is sent. */
  readonly cache?: EmitCache;
  readonly listener?: QueryListener;
  /** Default: exactly once. */
  readonly guarantee?: Guarantee;
  /** What becomes of records that cannot be read, processed or written. Only for a topology that runs where it is
   *  given: functions do not cross threads. */
  readonly onError?: RecordErrorPolicies;
  /** The topic that gets them as they were, if they are left out; it must exist. */
  readonly deadLetters?: string;
  /** It is held before its first record. */
  readonly paused?: boolean;
  /** Default: `shut down`. */
  readonly onUncaught?: UncaughtHandler;
  /** A query that ends with its client, which gets what the topology's `addResult` is given. It writes no topic,
   *  commits no offsets and keeps no state; when it fails it is not tried again. */
  readonly transient?: {
    readonly sink: RowSink;
    /** Bytes of batches that the sink may leave unacknowledged; see `Runtime.setWindow`. */
    readonly window: number;
  };
}

/** Losses that the status of a query shows, the last ones. */
const mostLostShown = 20;

export class ManagedQuery {
  readonly spec: QuerySpec;
  readonly applicationId: string;
  readonly #outputs: ReadonlySet<string>;
  state: QueryState = 'starting';
  error: Error | undefined;
  since: number;
  paused: boolean;
  /** Of a transient query: as it was set last. */
  window: number | undefined;
  run: QueryRun | undefined;
  /** Topics that its records have named. */
  readonly namedTopics = new Set<string>();
  /** What former runs have counted. */
  past: HostCounters = noCounters;
  commits = 0;
  readonly commitMeter = new Meter();
  /** Threads that have ended with tasks of it. */
  failedThreads = 0;
  aborts = 0;
  restarts = 0;
  failuresInARow = 0;
  /** What the log has answered to its last transaction, or to its last start; undefined since it has committed. */
  refusal: LogError | undefined;
  lost: readonly LostRecords[] = [];
  cancelRetry: (() => void) | undefined;
  /** Of a stop that may not take for ever. */
  cancelHurry: (() => void) | undefined;
  /** The start under way, if any: stopping waits for it. */
  starting: Promise<void> = Promise.resolve();
  ending: Promise<void> = Promise.resolve();
  /** Changes of its threads, one after the other. */
  changing: Promise<unknown> = Promise.resolve();

  constructor(spec: QuerySpec, now: number) {
    this.spec = spec;
    this.applicationId = spec.applicationId ?? spec.id;
    this.paused = spec.paused === true;
    this.window = spec.transient?.window;
    this.#outputs = new Set(
      spec.topology.nodes.flatMap((node) => (node.node === 'sink' && !node.repartition ? [node.topic] : [])),
    );
    this.since = now;
  }

  get transient(): boolean {
    return this.spec.transient !== undefined;
  }

  /** Whether a sink of it writes that topic. */
  writes(topic: string): boolean {
    return this.#outputs.has(topic);
  }

  get active(): boolean {
    return this.state === 'starting' || this.state === 'running' || this.state === 'retrying';
  }

  /** It runs, with nothing pending or under way, and everything read as of its hosts' last look. */
  get idle(): boolean {
    return this.state === 'running' && this.run?.idle === true;
  }

  /** Why it commits nothing, although it goes on trying. */
  get waitsFor(): LogError | undefined {
    return this.active && !this.paused && !this.idle ? this.refusal : undefined;
  }

  /** Keeps a loss for the status. Answers false when it is known: after a rollback the same one is found again. */
  noteLoss({ topic, partition, from, to }: LostRecords): boolean {
    if (this.lost.some((lost) => lost.topic === topic && lost.partition === partition && lost.to === to)) return false;
    this.lost = [...this.lost, { topic, partition, from, to }].slice(-mostLostShown);
    return true;
  }
}
