/**
 * The hosts of a runtime, as the thread that owns the log sees them: one on the calling thread, and one in each worker.
 *
 * Each is started by the first message to it; one that has ended is started again by the next. Thread 0 is the calling
 * one. Workers 1 to `count` share the queries that run in workers; each of the next ones serves a single query
 * (`suspects.ts`), and those behind them belong to applications (`app-threads.ts`).
 */

import { assert } from '../../base/index.ts';
import type { FromHost, Post, Run, ToHost } from './protocol.ts';
import { mostAlone } from './suspects.ts';
import type { TaskHost } from './task-host.ts';
import { type HostSettings, mailbox, type WorkerOptions } from './threads.ts';

export const localThread = 0;

export interface HostThreadsOptions {
  readonly local: (post: Post<FromHost>) => TaskHost;
  readonly workers: WorkerOptions | undefined;
  readonly settings: (thread: number) => Omit<HostSettings, 'alone'>;
  readonly receive: (thread: number, message: FromHost) => void;
  /** A worker has ended without being asked to. `atWork` is the run that it worked for last; 0: not known. */
  readonly died: (thread: number, atWork: Run, error: Error) => void;
}

interface HostThread {
  readonly post: Post<ToHost>;
  readonly terminate: () => Promise<void>;
  readonly atWork: () => Run;
  /** The host has closed its stores. */
  closed: (() => void) | undefined;
}

export class HostThreads {
  readonly #options: HostThreadsOptions;
  readonly #threads = new Map<number, HostThread>();

  constructor(options: HostThreadsOptions) {
    this.#options = options;
  }

  /** Those that were started. */
  numbers(): Iterable<number> {
    return this.#threads.keys();
  }

  has(thread: number): boolean {
    return this.#threads.has(thread);
  }

  /** Whether a worker serves one query alone. */
  isAlone(thread: number): boolean {
    const { workers } = this.#options;
    return workers !== undefined && thread > workers.count && thread <= workers.count + mostAlone;
  }

  post(thread: number, message: ToHost): void {
    let known = this.#threads.get(thread);
    if (known === undefined) {
      known = thread === localThread ? this.#startLocal() : this.#startWorker(thread);
      this.#threads.set(thread, known);
    }
    known.post(message);
  }

  #startLocal(): HostThread {
    const host = this.#options.local(mailbox<FromHost>((message) => this.#receive(localThread, message)));
    const post = mailbox<ToHost>((message) => host.receive(message));
    return { post, terminate: async () => {}, atWork: () => 0, closed: undefined };
  }

  #startWorker(thread: number): HostThread {
    const { workers, settings } = this.#options;
    assert(workers !== undefined, `there are no workers, but a task belongs to thread ${thread}`);
    const remote = workers.spawn(
      thread,
      { ...settings(thread), alone: this.isAlone(thread) },
      (message) => this.#receive(thread, message),
      (error) => this.#died(thread, error),
    );
    return {
      post: remote.post,
      terminate: () => remote.terminate(),
      atWork: () => remote.atWork?.() ?? 0,
      closed: undefined,
    };
  }

  #receive(thread: number, message: FromHost): void {
    if (message.kind === 'closed') this.#threads.get(thread)?.closed?.();
    else this.#options.receive(thread, message);
  }

  #died(thread: number, error: Error): void {
    const former = this.#threads.get(thread);
    if (former === undefined) return;
    this.#threads.delete(thread);
    former.closed?.();
    this.#options.died(thread, former.atWork(), error);
  }

  /** Lets hosts close their stores, then ends their threads; after `late` without waiting any longer. */
  async end(threads: Iterable<number>, late: Promise<unknown>): Promise<void> {
    const ending = [...threads].flatMap((number) => this.#threads.get(number) ?? []);
    const closed = ending.map(
      (thread) =>
        new Promise<void>((resolve) => {
          thread.closed = resolve;
          thread.post({ kind: 'close' });
        }),
    );
    await Promise.race([Promise.all(closed), late]);
    for (const [number, thread] of this.#threads) if (ending.includes(thread)) this.#threads.delete(number);
    await Promise.all(ending.map((thread) => thread.terminate()));
  }
}
