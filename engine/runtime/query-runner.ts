/**
 * The runs of queries, as the thread that owns the log sees them: begins them, connects their hosts with their commit
 * coordinators, moves tasks, and takes them down.
 *
 *   setUpQuery -> assign (each thread opens its tasks) -> assigned by all -> go -> running -> remove -> removed by all
 *
 * A run that ends by itself is followed by another one after a while, where the cause may pass. A thread that ends
 * takes the runs with tasks on it along: they start again in a new thread.
 */

import { UserError, unreachable } from '../../base/index.ts';
import { batchLimitOf, type Log, LogError, type OffsetToCommit, type Producer } from '../../storage/index.ts';
import { placementOf, type TaskPlacement } from './assignor.ts';
import { CommitCoordinator } from './commit-coordinator.ts';
import { withWaysOut } from './contradictions.ts';
import { errorOf } from './error-report.ts';
import type { HostThreads } from './host-threads.ts';
import type { ManagedQuery, QuerySpec } from './managed-query.ts';
import { type QueryState, type RuntimeEvent, sumCounters } from './observer.ts';
import type { AssignedOutput, FromHost, Note, Run, RunAssignment, TaskAssignment, ToHost } from './protocol.ts';
import type { QueryRecords } from './query-records.ts';
import { QueryRun } from './query-run.ts';
import { type QuerySetup, setUpQuery } from './query-setup.ts';
import { internalTopics } from './query-topics.ts';
import { type ClosingTime, QuietTime } from './quiet-time.ts';
import type { RuntimeLimits, RuntimeOptions } from './runtime-options.ts';
import type { Suspects } from './suspects.ts';
import { deathsUntilSuspect } from './suspects.ts';
import { TaskMove } from './task-move.ts';
import type { ThreadShards } from './thread-shards.ts';
import { UserCallError } from './threads.ts';
import { RepartitionTrimmer, releaseTombstones } from './trim.ts';
import { type LowWatermarks, SubTopologyGraph, timedSources, unknownLow } from './watermarks.ts';

const byStreamTime: ClosingTime = { by: 'stream time' };

const firstRetryMs = 100;
const longestRetryMs = 5000;

export interface QueryRunnerOptions {
  readonly options: RuntimeOptions;
  readonly limits: RuntimeLimits;
  readonly threads: HostThreads;
  readonly suspects: Suspects;
  readonly queries: ReadonlyMap<string, ManagedQuery>;
  readonly records: () => Promise<QueryRecords>;
  /** The threads that a query may use, and the shards that each of them owns. */
  readonly threadsFor: (query: ManagedQuery, records: QueryRecords | undefined) => readonly ThreadShards[];
  readonly enter: (query: ManagedQuery, state: QueryState, error: Error | undefined) => void;
  readonly emit: (event: RuntimeEvent) => void;
  /** Something has changed that a wait may depend on. */
  readonly changed: () => void;
  /** A run of the query runs. */
  readonly begun: (query: ManagedQuery) => void;
  /** No run of the query follows, unless it is started again. */
  readonly over: (query: ManagedQuery) => Promise<void>;
  /** Ends threads that served one query alone. */
  readonly endThreads: (threads: readonly number[]) => Promise<void>;
}

/** What hosts send about a run. */
type RunMessage = Extract<FromHost, { readonly run: Run }>;

export class QueryRunner {
  readonly #options: QueryRunnerOptions;
  readonly #log: Log;
  /** Runs that hosts may still send messages about, those that are being taken down included. */
  readonly #runs = new Map<Run, { readonly query: ManagedQuery; readonly run: QueryRun }>();
  #nextRun = 1;

  constructor(options: QueryRunnerOptions) {
    this.#options = options;
    this.#log = options.options.log;
  }

  // ---------------------------------------------------------------- begin

