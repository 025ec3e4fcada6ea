/**
 * The runtime: starts queries, keeps them running, reads their state.
 *
 * It is on the thread that owns the log. A query is a topology with an application id; its tasks run on hosts
 * (`task-host.ts`): the host on this thread, or one in each worker thread, started when the first query needs it. A
 * commit coordinator (`commit-coordinator.ts`) ends its transactions; `query-runner.ts` begins and ends its runs.
 *
 *   start -> starting -> running -> stopped
 *                 \         \---> failed | fenced        by itself, for a reason that will not pass
 *                  \-- retrying --/                      by itself, again and again, for one that may
 *
 * One query's failure affects no other query: it has its own producer, transactions, stores, and runs. A query whose
 * thread ended starts again in a new thread. Reads of stores see committed values only.
 *
 * Threads. Where `workers` are given, queries that come with a `plan` run there, each task in the worker that owns its
 * shard (`assignor.ts`), and all tasks of a transient query in one worker, each query in the next. Topologies that are
 * modules run in threads of their own (`app-threads.ts`). Closures run on the calling thread.
 */

import { assert, UserError } from '../../base/index.ts';
import { LogError } from '../../storage/index.ts';
import { bytesUsed, forgetUse, newSharedUse } from '../stores/memory-budget.ts';
import type { ScanRange } from '../stores/state-store.ts';
import type { Topology } from '../topology.ts';
import { AppThreads, mostAppThreads } from './app-threads.ts';
import type { Assignment } from './assignor.ts';
import { Changes } from './changes.ts';
import { type AskedStore, HostQuestions } from './host-questions.ts';
import { HostThreads, localThread } from './host-threads.ts';
import { allIdle } from './idle.ts';
import { ManagedQuery, type QuerySpec } from './managed-query.ts';
import { matchingTopics, watchTopics } from './matching-topics.ts';
import { type Metric, metricsOfMemory, metricsOfQuery, metricsOfThread } from './metrics.ts';
import {
  damageIn,
  type QueryCounters,
  type QueryState,
  type QueryStatus,
  queryFault,
  type RuntimeEvent,
  type StateDamage,
  type StateReport,
  sumCounters,
} from './observer.ts';
import type { EntryRange, FromHost, StoreEntry, ThreadCounters, ThreadReport, ToHost } from './protocol.ts';
import { QueryRecords } from './query-records.ts';
import { QueryRunner } from './query-runner.ts';
import { internalTopics } from './query-topics.ts';
import { committedPositions, reached } from './reached.ts';
import { deleteOwnTopics, type ResetTo, resetQuery } from './reset.ts';
import { defaultRuntimeLimits, type RuntimeLimits, type RuntimeOptions } from './runtime-options.ts';
import { mostAlone, Suspects } from './suspects.ts';
import { TaskHost } from './task-host.ts';
import { ThreadChanges } from './thread-changes.ts';
import { type ThreadMetadata, threadsOfRun } from './thread-metadata.ts';
import { divideShards, type ThreadShards } from './thread-shards.ts';
import type { StoreReader } from './views/store-reader.ts';

const mostDamageKept = 100;

/** Shards that hold state of other queries than this one. */
const othersShards = (records: QueryRecords, { applicationId }: ManagedQuery): ReadonlySet<number> => {
  const used = [...records.all()].flatMap(([id, { shards = {} }]) =>
    id === applicationId ? [] : Object.values(shards),
  );
  return new Set(used);
};

export interface StopOptions {
  /** Also deletes the query's internal topics, offsets and state. */
  readonly forget?: boolean;
  /** How long commits and checkpoints may take; default: no limit. 0: nothing is committed any more. */
  readonly timeoutMs?: number;
}

