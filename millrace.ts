/**
 * The library: Millrace within a Node program, no ports, no other process.
 *
 *   const millrace = await open({ data: './data' });
 *   await millrace.sql(`CREATE STREAM …; CREATE TABLE … AS SELECT …;`);
 *
 * `sql` runs statements, `query` asks a view or a stream once (pull), `subscribe` follows it (push), `produce` and
 * `consume` deal with the records of topics, `streams` runs a topology of the DSL. The HTTP server is built on
 * the same object.
 *
 * Everything native is injected here: files, clock, checksums, LevelDB, threads. The layers below use interfaces only.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { assert, type Random, replaceFile, UserError, utf8Bytes } from './base/index.ts';
import {
  GuardedThread,
  installNative,
  nodeFiles,
  openFileLimit,
  systemClock,
  systemRandom,
} from './base/node/index.ts';
import {
  defaultRuntimeLimits,
  describeNote,
  describeShardDamage,
  divideShards,
  ensureTopic,
  isPassingShard,
  LogTestDriver,
  type Metric,
  originTimeHeader,
  type Position,
  Repair,
  type RepairFindings,
  type RepairOptions,
  type Replayed,
  type ReplayOptions,
  Runtime,
  type RuntimeEvent,
  replayDeadLetters,
  Streams,
  type StreamsModuleOptions,
  type StreamsOptions,
  type TopicOptions,
  type Topology,
  TypedTopic,
  topicsOfTopology,
  withoutOriginTime,
} from './engine/index.ts';
import { LaunchedThreads, workerThreads } from './engine/runtime/worker.ts';
import { openLevelShard, openSoundLevelShard } from './engine/stores/level-store.ts';
import {
  answerSchemas,
  applicationPrefix,
  builtInFunctions,
  callMsOf,
  checkNotInternal,
  describeCall,
  type FunctionLimits,
  type FunctionModule,
  HttpRegistry,
  heapMbOf,
  type LoadedModule,
  LocalRegistry,
  loadGivenModules,
  objectOf,
  openSqlEngine,
  type QueryHandle,
  type QueryOptions,
  type RegistryPlace,
  readStoredSources,
  registryPlaceOf,
  type SqlEngine,
  type StatementOptions,
  type StatementResult,
  type StoredSources,
  statementTopic,
  TopicStore,
  type TypedRow,
} from './sql/index.ts';
import { type FileLog, openFileLog } from './storage/file-log/index.ts';
import {
  type Acks,
  type ConsumedRecord,
  type ConsumeOptions,
  consumeRecords,
  type Log,
  type ProducedRecord,
  produceRecords,
} from './storage/index.ts';

export { UserError } from './base/index.ts';
export type {
  CloseOptions,
  DeadLetter,
  EmitCache,
  Guarantee,
  KeyValueEntry,
  KeyValueView,
  Metric,
  OffsetReset,
  PartitionPosition,
  Position,
  QueryCounters,
  QueryFindings,
  RangeOptions,
  RecordError,
  RecordErrorAnswer,
  RecordErrorKind,
  RecordErrorPolicies,
  RecordErrorPolicy,
  RepairFindings,
  Replayed,
  ReplayOptions,
  ResetTo,
  RestoreProgress,
  Streams,
  StreamsEvents,
  StreamsModuleOptions,
  StreamsOptions,
  StreamsState,
  TaskMetadata,
  ThreadMetadata,
  TimeRange,
  TopicOptions,
  TypedConsumedRecord,
  TypedRecord,
  TypedTopic,
  Uncaught,
  UncaughtHandler,
  Version,
  VersionedView,
  ViewOptions,
  WindowedEntry,
  WindowedView,
} from './engine/index.ts';
export {
  deadLetterOf,
  type LogTestDriver,
  type LogTestInput,
  type LogTestOutput,
  prometheusText,
  serdes,
  Topology,
  unknown,
} from './engine/index.ts';
export {
  type KStream,
  type KTable,
  type QueryableStore,
  type StoreForm,
  StreamsBuilder,
  TimeWindows,
  type VersionedForm,
  type WindowedForm,
} from './engine/public.ts';
export {
  ExecutionError,
  type FunctionLimits,
  type FunctionModule,
  type Lambda,
  type QueryOptions,
  type StatementOptions,
  type StatementResult,
  type StoredSource,
  type StoredSources,
  type TypedRow,
} from './sql/index.ts';
export {
  type Acks,
  type ConsumedRecord,
  type ConsumeOptions,
  LogError,
  type ProducedRecord,
  type RecordHeader,
} from './storage/index.ts';

/** Where records go that a query had to leave out: one JSON row each, written in the query's own transaction. */
export const PROCESSING_LOG_TOPIC = 'millrace_processing_log';

