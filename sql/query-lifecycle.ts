/**
 * Starting and stopping persistent queries, beside the statements.
 *
 * A statement is decided when it is in the statement log; what it starts and stops happens afterwards, all at once, and
 * holds no other statement up. The statement's own answer waits for it, within bounds: a query that cannot run yet (the
 * disk is full, a thread does not answer) makes a warning, and goes on trying. A query can be stopped in any state.
 * Only a query that takes over the id of another one waits until that has ended.
 */

import { type Timers, UserError } from '../base/index.ts';
import type { Runtime } from '../engine/index.ts';
import { applicationIdOf } from './application-id.ts';
import type { PersistentQuery } from './catalog.ts';
import { closingOf } from './closing.ts';
import type { CompileEnvironment } from './compile/environment.ts';
import { compileTopology } from './compile/topology.ts';
import { workerPlan } from './compile/worker-plan.ts';
import { loadFormats } from './formats/index.ts';
import { formatsIn } from './plan/formats.ts';

export interface LifecycleOptions {
  readonly runtime: Runtime;
  readonly environment: CompileEnvironment;
  readonly timers: Timers;
  /** How long a statement waits for what it has started or stopped. */
  readonly waitMs?: number | undefined;
  /** Whether the query is to be held. */
  readonly isPaused: (id: string) => boolean;
}

/** Why a query does not run. */
export interface NotRunning {
  readonly why: string;
  /** It is tried again by itself. */
  readonly retried: boolean;
}

const defaultWaitMs = 10_000;

export class QueryLifecycle {
  readonly #options: LifecycleOptions;
  /** By id: the end of the last start or stop that was asked for. Those of one query come one after the other. */
  readonly #last = new Map<string, Promise<void>>();
  /** By id: why a query could not even be handed to the runtime. */
  readonly #faults = new Map<string, Error>();

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  /** Why the query never reached the runtime: this build cannot compile its plan, or the runtime is closed. */
  faultOf(id: string): Error | undefined {
    return this.#faults.get(id);
  }

  /** Starts the query. Resolves when it runs, or cannot for now; with the reason in the second case. */
  async start(query: PersistentQuery): Promise<NotRunning | undefined> {
    const { runtime } = this.#options;
    const fault = await this.#after(query.id, () => this.#handOver(query));
    if (fault !== undefined) return { why: fault.message, retried: false };
    // It may have been stopped again.
    if (!runtime.knows(query.id)) return undefined;
    const { state, error } = await runtime.whenStarted(query.id);
    if (state === 'running' || state === 'stopped') return undefined;
    return { why: error?.message ?? `it is ${state}`, retried: state === 'retrying' };
  }

  /** Gives the query to the runtime; answers why that could not be done. */
  async #handOver(query: PersistentQuery): Promise<Error | undefined> {
    const { runtime, environment, isPaused } = this.#options;
    try {
      const plan = workerPlan(query.plan, environment.functions);
      await loadFormats(formatsIn(query.plan));
      const reset = query.properties['auto.offset.reset'] ?? 'latest';
      const cacheBytes = Number(query.properties['cache.max.bytes.buffering'] ?? 0);
      const started = runtime.start({
        id: query.id,
        applicationId: applicationIdOf(query.id),
        topology: compileTopology(query.plan, environment),
        plan,
        offsetReset: reset.toLowerCase() === 'earliest' ? 'earliest' : 'latest',
        ...(cacheBytes > 0 && { cache: { bytes: cacheBytes } }),
        paused: isPaused(query.id),
        ...closingOf(query.properties['millrace.closing']),
      });
      // The query's state shows how it went; a runtime that is closed does not know the query.
      started.catch(() => undefined);
      if (!runtime.knows(query.id)) await started;
      this.#faults.delete(query.id);
      return undefined;
    } catch (error) {
      const fault = error instanceof Error ? error : new Error(String(error));
      this.#faults.set(query.id, fault);
      return fault;
    }
  }

  /** Starts those of the queries that do not run because a module of user functions was not loaded. Resolves when they
   *  run, or cannot for now. */
  async startWaiting(queries: readonly PersistentQuery[]): Promise<void> {
    const { runtime } = this.#options;
    const waits = (id: string): boolean => codeOf(this.#faults.get(id)) === 'FUNCTION_MODULE_MISSING';
    const start = async (query: PersistentQuery): Promise<void> => {
      const { id } = query;
      // It may have been stopped meanwhile.
      await this.#after(id, async () => {
        if (waits(id)) await this.#handOver(query);
      });
      if (runtime.knows(id)) await runtime.whenStarted(id);
    };
    await Promise.all(queries.filter(({ id }) => waits(id)).map(start));
  }

  /** Starts the query in the place of the one of its id, which is stopped: offsets and state are kept. */
  replace(query: PersistentQuery): Promise<NotRunning | undefined> {
    this.#stop(query.id, false).catch(() => undefined);
    return this.start(query);
  }

  /** Holds the query before its next record. One that does not run yet is held when it starts. */
  pause(id: string): void {
    const { runtime } = this.#options;
    if (runtime.knows(id)) runtime.pause(id);
  }

  resume(id: string): void {
    const { runtime } = this.#options;
    if (runtime.knows(id)) runtime.resume(id);
  }

  /** Stops the query and deletes what is its own; resolves when that is done. */
  stop(id: string): Promise<void> {
    return this.#stop(id, true);
  }

  #stop(id: string, forget: boolean): Promise<void> {
    const { runtime } = this.#options;
    return this.#after(id, async () => {
      this.#faults.delete(id);
      if (runtime.knows(id)) await runtime.stop(id, { forget });
    });
  }

  /** Runs behind what was asked for this query before. */
  #after<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id) ?? Promise.resolve();
    const done = before.then(work);
    const ended = done.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(id, ended);
    void ended.then(() => {
      if (this.#last.get(id) === ended) this.#last.delete(id);
    });
    return done;
  }

  /** A statement's warning about its effects: when they failed, or take longer than a statement waits. */
  async within(work: Promise<string | undefined>, unfinished: string): Promise<string | undefined> {
    const { timers, waitMs = defaultWaitMs } = this.#options;
    let cancel = (): void => undefined;
    const late = new Promise<string>((resolve) => {
      cancel = timers.after(waitMs, () => resolve(`${unfinished} after ${waitMs} ms; it goes on by itself`));
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }
}

const codeOf = (error: Error | undefined): string | undefined => (error instanceof UserError ? error.code : undefined);
