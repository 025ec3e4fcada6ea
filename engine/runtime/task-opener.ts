/**
 * Opening a task on a host: its shard, its stores, the task itself, and the replay of its changelogs.
 *
 * A task is on its run's list before the first of its stores is opened, so that the removal of the run closes all of
 * them.
 */

import { assert, type BufferPool } from '../../base/index.ts';
import { TopicNotKnown } from '../operator.ts';
import type { MemoryBudget } from '../stores/memory-budget.ts';
import type { StateStore } from '../stores/state-store.ts';
import type { StoreSpec } from '../stores/store.ts';
import { createStore } from '../stores/store-kinds.ts';
import { entryLimit } from '../stores/store-options.ts';
import { changelogTopic, type SubTopology } from '../topology-nodes.ts';
import { TaskCounters } from './drops.ts';
import type { FeedReader } from './feed-reader.ts';
import { GlobalStores } from './global-stores.ts';
import type { HostParts } from './host-options.ts';
import { type HostedRun, HostedTask } from './hosted-run.ts';
import type { PartitionPosition } from './partition-position.ts';
import type { Outbox } from './partitioned-writer.ts';
import type { AssignedOutput, TaskAssignment } from './protocol.ts';
import { RecordErrors } from './record-errors.ts';
import { restoreStore } from './restore.ts';
import type { Shard, Shards } from './shards.ts';
import type { KnownStore, StoreIds } from './store-ids.ts';
import { Task } from './task.ts';

/** Characters of the last drop's reason that are shown; the processing log has more. */
const longestDetail = 500;

const isCheckpointed = ({ logged, persistent }: StoreSpec): boolean => logged !== false && persistent !== false;

export interface TaskOpenerOptions {
  readonly host: HostParts;
  /** Undefined: stores live in memory only. */
  readonly shards: Shards | undefined;
  readonly memory: MemoryBudget;
  readonly buffers: BufferPool;
  readonly feeds: FeedReader;
  /** Takes what tasks of the run write. */
  readonly outboxOf: (run: HostedRun) => Outbox;
}

export interface OpenTaskOptions {
  readonly changelogEnds?: readonly PartitionPosition[];
  readonly moved?: boolean;
}

export class TaskOpener {
  readonly #options: TaskOpenerOptions;

  constructor(options: TaskOpenerOptions) {
    this.#options = options;
  }

  /** Answers the task, restored and at its positions, not stepping; undefined when the run has ended meanwhile. A task
   *  that could not be opened is still on the run's list where it holds stores. `moved`: its state is elsewhere. */
  async open(
    run: HostedRun,
    subTopology: SubTopology,
    assignment: TaskAssignment,
    { changelogEnds = [], moved = false }: OpenTaskOptions = {},
  ): Promise<HostedTask | undefined> {
    const { shards } = this.#options;
    const globals = await this.globalsOf(run);
    const kept = subTopology.stores.some(isCheckpointed);
    const shard = kept ? await shards?.use(assignment.shard, assignment) : undefined;
    let hosted: HostedTask;
    try {
      // What the shard has of a task that moves is what a former move has left there: it is being deleted, or a crash
      // has kept it, and the changelog may have forgotten since what was deleted behind it.
      if (moved) for (const store of storesIn(shard, run, assignment.id)) forgetAside(shard, store);
      const { ids, create } = await this.#storesOf(run, subTopology, assignment, shard);
      // From here on until the task is on the list nothing waits.
      if (run.over) {
        shards?.leave(assignment);
        return undefined;
      }
      const task = this.#taskOf(run, subTopology, assignment, create(), globals);
      hosted = new HostedTask(run, task, assignment, shard, ids);
    } catch (error) {
      shards?.leave(assignment);
      throw error;
    }
    run.tasks.push(hosted);
    const { task } = hosted;
    for (const { store, changelog } of task.stores) {
      if (changelog === undefined) await store.open();
      else await this.#restore(hosted, store, changelog, changelogEnds);
      if (run.over) return undefined;
    }
    // Until it is known better, the first commit's windows wait where origins may be mixed.
    if (run.assignment.low !== undefined) task.setLow(run.assignment.low);
    task.start(assignment.positions);
    return hosted;
  }