  /** Begins a run of the query; answers when it runs. Where it cannot begin, the query's error is set. */
  async begin(query: ManagedQuery): Promise<void> {
    const { options, records, threadsFor } = this.#options;
    const { spec, applicationId, transient } = query;
    let setup: QuerySetup;
    let namedTopics: RunAssignment['namedTopics'];
    try {
      namedTopics = await Promise.all(
        Array.from(query.namedTopics, async (topic) => ({ topic, output: await this.#outputNamed(query, topic) })),
      );
      const known = transient ? undefined : await records();
      setup = await setUpQuery(this.#log, {
        queryId: spec.id,
        applicationId,
        instanceId: options.instanceId ?? 'local',
        topology: spec.topology,
        offsetReset: spec.offsetReset ?? 'earliest',
        guarantee: spec.guarantee ?? 'exactly once',
        transient,
        processingLog: transient ? undefined : options.processingLog,
        deadLetters: spec.deadLetters,
        keepsShards: spec.module !== undefined,
        threads: threadsFor(query, known),
        records: known,
      });
    } catch (error) {
      this.#couldNotStart(query, asError(error));
      throw error;
    }
    if (query.state === 'stopped') {
      await setup.producer?.close();
      return;
    }
    const run = new QueryRun(this.#nextRun++, setup, namedTopics);
    query.run = run;
    this.#runs.set(run.id, { query, run });
    await new Promise<void>((resolve, reject) => {
      run.ready = { resolve, reject };
      for (const thread of run.threads) {
        const tasks = setup.tasks.filter(({ id }) => placementOf(setup.assignment, id).thread === thread);
        this.#post(thread, { kind: 'assign', assignment: this.#assignmentOf(query, run, tasks) });
      }
    });
  }

  #assignmentOf(query: ManagedQuery, run: QueryRun, tasks: readonly TaskAssignment[]): RunAssignment {
    const { options } = this.#options;
    const { spec, applicationId } = query;
    const { outputs, plan, producer } = run.setup;
    return {
      run: run.id,
      queryId: spec.id,
      applicationId,
      topology: this.#topologyOf(spec),
      tasks,
      outputs,
      partitionCounts: plan.subTopologies,
      topicIds: run.setup.topicIds,
      globalTopics: run.setup.globalTopics,
      producerId: producer?.producerId,
      guarantee: spec.guarantee ?? 'exactly once',
      window: query.window,
      offsetReset: spec.offsetReset ?? 'earliest',
      namedTopics: run.namedTopics,
      maxTaskIdleMs: spec.maxTaskIdleMs ?? 0,
      closing: spec.closing ?? byStreamTime,
      cache: spec.cache,
      low: this.#lowAtFirst(query, run),
      processingLog: query.transient ? undefined : options.processingLog,
      deadLetters: spec.deadLetters,
    };
  }

  /** Nothing is read yet, but where records of several origins will come together is known. */
  #lowAtFirst(query: ManagedQuery, run: QueryRun): LowWatermarks | undefined {
    const { spec, applicationId } = query;
    const graph = new SubTopologyGraph(spec.topology.subTopologies(), applicationId, run.setup.plan.subTopologies);
    if (!graph.manyTasks) return undefined;
    const measured = graph.measure([], [], (topic) => this.#boundOf(topic, query)).low;
    // Of several topics one may get such records from a query that is about to start.
    const mixed = spec.topology
      .subTopologies()
      .map((part) => measured.mixed[part.id] === true || timedSources(part).length > 1);
    return { ...unknownLow, subTopologies: mixed.map(() => Number.NEGATIVE_INFINITY), mixed };
  }

  #topologyOf({ plan, module, topology, onError = {} }: QuerySpec): RunAssignment['topology'] {
    const { count = 0 } = this.#options.options.workers ?? {};
    if (module !== undefined) return { kind: 'module', module, shape: topology.describe() };
    return plan !== undefined && count > 0 ? { kind: 'plan', plan } : { kind: 'inline', topology, onError };
  }

  #assigned(query: ManagedQuery, run: QueryRun, thread: number): void {
    run.assigned.add(thread);
    if (run.assigned.size < run.threads.size || run.ready === undefined) return;
    const { producer } = run.setup;
    if (producer !== undefined) run.coordinator = this.#coordinate(query, run, producer);
    if (query.paused) for (const host of run.threads) this.#post(host, { kind: 'pause', run: run.id, paused: true });
    for (const host of run.threads) this.#post(host, { kind: 'go', run: run.id });
    run.ready.resolve();
    run.ready = undefined;
    if (query.state === 'stopped') return;
    this.#options.enter(query, 'running', undefined);
    this.#options.begun(query);
  }

