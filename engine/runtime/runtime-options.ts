/** What a runtime is given. */

import type { Clock, Random, Timers } from '../../base/index.ts';
import type { Log } from '../../storage/index.ts';
import { defaultLimits, type HostLimits } from './host-options.ts';
import type { RuntimeEvent } from './observer.ts';
import type { OpenShard } from './shards.ts';
import type { WorkerOptions } from './threads.ts';

export interface RuntimeLimits extends HostLimits {
  /** Upper bound of the time between two commits of a query that has something to commit; twenty times as much while it
   *  is far behind. */
  readonly commitIntervalMs: number;
  /** Databases that the stores of this data directory are spread over. Changing it loses time (stores are rebuilt),
   *  never data. */
  readonly shards: number;
  /** How long closing waits for threads that do not answer. */
  readonly closeWaitMs: number;
}

export const defaultRuntimeLimits: RuntimeLimits = {
  ...defaultLimits,
  commitIntervalMs: 100,
  shards: 4,
  closeWaitMs: 10_000,
};

export interface RuntimeOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Names this process among those that work on the same log, and stays the same over restarts: a part of
   *  transactional ids (`query-setup.ts`). Default: `local`, for a log that only one process uses. */
  readonly instanceId?: string;
  /** Calls back after the event loop has had its share (`setImmediate`); a timer of 0 ms when left out. */
  readonly soon?: (run: () => void) => void;
  /** Opens one shard of the state directory for this thread. Without it stores live in memory only, and a restart
   *  replays whole changelogs. */
  readonly openShard?: OpenShard;
  readonly workers?: WorkerOptions;
  readonly limits?: Partial<RuntimeLimits>;
  /** Topic for the rows about records that queries left out; it must exist. */
  readonly processingLog?: string;
  readonly onEvent?: (event: RuntimeEvent) => void;
}