  /** The global stores that the tasks of the thread share, filled. */
  async globalsOf(run: HostedRun): Promise<ReadonlyMap<string, StateStore>> {
    const globals = run.topology?.globals ?? [];
    if (globals.length === 0 || run.over) return new Map();
    const { host, memory, feeds } = this.#options;
    const errors = this.#errorsOf(run);
    const open = (run.globals ??= new GlobalStores(run, globals, { host, memory, feeds, errors }));
    await open.ready;
    return open.stores;
  }

  /** What makes the stores; their numbers in the shard are on the disk. */
  async #storesOf(
    run: HostedRun,
    { stores }: SubTopology,
    { id: taskId }: TaskAssignment,
    shard: Shard | undefined,
  ): Promise<{ readonly ids: ReadonlyMap<string, number>; readonly create: () => ReadonlyMap<string, StateStore> }> {
    const { memory, host } = this.#options;
    const { hashSeed } = host.options;
    const { applicationId, outputs } = run.assignment;
    const numbers = new Map<string, number>();
    for (const spec of stores) {
      if (shard === undefined || !isCheckpointed(spec)) continue;
      numbers.set(spec.name, await shard.ids.of(applicationId, taskId, spec));
    }
    const renewed = async (ids: StoreIds, spec: StoreSpec): Promise<number> => {
      const number = await ids.renew(applicationId, taskId, spec);
      numbers.set(spec.name, number);
      return number;
    };
    const create = (spec: StoreSpec): StateStore => {
      const topic = changelogTopic(applicationId, spec.name);
      const changelog = outputs.find((output) => output.topic === topic);
      const { kv, ids } = (isCheckpointed(spec) ? shard : undefined) ?? {};
      return createStore(spec, {
        kv,
        storeId: numbers.get(spec.name) ?? 0,
        ...(ids === undefined ? {} : { renewStoreId: () => renewed(ids, spec) }),
        ...(changelog === undefined
          ? {}
          : { changelogId: changelog.id, entryLimitBytes: entryLimit(changelog.maxBatchBytes) }),
        memory,
        hashSeed,
        copiesGivenUp: (why) => {
          if (shard === undefined || shard.copyFailures.has(why)) return;
          shard.copyFailures.add(why);
          host.note(run, { about: 'copies given up', store: spec.name, taskId, why });
        },
      });
    };
    return { ids: numbers, create: () => new Map(stores.map((spec) => [spec.name, create(spec)])) };
  }

  #taskOf(
    run: HostedRun,
    subTopology: SubTopology,
    { partition, positions }: TaskAssignment,
    stores: ReadonlyMap<string, StateStore>,
    globals: ReadonlyMap<string, StateStore>,
  ): Task {
    const { host, buffers, outboxOf } = this.#options;
    const { assignment } = run;
    const errors = this.#errorsOf(run);
    return new Task({
      subTopology,
      applicationId: assignment.applicationId,
      partition,
      stores: ({ name }) => {
        const store = stores.get(name);
        assert(store !== undefined, `the store ${name} was not made`);
        return store;
      },
      globals,
      outputs: (topic) => {
        const named = run.topics.get(topic);
        const output: AssignedOutput | undefined =
          assignment.outputs.find((one) => one.topic === topic) ?? (typeof named === 'object' ? named : undefined);
        assert(output !== undefined, `the topic ${topic} is written, but nothing is known of it`);
        return output;
      },
      lookUp: (topic) => {
        const known = run.topics.get(topic);
        if (known === 'missing') return undefined;
        if (typeof known === 'object') return 'known';
        // Made by the flush itself: the answer would come too late.
        const flushing = run.phase === 'prepared';
        if (known === 'was missing' && flushing) return undefined;
        if (known !== 'asked') {
          run.topics.set(topic, 'asked');
          host.options.post({ kind: 'topic asked', run: run.id, topic });
        }
        if (flushing) throw new TopicNotKnown(topic);
        return 'asked';
      },
      outbox: outboxOf(run),
      drops: errors,
      maxIdleMs: assignment.maxTaskIdleMs,
      cachesResults: assignment.cache !== undefined,
      processingPolicy: (failure) => errors.thrown(failure),
      preparation: { ready: () => host.wake(), failed: (error) => host.fail(run, error) },
      counters: new TaskCounters(),
      buffers,
      reads: (topic) => positions.some((position) => position.topic === topic),
      tasks: assignment.partitionCounts[subTopology.id] ?? 1,
      now: () => host.options.clock.now(),
    });
  }

  #errorsOf(run: HostedRun): RecordErrors {
    const { clock } = this.#options.host.options;
    return new RecordErrors(run.onError, (drop, error) => {
      const { reason, detail, topic, partition, offset } = drop;
      const timeMs = clock.now();
      run.lastDrop = { reason, detail: detail.slice(0, longestDetail), topic, partition, offset, timeMs };
      run.processingLog?.drop(drop);
      if (error !== undefined) run.deadLetters?.add(error);
    });
  }

  async #restore(
    hosted: HostedTask,
    store: StateStore,
    changelog: string,
    ends: readonly PartitionPosition[],
  ): Promise<void> {
    const { run, task } = hosted;
    const { host } = this.#options;
    const { options } = host;
    const { id: taskId, partition } = task;
    const leastEnd = ends.find((end) => end.topic === changelog && end.partition === partition)?.offset ?? 0;
    const { from, records, verified } = await restoreStore({
      queryId: run.assignment.queryId,
      log: options.log,
      topic: changelog,
      partition,
      store,
      leastEnd,
      breathe: () => new Promise((resolve) => options.soon(resolve)),
      rebuilt: (why) => host.note(run, { about: 'rebuilt', store: store.name, taskId, why }),
      progress: (progress) => {
        const { name } = store;
        const { restored, remaining } = progress;
        hosted.restores.set(name, { restored, remaining });
        options.post({
          kind: 'restoring',
          run: run.id,
          progress: { ...progress, store: name, taskId, topic: changelog, partition },
        });
      },
      ended: () => {
        options.atWork?.(run.id);
        return run.over;
      },
    });
    if (run.over) return;
    this.#awaitCheck(hosted, verified);
    run.replayed += records;
    host.note(run, { about: 'restored', store: store.name, taskId, replayed: records, from });
  }

  /** Holds the task before its first record until the checkpoint is proven to be whole; damage ends the run, so that
   *  the store is rebuilt. */
  #awaitCheck(hosted: HostedTask, verified: Promise<void>): void {
    const { run } = hosted;
    const { host } = this.#options;
    hosted.checking++;
    run.checked = Promise.all([run.checked, verified]);
    run.checked.catch(() => {});
    verified.then(
      () => {
        hosted.checking--;
        host.wake();
      },
      (error: unknown) => host.fail(run, error),
    );
  }

  /** Closes the stores of a task that was closed itself. `forget` deletes them from the shard. */
  async closeStores({ task, shard, storeIds, assignment, run }: HostedTask, forget: boolean): Promise<void> {
    for (const { store } of task.stores) await store.close().catch(() => undefined);
    const { applicationId } = run.assignment;
    if (forget) {
      // The task may be back in the shard by now, with stores of other numbers.
      for (const [name, storeId] of storeIds) {
        // What cannot be deleted is not used again: a task that moves here begins anew.
        await shard?.ids.forget({ applicationId, taskId: task.id, storeId, name }).catch(() => undefined);
      }
    }
    this.#options.shards?.leave(assignment);
  }
}

const storesIn = (shard: Shard | undefined, { assignment }: HostedRun, taskId: string): readonly KnownStore[] =>
  shard?.ids.storesOf(assignment.applicationId).filter((known) => known.taskId === taskId) ?? [];

/** Without waiting: what cannot be deleted is out of reach. */
const forgetAside = (shard: Shard | undefined, store: KnownStore): void => {
  shard?.ids.forget(store).catch(() => undefined);
};
