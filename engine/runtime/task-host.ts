/**
 * Task host: runs the tasks of one thread. This file is its life cycle and its messages; what it does is in
 *
 *   task-opener.ts        opens a task: shard, stores, replay of changelogs
 *   task-reading.ts       reads source partitions for the tasks (`feed-reader.ts`, `feed.ts`)
 *   stepper.ts            steps them in round robin
 *   host-transactions.ts  flushes, commits, rolls back, as the commit coordinator asks
 *   checkpointer.ts       writes checkpoints of their stores
 *   store-answers.ts      answers reads and scans of their stores
 *
 * Two loops share the thread. The reading loop keeps one `fetch` under way for all source partitions of which a task
 * can take more. The stepping loop lets each runnable task process a few thousand records. Neither ever waits for the
 * other: stepping stops when there are no blocks, reading when there is no room.
 *
 * Phases of a run on a host: `assign` (topology built, stores opened and restored) -> `go` -> stepping, with a
 * `prepare` and `committed` or `rollback` for each transaction -> `remove`. A transient query writes nothing, so it has
 * no coordinator: its host ends its transactions itself, after each round, and hands its rows to the client. What a
 * processor throws ends its run; the neighbours continue.
 *
 * Back-pressure: an input holds two blocks at most; a run whose unacknowledged batches exceed `unacknowledgedBytes` (a
 * transient query: its client's window) is not stepped.
 */

import { assert, BufferPool, UserError, unreachable } from '../../base/index.ts';
import { BlockPool } from '../block.ts';
import { MemoryBudget } from '../stores/memory-budget.ts';
import { KvError } from '../stores/ordered-kv.ts';
import { resultTopic, type SubTopology } from '../topology-nodes.ts';
import { Checkpointer } from './checkpointer.ts';
import { DeadLetterWriter } from './dead-letters.ts';
import { reportOf } from './error-report.ts';
import { Exchange } from './exchange.ts';
import { FeedReader } from './feed-reader.ts';
import type { HostOptions, HostParts } from './host-options.ts';
import { HostTransactions } from './host-transactions.ts';
import { addCounters, HostedRun, type HostedTask, reportOfTask, unlogged } from './hosted-run.ts';
import type { PartitionPosition } from './partition-position.ts';
import type { Outbox } from './partitioned-writer.ts';
import { ProcessingLogWriter } from './processing-log.ts';
import type { Note, Run, RunAssignment, StoreEntry, TaskAssignment, ToHost } from './protocol.ts';
import { movesByItself, QuietTime } from './quiet-time.ts';
import { whyRebuilt } from './restore.ts';
import { type Shard, Shards } from './shards.ts';
import { Stepper } from './stepper.ts';
import { StoreAnswers } from './store-answers.ts';
import { TaskOpener } from './task-opener.ts';
import { TaskReading } from './task-reading.ts';
import type { LoadedTopology } from './topology-module.ts';
import { SubTopologyGraph } from './watermarks.ts';

/** How often a thread looks whether others need some of its memory, and how many entries it looks at then. */
const giveMemoryEveryMs = 1000;
const giveMemorySlots = 65_536;

type Forget = Extract<ToHost, { readonly kind: 'forget' }>;
/** Messages about a run that is on this host. */
type RunMessage = Exclude<Extract<ToHost, { readonly run: Run }>, { readonly kind: 'read' | 'scan' | 'acknowledged' }>;

export class TaskHost {
  readonly #options: HostOptions;
  readonly #runs = new Map<Run, HostedRun>();
  readonly #pool = new BlockPool();
  readonly #buffers = new BufferPool();
  readonly #memory: MemoryBudget;
  readonly #shards: Shards | undefined;
  readonly #feeds: FeedReader;
  readonly #reading: TaskReading;
  readonly #opener: TaskOpener;
  readonly #stepper: Stepper;
  readonly #transactions: HostTransactions;
  readonly #checkpointer: Checkpointer;
  readonly #answers: StoreAnswers;
  #cancelGiveMemory: (() => void) | undefined;
  #closed = false;