/** Refuses the header that the engine keeps for itself. */
function* withoutReservedHeaders(records: Iterable<ProducedRecord>): Generator<ProducedRecord> {
  for (const record of records) {
    if (record.headers?.some(({ key }) => key === originTimeHeader)) {
      throw new UserError('HEADER_RESERVED', `the header "${originTimeHeader}" is written by queries only`, {
        hint: 'Use another name.',
      });
    }
    yield record;
  }
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

export interface MillraceEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly queryId?: string;
}

/** Rows about dropped records are kept for a week, the newest GiB of them at most. */
const processingLogConfigs = { 'retention.ms': '604800000', 'retention.bytes': '1073741824' };

/** Loads the modules of functions that a program gives. */
type LoadModules = (given: unknown) => Promise<readonly LoadedModule[]>;

/** Threads beside those of the runtime. */
interface OwnThreads {
  readonly launched: LaunchedThreads;
  /** Runs functions of users that have limits. */
  readonly guarded: GuardedThread | undefined;
}

/** The module by which a worker makes a topology of a plan; beside this one, in sources and in the build. */
const workerBuilder = import.meta.resolve(
  import.meta.url.endsWith('.ts') ? './sql/compile/worker-builder.ts' : './sql/compile/worker-builder.js',
);

/** The module that answers in the guarded thread. */
const moduleService = import.meta.resolve(
  import.meta.url.endsWith('.ts') ? './sql/functions/module-service.ts' : './sql/functions/module-service.js',
);

/** A row as an object: STRUCT is an object, MAP a Map, TIMESTAMP a Date, BIGINT a number while that is exact and a
 *  bigint beyond. */
export type ResultRow = Readonly<Record<string, unknown>>;

/** A row of a push query over a table that shows deletions. */
export interface RowChange<R> {
  /** Of a row that was deleted: the columns of its key; the others are null. */
  readonly row: R;
  readonly deleted: boolean;
}

/** The rows of a pull query. */
export type QueryRows<R> = readonly R[] & {
  /** What the rows show all of; they may show more. Another query that reads `from` there shows it too. */
  readonly position: Position;
};

