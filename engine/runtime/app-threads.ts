/**
 * Threads of applications: each application whose topology is a module runs in worker threads of its own.
 *
 * Their number changes while it runs. Each thread owns shards that no other application uses: those that hold state of
 * its tasks, as the query's record names them, and a new one where it would have none. A thread keeps its shards as
 * long as it lives; those of a thread that was removed go to another one at the application's next start. So a task
 * finds its state after a restart, whatever the number of threads is then.
 */

import { UserError } from '../../base/index.ts';
import type { ThreadShards } from './thread-shards.ts';

/** Of all applications together. */
export const mostAppThreads = 32;

interface AppThread {
  readonly slot: number;
  readonly shards: number[];
  /** It is being ended: it gets nothing more, but may still have its shards open. */
  ending: boolean;
}

export interface AppThreadsOptions {
  /** Number of the first such thread, and of the first shard that they may own. */
  readonly firstThread: number;
  readonly firstShard: number;
}

export class AppThreads {
  readonly #options: AppThreadsOptions;
  /** By query id. */
  readonly #apps = new Map<string, AppThread[]>();

  constructor(options: AppThreadsOptions) {
    this.#options = options;
  }

  /** Whether it is one of these threads. */
  has(thread: number): boolean {
    return thread >= this.#options.firstThread;
  }

  /** Gives an application `count` threads, unless it has some already, and all the shards that hold its state an owner.
   *  `others` are shards that must not be used. */
  begin(id: string, count: number, known: Iterable<number>, others: ReadonlySet<number>): readonly ThreadShards[] {
    let threads = this.#apps.get(id);
    if (threads === undefined) {
      threads = this.#freeSlots(count).map((slot) => ({ slot, shards: [], ending: false }));
      this.#apps.set(id, threads);
    }
    const owned = new Set(threads.flatMap(({ shards }) => shards));
    const staying = threads.filter(({ ending }) => !ending);
    for (const shard of [...new Set(known)].sort((a, b) => a - b)) {
      if (shard < this.#options.firstShard || owned.has(shard)) continue;
      const [least] = staying.toSorted((a, b) => a.shards.length - b.shards.length);
      least?.shards.push(shard);
    }
    for (const { shards } of staying) if (shards.length === 0) shards.push(this.#freeShard(others));
    return this.threadsOf(id);
  }

  /** One thread more; answers its number. */
  add(id: string, others: ReadonlySet<number>): number {
    const threads = this.#apps.get(id) ?? [];
    const [slot = 0] = this.#freeSlots(1);
    this.#apps.set(id, [...threads, { slot, shards: [this.#freeShard(others)], ending: false }]);
    return this.#options.firstThread + slot;
  }

  /** The thread, which has no tasks, is about to be ended: a run that begins meanwhile does not use it. */
  ends(id: string, thread: number): void {
    for (const one of this.#apps.get(id) ?? []) if (this.#options.firstThread + one.slot === thread) one.ending = true;
  }

  /** The thread has ended, and is not to come back. */
  remove(id: string, thread: number): void {
    const threads = this.#apps.get(id);
    const others = threads?.filter(({ slot }) => this.#options.firstThread + slot !== thread);
    if (others !== undefined) this.#apps.set(id, others);
  }

  /** The application has ended, with its threads. */
  end(id: string): void {
    this.#apps.delete(id);
  }

  /** Without those that are being ended. */
  threadsOf(id: string): readonly ThreadShards[] {
    const { firstThread } = this.#options;
    return (this.#apps.get(id) ?? [])
      .filter(({ ending }) => !ending)
      .map(({ slot, shards }) => ({ thread: firstThread + slot, shards: [...shards] }));
  }

  #all(): readonly AppThread[] {
    return [...this.#apps.values()].flat();
  }

  #freeSlots(count: number): readonly number[] {
    const used = new Set(this.#all().map(({ slot }) => slot));
    const free = Array.from({ length: mostAppThreads }, (_, slot) => slot).filter((slot) => !used.has(slot));
    if (free.length >= count) return free.slice(0, count);
    throw new UserError(
      'STREAMS_TOO_MANY_THREADS',
      `the applications of this process have ${mostAppThreads} threads, and cannot have more`,
      { hint: 'Close an application, or remove a thread from one.' },
    );
  }

  #freeShard(others: ReadonlySet<number>): number {
    const used = new Set(this.#all().flatMap(({ shards }) => shards));
    let shard = this.#options.firstShard;
    while (used.has(shard) || others.has(shard)) shard++;
    return shard;
  }
}