  constructor(options: HostOptions) {
    this.#options = options;
    const { log, clock, timers, limits, openShard, post } = options;
    const host: HostParts = {
      options,
      runs: this.#runs,
      fail: (run, error) => this.#fail(run, error),
      wake: () => this.#stepper.wake(),
      send: (run, topic, partition, bytes) => this.#send(run, topic, partition, bytes),
      note: (run, note) => this.#note(run, note),
    };
    const { shared, thread } = options.memory;
    this.#memory = new MemoryBudget(limits.stateBytes, shared, thread);
    if (shared.length > 2) this.#giveMemoryLater();
    this.#shards =
      openShard === undefined
        ? undefined
        : new Shards({
            open: openShard,
            timers,
            damaged: (shard, why) => post({ kind: 'shard damaged', shard, why }),
            end: (shard, why) => this.#endUsersOf(shard, why),
          });
    this.#feeds = new FeedReader({
      log,
      clock,
      timers,
      pool: this.#pool,
      blockBytes: limits.blockBytes,
      served: () => this.#stepper.wake(),
    });
    this.#stepper = new Stepper({ host, memory: this.#memory, wakeReading: () => this.#feeds.wake() });
    this.#reading = new TaskReading(host, this.#feeds);
    this.#opener = new TaskOpener({
      host,
      shards: this.#shards,
      memory: this.#memory,
      buffers: this.#buffers,
      feeds: this.#feeds,
      outboxOf: (run) => this.#outboxOf(run),
    });
    this.#transactions = new HostTransactions(host, this.#reading);
    this.#checkpointer = new Checkpointer(host, this.#memory, this.#shards);
    this.#answers = new StoreAnswers({
      runOf: (run) => this.#runs.get(run),
      fail: (run, error) => this.#fail(run, error),
      post,
    });
  }

  receive(message: ToHost): void {
    if (this.#closed) return;
    switch (message.kind) {
      case 'assign':
        void this.#assign(message.assignment);
        return;
      case 'forget':
        this.#answer(message.request, () => this.#forget(message));
        return;
      case 'read':
        this.#answer(message.request, () => this.#answers.read(message.run, message.store, message.key, message.range));
        return;
      case 'scan':
        void this.#answers.scan(message.request, message.run, message.store, message.range);
        return;
      case 'scan-next':
        this.#answers.next(message.request, message.more);
        return;
      case 'stats':
        this.#count(message.request);
        return;
      case 'close':
        void this.#close();
        return;
      case 'acknowledged':
        this.#acknowledged(message.run, message.bytes);
        return;
      case 'open task':
      case 'start task':
      case 'suspend task':
      case 'resume task':
      case 'release task':
      case 'go':
      case 'hold':
      case 'pause':
      case 'window':
      case 'topic':
      case 'prepare':
      case 'committed':
      case 'rollback':
      case 'remove': {
        const run = this.#runs.get(message.run);
        if (run !== undefined) this.#receiveFor(run, message);
        return;
      }
      default:
        unreachable(message);
    }
  }

  #receiveFor(run: HostedRun, message: RunMessage): void {
    if (message.kind === 'remove') {
      void this.#remove(run, message.keep, message.stray);
      return;
    }
    if (message.kind === 'window') {
      run.mostUnacknowledged = message.bytes;
      this.#stepper.wake();
      return;
    }
    // A run that is being assigned gets nothing else before it has answered.
    if (run.over || run.phase === 'assigning') return;
    switch (message.kind) {
      case 'open task':
        void this.#openTask(run, message.task, message.changelogEnds);
        return;
      case 'suspend task':
        this.#guard(run, () => {
          this.#taskOf(run, message.task).phase = 'suspending';
        });
        return;
      case 'start task':
      case 'resume task':
        this.#guard(run, () => this.#startTask(run, this.#taskOf(run, message.task)));
        return;
      case 'release task':
        this.#guard(run, () => this.#releaseTask(run, this.#taskOf(run, message.task)));
        return;
      case 'go':
        run.phase = 'running';
        this.#resume(run);
        return;
      case 'hold':
        if (run.phase === 'running') run.phase = 'holding';
        return;
      case 'pause':
        run.paused = message.paused;
        if (!run.paused) this.#reading.askEndsAgain(run);
        this.#resume(run);
        return;
      case 'topic':
        run.topics.set(message.topic, message.output ?? 'missing');
        if (run.prepareWaits !== undefined) {
          const { passed } = run.prepareWaits;
          this.#guard(run, () => this.#transactions.prepare(run, passed));
        }
        return;
      case 'prepare':
        this.#guard(run, () => this.#transactions.prepare(run, message.passed));
        return;
      case 'committed':
        this.#guard(run, () => {
          this.#transactions.committed(run, message.changelog, message.low);
          this.#checkpointer.look(run);
          this.#resume(run);
        });
        return;
      case 'rollback':
        this.#guard(run, () => this.#transactions.rollback(run, message.positions));
        return;
      default:
        unreachable(message);
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

  // ---------------------------------------------------------------- assignment

  async #assign(assignment: RunAssignment): Promise<void> {
    const run = new HostedRun(assignment, this.#options.limits);
    assert(!this.#runs.has(run.id), `the run ${run.id} is assigned twice`);
    if (assignment.window !== undefined) {
      const { closing } = assignment;
      run.exchange = new Exchange(this.#pool, this.#buffers);
      if (movesByItself(closing)) run.quiet = new QuietTime(closing, this.#options.clock);
    }
    this.#runs.set(run.id, run);
    try {
      this.#options.atWork?.(run.id);
      const { topology, onError } = await this.#topologyOf(assignment);
      run.topology = topology;
      run.onError = onError;
      const { processingLog, deadLetters, queryId } = assignment;
      if (processingLog !== undefined) {
        const partition = 0;
        run.processingLog = new ProcessingLogWriter(
          queryId,
          () => this.#options.clock.now(),
          (bytes) => this.#send(run, processingLog, partition, bytes),
        );
      }
      if (deadLetters !== undefined) {
        const output = assignment.outputs.find(({ topic }) => topic === deadLetters);
        assert(output !== undefined, `nothing is known of the topic of dead letters ${deadLetters}`);
        run.deadLetters = new DeadLetterWriter(
          output,
          () => this.#options.clock.now(),
          (partition, bytes) => this.#send(run, deadLetters, partition, bytes),
        );
      }
      const subTopologies = run.topology.subTopologies();
      run.graph = new SubTopologyGraph(subTopologies, assignment.applicationId, assignment.partitionCounts);
      // There may be no tasks beside them.
      await this.#opener.globalsOf(run);
      for (const task of assignment.tasks) {
        const hosted = await this.#opener.open(run, this.#subTopologyOf(run, task), task);
        if (hosted === undefined) return;
        hosted.phase = 'open';
        this.#reading.subscribe(hosted);
      }
      if (run.over) return;
      run.phase = 'ready';
      this.#options.post({ kind: 'assigned', run: run.id, replayed: run.replayed });
    } catch (error) {
      this.#fail(run, error);
    }
  }

  async #topologyOf({ topology, queryId }: RunAssignment): Promise<LoadedTopology> {
    switch (topology.kind) {
      case 'inline':
        return topology;
      case 'plan':
        assert(this.#options.build !== undefined, 'this host got a plan, but nothing that builds topologies');
        return { topology: await this.#options.build(topology.plan), onError: {} };
      case 'module': {
        assert(this.#options.load !== undefined, 'this host got a module, but nothing that loads topologies');
        const loaded = await this.#options.load(topology.module);
        if (loaded.topology.describe() === topology.shape) return loaded;
        throw new UserError(
          'STREAMS_MODULE_DIFFERS',
          `the module of "${queryId}" made another topology in another thread: ${topology.module.url}`,
          { hint: 'What it makes may depend on nothing but its config.' },
        );
      }
      default:
        return unreachable(topology);
    }
  }

  #subTopologyOf(run: HostedRun, { subTopology: number }: TaskAssignment): SubTopology {
    const subTopology = run.topology?.subTopologies()[number];
    assert(subTopology !== undefined, `there is no sub-topology ${number} in ${run.assignment.queryId}`);
    return run.exchange === undefined ? subTopology : unlogged(subTopology);
  }

  #taskOf(run: HostedRun, id: string): HostedTask {
    const task = run.task(id);
    assert(task !== undefined, `the task ${id} of ${run.assignment.queryId} does not run here`);
    return task;
  }

  /** The run may step (again): reports its progress, reads and steps. */
  #resume(run: HostedRun): void {
    run.reported = undefined;
    if (run.phase === 'running') {
      for (const hosted of run.tasks) if (hosted.phase === 'open') this.#stepper.add(hosted);
      this.#stepper.report(run);
    }
    this.#feeds.wake();
    this.#stepper.wake();
  }

  // ---------------------------------------------------------------- tasks that move

  /** Opens a further task. When that fails, the run is not affected. */
  async #openTask(run: HostedRun, task: TaskAssignment, changelogEnds: readonly PartitionPosition[]): Promise<void> {
    try {
      assert(run.task(task.id) === undefined, `the task ${task.id} runs here already`);
      const hosted = await this.#opener.open(run, this.#subTopologyOf(run, task), task, {
        changelogEnds,
        moved: true,
      });
      if (hosted !== undefined) this.#options.post({ kind: 'task opened', run: run.id, task: task.id });
    } catch (error) {
      const opened = run.task(task.id);
      if (opened?.assignment === task) {
        run.tasks.splice(run.tasks.indexOf(opened), 1);
        opened.task.close();
        // Nothing of it is of use: the task's state is on the thread that it comes from.
        await this.#opener.closeStores(opened, true);
      }
      if (!run.over)
        this.#options.post({ kind: 'task not opened', run: run.id, task: task.id, error: reportOf(error) });
    }
  }

  #startTask(run: HostedRun, hosted: HostedTask): void {
    assert(hosted.phase !== 'open', `the task ${hosted.task.id} is started twice`);
    // One that was not suspended yet still reads.
    const reads = hosted.phase === 'suspending';
    hosted.phase = 'open';
    if (!reads) this.#reading.subscribe(hosted);
    this.#resume(run);
  }

  /** Closes a task that runs elsewhere from now on, and is suspended here, or was opened and not started. Its stores
   *  answer no question from here on. */
  #releaseTask(run: HostedRun, hosted: HostedTask): void {
    assert(
      hosted.phase === 'suspended' || hosted.phase === 'opening',
      `the task ${hosted.task.id} is released in phase ${hosted.phase}`,
    );
    run.tasks.splice(run.tasks.indexOf(hosted), 1);
    this.#stepper.remove((one) => one === hosted);
    hosted.task.close();
    addCounters(run.released, hosted.task.counters);
    this.#resume(run);
    // A checkpoint of its stores may be under way. The run's end waits for the closing.
    run.checkpointing = run.checkpointing.then(() => this.#opener.closeStores(hosted, true));
  }

  // ---------------------------------------------------------------- batches

  /** What tasks write: a transient query's goes to its client or to its next task, everything else to the log. */
  #outboxOf(run: HostedRun): Outbox {
    const { exchange } = run;
    if (exchange === undefined) {
      return { batch: (topic, partition, bytes) => this.#send(run, topic, partition, bytes) };
    }
    return {
      batch: (topic, partition, bytes) => {
        if (topic !== resultTopic) {
          exchange.append(topic, partition, bytes);
          return;
        }
        run.unacknowledgedBytes += bytes.buffer.byteLength;
        this.#options.post({ kind: 'rows', run: run.id, bytes });
      },
    };
  }

  #send(run: HostedRun, topic: string, partition: number, bytes: Uint8Array): void {
    assert(bytes.length > 0, `an empty batch for ${topic}`);
    run.pending = true;
    run.unacknowledgedBytes += bytes.length;
    this.#options.post({ kind: 'batch', run: run.id, topic, partition, bytes });
  }

  #acknowledged(id: Run, bytes: Uint8Array): void {
    const run = this.#runs.get(id);
    // Results are counted by the memory that they hold: a client may keep many small ones.
    const length = run?.exchange === undefined ? bytes.length : bytes.buffer.byteLength;
    this.#buffers.give(bytes);
    if (run === undefined) return;
    const wasFull = run.full;
    run.unacknowledgedBytes -= length;
    assert(run.unacknowledgedBytes >= 0, `a batch of ${run.assignment.queryId} was acknowledged twice`);
    if (wasFull || run.unacknowledgedBytes === 0) this.#stepper.wake();
    // What this thread's tasks wrote can be read now: inputs that were read to the end look again.
    if (run.exchange === undefined) this.#reading.askRepartitionEndsAgain(run, ({ drained }) => drained);
  }

  // ---------------------------------------------------------------- failures

  #fail(run: HostedRun, error: unknown): void {
    if (run.over) return;
    run.phase = 'failed';
    this.#stepper.remove((hosted) => hosted.run === run);
    const report = reportOf(error);
    void this.#clearDamaged(run).then(() => this.#options.post({ kind: 'failed', run: run.id, error: report }));
  }

  /** Stores whose checkpoints are damaged are rebuilt from their changelogs. */
  async #clearDamaged(run: HostedRun): Promise<void> {
    for (const { task } of run.tasks) {
      for (const { store } of task.stores) {
        if (store.damage === undefined) continue;
        this.#note(run, { about: 'rebuilt', store: store.name, taskId: task.id, why: whyRebuilt(store.damage) });
        await store.clear().catch(() => undefined);
      }
    }
  }

  /** A shard is opened again: the runs that use it start again from what it then holds. */
  #endUsersOf(shard: Shard, why: KvError): void {
    const error = new KvError('full', `a checkpoint could not be written (${why.message}); the state is opened again`, {
      cause: why,
    });
    for (const run of this.#runs.values()) {
      if (run.tasks.some(({ assignment }) => shard.users.has(assignment))) this.#fail(run, error);
    }
  }

  // ---------------------------------------------------------------- removal

  /** Asked again, it only hurries. */
  #remove(run: HostedRun, keep: boolean, stray?: string): Promise<void> {
    run.checkpointAtEnd &&= keep && run.phase !== 'failed' && run.phase !== 'assigning';
    run.removal ??= this.#takeDown(run, stray);
    return run.removal;
  }

  async #takeDown(run: HostedRun, stray: string | undefined): Promise<void> {
    run.phase = 'removed';
    this.#stepper.remove((hosted) => hosted.run === run);
    for (const hosted of run.tasks) {
      this.#reading.unsubscribe(hosted);
      hosted.task.close();
    }
    run.exchange?.close();
    await run.globals?.close();
    await run.checkpointing;
    for (const hosted of run.tasks) {
      for (const { store, changelog } of hosted.task.stores) {
        if (run.checkpointAtEnd && hosted.phase !== 'opening' && hosted.task.id !== stray && changelog !== undefined)
          await this.#checkpointer.write(hosted, store, changelog);
      }
      await this.#opener.closeStores(hosted, hosted.task.id === stray);
    }
    this.#runs.delete(run.id);
    this.#options.post({ kind: 'removed', run: run.id });
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#stepper.close();
    this.#cancelGiveMemory?.();
    this.#checkpointer.close();
    this.#answers.close();
    for (const run of [...this.#runs.values()]) await this.#remove(run, true);
    this.#feeds.close();
    await this.#shards?.close();
    this.#options.post({ kind: 'closed' });
  }

  // ---------------------------------------------------------------- requests

  #answer(request: number, work: () => Promise<readonly StoreEntry[]>): void {
    work().then(
      (entries) => this.#options.post({ kind: 'page', request, entries, done: true }),
      (error: unknown) => this.#options.post({ kind: 'refused', request, error: reportOf(error) }),
    );
  }

  async #forget({ applicationId, shards }: Forget): Promise<readonly StoreEntry[]> {
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

  #count(request: number): void {
    const { blocks, batches, records, views } = this.#pool.counters;
    const counters = {
      fetches: this.#feeds.fetches,
      blocks,
      batchesDecoded: batches,
      recordsDecoded: records,
      viewsMade: views,
      blocksShared: this.#feeds.shared,
    };
    const nowMs = this.#options.clock.monotonic();
    const tasks = [...this.#runs.values()].flatMap((run) => run.tasks.map((hosted) => reportOfTask(hosted, nowMs)));
    const { processing, punctuating } = this.#stepper;
    const report = { counters, process: processing.read(nowMs), punctuate: punctuating.read(nowMs), tasks };
    this.#options.post({ kind: 'counted', request, report });
  }

  #note(run: HostedRun, note: Note): void {
    this.#options.post({ kind: 'note', run: run.id, note });
  }

  /** A thread that has nothing to do gives memory to the others as well. */
  #giveMemoryLater(): void {
    this.#cancelGiveMemory = this.#options.timers.after(giveMemoryEveryMs, () => {
      this.#memory.giveWay(giveMemorySlots);
      this.#giveMemoryLater();
    });
  }
}