export interface Millrace {
  readonly version: string;
  /** The interface of the SQL layer, for servers and tools. */
  readonly engine: SqlEngine;
  readonly log: Log;
  /** Runs statements one after another; all are checked before the first runs. Rejects with a `UserError`, or with an
   *  `ExecutionError` when one fails while running. */
  sql(text: string, options?: StatementOptions): Promise<readonly StatementResult[]>;
  /** All rows of a pull query, and the position that they show all of. The type parameter is the type of a row, which
   *  is not checked. */
  query<R extends ResultRow = ResultRow>(text: string, options?: QueryOptions): Promise<QueryRows<R>>;
  /** The rows of a query, push or pull, as they come; nothing is produced before it is asked for. The query starts
   *  when the first row is asked for; leaving the loop, or `return()` from elsewhere, ends it. With `deletions` the
   *  query is a push query, and each element tells whether the row was deleted: whoever puts rows into a map by their
   *  key, and takes deleted ones out, has the table. */
  subscribe<R extends ResultRow = ResultRow>(
    text: string,
    options: QueryOptions & { readonly deletions: true },
  ): AsyncIterableIterator<RowChange<R>, void, undefined>;
  subscribe<R extends ResultRow = ResultRow>(
    text: string,
    options?: QueryOptions,
  ): AsyncIterableIterator<R, void, undefined>;
  /** Adds a module of functions to those of `functions`: new statements can use them. A newer version of a module takes
   *  the place of the former one for new queries; those that run keep theirs. Queries of an earlier run that waited for
   *  the module start; like `functions`, a call is for this run alone. Rejects, and changes nothing, when the module
   *  cannot be loaded, its version is loaded already, or a name is that of a function of SQL or of another module. */
  registerFunctions(module: string | URL | FunctionModule): Promise<void>;
  /** Appends records; answers when they are on the disk (`acks`: `durable`, the default), or as `acks` defines, with
   *  the position behind them in each partition: a view of a store that is read `from` there shows them. */
  produce(topic: string, records: Iterable<ProducedRecord>, options?: { readonly acks?: Acks }): Promise<Position>;
  /** A topic with the serdes of its records; it is made where it does not exist. */
  topic<K, V>(name: string, options: TopicOptions<K, V>): Promise<TypedTopic<K, V>>;
  /** Writes rows into a stream or table, all of a call or none: each is checked against the declared columns before any
   *  is sent, and they become readable together. Answers when they are on the disk, with the position behind them: a
   *  `query` that is read `from` there shows them. Values: boolean, number, bigint,
   *  string, Date for TIMESTAMP, array, Map or object for MAP, object for STRUCT; what is left out is NULL; `ROWTIME`
   *  (Date or milliseconds) is the time of the record. Rejects with a `UserError` that names the row, counted from 0,
   *  and the column. Calls may overlap; each partition keeps their order. */
  insert(target: string, rows: Iterable<TypedRow>): Promise<Position>;
  /** Committed records of a topic, as they come. */
  consume(topic: string, options?: ConsumeOptions): AsyncIterableIterator<ConsumedRecord>;
  /** Runs a topology exactly once: on the calling thread, or where it is a module in threads of its own. Answers when
   *  it runs; with `start: false` before, so that listeners hear of everything: call `start()` then. */
  streams(app: (StreamsOptions | StreamsModuleOptions) & { readonly start?: boolean }): Promise<Streams>;
  /** Produces the records of a topic of dead letters again, to the topics that they come from or to others, each once:
   *  those that came since the last such call. */
  replayDeadLetters(topic: string, options?: ReplayOptions): Promise<Replayed>;
  /** What all queries and threads do, in numbers; `prometheusText` prints them as `/metrics` of the server does. */
  metrics(): Promise<readonly Metric[]>;
  /** Answers when every query has read and committed all there is. Rejects with the error of an application of
   *  `streams` that has failed, and was not closed since. (Queries in SQL that have failed are left out: `SHOW QUERIES`
   *  names them.) */
  awaitIdle(): Promise<void>;
  /** The directory of a partition's segment files. */
  partitionDirectory(topic: string, partition: number): Promise<string>;
  /** Commits what is under way, checkpoints, and closes the log cleanly. */
  close(): Promise<void>;
}

/** Rejects with a `UserError` when options make no sense, and when the directory cannot be used: DATA_DIR_LOCKED,
 *  DATA_DIR_NEWER, DATA_DIR_UNREADABLE. */
