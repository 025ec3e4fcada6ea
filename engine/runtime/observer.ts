/** What can be seen of a running query from outside: its state, its counters, and events as they happen. */

import type { DropReason } from '../operator.ts';
import type { HostCounters, LastDrop, LostRecords, Note } from './protocol.ts';

/**
 * - `starting`: topics and positions are set up, stores restored; - `running`;
 * - `retrying`: something failed that may pass; it is tried again by itself;
 * - `failed`: it stopped, for the reason given; - `fenced`: another process runs this query now;
 * - `stopped`: it was asked to stop.
 */
export type QueryState = 'starting' | 'running' | 'retrying' | 'failed' | 'fenced' | 'stopped';

export interface QueryFault {
  readonly message: string;
  readonly code: string | undefined;
  readonly hint: string | undefined;
}

export const queryFault = (error: Error): QueryFault => {
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  return {
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    hint: typeof hint === 'string' ? hint : undefined,
  };
};

export interface QueryStatus {
  readonly queryId: string;
  readonly applicationId: string;
  readonly state: QueryState;
  readonly paused: boolean;
  /** Why it is in this state, where that is a failure. */
  readonly error: QueryFault | undefined;
  /** Why it commits nothing, although it goes on trying: most often the disk is full. */
  readonly waitsFor: QueryFault | undefined;
  /** Since when, epoch milliseconds. */
  readonly since: number;
  /** Records that were deleted from its sources before it read them, since it was started: offsets [from, to), which it
   *  has passed over. */
  readonly lost: readonly LostRecords[];
  readonly tasks: number;
  /** Threads that run its tasks; 0: the calling thread. */
  readonly threads: readonly number[];
}

export interface QueryCounters {
  /** Records that tasks have read, those read again after a rollback included. */
  readonly recordsRead: number;
  /** Records written to output and repartition topics, committed ones. */
  readonly recordsOut: number;
  /** Records, or parts of them, left out, by reason; committed ones. */
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
  readonly lastDrop: LastDrop | undefined;
  readonly commits: number;
  readonly aborts: number;
  readonly restarts: number;
  /** Changelog records replayed at the last start. */
  readonly replayed: number;
  /** Offsets not read yet, as far as is known. */
  readonly lag: number;
  readonly storeEntries: number;
  readonly storeBytes: number;
}

export type RuntimeEvent =
  | {
      readonly kind: 'state';
      readonly queryId: string;
      readonly state: QueryState;
      readonly why: string | undefined;
      /** What a user can do about it. */
      readonly hint?: string;
    }
  | { readonly kind: 'aborted'; readonly queryId: string; readonly why: string; readonly retryInMs: number }
  | { readonly kind: 'note'; readonly queryId: string; readonly note: Note }
  /** A shard of the state directory was damaged; the stores in it are rebuilt from their changelogs. */
  | { readonly kind: 'shard damaged'; readonly shard: number; readonly why: string }
  | { readonly kind: 'thread died'; readonly thread: number; readonly why: string }
  /** The query was at work in several threads when they ended; it runs alone in one from now on. */
  | { readonly kind: 'isolated'; readonly queryId: string; readonly deaths: number; readonly why: string };

/** The state of all queries in this process. */
export interface StateReport {
  /** Memory of all stores, in bytes: what is used, of what may be. */
  readonly memory: { readonly usedBytes: number; readonly limitBytes: number };
  /** Damage of the state directory since the start, oldest first; the newest hundred. What was damaged is rebuilt from
   *  changelogs. */
  readonly damage: readonly StateDamage[];
}

export interface StateDamage {
  /** Epoch milliseconds. */
  readonly time: number;
  /** Undefined: a shard, with stores of several queries. */
  readonly queryId: string | undefined;
  readonly message: string;
}

/** The damage of the state directory that an event reports. */
export const damageIn = (event: RuntimeEvent): Omit<StateDamage, 'time'> | undefined => {
  if (event.kind === 'shard damaged') return { queryId: undefined, message: describeShardDamage(event) };
  if (event.kind !== 'note' || event.note.about !== 'rebuilt') return undefined;
  return { queryId: event.queryId, message: describeNote(event.note) };
};

export const describeShardDamage = ({ shard, why }: Extract<RuntimeEvent, { kind: 'shard damaged' }>): string =>
  `shard ${shard} of the state directory is damaged, its stores are rebuilt from their changelogs: ${why}`;

/** A note as a sentence. Names topics, stores and offsets, never contents. */
export const describeNote = (note: Note): string => {
  switch (note.about) {
    case 'restored':
      return `store ${note.store} of task ${note.taskId} restored: ${note.replayed} changelog records from offset ${note.from}`;
    case 'rebuilt':
      return `store ${note.store} of task ${note.taskId} is rebuilt from its changelog: ${note.why}`;
    case 'checkpoint failed':
      return `store ${note.store} of task ${note.taskId} could not be checkpointed, and will be later: ${note.why}`;
    case 'copies given up':
      return `the scratch file of what has left memory cannot be used for store ${note.store} of task ${note.taskId}, nor for others that fail alike: ${note.why}; until the next start they read their checkpoints instead, which is slower and changes no result`;
    case 'tasks not spread':
      return `its tasks could not be spread evenly over its threads, and run where they are: ${note.why}; addThread() or the next start tries it again`;
    case 'records gone':
      return `records ${note.from} to ${note.to - 1} of ${note.topic}/${note.partition} are lost: retention deleted them before they were read`;
  }
};

export const noCounters: HostCounters = {
  recordsRead: 0,
  recordsOut: 0,
  drops: {},
  lastDrop: undefined,
  replayed: 0,
  lag: 0,
  storeEntries: 0,
  storeBytes: 0,
};

/** The sum of what several hosts have counted. `past` counters come from hosts that no longer run the query: of them
 *  only what was done counts. */
export const sumCounters = (present: Iterable<HostCounters>, past: HostCounters = noCounters): HostCounters => {
  let { recordsRead, recordsOut } = past;
  const drops: Partial<Record<DropReason, number>> = { ...past.drops };
  let { lastDrop } = past;
  let replayed = 0;
  let lag = 0;
  let storeEntries = 0;
  let storeBytes = 0;
  for (const counters of present) {
    recordsRead += counters.recordsRead;
    recordsOut += counters.recordsOut;
    for (const [reason, count] of Object.entries(counters.drops)) {
      drops[reason as DropReason] = (drops[reason as DropReason] ?? 0) + count;
    }
    if ((counters.lastDrop?.timeMs ?? -1) >= (lastDrop?.timeMs ?? 0)) ({ lastDrop } = counters);
    replayed += counters.replayed;
    lag += counters.lag;
    storeEntries += counters.storeEntries;
    storeBytes += counters.storeBytes;
  }
  return { recordsRead, recordsOut, drops, lastDrop, replayed, lag, storeEntries, storeBytes };
};
