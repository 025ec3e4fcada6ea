/**
 * The runtime: starts queries, keeps them running, answers for their state.
 *
 * It lives on the thread that owns the log. A query is a topology with an application id; its tasks run on hosts
 * (`task-host.ts`): the host on this thread, or one in each worker thread, started when the first query needs it. A
 * coordinator (`commit.ts`) ends its transactions.
 *
 *   start -> starting -> running -> stopped
 *                 \         \---> failed | fenced        by itself, for a reason that will not pass
 *                  \-- retrying --/                      by itself, again and again, for one that may
 *
 * One query's failure touches no neighbour: it has its own producer, transactions, stores, and life. A query whose
 * thread died starts again in a new thread. Reads of stores see committed values only.
 *
 * Threads. Where `workers` are given, queries that come with a `plan` run there, each task in the worker that owns its
 * shard, and all tasks of a transient query in one worker, each query in the next. Closures run on the calling thread.
 */

import { type Clock, type Random, type Timers, UserError } from '../../base/index.ts';
import { type Log, LogError, type Producer } from '../../storage/index.ts';
import { bytesUsed, forgetUse, newSharedUse } from '../stores/memory-budget.ts';
import type { ScanRange } from '../stores/state-store.ts';
import { Coordinator } from './commit.ts';
import { errorOf } from './error-report.ts';
import { type AskedStore, HostQuestions } from './host-questions.ts';
import { HostThreads, localThread } from './host-threads.ts';
import {
  damageIn,
  type QueryCounters,
  type QueryState,
  type QueryStatus,
  type RuntimeEvent,
  type StateDamage,
  type StateReport,
  sumCounters,
} from './observer.ts';
import type { PartitionPosition } from './partition-position.ts';
import type {
  Assignment,
  FromHost,
  Note,
  Run,
  StoreEntry,
  TaskAssignment,
  ThreadCounters,
  ToHost,
  WindowRange,
} from './protocol.ts';
import { isSettled, type Life, Query, type QuerySpec } from './query-life.ts';
import { QueryRecords } from './query-records.ts';
import { type Settled, settle } from './query-run.ts';
import { internalTopics } from './query-topics.ts';
import type { OpenShard } from './shards.ts';
import { deathsUntilSuspect, mostAlone, Suspects } from './suspects.ts';
import { defaultLimits, type HostLimits, TaskHost } from './task-host.ts';
import type { WorkerOptions } from './threads.ts';
import { RepartitionTrimmer, releaseTombstones } from './trim.ts';
import { SubTopologyGraph } from './watermarks.ts';

export interface RuntimeLimits extends HostLimits {
  /** Upper bound of the time between two commits of a query that has something to commit. */
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

const mostDamageKept = 100;
/** Losses that the status of a query shows, the last ones. */
const mostLostShown = 20;
const firstRetryMs = 100;
const longestRetryMs = 5000;

export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #limits: RuntimeLimits;
  /** What threads tell each other of the memory of their stores. */
  readonly #memoryUse: Int32Array;
  readonly #damage: StateDamage[] = [];
  readonly #queries = new Map<string, Query>();
  /** Lives that hosts may still speak of, those that are being taken down included. */
  readonly #lives = new Map<Run, { readonly query: Query; readonly life: Life }>();
  readonly #threads: HostThreads;
  readonly #questions = new HostQuestions((thread, message) => this.#post(thread, message));
  readonly #suspects = new Suspects();
  #records: Promise<QueryRecords> | undefined;
  #nextRun = 1;
  #nextTransient = 0;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#limits = { ...defaultRuntimeLimits, ...options.limits };
    const { log, clock, timers, openShard, workers } = options;
    const shared = newSharedUse(workers === undefined ? 1 : 1 + workers.count + mostAlone);
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
      died: (thread, atWork, error) => this.#threadDied(thread, atWork, error),
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
    const query = new Query(spec, this.#options.clock.now());
    this.#queries.set(spec.id, query);
    this.#enter(query, 'starting', undefined);
    query.starting = this.#live(query);
    try {
      await query.starting;
    } catch (error) {
      // `#retryLater` took it over when the cause may pass.
      if (query.state !== 'retrying') throw error;
    }
    while (query.state === 'retrying' || query.state === 'starting') await this.#change();
    if (query.state === 'failed' || query.state === 'fenced') throw query.error ?? new Error('the query failed');
  }

