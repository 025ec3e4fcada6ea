/** What a task host is given, and what its parts share. */

import type { Clock, Timers } from '../../base/index.ts';
import type { Log } from '../../storage/index.ts';
import type { Topology } from '../topology.ts';
import type { HostedRun } from './hosted-run.ts';
import type { FromHost, Note, Post, Run } from './protocol.ts';
import type { OpenShard } from './shards.ts';
import type { LoadedTopology, TopologyModule } from './topology-module.ts';

export interface HostLimits {
  /** Memory of all stores of the process (`../stores/memory-budget.ts`). */
  readonly stateBytes: number;
  /** What one fetch brings of one partition. */
  readonly blockBytes: number;
  /** Batches of one run that the log has not acknowledged yet. */
  readonly unacknowledgedBytes: number;
}

export const defaultLimits: HostLimits = {
  stateBytes: 512 * 1024 * 1024,
  blockBytes: 512 * 1024,
  unacknowledgedBytes: 16 * 1024 * 1024,
};

/** Memory in which threads exchange how much their stores use, and the number of this thread. */
export interface SharedMemory {
  readonly shared: Int32Array;
  readonly thread: number;
}

export interface HostOptions {
  readonly log: Pick<Log, 'reader' | 'offsets' | 'deletionsKeptFrom'>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Calls back after the event loop has had its share. */
  readonly soon: (run: () => void) => void;
  /** Opens a shard of the state directory; undefined: stores live in memory only. */
  readonly openShard: OpenShard | undefined;
  /** Builds a topology of plan data. */
  readonly build: ((plan: unknown) => Topology | Promise<Topology>) | undefined;
  /** Loads a topology that is a module; undefined: applications of that kind do not run here. */
  readonly load?: (module: TopologyModule) => Promise<LoadedTopology>;
  readonly hashSeed: number;
  readonly limits: HostLimits;
  readonly memory: SharedMemory;
  readonly post: Post<FromHost>;
  /** Called with the run that the host works for from now on: should the thread end, it is the likeliest cause. */
  readonly atWork?: (run: Run) => void;
}

/** What the parts of a host do to each other. */
export interface HostParts {
  readonly options: HostOptions;
  readonly runs: ReadonlyMap<Run, HostedRun>;
  /** Ends a run by an error; its neighbours are not affected. */
  fail(run: HostedRun, error: unknown): void;
  /** Something may be steppable now. */
  wake(): void;
  /** Sends a batch of a run to the log, within its transaction. */
  send(run: HostedRun, topic: string, partition: number, bytes: Uint8Array): void;
  note(run: HostedRun, note: Note): void;
}
