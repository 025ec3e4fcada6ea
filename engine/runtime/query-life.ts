/**
 * A query as the runtime keeps it: what was asked for, the state it is in, and the life it has now.
 *
 * A life is one attempt to run the query, from the settling of its topics and positions to the removal of its tasks
 * from all threads; after a failure that may pass the next one follows. Counters outlive it.
 */

import type { Topology } from '../topology.ts';
import type { Coordinator } from './commit.ts';
import { noCounters, type QueryState } from './observer.ts';
import type { PartitionPosition } from './partition-position.ts';
import type { HostCounters, LostRecords, OffsetReset, RowSink, Run } from './protocol.ts';
import type { Settled } from './query-run.ts';

export interface QuerySpec {
  readonly id: string;
  /** Names the query's committed offsets, internal topics and transactions. Must be the same after a restart. Default:
   *  the id. */
  readonly applicationId?: string;
  readonly topology: Topology;
  /** The same topology as data, from which a worker builds it. Without it the query runs on the calling thread. */
  readonly plan?: unknown;
  /** Default: earliest. */
  readonly offsetReset?: OffsetReset;
  /** A query that ends with its client, which gets what the topology's `addResult` is given. It writes no topic,
   *  commits no offsets and keeps no state; when it fails it is not tried again. */
  readonly transient?: {
    readonly sink: RowSink;
    /** Bytes of batches that may be under way to the sink; see `Runtime.setWindow`. */
    readonly window: number;
  };
}

export interface Life {
  readonly run: Run;
  readonly settled: Settled;
  /** Threads with tasks of this query. */
  readonly threads: ReadonlySet<number>;
  readonly assigned: Set<number>;
  readonly removed: Set<number>;
  coordinator: Coordinator | undefined;
  /** Of a query without a coordinator. */
  readonly progress: Map<number, { readonly pending: boolean; readonly drained: boolean }>;
  readonly counters: Map<number, HostCounters>;
  readonly positions: Map<number, readonly PartitionPosition[]>;
  ready: { resolve(): void; reject(error: Error): void } | undefined;
  onRemoved: (() => void) | undefined;
}

export class Query {
  readonly spec: QuerySpec;
  readonly applicationId: string;
  readonly #outputs: ReadonlySet<string>;
  state: QueryState = 'starting';
  error: Error | undefined;
  since: number;
  paused = false;
  life: Life | undefined;
  past: HostCounters = noCounters;
  commits = 0;
  aborts = 0;
  restarts = 0;
  failuresInARow = 0;
  lost: readonly LostRecords[] = [];
  cancelRetry: (() => void) | undefined;
  /** The start under way, if any: stopping waits for it. */
  starting: Promise<void> = Promise.resolve();
  ending: Promise<void> = Promise.resolve();

  constructor(spec: QuerySpec, now: number) {
    this.spec = spec;
    this.applicationId = spec.applicationId ?? spec.id;
    this.#outputs = new Set(
      spec.topology.nodes.flatMap((node) => (node.node === 'sink' && !node.repartition ? [node.topic] : [])),
    );
    this.since = now;
  }

  /** Whether a sink of it writes that topic. */
  writes(topic: string): boolean {
    return this.#outputs.has(topic);
  }

  get active(): boolean {
    return this.state === 'starting' || this.state === 'running' || this.state === 'retrying';
  }
}

/** Nothing pending or under way, and everything read as of the hosts' last look. */
export const isSettled = ({ state, life }: Query): boolean => {
  if (state !== 'running' || life === undefined) return false;
  if (life.coordinator !== undefined) return life.coordinator.idle;
  for (const thread of life.threads) {
    const progress = life.progress.get(thread);
    if (progress === undefined || progress.pending || !progress.drained) return false;
  }
  return true;
};