  #coordinate(query: ManagedQuery, run: QueryRun, producer: Producer): CommitCoordinator {
    const { options, limits, emit, changed } = this.#options;
    const { clock, timers } = options;
    const { topology, id: queryId } = query.spec;
    const { applicationId } = query;
    const trimmer = new RepartitionTrimmer(this.#log, clock, applicationId, topology);
    const subTopologies = topology.subTopologies();
    const closing = query.spec.closing ?? byStreamTime;
    const sources = new Set(
      subTopologies.flatMap((part) => part.sources.flatMap(({ topic, repartition }) => (repartition ? [] : topic))),
    );
    const coordinator = new CommitCoordinator({
      run: run.id,
      group: applicationId,
      producer,
      ...(query.spec.guarantee === 'at least once' && {
        commitOffsets: (offsets: readonly OffsetToCommit[]) => this.#log.commitOffsets(applicationId, offsets),
      }),
      hosts: new Map([...run.threads].map((thread) => [thread, (message: ToHost) => this.#post(thread, message)])),
      positions: run.setup.positions,
      topicIds: run.setup.topicIds,
      clock,
      timers,
      commitIntervalMs: query.spec.cache?.intervalMs ?? limits.commitIntervalMs,
      lingers: query.spec.cache?.intervalMs !== undefined,
      expires: subTopologies.some(({ stores }) => stores.some(({ retentionMs }) => retentionMs !== undefined)),
      times: {
        graph: new SubTopologyGraph(subTopologies, applicationId, run.setup.plan.subTopologies),
        boundOf: (topic) => this.#boundOf(topic, query),
        stableEnd: async (topic, partition) => (await this.#log.offsets({ topic, partition })).stable,
        ...(closing.by === 'stream time' &&
          closing.idleMs !== undefined && { idle: { ms: closing.idleMs, clock, topics: sources } }),
      },
      quiet: new QuietTime(closing, clock),
      sources,
      listener: {
        committed: (_records, ms) => {
          query.commits++;
          query.commitMeter.add(1, ms, clock.monotonic());
          query.failuresInARow = 0;
          query.refusal = undefined;
          trimmer.committed(coordinator);
          changed();
        },
        aborted: (error, retryInMs) => {
          query.aborts++;
          if (error instanceof LogError) query.refusal = error;
          emit({ kind: 'aborted', queryId, why: error.message, retryInMs });
        },
        ended: (error, kind, passing) => void this.#ended(query, run, error, kind, passing),
        changed,
      },
    });
    return coordinator;
  }

  /** How far the other queries are in time that write records of several origins to a topic; undefined where none does.
   *  One that starts may still bring anything. */
  #boundOf(topic: string, reader: ManagedQuery): number | undefined {
    let bound: number | undefined;
    for (const query of this.#options.queries.values()) {
      if (query === reader || !query.active || !query.writes(topic)) continue;
      const coordinator = query.run?.coordinator;
      const own = coordinator === undefined ? Number.NEGATIVE_INFINITY : coordinator.boundOf(topic);
      if (own !== undefined) bound = Math.min(bound ?? Number.POSITIVE_INFINITY, own);
    }
    return bound;
  }

  // ---------------------------------------------------------------- end

  #couldNotStart(query: ManagedQuery, error: Error): void {
    if (query.state === 'stopped') return;
    const passing = error instanceof LogError && (error.kind === 'unavailable' || error.kind === 'unknown');
    if (passing && !query.transient) {
      this.#retryLater(query, error);
      return;
    }
    query.ending = this.#options.over(query);
    this.#options.enter(query, error instanceof LogError && error.kind === 'fenced' ? 'fenced' : 'failed', error);
  }

  /** A run ended by itself. */
  async #ended(
    query: ManagedQuery,
    run: QueryRun,
    error: Error,
    kind: 'fenced' | 'failed',
    passing: boolean,
  ): Promise<void> {
    if (query.run !== run) return;
    let why = query.transient ? error : withWaysOut(query.spec.id, error);
    if (query.state !== 'stopped') {
      let again = passing;
      try {
        again ||= kind === 'failed' && this.#mayReplace(query, error);
      } catch (thrown) {
        why = asError(thrown);
      }
      this.#options.enter(query, again && !query.transient ? 'retrying' : kind, why);
      query.spec.transient?.sink.ended(why);
    }
    run.ready?.reject(why);
    run.ready = undefined;
    await this.end(query, run, false);
    if (query.state === 'retrying') this.#retryLater(query, why);
  }

  /** Whether the query starts again although the cause will not pass by itself. One that ends its threads does not.
   *  What the policy throws is what the query fails with. */
  #mayReplace({ spec }: ManagedQuery, error: Error): boolean {
    if (error instanceof UserError && error.code === endsThread) return false;
    return spec.onUncaught?.(error) === 'replace thread';
  }

