/**
 * Threads that come and go while an application runs: its tasks move (`task-move.ts`), one after the other, while the
 * others process on.
 *
 * The changes of one application are made one at a time. A move that fails is tried again a few times; when the run
 * ends meanwhile, the next one is waited for. Behind each start of a run its tasks are spread evenly again: they come
 * back to the shards that hold their state, which may be those of few threads.
 */

import { type Timers, UserError } from '../../base/index.ts';
import type { AppThreads } from './app-threads.ts';
import type { ManagedQuery } from './managed-query.ts';
import type { QueryRun } from './query-run.ts';
import { nextMove } from './rebalance.ts';

export interface ThreadChangesOptions {
  readonly apps: AppThreads;
  readonly timers: Timers;
  readonly move: (query: ManagedQuery, task: string, thread: number) => Promise<void>;
  /** Takes a thread without tasks out of a run. */
  readonly release: (run: QueryRun, thread: number) => void;
  /** Ends a thread. */
  readonly end: (thread: number) => Promise<void>;
  /** Answers when anything has changed. */
  readonly change: () => Promise<void>;
  /** Shards that other applications use, running or not. */
  readonly othersShards: (query: ManagedQuery) => Promise<ReadonlySet<number>>;
  /** Told when tasks could not be spread over the threads behind a start of their run. */
  readonly notSpread: (query: ManagedQuery, error: Error) => void;
}

const mostFailures = 5;
const pauseMs = 100;

export class ThreadChanges {
  readonly #options: ThreadChangesOptions;

  constructor(options: ThreadChangesOptions) {
    this.#options = options;
  }

  /** One thread more; answers its number when it has its share of the tasks. */
  add(query: ManagedQuery): Promise<number> {
    return this.#serial(query, async () => {
      this.#mustRun(query);
      const { apps, othersShards } = this.#options;
      const thread = apps.add(query.spec.id, await othersShards(query));
      await this.#balance(query);
      this.#mustRun(query);
      return thread;
    });
  }

  /** One thread less, the one of this number or the newest; answers its number when its tasks run elsewhere and it has
   *  ended. */
  remove(query: ManagedQuery, number: number | undefined): Promise<number> {
    return this.#serial(query, async () => {
      this.#mustRun(query);
      const { apps, release, end } = this.#options;
      const { id } = query.spec;
      const threads = apps.threadsOf(id).map(({ thread }) => thread);
      const thread = number ?? threads.at(-1);
      if (thread === undefined || !threads.includes(thread) || threads.length === 1) {
        const why = threads.length === 1 ? 'it is the only one' : 'there is no such thread';
        throw new UserError('STREAMS_THREAD_NOT_REMOVED', `a thread of "${id}" cannot be removed: ${why}`, {
          hint: `Its threads are: ${threads.join(', ')}.`,
        });
      }
      await this.#balance(query, new Set([thread]));
      if (!query.active) return thread;
      // The run may end while the thread does, and the next one begin.
      apps.ends(id, thread);
      if (query.run !== undefined) release(query.run, thread);
      await end(thread);
      apps.remove(id, thread);
      return thread;
    });
  }

  /** Spreads the tasks of a run that has just begun. What cannot be moved stays where it is, which is reported. */
  balance(query: ManagedQuery): void {
    this.#serial(query, () => this.#balance(query)).catch((error: unknown) => {
      this.#options.notSpread(query, error instanceof Error ? error : new Error(String(error)));
    });
  }

  #mustRun({ active, spec }: ManagedQuery): void {
    if (!active) throw new UserError('QUERY_NOT_RUNNING', `the application "${spec.id}" does not run`);
  }

  #serial<T>(query: ManagedQuery, work: () => Promise<T>): Promise<T> {
    const done = query.changing.then(work);
    query.changing = done.catch(() => undefined);
    return done;
  }

  async #balance(query: ManagedQuery, leaving: ReadonlySet<number> = new Set()): Promise<void> {
    const { apps, move, change } = this.#options;
    let failures = 0;
    let moving = false;
    try {
      while (query.active) {
        const { run } = query;
        if (query.state !== 'running' || run === undefined) {
          await change();
          continue;
        }
        const threads = apps.threadsOf(query.spec.id).map(({ thread }) => thread);
        const next = nextMove(run.assignment, threads, leaving);
        if (next === undefined) return;
        if (!moving) query.spec.listener?.rebalancing?.(true);
        moving = true;
        try {
          await move(query, next.task, next.to);
        } catch (error) {
          if (!query.active) return;
          if (++failures === mostFailures) throw error;
          await this.#pause();
        }
      }
    } finally {
      if (moving) query.spec.listener?.rebalancing?.(false);
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.timers.after(pauseMs, resolve);
    });
  }
}
