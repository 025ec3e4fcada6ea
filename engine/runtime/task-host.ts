/**
 * Task host: runs the tasks of one thread. It reads, steps, hands batches to the coordinator and does what the
 * coordinator says.
 *
 * Two loops share the thread. The reading loop keeps one `fetch` under way for all source partitions that some task
 * wants (`feed.ts` shares what comes). The stepping loop takes turns: each runnable task in its turn processes a few
 * thousand records, synchronously, and after `turnMs` the event loop gets its share. Neither ever waits for the other:
 * stepping stops for want of blocks, reading for want of room.
 *
 * Life of a run on a host: `assign` (topology built, stores opened and restored) -> `go` -> stepping, with a `prepare`
 * and `committed` or `rollback` for each transaction -> `remove`. A transient query writes nothing, so it has no
 * coordinator: its host ends its transactions itself, after each turn, and hands its rows to the client. What a
 * processor throws ends its run; the neighbours go on.
 *
 * Back-pressure: an input holds two blocks at most; a run whose unanswered batches exceed `unansweredBytes` (a
 * transient query: its client's window) is not stepped.
 */

import { assert, BufferPool, type Clock, type Timers } from '../../base/index.ts';
import type { Isolation, Log, PartitionOffsets } from '../../storage/index.ts';
import { type Block, BlockPool } from '../block.ts';
import { MemoryBudget } from '../stores/memory-budget.ts';
import { KvError } from '../stores/ordered-kv.ts';
import type { StateStore } from '../stores/state-store.ts';
import { createStore } from '../stores/store-kinds.ts';
import { entryLimit } from '../stores/store-options.ts';
import { changelogTopic, resultTopic, type SubTopology, type Topology, taskIdOf } from '../topology.ts';
import type { Drop } from './drops.ts';
import { TaskCounters } from './drops.ts';
import { reportOf } from './error-report.ts';
import { Exchange } from './exchange.ts';
import type { Subscriber, Subscription } from './feed.ts';
import { FeedReader } from './feed-reader.ts';
import { countersOf, fitSteps, HostedRun, HostedTask, positionOf, unlogged } from './hosted-run.ts';
import { describeLoss, offsetAfterLoss } from './lost-records.ts';
import type { PartitionPosition } from './partition-position.ts';
import { ProcessingLogWriter } from './processing-log.ts';
import type {
  AssignedOutput,
  Assignment,
  FromHost,
  Note,
  Post,
  Run,
  StoreEntry,
  TaskAssignment,
  ToHost,
} from './protocol.ts';
import { mostReplayed, restoreStore, whyRebuilt } from './restore.ts';
import { type OpenShard, type Shard, Shards } from './shards.ts';
import { StoreAnswers } from './store-answers.ts';
import { Task } from './task.ts';
import type { TaskInput } from './task-input.ts';
import { type InputTime, type LowWatermarks, type OutputTime, SubTopologyGraph, unknownLow } from './watermarks.ts';

export interface HostLimits {
  /** Memory of all stores of the process (`../stores/memory-budget.ts`). */
  readonly stateBytes: number;
  /** What one fetch brings of one partition. */
  readonly blockBytes: number;
  /** Batches of one run that the log has not answered yet. */
  readonly unansweredBytes: number;
}

export const defaultLimits: HostLimits = {
  stateBytes: 512 * 1024 * 1024,
  blockBytes: 512 * 1024,
  unansweredBytes: 16 * 1024 * 1024,
};

/** What threads tell each other of the memory of their stores, and which of them this is. */
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
  readonly hashSeed: number;
  readonly limits: HostLimits;
  readonly memory: SharedMemory;
  readonly post: Post<FromHost>;
  /** Told which run the host works for from now on: should the thread end, that one is the likeliest cause. */
  readonly atWork?: (run: Run) => void;
}