export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #limits: RuntimeLimits;
  /** Memory in which threads exchange how much their stores use. */
  readonly #memoryUse: Int32Array;
  readonly #damage: StateDamage[] = [];
  readonly #queries = new Map<string, ManagedQuery>();
  readonly #threads: HostThreads;
  readonly #questions = new HostQuestions((thread, message) => this.#threads.post(thread, message));
  readonly #suspects = new Suspects();
  readonly #runner: QueryRunner;
  readonly #apps: AppThreads;
  readonly #threadChanges: ThreadChanges;
  readonly #changes = new Changes();
  #records: Promise<QueryRecords> | undefined;
  #nextTransient = 0;
  #closed = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#limits = { ...defaultRuntimeLimits, ...options.limits };
    const { log, clock, timers, openShard, workers } = options;
    const shared = newSharedUse(workers === undefined ? 1 : 1 + workers.count + mostAlone + mostAppThreads);
    const { shards } = this.#limits;
    this.#apps = new AppThreads({
      firstThread: 1 + (workers?.count ?? 0) + mostAlone,
      firstShard: shards + 1 + mostAlone,
    });
    this.#memoryUse = shared;
    const hashSeed = options.random.u32();
    const limits = this.#limits;
    const memory = { shared, thread: localThread };
    const soon = options.soon ?? ((run) => void timers.after(0, run));
    this.#threads = new HostThreads({
      local: (post) =>
        new TaskHost({ log, clock, timers, soon, openShard, build: undefined, hashSeed, limits, memory, post }),
      workers,
      settings: (thread) => ({ limits, hashSeed, memory: { shared, thread } }),
      receive: (thread, message) => this.#receive(thread, message),
      died: (thread, atWork, error) => {
        this.#forgetThread(thread, error);
        this.#emit({ kind: 'thread died', thread, why: error.message });
        this.#runner.threadDied(thread, atWork, error);
      },
    });
    this.#runner = new QueryRunner({
      options,
      limits,
      threads: this.#threads,
      suspects: this.#suspects,
      queries: this.#queries,
      records: () => this.#queryRecords(),
      threadsFor: (query, records) => this.#threadsFor(query, records),
      enter: (query, state, error) => this.#enter(query, state, error),
      emit: (event) => this.#emit(event),
      changed: () => this.#changes.changed(),
      begun: (query) => {
        if (query.spec.module !== undefined) this.#threadChanges.balance(query);
      },
      over: (query) => this.#endApp(query),
      endThreads: (threads) => this.#endThreads(threads),
    });
    this.#threadChanges = new ThreadChanges({
      apps: this.#apps,
      timers,
      move: (query, task, thread) => this.#runner.move(query, task, thread),
      release: (run, thread) => this.#runner.release(run, thread),
      end: (thread) => this.#endThreads([thread]),
      change: () => this.#changes.after(),
      othersShards: async (query) => othersShards(await this.#queryRecords(), query),
      notSpread: ({ spec: { id: queryId } }, { message: why }) =>
        this.#emit({ kind: 'note', queryId, note: { about: 'tasks not spread', why } }),
    });
  }

  // ---------------------------------------------------------------- queries

  /** Starts a query; answers when its stores are restored and it runs. Rejects when it cannot be started at all (its
   *  status then says why); a cause that may pass, such as a full disk, is tried again instead, and the answer comes
   *  when that has succeeded. */
  async start(spec: QuerySpec): Promise<void> {
    if (this.#closed) throw new UserError('RUNTIME_CLOSED', 'the runtime is closed');
    const known = this.#queries.get(spec.id);
    if (known?.active === true) {
      throw new UserError('QUERY_EXISTS', `the query "${spec.id}" is running already`);
    }
    const query = new ManagedQuery(spec, this.#options.clock.now());
    this.#queries.set(spec.id, query);
    // The threads of an application that has just failed are still being ended: what is sent to them would be lost.
    const ended = known?.spec.module === undefined ? undefined : known.ending;
    // A listener that stops it at once waits for this.
    query.starting =
      ended === undefined ? this.#runner.begin(query) : ended.catch(() => {}).then(() => this.#runner.begin(query));
    this.#enter(query, 'starting', undefined);
    try {
      await query.starting;
    } catch (error) {
      // The runner tries again when the cause may pass.
      if (query.state !== 'retrying') {
        await query.ending;
        throw error;
      }
    }
    while (query.state === 'retrying' || query.state === 'starting') await this.#changes.after();
    if (query.state !== 'failed' && query.state !== 'fenced') return;
    await query.ending;
    throw query.error ?? new Error('the query failed');
  }

  /** Stops a query: what it has processed is committed, its stores are checkpointed. `forget` also deletes its internal
   *  topics, offsets and state. */
  async stop(id: string, options: StopOptions = {}): Promise<void> {
    const query = this.#query(id);
    const { forget = false, timeoutMs } = options;
    query.cancelRetry?.();
    query.cancelRetry = undefined;
    this.#enter(query, 'stopped', query.error);
    if (query.run === undefined) await query.starting.catch(() => undefined);
    const { run } = query;
    if (run !== undefined) void this.#runner.end(query, run, timeoutMs !== 0);
    if (timeoutMs !== undefined) this.hurry(id, timeoutMs);
    await query.ending;
    query.cancelHurry?.();
    query.cancelHurry = undefined;
    this.#suspects.forget(id);
    if (forget) await this.#forget(query);
    await this.#endApp(query);
    if (query.transient || forget) this.#queries.delete(id);
  }

  /** The stop under way takes at most so long from now on: then what is open is aborted, and stores are not
   *  checkpointed any more. */
  hurry(id: string, timeoutMs: number): void {
    const query = this.#query(id);
    query.cancelHurry?.();
    query.cancelHurry = this.#options.timers.after(timeoutMs, () => this.#runner.hurry(query));
  }

  /** Answers when nothing of the query's last run is left on any thread. */
  async whenEnded(id: string): Promise<void> {
    const query = this.#query(id);
    if (query.run === undefined) await query.ending;
  }

  /** Deletes what a query has computed; its next start begins at `to` (`reset.ts`). */
  async reset(query: QuerySpec, to: ResetTo): Promise<void> {
    await this.forgetState(query);
    const { id: queryId, topology, applicationId = queryId } = query;
    await resetQuery(this.#options.log, await this.#queryRecords(), { queryId, applicationId, topology }, to);
  }

  /** Deletes the state of a query from the shards: it is restored from changelogs at the next start. */
  async forgetState(spec: QuerySpec): Promise<void> {
    if (this.#queries.get(spec.id)?.active === true) {
      throw new UserError('QUERY_EXISTS', `the query "${spec.id}" is running`);
    }
    const query = new ManagedQuery(spec, this.#options.clock.now());
    try {
      await this.#forgetShards(query);
    } finally {
      await this.#endApp(query);
    }
  }

  /** Moves a task (`<sub-topology>_<partition>`) of a running query to another worker thread, from 1 on: it stands
   *  still while its stores are restored there, and is readable; the other tasks of the query process on. Answers when
   *  it runs there. Rejects with a `UserError`: TASK_NOT_MOVABLE, nothing has happened; TASK_NOT_MOVED, it runs
   *  where it was. */
  moveTask(id: string, taskId: string, thread: number): Promise<void> {
    return this.#runner.move(this.#query(id), taskId, thread);
  }

  /** Gives an application with a module one thread more; answers its number when tasks have moved there. */
  addThread(id: string): Promise<number> {
    return this.#threadChanges.add(this.#application(id));
  }

  /** Takes a thread from an application, the newest one where none is named; answers its number when its tasks run
   *  elsewhere. */
  removeThread(id: string, thread?: number): Promise<number> {
    return this.#threadChanges.remove(this.#application(id), thread);
  }

  #application(id: string): ManagedQuery {
    const query = this.#query(id);
    if (query.spec.module !== undefined) return query;
    throw new UserError('STREAMS_NOT_IN_THREADS', `the topology of "${id}" runs on the calling thread`, {
      hint: 'Closures cannot go to another thread: put the topology into a module, streams({ module }).',
    });
  }

  /** Where each task of a query runs; empty while the query does not run. */
  assignmentOf(id: string): Assignment {
    return new Map(this.#query(id).run?.assignment);
  }

  /** The threads that run tasks of a query, with those tasks; empty while it does not run. */
  threadsOf(id: string): readonly ThreadMetadata[] {
    const { run } = this.#query(id);
    const own = this.#apps.threadsOf(id).map(({ thread }) => thread);
    return run === undefined ? [] : threadsOfRun(run, own);
  }

  /** Gives back a batch that the sink of a transient query got; the caller may not touch it afterwards. */
  acknowledge(id: string, batch: Uint8Array): void {
    this.#post(id, (run) => ({ kind: 'acknowledged', run, bytes: batch }));
  }

  /** How many bytes of batches the sink of a transient query may leave unacknowledged from now on. */
  setWindow(id: string, bytes: number): void {
    assert(bytes > 0, `a window of ${bytes} bytes would never let the query step`);
    const query = this.#queries.get(id);
    if (query === undefined) return;
    query.window = bytes;
    this.#post(id, (run) => ({ kind: 'window', run, bytes }));
  }

  /** To the hosts of a query, if it runs. */
  #post(id: string, message: (run: number) => ToHost): void {
    const run = this.#queries.get(id)?.run;
    if (run === undefined) return;
    for (const thread of run.threads) this.#threads.post(thread, message(run.id));
  }

  /** Holds a query before its next record, or lets it continue. What it has processed is committed as usual. */
  pause(id: string): void {
    this.#setPaused(id, true);
  }

  resume(id: string): void {
    this.#setPaused(id, false);
  }

  #setPaused(id: string, paused: boolean): void {
    this.#query(id).paused = paused;
    if (!paused) this.#query(id).run?.coordinator?.resumed();
    this.#post(id, (run) => ({ kind: 'pause', run, paused }));
    this.#changes.changed();
  }

  /** Answers when the first attempt to start the query has ended, in whatever state. */
  async whenStarted(id: string): Promise<QueryStatus> {
    const query = this.#query(id);
    while (query.state === 'starting' && !this.#closed) await this.#changes.after();
    return this.#statusOf(query);
  }

  /** Whether there is a query of this id, in whatever state. */
  knows(id: string): boolean {
    return this.#queries.has(id);
  }

  status(id: string): QueryStatus {
    return this.#statusOf(this.#query(id));
  }

  #statusOf(query: ManagedQuery): QueryStatus {
    const { spec, applicationId, state, paused, error, waitsFor, since, run, lost } = query;
    return {
      queryId: spec.id,
      applicationId,
      state,
      paused,
      error: error && queryFault(error),
      waitsFor: waitsFor && queryFault(waitsFor),
      since,
      lost,
      tasks: run?.setup.tasks.length ?? 0,
      threads: [...(run?.threads ?? [])],
    };
  }

  counters(id: string): QueryCounters {
    const { run, past, commits, aborts, restarts } = this.#query(id);
    return { ...sumCounters(run?.counters.values() ?? [], past), commits, aborts, restarts };
  }

  /** Offsets between what the query has committed and the readable ends of all that it reads, as of now; undefined
   *  while it does not run. A query that has nothing left to do stands at the ends themselves, behind markers that it
   *  will never have a reason to commit. */
  async lag(id: string): Promise<number | undefined> {
    const query = this.#query(id);
    const { run } = query;
    if (query.state !== 'running' || run === undefined) return undefined;
    let lag = 0;
    for (const { topic, partition, offset } of committedPositions(query)) {
      const { stable } = await this.#options.log.offsets({ topic, partition });
      lag += Math.max(0, stable - offset);
    }
    return lag;
  }

  queries(): readonly QueryStatus[] {
    return [...this.#queries.keys()].map((id) => this.status(id));
  }

  /** Why a query commits nothing, although it goes on trying: most often the disk is full. Undefined when there is none
   *  such. */
  get waitsFor(): Error | undefined {
    for (const { waitsFor } of this.#queries.values()) if (waitsFor !== undefined) return waitsFor;
    return undefined;
  }

  get state(): StateReport {
    const memory = { usedBytes: bytesUsed(this.#memoryUse), limitBytes: this.#limits.stateBytes };
    return { memory, damage: this.#damage };
  }

  /** What each started thread has read and decoded, all queries together; 0 is the calling thread. */
  async threadCounters(): Promise<ReadonlyMap<number, ThreadCounters>> {
    const all = new Map<number, ThreadCounters>();
    for (const [thread, { counters }] of await this.#reports()) all.set(thread, counters);
    return all;
  }

  async #reports(): Promise<ReadonlyMap<number, ThreadReport>> {
    const threads = [...this.#threads.numbers()];
    const reports = await Promise.all(
      // One that has just ended has nothing to report.
      threads.map((thread) => this.#questions.report(thread).catch(() => undefined)),
    );
    return new Map(threads.flatMap((thread, i) => (reports[i] === undefined ? [] : [[thread, reports[i]]])));
  }

  /** What all queries, or one of them, and the threads do, in numbers (`metrics.ts`). */
  async metrics(id?: string): Promise<readonly Metric[]> {
    const nowMs = this.#options.clock.monotonic();
    const metrics: Metric[] = [];
    for (const [queryId, query] of this.#queries) {
      if (id !== undefined && queryId !== id) continue;
      const { aborts, restarts, failedThreads, commitMeter } = query;
      const { lag } = this.counters(queryId);
      const commit = commitMeter.read(nowMs);
      metrics.push(...metricsOfQuery({ status: this.#statusOf(query), commit, aborts, restarts, failedThreads, lag }));
    }
    const { memory } = this.state;
    if (id === undefined) metrics.push(...metricsOfMemory(memory.usedBytes, memory.limitBytes));
    for (const [thread, report] of await this.#reports()) {
      const tasks = report.tasks.filter(({ queryId }) => id === undefined || queryId === id);
      if (id === undefined || tasks.length > 0) metrics.push(...metricsOfThread(thread, { ...report, tasks }));
    }
    return metrics;
  }

  #query(id: string): ManagedQuery {
    const query = this.#queries.get(id);
    if (query === undefined) throw new UserError('QUERY_UNKNOWN', `there is no query "${id}"`);
    return query;
  }

  // ---------------------------------------------------------------- reads

  /** The committed entries of one key: at most one for a key-value store; for a window store one for each window that
   *  starts within the range. */
  async read(id: string, store: string, key: Uint8Array, range: EntryRange = {}): Promise<readonly StoreEntry[]> {
    return this.#questions.read(await this.#readable(id, store), key, range);
  }

  /** All committed entries within the range, in pages, in no particular order: each key that stays is met once. Up to 8
   *  MiB of them per thread are those of one commit there; a larger store is read as fast as pages are consumed, each
   *  key with the value committed when it is met. Rejects with QUERY_NOT_RUNNING when the query, or one of its tasks,
   *  moves to another thread meanwhile. */
  async *scan(
    id: string,
    store: string,
    range: ScanRange = {},
  ): AsyncGenerator<readonly StoreEntry[], void, undefined> {
    yield* this.#questions.scan(await this.#readable(id, store), range);
  }

  /** The topics that the patterns of a topology match now. */
  matchingTopics(topology: Topology, applicationId: string): Promise<readonly string[]> {
    return matchingTopics(this.#options.log, topology, applicationId);
  }

  /** Calls back when other topics match than `known`; answers what ends that. */
  watchTopics(topology: Topology, applicationId: string, known: readonly string[], changed: () => void): () => void {
    return watchTopics(this.#options.timers, () => this.matchingTopics(topology, applicationId), known, changed);
  }

  /** What views of the query's stores read from. */
  reader(id: string): StoreReader {
    return {
      read: (store, key, range) => this.read(id, store, key, range),
      scan: (store, range) => this.scan(id, store, range),
      position: () => committedPositions(this.#query(id)),
      reached: (position) =>
        reached(this.#query(id), position, {
          change: () => this.#changes.after(),
          stableEnd: async (partition) => (await this.#options.log.offsets(partition)).stable,
          closed: () => this.#closed,
        }),
    };
  }

  async #readable(id: string, store: string): Promise<AskedStore> {
    const query = this.#query(id);
    const { stores, globals } = query.spec.topology;
    const isGlobal = globals.some((one) => one.store.name === store);
    if (!isGlobal && !stores.some(({ name }) => name === store)) {
      throw new UserError('STORE_UNKNOWN', `the query "${id}" has no store "${store}"`);
    }
    while (query.state === 'starting' && !this.#closed) await this.#changes.after();
    const { run, error } = query;
    if (query.state === 'running' && run !== undefined) {
      // Of a global store each thread has all entries.
      const threads = (): readonly number[] => [...run.threads].slice(0, isGlobal ? 1 : undefined);
      return { run: run.id, threads, store, moves: () => run.moves };
    }
    const { hint = 'Its state can be read while it runs.' } = (error ?? {}) as { readonly hint?: string };
    const why = error === undefined ? '' : `: ${error.message}`;
    throw new UserError(
      'QUERY_NOT_RUNNING',
      `the query "${id}" ${query.state === 'failed' ? 'has failed' : `is ${query.state}`}${why}`,
      { hint, cause: error },
    );
  }

  // ---------------------------------------------------------------- idle

  /** Answers when every running query has processed and committed all that its topics held, chains of queries included.
   *  Transient ones go at their clients' pace and do not count. */
  awaitIdle(): Promise<void> {
    const busy = (): ManagedQuery[] =>
      [...this.#queries.values()].filter((query) => query.active && !query.paused && !query.transient);
    return allIdle(busy, this.#options.log, this.#changes);
  }

  /** Answers when this query has processed and committed all that its topics held. Rejects when it ends before. */
  async awaitIdleOf(id: string): Promise<void> {
    const query = this.#query(id);
    await allIdle(() => (query.active ? [query] : []), this.#options.log, this.#changes);
    if (query.active) return;
    throw query.error ?? new UserError('QUERY_NOT_RUNNING', `the query "${id}" is ${query.state}`);
  }

  // ---------------------------------------------------------------- closing and forgetting

  /** Stops everything: transactions are committed, stores checkpointed, threads ended. A thread that does not answer is
   *  ended all the same: its stores are restored at the next start. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#inTime(async (late) => {
      const queries = [...this.#queries.values()];
      const stops = queries.map((query) => (query.active ? this.stop(query.spec.id) : query.ending));
      await Promise.race([Promise.all(stops), late]);
      const threads = [...this.#threads.numbers()];
      await this.#threads.end(threads, late);
      for (const thread of threads) this.#questions.refuseAll(thread);
    });
    this.#changes.changed();
  }

  /** For work that waits for threads: `late` comes when it has waited long enough. */
  async #inTime(work: (late: Promise<void>) => Promise<void>): Promise<void> {
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.timers.after(this.#limits.closeWaitMs, resolve);
    });
    await work(late).finally(cancel);
  }

  async #endThreads(threads: readonly number[]): Promise<void> {
    await this.#inTime((late) => this.#threads.end(threads, late));
    for (const thread of threads) this.#forgetThread(thread);
  }

  /** An application that does not run needs no threads. */
  async #endApp({ spec, changing }: ManagedQuery): Promise<void> {
    if (spec.module === undefined) return;
    // One of them may be ending.
    await changing;
    await this.#endThreads(this.#apps.threadsOf(spec.id).map(({ thread }) => thread));
    this.#apps.end(spec.id);
  }

  #forgetThread(thread: number, cause?: Error): void {
    forgetUse(this.#memoryUse, thread);
    this.#questions.refuseAll(thread, cause);
  }

  /** Forgets that there ever was a query of this application id; for one that was dropped when nothing ran. */
  async forgetRecord(applicationId: string): Promise<void> {
    await (await this.#queryRecords()).forget(applicationId);
  }

  #queryRecords(): Promise<QueryRecords> {
    const { log, clock } = this.#options;
    this.#records ??= QueryRecords.open(log, () => clock.now());
    // Records that could not be read are read again at the next start of a query.
    this.#records.catch(() => {
      this.#records = undefined;
    });
    return this.#records;
  }

  /** Deletes what belongs to the query alone. */
  async #forget(query: ManagedQuery): Promise<void> {
    const { spec, applicationId } = query;
    // By its record, which goes last.
    await this.#forgetShards(query);
    const record = (await this.#queryRecords()).get(applicationId);
    await deleteOwnTopics(this.#options.log, applicationId, internalTopics(applicationId, spec.topology, record));
    await this.forgetRecord(applicationId);
  }

  /** In whatever shard there is something of a query: a task that was moved, or a move that failed, may have left it
   *  anywhere. */
  async #forgetShards(query: ManagedQuery): Promise<void> {
    const { applicationId } = query;
    const records = await this.#queryRecords();
    for (const { thread, shards } of this.#threadsFor(query, records)) {
      await this.#questions.ask(thread, (request) => ({ kind: 'forget', request, applicationId, shards }));
    }
  }

  // ---------------------------------------------------------------- threads

  /** The threads that a query may use, with the shards that each owns. Where workers own the shards of the state
   *  directory, this thread has one of its own behind them, and each query that runs alone has one behind that. */
  #threadsFor(query: ManagedQuery, records?: QueryRecords): readonly ThreadShards[] {
    const { spec, transient } = query;
    const { workers } = this.#options;
    const { shards } = this.#limits;
    if (spec.module !== undefined) {
      assert(workers !== undefined, 'this runtime can start no threads');
      if (records === undefined) return this.#apps.threadsOf(spec.id);
      const known = Object.values(records.get(query.applicationId)?.shards ?? {});
      return this.#apps.begin(spec.id, spec.threads ?? 1, known, othersShards(records, query));
    }
    if (workers === undefined || workers.count === 0)
      return [{ thread: localThread, shards: Array.from({ length: shards }, (_, i) => i) }];
    if (spec.plan === undefined) return [{ thread: localThread, shards: [shards] }];
    const slot = this.#suspects.slotOf(spec.id);
    if (slot !== undefined) return [{ thread: 1 + workers.count + slot, shards: [shards + 1 + slot] }];
    // The stores of a transient query are in no shard.
    if (transient) return [{ thread: 1 + (this.#nextTransient++ % workers.count), shards: [0] }];
    return divideShards(shards, workers.count);
  }

  #receive(thread: number, message: FromHost): void {
    switch (message.kind) {
      case 'page':
      case 'refused':
      case 'counted':
        this.#questions.answered(message);
        return;
      case 'closed':
        return;
      case 'shard damaged':
        this.#emit({ kind: 'shard damaged', shard: message.shard, why: message.why });
        return;
      case 'assigned':
      case 'batch':
      case 'checkpointed':
      case 'commit asked':
      case 'failed':
      case 'note':
      case 'prepared':
      case 'progress':
      case 'removed':
      case 'restoring':
      case 'rolled back':
      case 'rows':
      case 'task not opened':
      case 'task opened':
      case 'task suspended':
      case 'topic asked':
        this.#runner.receive(thread, message);
    }
  }

  // ---------------------------------------------------------------- events

  #enter(query: ManagedQuery, state: QueryState, error: Error | undefined): void {
    if (query.state === state && state !== 'starting' && query.error === error) return;
    query.state = state;
    query.error = error;
    query.since = this.#options.clock.now();
    query.spec.listener?.state?.(state, error);
    const hint = error instanceof UserError || error instanceof LogError ? error.hint : undefined;
    const why = error?.message;
    this.#emit({ kind: 'state', queryId: query.spec.id, state, why, ...(hint !== undefined && { hint }) });
    this.#changes.changed();
  }

  #emit(event: RuntimeEvent): void {
    const damage = damageIn(event);
    if (damage !== undefined) {
      this.#damage.push({ time: this.#options.clock.now(), ...damage });
      if (this.#damage.length > mostDamageKept) this.#damage.shift();
    }
    this.#options.onEvent?.(event);
  }
}