export const open = async (options: OpenOptions): Promise<Millrace> => {
  installNative();
  const { data, workers = 0, commitIntervalMs } = options;
  if (typeof data !== 'string' || data === '')
    throw new UserError('DATA_DIR_MISSING', 'no data directory is given', { hint: "Write open({ data: './data' })." });
  const directory = resolve(data);
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
  const { place, properties } = registryPlaceOf(options.schemaRegistry, options.properties);
  const functions = builtInFunctions();
  const { functionLimits } = options;
  const guarded = functionLimits && new GuardedThread({ handler: moduleService, heapMb: heapMbOf(functionLimits) });
  const loadModules: LoadModules = (given) =>
    loadGivenModules({
      given,
      workers,
      limits: functionLimits,
      thread: guarded,
      urlOfPath: (path) => pathToFileURL(resolve(path)).href,
    });
  try {
    for (const module of await loadModules(options.functions ?? [])) functions.addModule(module);
  } catch (error) {
    await guarded?.end();
    throw error;
  }
  const random = systemRandom();
  const state = join(directory, 'state');
  const launched = new LaunchedThreads(
    workerBuilder,
    threadsWithState(state, workers),
    functionLimits && heapMbOf(functionLimits),
  );
  let log: FileLog | undefined;
  try {
    log = await openLog(directory, random);
    if ((await log.describeTopic(PROCESSING_LOG_TOPIC)) === undefined)
      await log.createTopic({ name: PROCESSING_LOG_TOPIC, partitions: 1, configs: processingLogConfigs });
    mkdirSync(state, { recursive: true });
    for (const name of readdirSync(state)) {
      // Copies of what is in the changelogs, of which a start makes no use.
      if (isPassingShard(Number(/^shard-(\d+)$/.exec(name)?.[1] ?? -1))) rmSync(join(state, name), { recursive: true });
    }
    const registry =
      place === undefined
        ? new LocalRegistry(new TopicStore(log, () => systemClock.now()))
        : new HttpRegistry({ ...place, fetch, timers: systemClock });
    /** A worker's end of a channel over which it asks for schemas. */
    const builderPort = (): MessagePort => {
      const { port1, port2 } = new MessageChannel();
      answerSchemas(port1, (id) => registry.byId(id));
      // A channel that waits is no reason for the process to go on.
      port1.unref();
      return port2;
    };
    const runtime = new Runtime({
      log,
      clock: systemClock,
      timers: systemClock,
      random,
      instanceId: instanceIdIn(state, random),
      soon: setImmediate,
      openShard: (shard, onDamage) => openLevelShard(state, shard, { onDamage }),
      processingLog: PROCESSING_LOG_TOPIC,
      onEvent: (event) => options.onEvent?.(describeEvent(event)),
      workers: workerThreads({
        count: workers,
        log,
        state,
        builder: workerBuilder,
        builderPort,
        launched,
        ...(functionLimits && {
          heapMb: heapMbOf(functionLimits),
          userCalls: {
            limitMs: callMsOf(functionLimits),
            describe: (call) => describeCall(functions.modules(), call),
          },
        }),
      }),
      limits: { stateBytes: stateMemoryBytes, ...(commitIntervalMs === undefined ? {} : { commitIntervalMs }) },
    });
    const engine = await openSqlEngine({
      log,
      runtime,
      clock: systemClock,
      timers: systemClock,
      random,
      functions,
      registry,
      settings: properties,
      ...(options.push === undefined ? {} : { push: options.push }),
    });
    return new OpenMillrace(directory, log, runtime, engine, { launched, guarded }, loadModules);
  } catch (error) {
    await launched.end();
    await guarded?.end();
    await log?.close();
    throw error;
  }
};

/** How many workers own a shard that holds state: their queries start with the directory. */
const threadsWithState = (state: string, workers: number): number => {
  if (workers === 0 || !existsSync(state)) return 0;
  const shards = readdirSync(state).map((name) => Number(/^shard-(\d+)$/.exec(name)?.[1]));
  return divideShards(defaultRuntimeLimits.shards, workers).filter((thread) =>
    thread.shards.some((shard) => shards.includes(shard)),
  ).length;
};

/** Names this data directory among the processes that work on one log, and is a part of transactional ids. Where the
 *  file is gone the directory gets another name: each query's record holds its former name. */
const instanceIdIn = (state: string, random: Random): string => {
  const path = join(state, 'instance-id');
  const known = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (/^[0-9a-f]{8}$/.test(known)) return known;
  const made = random.u32().toString(16).padStart(8, '0');
  replaceFile(nodeFiles, path, utf8Bytes(made));
  return made;
};