/** A turn ends after so long. */
const turnMs = 10;
/** How long records for a repartition topic wait for others to fill their batch. */
const handOverMs = 25;
/** How often a transient query that is busy says what it has counted. */
const sayAgainMs = 100;
/** How often idle stores are asked whether a checkpoint is due. */
const checkpointEveryMs = 1000;
/** Characters of the last drop's reason that are shown; the processing log has more. */
const longestDetail = 500;
/** How often a thread looks whether others need some of its memory, and how many entries it passes then. */
const giveWayEveryMs = 1000;
const giveWaySlots = 65_536;

export class TaskHost {
  readonly #options: HostOptions;
  readonly #pool = new BlockPool();
  readonly #buffers = new BufferPool();
  readonly #feeds: FeedReader;
  readonly #runs = new Map<Run, HostedRun>();
  /** All tasks that may step, in the order of their turns. */
  #tasks: HostedTask[] = [];
  #nextTask = 0;
  readonly #shards: Shards | undefined;
  readonly #memory: MemoryBudget;
  #cancelGiveWay: (() => void) | undefined;
  readonly #stores: StoreAnswers;
  #turnAsked = false;
  #closed = false;
  #cancelCheckpoints: (() => void) | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    const { log, clock, timers, limits, openShard, post } = options;
    const { shared, thread } = options.memory;
    this.#memory = new MemoryBudget(limits.stateBytes, shared, thread);
    if (shared.length > 2) this.#giveWayAgain();
    if (openShard !== undefined) {
      this.#shards = new Shards({
        open: openShard,
        timers,
        damaged: (shard, why) => post({ kind: 'shard damaged', shard, why }),
        end: (shard, why) => this.#endUsersOf(shard, why),
      });
    }
    this.#stores = new StoreAnswers({
      runOf: (run) => this.#runs.get(run),
      fail: (run, error) => this.#fail(run, error),
      post: options.post,
    });
    this.#feeds = new FeedReader({
      log,
      clock,
      timers,
      pool: this.#pool,
      blockBytes: limits.blockBytes,
      served: () => this.#askTurn(),
    });
  }

  receive(message: ToHost): void {
    if (this.#closed) return;
    switch (message.kind) {
      case 'assign':
        void this.#assign(message.assignment);
        return;
      case 'forget':
        this.#answer(message.request, this.#forget(message.applicationId, message.shards));
        return;
      case 'read':
        this.#answer(message.request, () =>
          this.#stores.read(message.run, message.store, message.key, message.windows),
        );
        return;
      case 'scan':
        void this.#stores.scan(message.request, message.run, message.store, message.range);
        return;
      case 'scan-next':
        this.#stores.next(message.request, message.more);
        return;
      case 'stats':
        this.#count(message.request);
        return;
      case 'close':
        void this.#close();
        return;
      case 'taken':
        this.#taken(message.run, message.bytes);
        return;
      default: {
        const run = this.#runs.get(message.run);
        if (run !== undefined) this.#order(run, message);
      }
    }
  }

  #order(
    run: HostedRun,
    message: Extract<
      ToHost,
      { kind: 'go' | 'hold' | 'pause' | 'window' | 'prepare' | 'committed' | 'rollback' | 'remove' }
    >,
  ): void {
    if (message.kind === 'remove') {
      void this.#remove(run, message.keep);
      return;
    }
    if (run.phase === 'failed' || run.phase === 'removed' || run.phase === 'assigning') return;
    switch (message.kind) {
      case 'go':
        run.phase = 'running';
        this.#resume(run);
        return;
      case 'hold':
        if (run.phase === 'running') run.phase = 'holding';
        return;
      case 'pause':
        run.paused = message.paused;
        this.#resume(run);
        return;
      case 'window':
        run.mostUnanswered = message.bytes;
        this.#askTurn();
        return;
      case 'prepare':
        this.#guard(run, () => this.#prepare(run));
        return;
      case 'committed':
        this.#guard(run, () => this.#committed(run, message.changelog, message.low));
        return;
      case 'rollback':
        this.#guard(run, () => this.#rollback(run, message.positions));
        return;
    }
  }

  // ---------------------------------------------------------------- assignment

  async #assign(assignment: Assignment): Promise<void> {
    const run = new HostedRun(assignment, this.#options.limits);
    if (assignment.window !== undefined) run.exchange = new Exchange(this.#pool, this.#buffers);
    this.#runs.set(run.id, run);
    try {
      this.#options.atWork?.(run.id);
      const topology = await this.#topologyOf(assignment);
      const { processingLog, queryId } = assignment;
      if (processingLog !== undefined) {
        const partition = 0;
        run.processingLog = new ProcessingLogWriter(
          queryId,
          () => this.#options.clock.now(),
          (bytes) => this.#hand(run, processingLog, partition, bytes),
        );
      }
      run.graph = new SubTopologyGraph(topology.subTopologies(), assignment.applicationId, assignment.partitionCounts);
      for (const assigned of assignment.tasks) {
        const subTopology = topology.subTopologies()[assigned.subTopology];
        assert(subTopology !== undefined, `there is no sub-topology ${assigned.subTopology} in ${queryId}`);
        await this.#open(run, run.exchange === undefined ? subTopology : unlogged(subTopology), assigned);
        if (run.over) return;
      }
      run.phase = 'ready';
      this.#options.post({ kind: 'assigned', run: run.id, replayed: run.replayed });
    } catch (error) {
      this.#fail(run, error);
    }
  }

  async #topologyOf({ topology }: Assignment): Promise<Topology> {
    if (topology.kind === 'inline') return topology.topology;
    assert(this.#options.build !== undefined, 'this host was given a plan, but nothing that builds topologies');
    return this.#options.build(topology.plan);
  }

  async #open(run: HostedRun, subTopology: SubTopology, assigned: TaskAssignment): Promise<void> {
    const { assignment } = run;
    const { applicationId } = assignment;
    const { partition, shard, positions } = assigned;
    const taskId = taskIdOf(subTopology.id, partition);
    const kept = subTopology.stores.some(({ logged }) => logged !== false);
    const used = kept ? await this.#shards?.use(shard, run) : undefined;
    const storeIds = new Map<string, number>();
    for (const spec of subTopology.stores) {
      if (used === undefined || spec.logged === false) continue;
      storeIds.set(spec.name, await used.ids.of(applicationId, taskId, spec));
    }
    // From here on until the task is on its list nothing waits: whoever removes the run finds every store, and closes
    // it.
    if (run.over) return this.#shards?.leave(run);
    const outputs = new Map(assignment.outputs.map((output) => [output.topic, output]));
    const stores = new Map<string, StateStore>();
    for (const spec of subTopology.stores) {
      const changelog = outputs.get(changelogTopic(applicationId, spec.name));
      const { kv, ids } = (spec.logged === false ? undefined : used) ?? {};
      stores.set(
        spec.name,
        createStore(spec, {
          kv,
          storeId: storeIds.get(spec.name) ?? 0,
          ...(ids === undefined ? {} : { renewStoreId: () => ids.renew(applicationId, taskId, spec) }),
          ...(changelog === undefined
            ? {}
            : { changelogId: changelog.id, entryLimitBytes: entryLimit(changelog.maxBatchBytes) }),
          memory: this.#memory,
          hashSeed: this.#options.hashSeed,
        }),
      );
    }
    const task = new Task({
      subTopology,
      applicationId,
      partition,
      stores: ({ name }) => stores.get(name) as StateStore,
      outputs: (topic) => {
        const output: AssignedOutput | undefined = outputs.get(topic);
        assert(output !== undefined, `the topic ${topic} is written, but nothing is known of it`);
        return output;
      },
      outbox: { batch: (topic, to, bytes) => this.#batch(run, topic, to, bytes) },
      drops: { drop: (drop) => this.#dropped(run, drop) },
      preparation: { ready: () => this.#askTurn(), failed: (error) => this.#fail(run, error) },
      counters: new TaskCounters(),
      buffers: this.#buffers,
      tasks: assignment.partitionCounts[subTopology.id] ?? 1,
    });
    const hosted = new HostedTask(run, task, used);
    run.tasks.push(hosted);
    for (const { store, changelog } of task.stores) {
      if (changelog === undefined) {
        await store.open();
        continue;
      }
      const { from, records, verified } = await restoreStore({
        queryId: assignment.queryId,
        log: this.#options.log,
        topic: changelog,
        partition,
        store,
        breathe: () => new Promise((resolve) => this.#options.soon(resolve)),
        rebuilt: (why) => this.#note(run, { about: 'rebuilt', store: store.name, taskId, why }),
        ended: () => {
          this.#options.atWork?.(run.id);
          return run.over;
        },
      });
      if (run.over) return;
      this.#awaitCheck(run, verified);
      run.replayed += records;
      this.#note(run, { about: 'restored', store: store.name, taskId, replayed: records, from });
    }
    // Until it is known better, the first commit's windows wait where origins may be mixed.
    if (assignment.partitionCounts.some((tasks) => tasks > 1)) task.setLow(unknownLow);
    task.start(positions);
    for (const input of task.inputs) {
      if (run.exchange === undefined || !input.repartition) this.#subscribe(hosted, input);
      else {
        run.exchange.connect(task, input);
        hosted.subscriptions.push(undefined);
      }
    }
  }

  #subscribe(hosted: HostedTask, input: TaskInput): void {
    const { task, run } = hosted;
    const { producerId } = run.assignment;
    const isolation: Isolation =
      input.repartition && producerId !== undefined ? { kind: 'own', producerId } : { kind: 'committed' };
    const { index } = input;
    const subscriber: Subscriber = {
      wants: () => input.wanting && run.phase === 'running',
      able: () => !run.paused && !run.full && (run.phase === 'running' || run.phase === 'prepared'),
      take: (block: Block, readableEnd: number) => {
        task.offer(index, block, readableEnd);
        // What the others know of their ends is older than this block: they have to look again before they may be
        // passed over.
        if (task.inputs.length > 1) {
          for (const other of hosted.subscriptions) {
            if (other !== hosted.subscriptions[index])
              this.#askEndAgain(task, other, hosted.subscriptions.indexOf(other));
          }
        }
      },
      sawEnd: (position) => task.sawEnd(index, position, position),
      gone: (from, offsets) => this.#lost(hosted, input, from, offsets),
      failed: (error) => this.#fail(run, error),
    };
    const { topic, partition } = input;
    hosted.subscriptions.push(this.#feeds.subscribe({ topic, partition, isolation }, subscriber, input.fetchOffset));
  }

  /** Records that an input was to read next were deleted. */
  #lost({ run, task }: HostedTask, input: TaskInput, from: number, offsets: PartitionOffsets): number | undefined {
    const { queryId, offsetReset, producerId } = run.assignment;
    try {
      const to = offsetAfterLoss(queryId, input, offsetReset, from, offsets);
      task.lost(input.index, from, to, describeLoss(from, to, offsets.start));
      if (producerId !== undefined) run.pending = true;
      this.#note(run, { about: 'records gone', topic: input.topic, partition: input.partition, from, to });
      this.#askTurn();
      return to;
    } catch (error) {
      this.#fail(run, error);
      return undefined;
    }
  }

  #askEndAgain(task: Task, subscription: Subscription | undefined, input: number): void {
    // The end of an exchange is always known.
    if (subscription === undefined) return;
    task.sawEnd(input, subscription.position, -1);
    subscription.feed.askEndAgain();
  }

  /** Holds the run before its first record until a checkpoint is proven to be whole; damage ends it, to be rebuilt. */
  #awaitCheck(run: HostedRun, verified: Promise<void>): void {
    run.checking++;
    run.checked = Promise.all([run.checked, verified]);
    run.checked.catch(() => {});
    verified.then(
      () => {
        run.checking--;
        this.#askTurn();
      },
      (error: unknown) => this.#fail(run, error),
    );
  }

  /** A shard is opened anew: the runs that use it start again from what it then holds. */
  #endUsersOf(shard: Shard, why: KvError): void {
    const error = new KvError('full', `a checkpoint could not be written (${why.message}); the state is opened anew`, {
      cause: why,
    });
    for (const run of this.#runs.values()) if (shard.users.has(run)) this.#fail(run, error);
  }

  // ---------------------------------------------------------------- transactions

  #prepare(run: HostedRun): void {
    if (run.phase !== 'running' && run.phase !== 'holding') return;
    run.phase = 'prepared';
    const positions: PartitionPosition[] = [];
    const inputs: InputTime[] = [];
    const outputs: OutputTime[] = [];
    let records = 0;
    for (const { task } of run.tasks) {
      const commit = task.flush();
      positions.push(...commit.positions);
      inputs.push(...commit.inputs);
      outputs.push(...commit.outputs);
      records += commit.records;
    }
    run.processingLog?.flush();
    this.#options.post({ kind: 'prepared', run: run.id, positions, records, inputs, outputs });
  }

  #committed(run: HostedRun, changelog: readonly PartitionPosition[], low: LowWatermarks | undefined): void {
    assert(run.phase === 'prepared', `committed in phase ${run.phase}`);
    for (const { task } of run.tasks) {
      const offsets = new Map<string, number>();
      for (const { topic, partition, offset } of changelog)
        if (partition === task.partition) offsets.set(topic, offset);
      task.commit(offsets);
      if (low !== undefined) task.setLow(low);
    }
    run.pending = false;
    run.commits++;
    // Records of the transaction may lie in repartition topics now, for this host to read.
    for (const { task, subscriptions } of run.tasks) {
      for (const { index, repartition } of task.inputs) {
        if (repartition) this.#askEndAgain(task, subscriptions[index], index);
      }
    }
    run.phase = 'running';
    this.#checkpoint(run);
    this.#resume(run);
  }

  #rollback(run: HostedRun, positions: readonly PartitionPosition[]): void {
    run.processingLog?.discard();
    run.pending = false;
    for (const { task, subscriptions } of run.tasks) {
      const own = positions.filter((position) => position.partition === task.partition);
      task.rollback(own);
      for (const { index, fetchOffset, repartition } of task.inputs) {
        const subscription = subscriptions[index] as Subscription;
        if (repartition) subscription.feed.discard();
        subscription.feed.seek(subscription, fetchOffset);
      }
    }
    // The others may still be on their way back: it goes on when the coordinator says so.
    run.phase = 'ready';
    this.#options.post({ kind: 'resumed', run: run.id });
  }

  /** The run may step (again): says how it stands, reads and steps. */
  #resume(run: HostedRun): void {
    run.said = undefined;
    if (run.phase === 'running') {
      if (!this.#tasks.some((hosted) => hosted.run === run)) this.#tasks.push(...run.tasks);
      this.#say(run);
    }
    this.#feeds.want();
    this.#askTurn();
  }

  /** What a task has written: a transient query's goes to its client or to its next task, everything else to the log.
   *  */
  #batch(run: HostedRun, topic: string, partition: number, bytes: Uint8Array): void {
    if (run.exchange === undefined) this.#hand(run, topic, partition, bytes);
    else if (topic !== resultTopic) run.exchange.append(topic, partition, bytes);
    else {
      run.unansweredBytes += bytes.buffer.byteLength;
      this.#options.post({ kind: 'rows', run: run.id, bytes });
    }
  }

  #dropped(run: HostedRun, drop: Drop): void {
    const { reason, detail, topic, partition, offset } = drop;
    run.lastDrop = {
      reason,
      detail: detail.slice(0, longestDetail),
      topic,
      partition,
      offset,
      timeMs: this.#options.clock.now(),
    };
    run.processingLog?.drop(drop);
  }

  #hand(run: HostedRun, topic: string, partition: number, bytes: Uint8Array): void {
    run.pending = true;
    run.unansweredBytes += bytes.length;
    this.#options.post({ kind: 'batch', run: run.id, topic, partition, bytes });
  }

  #taken(id: Run, bytes: Uint8Array): void {
    const run = this.#runs.get(id);
    // Results are counted by the memory that they hold: a client may keep many small ones.
    const length = run?.exchange === undefined ? bytes.length : bytes.buffer.byteLength;
    this.#buffers.give(bytes);
    if (run === undefined) return;
    const wasFull = run.full;
    run.unansweredBytes -= length;
    if (wasFull || run.unansweredBytes === 0) this.#askTurn();
    if (run.exchange !== undefined) return;
    for (const { task, subscriptions } of run.tasks) {
      // What this thread's tasks wrote can be read now; whoever has read to the end looks again.
      for (const { index, repartition, drained } of task.inputs) {
        if (!repartition || !drained) continue;
        this.#askEndAgain(task, subscriptions[index], index);
        this.#feeds.want();
      }
    }
  }

  /** Does what may throw because of a processor or a store. */
  #guard(run: HostedRun, work: () => void): void {
    try {
      this.#options.atWork?.(run.id);
      work();
    } catch (error) {
      this.#fail(run, error);
    }
  }

  #fail(run: HostedRun, error: unknown): void {
    if (run.phase === 'failed' || run.phase === 'removed') return;
    run.phase = 'failed';
    this.#leaveTurns(run);
    const report = reportOf(error);
    void this.#clearDamaged(run).then(() => this.#options.post({ kind: 'failed', run: run.id, error: report }));
  }

  /** Stores whose checkpoints are damaged start over from their changelogs. */
  async #clearDamaged(run: HostedRun): Promise<void> {
    for (const { task } of run.tasks) {
      for (const { store } of task.stores) {
        if (store.damage === undefined) continue;
        this.#note(run, { about: 'rebuilt', store: store.name, taskId: task.id, why: whyRebuilt(store.damage) });
        await store.clear().catch(() => undefined);
      }
    }
  }

  // ---------------------------------------------------------------- removal

  async #remove(run: HostedRun, keep: boolean): Promise<void> {
    const wasAssigning = run.phase === 'assigning';
    const wasHealthy = run.phase !== 'failed' && !wasAssigning;
    run.phase = 'removed';
    this.#leaveTurns(run);
    for (const { task, subscriptions } of run.tasks) {
      for (const subscription of subscriptions) if (subscription !== undefined) this.#feeds.unsubscribe(subscription);
      task.close();
    }
    run.exchange?.close();
    await run.checkpointing;
    for (const { task, shard } of run.tasks) {
      for (const { store, changelog } of task.stores) {
        if (keep && wasHealthy && changelog !== undefined)
          await this.#checkpointStore(run, task, store, changelog, shard);
        await store.close().catch(() => undefined);
      }
    }
    this.#shards?.leave(run);
    this.#runs.delete(run.id);
    this.#options.post({ kind: 'removed', run: run.id });
  }

  #leaveTurns(run: HostedRun): void {
    this.#tasks = this.#tasks.filter((hosted) => hosted.run !== run);
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#cancelGiveWay?.();
    this.#cancelCheckpoints?.();
    this.#stores.close();
    for (const run of [...this.#runs.values()]) await this.#remove(run, true);
    this.#feeds.close();
    await this.#shards?.close();
    this.#options.post({ kind: 'closed' });
  }

  async #forget(applicationId: string, shards: readonly number[]): Promise<readonly StoreEntry[]> {
    const user = Symbol('forget');
    try {
      for (const number of shards) {
        const shard = await this.#shards?.use(number, user);
        for (const store of shard?.ids.storesOf(applicationId) ?? []) await shard?.ids.forget(store);
      }
    } finally {
      this.#shards?.leave(user);
    }
    return [];
  }

  // ---------------------------------------------------------------- stepping

  #askTurn(): void {
    if (this.#turnAsked || this.#closed) return;
    this.#turnAsked = true;
    this.#options.soon(() => {
      this.#turnAsked = false;
      if (!this.#closed) this.#turn();
    });
  }

  #turn(): void {
    const { clock } = this.#options;
    const until = clock.monotonic() + turnMs;
    const stepped = new Set<HostedRun>();
    let idle = 0;
    let late = false;
    while (idle < this.#tasks.length && !late) {
      if (this.#nextTask >= this.#tasks.length) this.#nextTask = 0;
      const hosted = this.#tasks[this.#nextTask++] as HostedTask;
      const tasks = this.#tasks;
      const done = this.#step(hosted);
      if (this.#tasks !== tasks)
        idle = 0; // its run has failed, and left the turns
      else if (done === 0) idle++;
      else {
        idle = 0;
        stepped.add(hosted.run);
        late = clock.monotonic() >= until;
      }
    }
    const nowMs = clock.monotonic();
    for (const run of stepped) {
      if (run.exchange !== undefined) this.#guard(run, () => this.#endTurn(run, nowMs));
      else this.#handOver(run, nowMs);
    }
    for (const run of this.#runs.values()) this.#say(run);
    if (stepped.size > 0) this.#feeds.want();
    if (late) this.#askTurn();
  }

  /** What is behind a repartition belongs into the same transaction, if it comes in time: it goes when its writer has
   *  nothing left to read, and every now and then. */
  #handOver(run: HostedRun, nowMs: number): void {
    const now = nowMs - run.handedOverMs >= handOverMs;
    for (const { task } of run.tasks) if (now || task.drained) task.handOverRepartitions();
    if (now) run.handedOverMs = nowMs;
  }

  /** Steps one task; answers how many records it has processed. */
  #step({ run, task, repartitions }: HostedTask): number {
    if (run.phase !== 'running' || run.paused || run.aheadOfCheckpoint || run.checking > 0) return 0;
    if (run.full) return 0;
    const { exchange } = run;
    if (exchange !== undefined && repartitions.some((topic) => exchange.isFull(topic))) return 0;
    try {
      this.#options.atWork?.(run.id);
      const before = run.unansweredBytes;
      const done = task.step(run.stepRecords);
      if (done > 0) run.pending = true;
      if (exchange !== undefined) fitSteps(run, done, run.unansweredBytes - before);
      return done;
    } catch (error) {
      this.#fail(run, error);
      return 0;
    }
  }

  /** A transient query's transaction ends with the turn: nothing of it can fail half-way. */
  #endTurn(run: HostedRun, nowMs: number): void {
    if (run.phase !== 'running') return;
    for (const { task } of run.tasks) {
      task.flush();
      task.commit(new Map());
    }
    run.pending = false;
    if (run.exchange?.deliver() === true) this.#askTurn();
    run.measureTime();
    if (nowMs - run.saidMs < sayAgainMs && !run.full) return;
    // No commit makes it say what it has counted: it does so now and then, and before it waits for its client.
    run.said = undefined;
    run.saidMs = nowMs;
  }

  /** Says how the run stands, when that has changed. */
  #say(run: HostedRun): void {
    if (run.phase !== 'running') return;
    const { drained } = run;
    const { pending } = run;
    const positions = drained ? run.tasks.flatMap(({ task }) => task.inputs.map(positionOf)) : [];
    const said = `${pending} ${drained} ${positions.map(({ offset }) => offset).join(' ')}`;
    if (said === run.said) return;
    run.said = said;
    this.#options.post({ kind: 'progress', run: run.id, pending, drained, positions, counters: countersOf(run) });
  }

  // ---------------------------------------------------------------- checkpoints and memory

  /** A thread that has nothing to do gives memory away as well. */
  #giveWayAgain(): void {
    this.#cancelGiveWay = this.#options.timers.after(giveWayEveryMs, () => {
      this.#memory.giveWay(giveWaySlots);
      this.#giveWayAgain();
    });
  }

  #checkpoint(run: HostedRun): void {
    const nowMs = this.#options.clock.monotonic();
    for (const { task, shard } of run.tasks) {
      if (shard?.kv.failure !== undefined) continue;
      for (const { store, changelog } of task.stores) {
        if (changelog === undefined || !store.checkpointDue(nowMs)) continue;
        run.checkpointsRunning++;
        run.checkpointing = run.checkpointing.then(async () => {
          await this.#checkpointStore(run, task, store, changelog, shard);
          run.checkpointsRunning--;
          this.#mindTheReplay(run);
        });
      }
    }
    this.#mindTheReplay(run);
    this.#cancelCheckpoints ??= this.#options.timers.after(checkpointEveryMs, () => {
      this.#cancelCheckpoints = undefined;
      let due = false;
      for (const other of this.#runs.values()) {
        if (other.phase === 'failed' || other.phase === 'removed') continue;
        for (const { task } of other.tasks) for (const { store } of task.stores) due ||= store.stats.dueRecords > 0;
      }
      if (due)
        for (const other of this.#runs.values())
          if (!other.over && other.phase !== 'assigning') this.#checkpoint(other);
    });
  }

  /** Holds a run whose checkpoints cannot keep up, until they have: what a restart has to replay stays bounded. One
   *  that cannot be written at all holds nobody. */
  #mindTheReplay(run: HostedRun): void {
    const was = run.aheadOfCheckpoint;
    // What cannot leave memory before the checkpoint has come to its end must not grow meanwhile.
    const short = this.#memory.excess > this.#memory.limitBytes / 4;
    run.aheadOfCheckpoint = false;
    if (run.checkpointsRunning > 0) {
      for (const { task } of run.tasks) {
        for (const { store, changelog } of task.stores) {
          run.aheadOfCheckpoint ||=
            changelog !== undefined && (store.stats.dueRecords > mostReplayed || (short && store.stats.dueEntries > 0));
        }
      }
    }
    if (was && !run.aheadOfCheckpoint) this.#askTurn();
  }

  async #checkpointStore(
    run: HostedRun,
    { id: taskId, partition }: Task,
    store: StateStore,
    topic: string,
    shard: Shard | undefined,
  ): Promise<void> {
    const former = shard?.kv.failure;
    try {
      await store.checkpoint();
      const { position: offset } = store.stats;
      if (offset !== undefined) {
        this.#options.post({ kind: 'checkpointed', run: run.id, changelog: { topic, partition, offset } });
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (shard !== undefined && shard.kv.failure !== undefined) this.#shards?.failed(shard);
      // What was said when the shard failed first is not said again for each store in it.
      if (former === undefined) this.#note(run, { about: 'checkpoint failed', store: store.name, taskId, why });
      if (store.damage !== undefined) this.#fail(run, error);
    }
  }

  // ---------------------------------------------------------------- questions

  #answer(request: number, work: Promise<readonly StoreEntry[]> | (() => Promise<readonly StoreEntry[]>)): void {
    const answered = typeof work === 'function' ? work() : work;
    answered.then(
      (entries) => this.#options.post({ kind: 'page', request, entries, done: true }),
      (error: unknown) => this.#options.post({ kind: 'refused', request, error: reportOf(error) }),
    );
  }

  #count(request: number): void {
    const { blocks, batches, records, views } = this.#pool.counters;
    const thread = {
      fetches: this.#feeds.fetches,
      blocks,
      batchesDecoded: batches,
      recordsDecoded: records,
      viewsMade: views,
      blocksShared: this.#feeds.shared,
    };
    this.#options.post({ kind: 'counted', request, thread });
  }

  #note(run: HostedRun, note: Note): void {
    this.#options.post({ kind: 'note', run: run.id, note });
  }
}