  #retryLater(query: ManagedQuery, error: Error): void {
    this.#options.enter(query, 'retrying', error);
    if (error instanceof LogError) query.refusal = error;
    const delayMs = Math.min(firstRetryMs * 2 ** query.failuresInARow++, longestRetryMs);
    query.cancelRetry = this.#options.options.timers.after(delayMs, () => {
      query.cancelRetry = undefined;
      if (query.state !== 'retrying') return;
      query.restarts++;
      query.starting = this.begin(query);
      query.starting.catch(() => undefined);
    });
  }

  /** The end of a query that is under way takes no more time than it must: what is open is aborted, stores that are not
   *  checkpointed yet are restored at the next start. */
  hurry(query: ManagedQuery): void {
    for (const [id, { run, query: owner }] of this.#runs) {
      if (owner !== query || query.run === run) continue;
      run.hurried = true;
      run.coordinator?.giveUp();
      for (const thread of run.threads) {
        if (this.#options.threads.has(thread)) this.#post(thread, { kind: 'remove', run: id, keep: false });
      }
    }
  }

  /** Takes the run down on all its threads. `keep`: commits and checkpoints first. */
  end(query: ManagedQuery, run: QueryRun, keep: boolean): Promise<void> {
    if (query.run !== run) return query.ending;
    query.run = undefined;
    query.ending = this.#takeDown(query, run, keep);
    return query.ending;
  }

  async #takeDown(query: ManagedQuery, run: QueryRun, keep: boolean): Promise<void> {
    const { threads, endThreads, changed } = this.#options;
    const { coordinator, setup, move } = run;
    run.ready?.resolve();
    run.ready = undefined;
    if (move?.isOnlyTarget(move.target) === true) run.threads.add(move.target);
    const strayOn = move?.strayOn();
    move?.runEnded(query.error ?? new UserError('QUERY_NOT_RUNNING', 'the query has ended'));
    if (coordinator !== undefined) await (keep ? coordinator.stop() : coordinator.kill());
    const strayThread = await strayOn;
    await new Promise<void>((resolve) => {
      run.onRemoved = resolve;
      for (const thread of run.threads) {
        if (threads.has(thread)) {
          const stray = thread === strayThread ? move?.task : undefined;
          const message = { kind: 'remove', run: run.id, keep: keep && !run.hurried } as const;
          this.#post(thread, stray === undefined ? message : { ...message, stray });
        } else run.removed.add(thread);
      }
      run.checkRemoved();
    });
    if (coordinator === undefined) await setup.producer?.close().catch(() => undefined);
    // Of counters that are past only what was done is kept.
    query.past = sumCounters([], sumCounters(run.counters.values(), query.past));
    this.#runs.delete(run.id);
    const alone = [...run.threads].filter((thread) => threads.isAlone(thread));
    if (alone.length > 0) await endThreads(alone);
    if (query.state !== 'retrying') await this.#options.over(query);
    changed();
  }

  // ---------------------------------------------------------------- tasks that move

  /** Moves a task to another thread; answers when it runs there. Rejects with a `UserError` when it could not be moved:
   *  it then runs where it was. */
  async move(query: ManagedQuery, taskId: string, thread: number): Promise<void> {
    const { run, applicationId } = query;
    const { coordinator } = run ?? {};
    const task = run?.setup.tasks.find(({ id }) => id === taskId);
    const from = run?.assignment.get(taskId)?.thread;
    if (run === undefined || coordinator === undefined || query.state !== 'running')
      throw notMovable(query, taskId, 'the query does not run, or is transient');
    if (task === undefined || from === undefined) throw notMovable(query, taskId, 'there is no such task');
    if (from === thread) return;
    if (run.move !== undefined) throw notMovable(query, taskId, 'another task of the query is being moved');
    const to = this.#placementOn(query, task, thread);
    const move = new TaskMove({
      run: run.id,
      newThread: !run.threads.has(thread),
      coordinator,
      task,
      assignment: this.#assignmentOf(query, run, []),
      from,
      to,
      post: (host, message) => this.#post(host, message),
      record: async () => (await this.#options.records()).keepShard(applicationId, taskId, to.shard),
      moved: () => {
        run.threads.add(thread);
        run.assignment.set(taskId, to);
        coordinator.tasksChanged([from, thread]);
        run.moves++;
      },
      paused: () => query.paused,
    });
    run.move = move;
    try {
      await move.done;
    } finally {
      run.move = undefined;
      this.#options.changed();
    }
  }

  /** Takes a thread out of a run that has no tasks there any more. */
  release(run: QueryRun, thread: number): void {
    if (run.tasksOn(thread) > 0 || !run.threads.delete(thread)) return;
    run.coordinator?.removeHost(thread);
    run.positions.delete(thread);
    this.#post(thread, { kind: 'remove', run: run.id, keep: false });
  }

  #placementOn(query: ManagedQuery, { id, partition }: TaskAssignment, thread: number): TaskPlacement {
    const owned = this.#options.threadsFor(query, undefined).find((one) => one.thread === thread)?.shards ?? [];
    const shard = owned[partition % owned.length];
    if (shard === undefined) throw notMovable(query, id, `thread ${thread} owns no shard that the query can use`);
    return { thread, shard };
  }

  // ---------------------------------------------------------------- messages

  #post(thread: number, message: ToHost): void {
    this.#options.threads.post(thread, message);
  }

  receive(thread: number, message: RunMessage): void {
    const known = this.#runs.get(message.run);
    if (known === undefined) {
      if (message.kind === 'batch') this.#giveBack(thread, message);
      return;
    }
    try {
      this.#receiveFor(known.query, known.run, thread, message);
    } catch (error) {
      // A mistake of our own: it ends this query, and only it.
      known.run.coordinator?.giveUp();
      void this.#ended(known.query, known.run, asError(error), 'failed', false);
    }
  }

  #giveBack(thread: number, { run, bytes }: Extract<FromHost, { readonly kind: 'batch' }>): void {
    this.#post(thread, { kind: 'acknowledged', run, bytes });
  }

  #receiveFor(query: ManagedQuery, run: QueryRun, thread: number, message: RunMessage): void {
    switch (message.kind) {
      case 'assigned':
        if (run.move?.isOnlyTarget(thread) === true) run.move.targetAssigned();
        else if (query.run === run) this.#assigned(query, run, thread);
        return;
      case 'batch':
        if (run.coordinator !== undefined) run.coordinator.receive(thread, message);
        else this.#giveBack(thread, message);
        return;
      case 'rows':
        query.spec.transient?.sink.rows(message.bytes);
        return;
      case 'progress':
        this.#progress(run, thread, message);
        return;
      case 'commit asked':
      case 'prepared':
      case 'rolled back':
        run.coordinator?.receive(thread, message);
        return;
      case 'topic asked':
        void this.#lookUp(query, run, thread, message.topic);
        return;
      case 'task suspended':
      case 'task opened':
      case 'task not opened':
        run.move?.receive(message);
        return;
      case 'removed':
        if (!run.threads.has(thread)) {
          run.move?.targetRemoved();
          return;
        }
        run.removed.add(thread);
        run.checkRemoved();
        return;
      case 'failed':
        // The run on a thread that it is only about to get a task on is not the run itself.
        if (run.move?.isOnlyTarget(thread) === true) run.move.targetFailed(errorOf(message.error));
        else {
          run.coordinator?.giveUp();
          void this.#ended(query, run, errorOf(message.error), 'failed', message.error.passing);
        }
        return;
      case 'checkpointed':
        void releaseTombstones(this.#log, message.changelog);
        return;
      case 'note':
        this.#note(query, message.note);
        return;
      case 'restoring':
        query.spec.listener?.restoring?.(message.progress);
        return;
      default:
        unreachable(message);
    }
  }

  /** Answers what is known of a topic that a record names. */
  async #lookUp(query: ManagedQuery, run: QueryRun, thread: number, topic: string): Promise<void> {
    query.namedTopics.add(topic);
    try {
      const output = await this.#outputNamed(query, topic);
      this.#post(thread, { kind: 'topic', run: run.id, topic, output });
    } catch (error) {
      run.coordinator?.giveUp();
      void this.#ended(query, run, asError(error), 'failed', error instanceof LogError);
    }
  }

  async #outputNamed(query: ManagedQuery, topic: string): Promise<AssignedOutput | undefined> {
    // Its own internal topics are written by nobody else.
    const own = internalTopics(query.applicationId, query.spec.topology).includes(topic);
    const found = own ? undefined : await this.#log.describeTopic(topic);
    return found && { topic, id: found.id, partitions: found.partitions, maxBatchBytes: batchLimitOf(found.configs) };
  }

  #progress(run: QueryRun, thread: number, message: Extract<RunMessage, { readonly kind: 'progress' }>): void {
    // A report from before a task came or went does not cover that task.
    const drained = message.drained && message.tasks === run.tasksOn(thread);
    run.counters.set(thread, message.counters);
    run.progress.set(thread, { pending: message.pending, drained });
    if (drained) run.positions.set(thread, message.positions);
    run.coordinator?.receive(thread, { ...message, drained });
    this.#options.changed();
  }

  #note(query: ManagedQuery, note: Note): void {
    if (note.about === 'records gone' && !query.noteLoss(note)) return;
    this.#options.emit({ kind: 'note', queryId: query.spec.id, note });
  }

  // ---------------------------------------------------------------- threads

  /** The runs that had tasks there end, and their queries start again, in a new thread: the next message to it
   *  starts one. */
  threadDied(thread: number, atWork: Run, error: Error): void {
    const victims: { readonly query: ManagedQuery; readonly run: QueryRun }[] = [];
    for (const known of this.#runs.values()) {
      const { run } = known;
      if (run.threads.has(thread)) victims.push(known);
      else if (run.move?.isOnlyTarget(thread) === true) run.move.targetDied(error);
    }
    const blamed = this.#blame(atWork, victims, error);
    for (const { query, run } of victims) {
      query.failedThreads++;
      run.removed.add(thread);
      run.coordinator?.giveUp();
      run.checkRemoved();
      const sentence = `a thread of the query "${query.spec.id}" ended: ${error.message}`;
      const why = query === blamed?.query ? blamed.why : new UserError('THREAD_DIED', sentence, { cause: error });
      void this.#ended(query, run, why, 'failed', query !== blamed?.query);
    }
  }

  /** Counts the death of a thread for the query it worked for: one that has ended threads several times runs alone from
   *  now on. Answers the query, and the error it fails with, when it has ended its own thread as well. */
  #blame(
    atWork: Run,
    victims: readonly { readonly query: ManagedQuery }[],
    error: Error,
  ): { readonly query: ManagedQuery; readonly why: UserError } | undefined {
    const { suspects, options, emit } = this.#options;
    const query = this.#runs.get(atWork)?.query ?? (victims.length === 1 ? victims[0]?.query : undefined);
    if (query === undefined) return undefined;
    const byCall = error instanceof UserCallError;
    if (byCall && (error.late || query.transient)) return { query, why: endedByCall(query.spec.id, error) };
    if (query.transient) return undefined;
    const { id } = query.spec;
    const deaths = suspects.died(id, options.clock.monotonic());
    if (suspects.slotOf(id) !== undefined) {
      suspects.forget(id);
      return { query, why: endsItsThread(id, deaths, error) };
    }
    // Whose call exhausted the memory is a suspect at once.
    if ((deaths < deathsUntilSuspect && !byCall) || !suspects.isolate(id)) return undefined;
    emit({ kind: 'isolated', queryId: id, deaths, why: error.message });
    return undefined;
  }
}

const notMovable = (query: ManagedQuery, task: string, why: string): UserError =>
  new UserError('TASK_NOT_MOVABLE', `the task ${task} of the query "${query.spec.id}" cannot be moved: ${why}`, {
    hint: 'Tasks of a running query with a plan, or with a module, move among its worker threads, one at a time.',
  });

const endsThread = 'QUERY_ENDS_ITS_THREAD';

const endsItsThread = (id: string, deaths: number, cause: Error): UserError =>
  new UserError(
    endsThread,
    `the query "${id}" has ended the thread it runs in ${deaths} times, the last time alone in it: ${cause.message}`,
    {
      hint:
        'What it makes of a record, or keeps for one group, may need more memory than a thread has. Change the ' +
        'query, or start the server with more (NODE_OPTIONS=--max-old-space-size=MiB).',
      cause,
    },
  );

const endedByCall = (id: string, cause: UserCallError): UserError =>
  new UserError('QUERY_FUNCTION_LIMIT', `the query "${id}" was ended with its thread: ${cause.message}`, {
    hint: 'Change the function, give it another version, and create the query again with it.',
    cause,
  });

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