export interface RepairRequest {
  readonly data: string;
  /** Queries whose state and positions are deleted: their next start recomputes them from the start of their
   *  sources. */
  readonly resetQueries?: readonly string[];
  /** Topics to go on with as they are, without what is lost of them. */
  readonly acceptLoss?: readonly string[];
}

export interface RepairReport {
  /** What was changed, as sentences. */
  readonly done: readonly string[];
  /** What still contradicts itself. */
  readonly left: RepairFindings;
}

/** The log gets a quarter of the files that the process may have open; threads, stores and connections need the
 *  rest. */
const openLog = (directory: string, random: Random): Promise<FileLog> =>
  openFileLog({
    directory,
    files: nodeFiles,
    clock: systemClock,
    timers: systemClock,
    random,
    openFiles: Math.min(512, Math.max(32, Math.floor(openFileLimit() / 4))),
  });

export interface TestDriverOptions {
  readonly topology: Topology;
  /** Of each topic that the topology reads or writes. Default 1. */
  readonly partitions?: number;
  /** Left out: a temporary directory, which is removed at the end. */
  readonly data?: string;
}

/** Runs a topology on a log of its own, for tests: the same calls as those of the `TopologyTestDriver`, awaited. */
export const openTestDriver = async (options: TestDriverOptions): Promise<LogTestDriver> => {
  const { topology, partitions = 1, data = mkdtempSync(join(tmpdir(), 'millrace-test-')) } = options;
  const millrace = await open({ data, commitIntervalMs: 1 });
  const close = async (): Promise<void> => {
    await millrace.close();
    if (options.data === undefined) rmSync(data, { recursive: true, force: true });
  };
  try {
    for (const topic of topicsOfTopology(topology)) await ensureTopic(millrace.log, topic, partitions);
    const streams = await millrace.streams({ id: 'test', topology });
    const consumed = (topic: string): AsyncIterable<ConsumedRecord> =>
      millrace.consume(topic, { group: 'test-output', untilEnd: true });
    return new LogTestDriver(streams, {
      produce: (topic, records) => millrace.produce(topic, records),
      consumed,
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
};

const existingDirectory = (data: string): string => {
  installNative();
  const directory = resolve(data);
  if (existsSync(join(directory, 'format'))) return directory;
  throw new UserError('DATA_DIR_UNREADABLE', `${directory} is not a data directory of Millrace`, {
    hint: 'Give the directory that the server was started with (--data).',
  });
};

/** The streams and tables of a data directory, with their columns. Nothing in it is started. Rejects with
 *  DATA_DIR_LOCKED while the directory is open anywhere. */
export const storedSources = async ({ data }: { readonly data: string }): Promise<StoredSources> => {
  const log = await openLog(existingDirectory(data), systemRandom());
  try {
    return await readStoredSources(log);
  } finally {
    await log.close();
  }
};

/** Lists what keeps the queries of a data directory from starting, and does what is asked for about it. Without a
 *  request it changes nothing. Rejects with DATA_DIR_LOCKED while the directory is open anywhere. */
export const repair = async ({ data, resetQueries = [], acceptLoss = [] }: RepairRequest): Promise<RepairReport> => {
  const directory = existingDirectory(data);
  const random = systemRandom();
  const log = await openLog(directory, random);
  const shards: RepairOptions['shards'][number][] = [];
  try {
    const state = join(directory, 'state');
    for (const name of existsSync(state) ? readdirSync(state) : []) {
      const shard = /^shard-\d+$/.test(name) ? await openSoundLevelShard(join(state, name)) : undefined;
      if (shard !== undefined) shards.push(shard);
    }
    const repairing = await Repair.open({ log, shards, now: () => systemClock.now() });
    const done: string[] = [];
    for (const topic of acceptLoss) {
      done.push(...(await repairing.acceptLoss(topic)));
      // Without its statement it is not known what a query computes.
      const forgotten = topic === statementTopic && (await log.describeTopic(topic)) === undefined;
      if (forgotten) done.push(...(await repairing.forgetQueries((id) => id.startsWith(applicationPrefix))));
    }
    for (const queryId of resetQueries) done.push(...(await repairing.resetQuery(queryId)));
    return { done, left: await repairing.list() };
  } finally {
    for (const shard of shards) await shard.close();
    await log.close();
  }
};

class OpenMillrace implements Millrace {
  readonly version = packageVersion();
  readonly engine: SqlEngine;
  readonly log: Log;
  readonly #directory: string;
  readonly #runtime: Runtime;
  /** By id: those that were started, and not closed since. */
  readonly #streams = new Map<string, Streams>();
  readonly #producer: () => ReturnType<Log['producer']>;
  readonly #threads: OwnThreads;
  readonly #loadModules: LoadModules;
  #closing: Promise<void> | undefined;

  constructor(
    directory: string,
    log: Log,
    runtime: Runtime,
    engine: SqlEngine,
    threads: OwnThreads,
    loadModules: LoadModules,
  ) {
    this.#threads = threads;
    this.#loadModules = loadModules;
    this.engine = engine;
    this.log = log;
    this.#directory = directory;
    this.#runtime = runtime;
    let producer: ReturnType<Log['producer']> | undefined;
    // One that could not be opened is asked for again.
    const open = (): ReturnType<Log['producer']> =>
      log.producer().catch((error: unknown) => {
        producer = undefined;
        throw error;
      });
    this.#producer = () => (producer ??= open());
  }

  sql(text: string, options: StatementOptions = {}): Promise<readonly StatementResult[]> {
    return this.engine.execute(text, options);
  }

  async query<R extends ResultRow = ResultRow>(text: string, options: QueryOptions = {}): Promise<QueryRows<R>> {
    const handle = await this.engine.query(text, options);
    if (handle.kind === 'push') {
      await handle.close();
      throw new UserError('SQL_PUSH_QUERY', 'a query with EMIT CHANGES has no end', {
        hint: 'Follow it with subscribe(), or leave EMIT CHANGES out to ask once.',
      });
    }
    const toObject = objectOf(handle.columns);
    const found: R[] = [];
    for await (const batch of handle.rows()) for (const row of batch) found.push(toObject(row) as R);
    // The position is no element of the rows: it is not listed.
    return Object.defineProperty(found as unknown as QueryRows<R>, 'position', { value: handle.position });
  }

  subscribe<R extends ResultRow = ResultRow>(
    text: string,
    options: QueryOptions & { readonly deletions: true },
  ): AsyncIterableIterator<RowChange<R>, void, undefined>;
  subscribe<R extends ResultRow = ResultRow>(
    text: string,
    options?: QueryOptions,
  ): AsyncIterableIterator<R, void, undefined>;
  subscribe(text: string, options: QueryOptions = {}): AsyncIterableIterator<unknown, void, undefined> {
    let opening: Promise<QueryHandle> | undefined;
    const start = (): Promise<QueryHandle> => (opening = this.engine.query(text, options));
    const rows = rowsOf(start, options.deletions === true);
    return {
      next: () => rows.next(),
      // A generator would first wait for the row that was asked for last, which may never come.
      return: async () => {
        await opening?.then(
          (handle) => handle.close(),
          () => {},
        );
        return rows.return();
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  async produce(
    topic: string,
    records: Iterable<ProducedRecord>,
    options: { readonly acks?: Acks } = {},
  ): Promise<Position> {
    checkNotInternal(topic, 'written', undefined);
    const { acks = 'durable' } = options;
    const checked = withoutReservedHeaders(records);
    return produceRecords(this.log, await this.#producer(), topic, checked, { acks, now: systemClock.now() });
  }

  async topic<K, V>(name: string, options: TopicOptions<K, V>): Promise<TypedTopic<K, V>> {
    checkNotInternal(name, 'written', undefined);
    await ensureTopic(this.log, name, options.partitions);
    return new TypedTopic(name, options, {
      produce: (topic, records) => this.produce(topic, records),
      consume: (topic, consuming) => this.consume(topic, consuming),
    });
  }

  async registerFunctions(module: string | URL | FunctionModule): Promise<void> {
    for (const loaded of await this.#loadModules([module])) await this.engine.addFunctions(loaded);
  }

  insert(target: string, rows: Iterable<TypedRow>): Promise<Position> {
    return this.engine.insert(target, rows);
  }

  async *consume(topic: string, options: ConsumeOptions = {}): AsyncGenerator<ConsumedRecord, void, undefined> {
    for await (const record of consumeRecords(this.log, topic, options)) {
      yield { ...record, headers: withoutOriginTime(record.headers) };
    }
  }

  async streams({ start = true, ...options }: Parameters<Millrace['streams']>[0]): Promise<Streams> {
    const streams = await Streams.of(this.#runtime, options);
    streams.on('state', (state) => {
      if (state === 'rebalancing') this.#streams.set(streams.id, streams);
      else if (state === 'closed') this.#forgetStreams(streams);
    });
    if (!start) return streams;
    try {
      await streams.start();
      return streams;
    } catch (error) {
      // The caller hears of it here.
      this.#forgetStreams(streams);
      throw error;
    }
  }

  #forgetStreams(streams: Streams): void {
    if (this.#streams.get(streams.id) === streams) this.#streams.delete(streams.id);
  }

  replayDeadLetters(topic: string, options?: ReplayOptions): Promise<Replayed> {
    return replayDeadLetters(this.log, topic, options);
  }

  metrics(): Promise<readonly Metric[]> {
    return this.engine.metrics();
  }

  async awaitIdle(): Promise<void> {
    await this.#runtime.awaitIdle();
    for (const { error } of this.#streams.values()) if (error !== undefined) throw error;
  }

  async partitionDirectory(topic: string, partition: number): Promise<string> {
    const description = await this.log.describeTopic(topic);
    if (description === undefined) throw new UserError('TOPIC_UNKNOWN', `there is no topic "${topic}"`);
    return join(this.#directory, 'topics', description.id, String(partition));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.engine.close();
    await this.#runtime.close();
    await this.#threads.launched.end();
    await this.#threads.guarded?.end();
    await this.log.close();
  }
}

/** The rows of a query as objects; `asChanges`: each as a `RowChange`. */
async function* rowsOf(
  start: () => Promise<QueryHandle>,
  asChanges: boolean,
): AsyncGenerator<ResultRow | RowChange<ResultRow>, void, undefined> {
  const handle = await start();
  const { columns, deletions = false } = handle;
  const toObject = objectOf(columns);
  try {
    for await (const batch of handle.rows()) {
      for (const row of batch) {
        yield asChanges ? { row: toObject(row), deleted: deletions && row[columns.length] === true } : toObject(row);
      }
    }
  } finally {
    await handle.close();
  }
}

const packageVersion = (): string => {
  for (const path of ['./package.json', '../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  assert(false, 'package.json is missing beside the library');
};

const describeEvent = (event: RuntimeEvent): MillraceEvent => {
  switch (event.kind) {
    case 'state': {
      const { queryId, state, why, hint } = event;
      const advice = hint === undefined || state === 'retrying' ? '' : `. ${hint}`;
      const level = state === 'failed' || state === 'fenced' ? 'error' : state === 'retrying' ? 'warn' : 'info';
      return { level, queryId, message: why === undefined ? `query ${state}` : `query ${state}: ${why}${advice}` };
    }
    case 'aborted':
      return {
        level: 'warn',
        queryId: event.queryId,
        message: `transaction aborted: ${event.why}; next try in ${event.retryInMs} ms`,
      };
    case 'note':
      return {
        level: event.note.about === 'restored' ? 'info' : 'warn',
        queryId: event.queryId,
        message: describeNote(event.note),
      };
    case 'shard damaged':
      return { level: 'error', message: describeShardDamage(event) };
    case 'thread died':
      return { level: 'error', message: `worker ${event.thread} ended: ${event.why}` };
    case 'isolated': {
      const { queryId, deaths, why } = event;
      return {
        level: 'warn',
        queryId,
        message: `worked in ${deaths} workers when they ended; it runs alone now (${why})`,
      };
    }
  }
};
