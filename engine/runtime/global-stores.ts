/**
 * The global stores of a run on one thread: each has all rows of its topic, and all tasks of the thread read it.
 *
 * A store is filled by one task for each partition of its topic; these tasks share it, write nothing else, and take no
 * part in the run's transactions: what they have read is committed in the store at once, and their positions are kept
 * nowhere. So a start reads the topic from its beginning, up to the end that it has then (`ready`), before any other
 * task is opened. From then on the rows follow the topic as they come, independently of the time of other inputs.
 *
 * A record that it has to leave out is reported with the run's transaction under way, at most once.
 *
 * The store is in memory alone, without changelog or checkpoint: the topic itself is its changelog.
 */

import { AssertionError, assert } from '../../base/index.ts';
import type { MemoryBudget } from '../stores/memory-budget.ts';
import type { StateStore } from '../stores/state-store.ts';
import { createStore } from '../stores/store-kinds.ts';
import type { GlobalStore } from '../topology-nodes.ts';
import type { Subscription } from './feed.ts';
import type { FeedReader } from './feed-reader.ts';
import type { HostParts } from './host-options.ts';
import type { HostedRun } from './hosted-run.ts';
import type { RecordErrors } from './record-errors.ts';
import { Task } from './task.ts';

/** For a task that fills a global store. */
export const writesNothing = (topic: string): never => {
  throw new AssertionError(`a global store writes to ${topic}`);
};

export interface GlobalStoresOptions {
  readonly host: HostParts;
  readonly memory: MemoryBudget;
  readonly feeds: FeedReader;
  readonly errors: RecordErrors;
}

export class GlobalStores {
  readonly stores = new Map<string, StateStore>();
  /** Fulfilled when every store has what its topic held at the start, or the run is over. */
  readonly ready: Promise<void>;
  readonly #run: HostedRun;
  readonly #options: GlobalStoresOptions;
  readonly #tasks: Task[] = [];
  readonly #subscriptions: Subscription[] = [];
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(run: HostedRun, globals: readonly GlobalStore[], options: GlobalStoresOptions) {
    this.#run = run;
    this.#options = options;
    const opened = globals.map((global) => this.#open(global));
    this.ready = Promise.all(opened).then(() => undefined);
    this.ready.catch(() => undefined);
  }

  async #open(global: GlobalStore): Promise<void> {
    const { memory, host } = this.#options;
    const { log, hashSeed } = host.options;
    const { topic } = global;
    const store = createStore(global.store, { kv: undefined, storeId: 0, memory, hashSeed });
    this.stores.set(store.name, store);
    await store.open();
    const partitions = this.#run.assignment.globalTopics.find((one) => one.topic === topic)?.partitions;
    assert(partitions !== undefined, `nothing is known of the topic ${topic}`);
    const filled: Promise<void>[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const { start, stable } = await log.offsets({ topic, partition });
      if (this.#closed) return;
      filled.push(this.#follow(this.#taskOf(global, store, partition), start, stable));
    }
    await Promise.all(filled);
  }

  #taskOf(subTopology: GlobalStore, store: StateStore, partition: number): Task {
    const { host, errors } = this.#options;
    const task = new Task({
      subTopology,
      applicationId: this.#run.assignment.applicationId,
      partition,
      stores: () => store,
      outputs: writesNothing,
      outbox: { batch: writesNothing },
      drops: errors,
      processingPolicy: (failure) => errors.thrown(failure),
      preparation: { ready: () => this.#step(task), failed: (error) => host.fail(this.#run, error) },
      now: () => host.options.clock.now(),
    });
    this.#tasks.push(task);
    return task;
  }

  /** Reads on from `start`; answers when `end` is reached. */
  #follow(task: Task, start: number, end: number): Promise<void> {
    const { host, feeds } = this.#options;
    const run = this.#run;
    const [input] = task.inputs;
    assert(input !== undefined, 'a global store has one source');
    const { topic, partition } = input;
    task.start([{ topic, partition, offset: start }]);
    return new Promise((resolve) => {
      const reached = (): void => {
        if (task.position(0) < end) return;
        this.#waiting.delete(resolve);
        resolve();
      };
      this.#waiting.add(resolve);
      const subscription = feeds.subscribe(
        { topic, topicId: run.assignment.topicIds[topic], partition, isolation: { kind: 'committed' } },
        {
          // What it leaves out is reported within a transaction: not between its end and the next one.
          wants: () => input.wanting && !run.over && run.phase !== 'prepared' && run.phase !== 'holding',
          able: () => !run.over,
          take: (block, readableEnd) => {
            task.offer(0, block, readableEnd);
            this.#step(task);
            reached();
          },
          sawEnd: (position) => {
            task.sawEnd(0, position, position);
            reached();
          },
          gone: (_from, offsets) => {
            task.sawEnd(0, offsets.start, -1);
            return offsets.start;
          },
          failed: (error) => host.fail(run, error),
        },
        start,
      );
      this.#subscriptions.push(subscription);
      reached();
      feeds.wake();
    });
  }

  /** What was read is in the store at once. */
  #step(task: Task): void {
    const { host } = this.#options;
    if (this.#closed || this.#run.over) return;
    try {
      host.options.atWork?.(this.#run.id);
      while (task.step(Number.MAX_SAFE_INTEGER) > 0);
      task.flush();
      task.commit(new Map());
    } catch (error) {
      host.fail(this.#run, error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const subscription of this.#subscriptions) this.#options.feeds.unsubscribe(subscription);
    for (const task of this.#tasks) task.close();
    for (const resolve of this.#waiting) resolve();
    await this.ready.catch(() => undefined);
    for (const store of this.stores.values()) await store.close().catch(() => undefined);
  }
}