  /** Stops a query: what it has processed is committed, its stores are checkpointed. `forget` also deletes its internal
   *  topics, offsets and state. */
  async stop(id: string, options: { readonly forget?: boolean } = {}): Promise<void> {
    const query = this.#query(id);
    query.cancelRetry?.();
    query.cancelRetry = undefined;
    this.#enter(query, 'stopped', query.error);
    if (query.life === undefined) await query.starting.catch(() => undefined);
    const { life } = query;
    const tasks = life?.settled.tasks ?? [];
    if (life !== undefined) await this.#end(query, life, true);
    await query.ending;
    this.#suspects.forget(id);
    if (options.forget === true) await this.#forget(query, tasks);
    if (query.spec.transient !== undefined || options.forget === true) this.#queries.delete(id);
  }

  /** Gives back a batch that the sink of a transient query got; nobody may touch it afterwards. */
  taken(id: string, batch: Uint8Array): void {
    this.#tell(id, (run) => ({ kind: 'taken', run, bytes: batch }));
  }

  /** How many bytes of batches may be under way to the sink of a transient query from now on. */
  setWindow(id: string, bytes: number): void {
    this.#tell(id, (run) => ({ kind: 'window', run, bytes }));
  }

  /** To the hosts of a query, if it runs. */
  #tell(id: string, message: (run: Run) => ToHost): void {
    const life = this.#queries.get(id)?.life;
    for (const thread of life?.threads ?? []) this.#post(thread, message((life as Life).run));
  }

  /** Holds a query before its next record, or lets it go on. What it has processed is committed as usual. */
  pause(id: string): void {
    this.#setPaused(this.#query(id), true);
  }

  resume(id: string): void {
    this.#setPaused(this.#query(id), false);
  }

  #setPaused(query: Query, paused: boolean): void {
    query.paused = paused;
    const { life } = query;
    if (life === undefined) return;
    for (const thread of life.threads) this.#post(thread, { kind: 'pause', run: life.run, paused });
    this.#changed();
  }

  /** Answers when the first attempt to start the query has ended, whatever its end. */
  async whenStarted(id: string): Promise<QueryStatus> {
    const query = this.#query(id);
    while (query.state === 'starting' && !this.#closed) await this.#change();
    return this.#statusOf(query);
  }

  /** Whether there is a query of this id, in whatever state. */
  knows(id: string): boolean {
    return this.#queries.has(id);
  }

  status(id: string): QueryStatus {
    return this.#statusOf(this.#query(id));
  }

  #statusOf({ spec, applicationId, state, paused, error, since, life, lost }: Query): QueryStatus {
    const { code, hint } = (error ?? {}) as { code?: unknown; hint?: unknown };
    return {
      queryId: spec.id,
      applicationId,
      state,
      paused,
      error:
        error === undefined
          ? undefined
          : {
              message: error.message,
              code: typeof code === 'string' ? code : undefined,
              hint: typeof hint === 'string' ? hint : undefined,
            },
      since,
      lost,
      tasks: life?.settled.tasks.length ?? 0,
      threads: [...(life?.threads ?? [])],
    };
  }

  counters(id: string): QueryCounters {
    const { life, past, commits, aborts, restarts } = this.#query(id);
    return { ...sumCounters(life?.counters.values() ?? [], past), commits, aborts, restarts };
  }

  /** Offsets between what the query has committed and the readable ends of all that it reads, as of now; undefined
   *  while it does not run. A query that has nothing left to do stands at the ends themselves, behind markers that it
   *  will never have a reason to commit. */
  async lag(id: string): Promise<number | undefined> {
    const query = this.#query(id);
    const { life } = query;
    if (query.state !== 'running' || life === undefined) return undefined;
    const held = [...life.positions.values()].flat();
    const positions = isSettled(query) ? held : (life.coordinator?.positions() ?? held);
    let lag = 0;
    for (const { topic, partition, offset } of positions) {
      const { stable } = await this.#options.log.offsets({ topic, partition });
      lag += Math.max(0, stable - offset);
    }
    return lag;
  }

  queries(): readonly QueryStatus[] {
    return [...this.#queries.keys()].map((id) => this.status(id));
  }

  get state(): StateReport {
    const memory = { usedBytes: bytesUsed(this.#memoryUse), limitBytes: this.#limits.stateBytes };
    return { memory, damage: this.#damage };
  }

  /** What each started thread has read and decoded, all queries together; 0 is the calling thread. */
  async threadCounters(): Promise<ReadonlyMap<number, ThreadCounters>> {
    const all = new Map<number, ThreadCounters>();
    for (const thread of this.#threads.numbers()) all.set(thread, await this.#questions.counters(thread));
    return all;
  }

  // ---------------------------------------------------------------- reads

  /** The committed entries of one key: at most one for a key-value store; for a window store one for each window that
   *  starts within the range. */
  async read(id: string, store: string, key: Uint8Array, windows?: WindowRange): Promise<readonly StoreEntry[]> {
    return this.#questions.read(await this.#readable(id, store), key, windows);
  }

  /** All committed entries within the range, in pages, in no particular order: each key that stays is met once. Up to 8
   *  MiB of them per thread are those of one commit there; a larger store is read as fast as pages are taken, each key
   *  with the value committed when it is met. */
  async *scan(
    id: string,
    store: string,
    range: ScanRange = {},
  ): AsyncGenerator<readonly StoreEntry[], void, undefined> {
    yield* this.#questions.scan(await this.#readable(id, store), range);
  }

  async #readable(id: string, store: string): Promise<AskedStore> {
    const query = this.#query(id);
    if (!query.spec.topology.stores.some(({ name }) => name === store)) {
      throw new UserError('STORE_UNKNOWN', `the query "${id}" has no store "${store}"`);
    }
    while (query.state === 'starting' && !this.#closed) await this.#change();
    const { life, error } = query;
    if (query.state === 'running' && life !== undefined) return { run: life.run, threads: life.threads, store };
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
  async awaitIdle(): Promise<void> {
    for (;;) {
      const busy = [...this.#queries.values()].filter(
        (query) => query.active && !query.paused && query.spec.transient === undefined,
      );
      if (busy.every(isSettled) && (await this.#atTheEnd(busy))) return;
      await this.#change();
    }
  }

  /** Whether these queries stand at the present ends of all that they read. */
  async #atTheEnd(queries: readonly Query[]): Promise<boolean> {
    const positions: PartitionPosition[] = [];
    for (const { life } of queries) for (const held of life?.positions.values() ?? []) positions.push(...held);
    const changes = this.#changes;
    for (const { topic, partition, offset } of positions) {
      const { stable } = await this.#options.log.offsets({ topic, partition });
      if (stable > offset) return false;
    }
    return changes === this.#changes && queries.every((query) => query.active && isSettled(query));
  }

  #changes = 0;

  #changed(): void {
    this.#changes++;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

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
    this.#changed();
  }

  /** For work that waits for threads: `late` comes when it has waited long enough. */
  async #inTime(work: (late: Promise<void>) => Promise<void>): Promise<void> {
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.timers.after(this.#limits.closeWaitMs, resolve);
    });
    await work(late).finally(cancel);
  }

  // ---------------------------------------------------------------- lives

  /** Begins a life of the query; answers when it runs. */
  async #live(query: Query): Promise<void> {
    const { spec, applicationId } = query;
    const { log } = this.#options;
    const transient = spec.transient !== undefined;
    const inWorkers = spec.plan !== undefined && this.#options.workers !== undefined;
    const { shards } = this.#limits;
    let settled: Settled;
    try {
      settled = await settle(log, {
        queryId: spec.id,
        applicationId,
        topology: spec.topology,
        offsetReset: spec.offsetReset ?? 'earliest',
        transient,
        processingLog: transient ? undefined : this.#options.processingLog,
        shards,
        records: transient ? undefined : await this.#queryRecords(),
      });
    } catch (error) {
      this.#couldNotStart(query, asError(error));
      throw error;
    }
    if (query.state === 'stopped') {
      await settled.producer?.close();
      return;
    }
    const turn = transient ? this.#nextTransient++ : undefined;
    const tasksOf = new Map<number, TaskAssignment[]>();
    for (const task of settled.tasks) {
      const { thread, shard } = this.#placeOf(query, task.shard, turn);
      const tasks = tasksOf.get(thread) ?? [];
      tasks.push({ ...task, shard });
      tasksOf.set(thread, tasks);
    }
    const life: Life = {
      run: this.#nextRun++,
      settled,
      threads: new Set(tasksOf.keys()),
      assigned: new Set(),
      removed: new Set(),
      coordinator: undefined,
      progress: new Map(),
      counters: new Map(),
      positions: new Map(),
      ready: undefined,
      onRemoved: undefined,
    };
    query.life = life;
    this.#lives.set(life.run, { query, life });
    const outputs = settled.outputs;
    await new Promise<void>((resolve, reject) => {
      life.ready = { resolve, reject };
      for (const [thread, tasks] of tasksOf) {
        const assignment: Assignment = {
          run: life.run,
          queryId: spec.id,
          applicationId,
          topology: inWorkers ? { kind: 'plan', plan: spec.plan } : { kind: 'inline', topology: spec.topology },
          tasks,
          outputs,
          partitionCounts: settled.plan.subTopologies,
          producerId: settled.producer?.producerId,
          window: spec.transient?.window,
          offsetReset: spec.offsetReset ?? 'earliest',
          processingLog: transient ? undefined : this.#options.processingLog,
        };
        this.#post(thread, { kind: 'assign', assignment });
      }
    });
  }

  /** Where a task runs. A shard belongs to one thread. Where workers own the shards, this thread has one of its own
   *  behind them, and each query that runs alone has one behind that. */
  #placeOf(
    { spec }: Query,
    shard: number,
    turn: number | undefined,
  ): { readonly thread: number; readonly shard: number } {
    const { workers } = this.#options;
    const { shards } = this.#limits;
    if (workers === undefined) return { thread: localThread, shard };
    if (spec.plan === undefined) return { thread: localThread, shard: shards };
    const alone = this.#suspects.placeOf(spec.id);
    if (alone !== undefined) return { thread: 1 + workers.count + alone, shard: shards + 1 + alone };
    return { thread: 1 + ((turn ?? shard) % workers.count), shard };
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

  #assigned(query: Query, life: Life, thread: number): void {
    life.assigned.add(thread);
    if (life.assigned.size < life.threads.size || life.ready === undefined) return;
    const { settled, run } = life;
    if (settled.producer !== undefined) life.coordinator = this.#coordinate(query, life, settled.producer);
    if (query.paused) for (const host of life.threads) this.#post(host, { kind: 'pause', run, paused: true });
    for (const host of life.threads) this.#post(host, { kind: 'go', run });
    life.ready.resolve();
    life.ready = undefined;
    if (query.state !== 'stopped') this.#enter(query, 'running', undefined);
  }

  #coordinate(query: Query, life: Life, producer: Producer): Coordinator {
    const { clock, timers } = this.#options;
    const trimmer = new RepartitionTrimmer(this.#options.log, clock, query.applicationId, query.spec.topology);
    const coordinator = new Coordinator({
      run: life.run,
      group: query.applicationId,
      producer,
      hosts: new Map([...life.threads].map((thread) => [thread, (message: ToHost) => this.#post(thread, message)])),
      positions: life.settled.positions,
      clock,
      timers,
      commitIntervalMs: this.#limits.commitIntervalMs,
      times: {
        graph: new SubTopologyGraph(
          query.spec.topology.subTopologies(),
          query.applicationId,
          life.settled.plan.subTopologies,
        ),
        boundOf: (topic) => this.#boundOf(topic, query),
        stableEnd: async (topic, partition) => (await this.#options.log.offsets({ topic, partition })).stable,
      },
      listener: {
        committed: () => {
          query.commits++;
          query.failuresInARow = 0;
          trimmer.committed(coordinator);
        },
        aborted: (error, retryInMs) => {
          query.aborts++;
          this.#emit({ kind: 'aborted', queryId: query.spec.id, why: error.message, retryInMs });
        },
        ended: (error, kind, passing) => void this.#broke(query, life, error, kind, passing),
        changed: () => this.#changed(),
      },
    });
    return coordinator;
  }

  /** How far the other queries are in time that write records of several origins to a topic; undefined where none does.
   *  One that starts may still bring anything. */
  #boundOf(topic: string, reader: Query): number | undefined {
    let bound: number | undefined;
    for (const query of this.#queries.values()) {
      if (query === reader || !query.active || !query.writes(topic)) continue;
      const { coordinator } = query.life ?? {};
      const own = coordinator === undefined ? Number.NEGATIVE_INFINITY : coordinator.boundOf(topic);
      if (own !== undefined) bound = Math.min(bound ?? Number.POSITIVE_INFINITY, own);
    }
    return bound;
  }

  #couldNotStart(query: Query, error: Error): void {
    if (query.state === 'stopped') return;
    const passing = error instanceof LogError && (error.kind === 'unavailable' || error.kind === 'unknown');
    if (passing && query.spec.transient === undefined) {
      this.#retryLater(query, error);
    } else this.#enter(query, error instanceof LogError && error.kind === 'fenced' ? 'fenced' : 'failed', error);
  }

  /** A life ended by itself. */
  async #broke(query: Query, life: Life, error: Error, kind: 'fenced' | 'failed', passing: boolean): Promise<void> {
    if (query.life !== life) return;
    const stopped = query.state === 'stopped';
    if (!stopped && (!passing || query.spec.transient !== undefined)) this.#enter(query, kind, error);
    else if (!stopped) this.#enter(query, 'retrying', error);
    if (!stopped) query.spec.transient?.sink.ended(error);
    life.ready?.reject(error);
    life.ready = undefined;
    await this.#end(query, life, false);
    if (query.state === 'retrying') this.#retryLater(query, error);
  }

  #retryLater(query: Query, error: Error): void {
    this.#enter(query, 'retrying', error);
    const delayMs = Math.min(firstRetryMs * 2 ** query.failuresInARow++, longestRetryMs);
    query.cancelRetry = this.#options.timers.after(delayMs, () => {
      query.cancelRetry = undefined;
      if (query.state !== 'retrying') return;
      query.restarts++;
      query.starting = this.#live(query);
      query.starting.catch(() => undefined);
    });
  }

  /** Takes the life down on all its threads. `keep`: commits and checkpoints first. */
  #end(query: Query, life: Life, keep: boolean): Promise<void> {
    if (query.life !== life) return query.ending;
    query.life = undefined;
    query.ending = this.#takeDown(query, life, keep);
    return query.ending;
  }

  async #takeDown(query: Query, life: Life, keep: boolean): Promise<void> {
    const { coordinator, run, settled } = life;
    life.ready?.resolve();
    life.ready = undefined;
    if (coordinator !== undefined) await (keep ? coordinator.stop() : coordinator.kill());
    await new Promise<void>((resolve) => {
      life.onRemoved = resolve;
      for (const thread of life.threads) {
        if (this.#threads.has(thread)) this.#post(thread, { kind: 'remove', run, keep });
        else life.removed.add(thread);
      }
      this.#checkRemoved(life);
    });
    if (coordinator === undefined) await settled.producer?.close().catch(() => undefined);
    query.past = sumCounters([], { ...sumCounters(life.counters.values(), query.past) });
    this.#lives.delete(run);
    const alone = [...life.threads].filter((thread) => this.#threads.isAlone(thread));
    if (alone.length > 0) await this.#inTime((late) => this.#threads.end(alone, late));
    for (const thread of alone) {
      forgetUse(this.#memoryUse, thread);
      this.#questions.refuseAll(thread);
    }
    this.#changed();
  }

  #checkRemoved(life: Life): void {
    if (life.removed.size < life.threads.size) return;
    life.onRemoved?.();
    life.onRemoved = undefined;
  }

  /** Deletes what belongs to the query alone. */
  async #forget(query: Query, tasks: readonly TaskAssignment[]): Promise<void> {
    const { log, workers } = this.#options;
    const { spec, applicationId } = query;
    await this.forgetRecord(applicationId);
    for (const topic of internalTopics(applicationId, spec.topology)) {
      if ((await log.describeTopic(topic)) !== undefined) await log.deleteTopic(topic);
    }
    await log.deleteGroup(applicationId);
    const inWorkers = spec.plan !== undefined && workers !== undefined;
    const shardsOf = new Map<number, Set<number>>();
    const used = tasks.length > 0 ? tasks.map(({ shard }) => shard) : [...Array(this.#limits.shards).keys()];
    for (const shard of used) {
      const thread = inWorkers ? 1 + (shard % workers.count) : localThread;
      const shards = shardsOf.get(thread) ?? new Set();
      shards.add(workers !== undefined && !inWorkers ? this.#limits.shards : shard);
      shardsOf.set(thread, shards);
    }
    for (const [thread, shards] of shardsOf) {
      await this.#questions.ask(thread, (request) => ({ kind: 'forget', request, applicationId, shards: [...shards] }));
    }
  }

  #note(query: Query, note: Note): void {
    if (note.about === 'records gone') {
      // After a rollback the same loss is found again.
      const { topic, partition, from, to } = note;
      if (query.lost.some((lost) => lost.topic === topic && lost.partition === partition && lost.to === to)) return;
      query.lost = [...query.lost, { topic, partition, from, to }].slice(-mostLostShown);
    }
    this.#emit({ kind: 'note', queryId: query.spec.id, note });
  }

  #enter(query: Query, state: QueryState, error: Error | undefined): void {
    if (query.state === state && state !== 'starting' && query.error === error) return;
    query.state = state;
    query.error = error;
    query.since = this.#options.clock.now();
    const hint = error instanceof UserError || error instanceof LogError ? error.hint : undefined;
    const why = error?.message;
    this.#emit({ kind: 'state', queryId: query.spec.id, state, why, ...(hint !== undefined && { hint }) });
    this.#changed();
  }

  #emit(event: RuntimeEvent): void {
    const damage = damageIn(event);
    if (damage !== undefined) {
      this.#damage.push({ time: this.#options.clock.now(), ...damage });
      if (this.#damage.length > mostDamageKept) this.#damage.shift();
    }
    this.#options.onEvent?.(event);
  }

  #query(id: string): Query {
    const query = this.#queries.get(id);
    if (query === undefined) throw new UserError('QUERY_UNKNOWN', `there is no query "${id}"`);
    return query;
  }

  // ---------------------------------------------------------------- threads

  #post(thread: number, message: ToHost): void {
    this.#threads.post(thread, message);
  }

  /** The queries that ran there start again, in a new thread: the next message to it spawns one. */
  #threadDied(thread: number, atWork: Run, error: Error): void {
    forgetUse(this.#memoryUse, thread);
    this.#emit({ kind: 'thread died', thread, why: error.message });
    this.#questions.refuseAll(thread, error);
    const victims = [...this.#lives.values()].filter(({ life }) => life.threads.has(thread));
    const guilty = this.#blame(atWork, victims, error);
    for (const { query, life } of victims) {
      life.removed.add(thread);
      life.coordinator?.giveUp();
      this.#checkRemoved(life);
      const sentence = `a thread of the query "${query.spec.id}" ended: ${error.message}`;
      const why = query === guilty?.query ? guilty.why : new UserError('THREAD_DIED', sentence, { cause: error });
      void this.#broke(query, life, why, 'failed', query !== guilty?.query);
    }
  }

  /** Counts the death of a thread for the query it worked for: one that has ended threads several times runs alone from
   *  now on. Answers the query, and the error it fails with, when it has ended its own thread as well. */
  #blame(
    atWork: Run,
    victims: readonly { readonly query: Query }[],
    error: Error,
  ): { readonly query: Query; readonly why: UserError } | undefined {
    const query = this.#lives.get(atWork)?.query ?? (victims.length === 1 ? victims[0]?.query : undefined);
    if (query === undefined || query.spec.transient !== undefined) return undefined;
    const { id } = query.spec;
    const deaths = this.#suspects.died(id, this.#options.clock.monotonic());
    if (this.#suspects.placeOf(id) !== undefined) {
      this.#suspects.forget(id);
      return { query, why: threadEnder(id, deaths, error) };
    }
    if (deaths < deathsUntilSuspect || !this.#suspects.isolate(id)) return undefined;
    this.#emit({ kind: 'isolated', queryId: id, deaths, why: error.message });
    return undefined;
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
      default: {
        const known = this.#lives.get(message.run);
        if (known !== undefined) {
          try {
            this.#heard(known.query, known.life, thread, message);
          } catch (error) {
            // A broken promise of our own: it ends this query, and only it.
            known.life.coordinator?.giveUp();
            void this.#broke(known.query, known.life, asError(error), 'failed', false);
          }
        } else if (message.kind === 'batch')
          this.#post(thread, { kind: 'taken', run: message.run, bytes: message.bytes });
      }
    }
  }

  #heard(query: Query, life: Life, thread: number, message: AboutRun): void {
    switch (message.kind) {
      case 'assigned':
        if (query.life === life) this.#assigned(query, life, thread);
        return;
      case 'batch':
        if (life.coordinator !== undefined) life.coordinator.receive(thread, message);
        else this.#post(thread, { kind: 'taken', run: life.run, bytes: message.bytes });
        return;
      case 'rows':
        query.spec.transient?.sink.rows(message.bytes);
        return;
      case 'progress':
        life.counters.set(thread, message.counters);
        life.progress.set(thread, message);
        if (message.drained) life.positions.set(thread, message.positions);
        life.coordinator?.receive(thread, message);
        this.#changed();
        return;
      case 'prepared':
      case 'resumed':
        life.coordinator?.receive(thread, message);
        return;
      case 'removed':
        life.removed.add(thread);
        this.#checkRemoved(life);
        return;
      case 'failed':
        life.coordinator?.giveUp();
        void this.#broke(query, life, errorOf(message.error), 'failed', message.error.passing);
        return;
      case 'checkpointed':
        void releaseTombstones(this.#options.log, message.changelog);
        return;
      case 'note':
        this.#note(query, message.note);
        return;
    }
  }
}

type AboutRun = Extract<FromHost, { readonly run: Run }>;

const threadEnder = (id: string, deaths: number, cause: Error): UserError =>
  new UserError(
    'QUERY_ENDS_ITS_THREAD',
    `the query "${id}" has ended the thread it runs in ${deaths} times, the last time alone in it: ${cause.message}`,
    {
      hint: 'What it makes of a record, or keeps for one group, may need more memory than a thread has. Change the query, or start the server with more (NODE_OPTIONS=--max-old-space-size=MiB).',
      cause,
    },
  );

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
