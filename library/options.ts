/** The options of `open`, their defaults and limits. */

import { totalmem } from 'node:os';
import { UserError } from '../base/index.ts';
import type { FunctionLimits, FunctionModule, RegistryPlace } from '../sql/index.ts';
import type { MillraceEvent } from './events.ts';

export interface OpenOptions {
  /** Data directory; made when missing. One process at a time. */
  readonly data: string;
  /** Threads for SQL queries, started with the first one. 0, the default, runs them on the calling thread. */
  readonly workers?: number;
  /** Upper bound of the time between a record's processing and the commit of what came of it, in milliseconds; a query
   *  that is far behind takes up to five times as long. Default 100. */
  readonly commitIntervalMs?: number;
  /** Memory for the state of all queries, in bytes, shared by use; what exceeds it lies on the disk only. Default: a
   *  quarter of what the process may use. LevelDB's caches come on top: up to 24 MiB for each of at most five
   *  shards. */
  readonly stateMemoryBytes?: number;
  /** Memory for encoded rows that wait for the clients of push queries, in bytes: for each query (default 1 MiB; beyond
   *  it the query waits), and in all (default 128 MiB; beyond it the query that holds most is ended). */
  readonly push?: { readonly bytesPerQuery?: number; readonly bytesInAll?: number };
  /** Modules of functions for SQL: files whose default export is a `FunctionModule`, as paths or file URLs. They are
   *  loaded in each thread that needs them. A module itself, as an object, is possible where queries run on the calling
   *  thread (`workers: 0`). Of several versions of one module new statements get the last one; queries keep the version
   *  that they were made with, and run only where it is loaded. */
  readonly functions?: readonly (string | URL | FunctionModule)[];
  /** Runs the code of `functions` with limits, for modules that are not trusted to end. A call that takes longer ends
   *  its query, with a reason; other queries of the same thread go on from their last commit in another one. What is
   *  evaluated on the calling thread (pull queries, INSERT VALUES, and all queries where `workers` is 0) calls the code
   *  in a thread of its own, which it waits for. */
  readonly functionLimits?: FunctionLimits;
  /** An external registry of schemas, as Confluent's; the embedded one when left out. */
  readonly schemaRegistry?: RegistryPlace;
  /** Properties of SQL that hold unless a request or SET gives others, such as `auto.offset.reset`; `SHOW PROPERTIES`
   *  lists all. Some can be given here only. Those of an external registry, `ksql.schema.registry.url` and so on, are
   *  the same as `schemaRegistry`. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** Called for events: queries that stop or retry, threads that die. Never sees record contents. */
  readonly onEvent?: (event: MillraceEvent) => void;
}

/** Longer, and a commit would hold more than a store should keep open. */
const MAX_COMMIT_INTERVAL_MS = 60_000;

/** Less, and stores would be on the disk only. */
const MIN_STATE_MEMORY = 1 << 20;

/** Less, and the client of a push query would wait for each batch of rows. */
const MIN_PUSH_MEMORY = 64 << 10;

/** A quarter of what the process may use: a container's limit where there is one, else the machine's memory. */
const defaultStateMemory = (): number => {
  const limit = process.constrainedMemory();
  const available = limit > 0 && limit < totalmem() ? limit : totalmem();
  return Math.max(64 << 20, Math.floor(available / 4));
};

/** The memory for state and the number of workers that options give, or their defaults. Throws a `UserError` for the
 *  first option that makes no sense. */
export const checkedOptions = (
  options: OpenOptions,
): { readonly workers: number; readonly stateMemoryBytes: number } => {
  const { data, workers = 0, commitIntervalMs } = options;
  if (typeof data !== 'string' || data === '')
    throw new UserError('DATA_DIR_MISSING', 'no data directory is given', { hint: "Write open({ data: './data' })." });
  if (!Number.isInteger(workers) || workers < 0 || workers > 64)
    throw new UserError('WORKERS_INVALID', `the number of workers is ${workers}`, {
      hint: 'Give a whole number from 0 to 64.',
    });
  if (commitIntervalMs !== undefined && !(commitIntervalMs > 0 && commitIntervalMs <= MAX_COMMIT_INTERVAL_MS))
    throw new UserError('COMMIT_INTERVAL_INVALID', `the commit interval is ${commitIntervalMs} ms`, {
      hint: `Give a number of milliseconds above 0 and up to ${MAX_COMMIT_INTERVAL_MS}.`,
    });
  const { stateMemoryBytes = defaultStateMemory() } = options;
  if (!(stateMemoryBytes >= MIN_STATE_MEMORY))
    throw new UserError('STATE_MEMORY_INVALID', `the memory for state is ${stateMemoryBytes} bytes`, {
      hint: `Give a number of bytes from ${MIN_STATE_MEMORY}.`,
    });
  for (const [name, bytes] of Object.entries(options.push ?? {}))
    if (!(bytes >= MIN_PUSH_MEMORY))
      throw new UserError('PUSH_MEMORY_INVALID', `push.${name} is ${bytes} bytes`, {
        hint: `Give a number of bytes from ${MIN_PUSH_MEMORY}, or leave it out.`,
      });
  return { workers, stateMemoryBytes };
};
