/**
 * Streams: a topology that a program runs, as the program sees it: its state, its error, its end.
 *
 *   created -> rebalancing -> running -> pending shutdown -> closed
 *                  ^------------/
 *                  \---- any of these ----> pending error -> error
 *
 * `rebalancing`: topics and positions are set up, stores restored, tasks moved to other threads, or a failure that may
 * pass is being waited out. What a topology throws ends it, unless its policy for uncaught errors starts it again
 * (`onUncaught`). Listeners hear of each change of state as it happens. An application that is closed, or has failed,
 * can be started again, reset, or cleaned up.
 *
 * The work is done by the `Runtime`, for which such an application is a query like any other.
 */

import { messageOf, UserError } from '../../base/index.ts';
import type { KTable } from '../dsl/ktable.ts';
import type { VersionedForm } from '../dsl/queryable-store.ts';
import { formOf, type ReadableStore, type ReadableWindows } from '../dsl/readable-store.ts';
import type { StoreBuilder } from '../processors/store-builder.ts';
import type { StateVersionedStore } from '../processors/versioned-face.ts';
import type { Topology } from '../topology.ts';
import { mostAppThreads } from './app-threads.ts';
import type { QueryListener, QuerySpec, Uncaught, UncaughtHandler } from './managed-query.ts';
import type { Metric } from './metrics.ts';
import type { QueryCounters, QueryState } from './observer.ts';
import type { EmitCache, Guarantee, OffsetReset, RestoreProgress } from './protocol.ts';
import type { ClosingTime } from './quiet-time.ts';
import type { RecordErrorPolicies } from './record-errors.ts';
import type { ResetTo } from './reset.ts';
import type { Runtime } from './runtime.ts';
import type { ThreadMetadata } from './thread-metadata.ts';
import { isTopology, loadTopology } from './topology-module.ts';
import { KeyValueView } from './views/key-value-view.ts';
import { VersionedView } from './views/versioned-view.ts';
import type { ViewOptions } from './views/view.ts';
import { WindowedView } from './views/windowed-view.ts';

export type StreamsState =
  | 'created'
  | 'rebalancing'
  | 'running'
  | 'pending shutdown'
  | 'closed'
  | 'pending error'
  | 'error';

interface CommonOptions {
  /** Names its offsets, its state and its internal topics: the same id continues where the former one stood. */
  readonly id: string;
  /** Where it begins without committed offsets, and goes on when records were deleted before it read them; `none` makes
   *  it fail then. Default: earliest. */
  readonly from?: OffsetReset;
  /** What becomes of the application when its topology throws, or fails for another reason that will not pass by
   *  itself. `replace thread`: its tasks start again from the last commit, with back-off; `shut down`: its state is
   *  `error`. A function chooses one of both, error by error. Default: shut down. */
  readonly onUncaught?: Uncaught | UncaughtHandler;
  /** How long a task waits for an input that has nothing to read while others have, in milliseconds (Kafka's
   *  `max.task.idle.ms`); -1: not even for one that is behind. Default 0 (`input-order.ts`). */
  readonly maxTaskIdleMs?: number;
  /** By what windows close, results become final, and joins give up waiting (`quiet-time.ts`). Default: stream time,
   *  which moves with records only: on a quiet stream results wait. `{ by: 'stream time', idleMs }`: it goes on where
   *  no record has come for so long; `{ by: 'wall clock' }`: it goes by the clock of the host. */
  readonly closing?: ClosingTime;
  /**
   * Merges updates: tables that are kept send only the last row of each key, when a transaction ends. Left out: every
   * update is sent. `bytes`: what a transaction may change of the stores before it ends, on each thread (20
   * bytes for each changed entry, and its value before); `intervalMs`: how long it lasts, 100 by default, and then
   * shorter where nothing is left to read, and up to two seconds where much is. Results become readable no earlier
   * than that. A table can be told otherwise (`Materialized`).
   */
  readonly cache?: EmitCache;
  /** A topic that gets the records that are left out, as they were, with what happened to them (`dead-letters.ts`). */
  readonly deadLetters?: { readonly topic: string };
  /** Default: exactly once. `at least once` makes results readable within milliseconds, before they are committed; what
   *  a crash or a failure interrupts is done again (`protocol.ts`). It may be changed at any start. */
  readonly guarantee?: Guarantee;
}

/** A topology that runs on the calling thread: functions cannot go to another one. */
export interface StreamsOptions extends CommonOptions {
  readonly topology: Topology;
  /** What becomes of a record that cannot be read, processed or written, by kind (`record-errors.ts`). Default: what
   *  cannot be read or written is left out; what the topology throws ends it. */
  readonly onError?: RecordErrorPolicies;
}

/** A topology that runs in worker threads of its own. */
export interface StreamsModuleOptions extends CommonOptions {
  /** The file whose default export is the topology, or a function that makes it (`topology-module.ts`), as a URL:
   *  `new URL('./app.ts', import.meta.url)`. Each thread loads it. It may export `onError` besides, as
   *  `StreamsOptions` has it. */
  readonly module: URL;
  /** What the function is called with; copied to each thread. */
  readonly config?: unknown;
  /** Number of threads; default 1. It can change while the application runs. */
  readonly threads?: number;
}

/** What an application is, when its module is loaded. */
type StreamsSpec = Pick<QuerySpec, 'topology' | 'onError' | 'module' | 'threads'>;

/** By event: what its listeners are called with. */
export interface StreamsEvents {
  state: [state: StreamsState, former: StreamsState];
  /** The application has failed: its state is `pending error` now. */
  error: [error: Error];
  restore: [progress: RestoreProgress];
}

type Listener<E extends keyof StreamsEvents> = (...details: StreamsEvents[E]) => void;

export interface CloseOptions {
  /** How long what is under way may take to be committed, and stores to be checkpointed. After that the open
   *  transaction is aborted, and the next start restores more. 0 stops at once. Default: no limit. */
  readonly timeoutMs?: number;
}

/** What a program gives may be anything. */
const checkId = (id: unknown): void => {
  if (typeof id === 'string' && /^[\w.-]{1,100}$/.test(id)) return;
  throw new UserError('STREAMS_ID_INVALID', `an application cannot have the id ${JSON.stringify(id)}`, {
    hint: 'It takes up to 100 letters, digits, ".", "_" and "-": topics of the application are named by it.',
  });
};

const checkTopology = (topology: unknown, options: object): void => {
  if (!isTopology(topology))
    throw new UserError('STREAMS_TOPOLOGY_INVALID', 'the application has no topology', {
      hint: 'Give the one that a builder makes, topology: builder.build(), or a module.',
    });
  if ('threads' in options && options.threads !== undefined)
    throw new UserError('STREAMS_NOT_IN_THREADS', 'a topology that is given as an object has no threads of its own', {
      hint: 'Functions cannot be sent to other threads: give the file that makes it, as module.',
    });
};

const urlOf = (module: URL): string => {
  const url = String(module);
  if (/^[a-z]+:/.test(url)) return url;
  throw new UserError('STREAMS_MODULE_INVALID', `the module ${JSON.stringify(url)} is not a URL`, {
    hint: "Write new URL('./app.ts', import.meta.url).",
  });
};

export class Streams {
  readonly id: string;
  readonly #runtime: Runtime;
  readonly #options: CommonOptions;
  readonly #spec: StreamsSpec;
  readonly #listeners: { readonly [E in keyof StreamsEvents]: Set<Listener<E>> } = {
    state: new Set(),
    error: new Set(),
    restore: new Set(),
  };
  #state: StreamsState = 'created';
  #error: Error | undefined;
  /** This object has started the application, so that it runs under its name, or has. */
  #started = false;
  #paused = false;
  #threads: number;
  /** Tasks move to other threads. */
  #moving = false;
  #closing: Promise<void> | undefined;
  /** Fulfilled when no reset or clean-up is under way. */
  #clearing: Promise<void> = Promise.resolve();
  /** Calls of `start` that are not answered. */
  #starts = 0;
  /** How often it was asked to close. */
  #closes = 0;
  /** Of sources by pattern: the topics that are read, what ends looking for others, and a change to others. */
  #topics: readonly string[] = [];
  #unwatch: () => void = () => {};
  #exchange: Promise<void> | undefined;
  #exchanging = false;
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];

  private constructor(runtime: Runtime, options: CommonOptions, spec: StreamsSpec) {
    this.id = options.id;
    this.#runtime = runtime;
    this.#options = options;
    this.#spec = spec;
    this.#threads = spec.threads ?? 1;
  }

  /** Rejects with STREAMS_ID_INVALID, STREAMS_TOPOLOGY_INVALID, STREAMS_NOT_IN_THREADS, STREAMS_MODULE_INVALID,
   *  STREAMS_THREADS_INVALID or STREAMS_CONFIG_INVALID. */
  static async of(runtime: Runtime, options: StreamsOptions | StreamsModuleOptions): Promise<Streams> {
    checkId(options.id);
    if (!('module' in options)) {
      const { topology, onError } = options;
      checkTopology(topology, options);
      return new Streams(runtime, options, { topology, ...(onError !== undefined && { onError }) });
    }
    const { threads = 1, config } = options;
    if (!Number.isInteger(threads) || threads < 1 || threads > mostAppThreads)
      throw new UserError('STREAMS_THREADS_INVALID', `the number of threads is ${threads}`, {
        hint: `Give a whole number from 1 to ${mostAppThreads}.`,
      });
    try {
      structuredClone(config);
    } catch (error) {
      throw new UserError('STREAMS_CONFIG_INVALID', `the config cannot be copied to threads: ${messageOf(error)}`, {
        hint: 'Give plain data; functions belong into the module.',
      });
    }
    const module = { url: urlOf(options.module), config };
    const { topology } = await loadTopology(module);
    return new Streams(runtime, options, { topology, module, threads });
  }

  get state(): StreamsState {
    return this.#state;
  }

  /** Why it has failed; undefined while it has not. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Fulfilled when it runs, at once if it does; rejects when it fails or is closed before. */
  get running(): Promise<void> {
    if (this.#state === 'running') return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#settle();
    });
  }

  /** Calls `listener` for each such event from now on; answers what ends that. What a listener throws is an uncaught
   *  exception of the program, and does not concern the application. */
  on<E extends keyof StreamsEvents>(event: E, listener: Listener<E>): () => void {
    const listeners: Set<Listener<E>> = this.#listeners[event];
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Starts it, or starts it again; answers when it runs. Rejects when it cannot be started; it has failed then.
   *  Rejects with STREAMS_CLOSED when it is closed meanwhile. */
  async start(): Promise<void> {
    this.#starts++;
    try {
      await this.#start();
    } finally {
      this.#starts--;
    }
  }

  async #start(): Promise<void> {
    const closes = this.#closes;
    await this.#closing;
    await this.#clearing;
    if (closes !== this.#closes) throw this.#closedError();
    if (this.#isUnderWay) throw new UserError('QUERY_EXISTS', `the application "${this.id}" is running already`);
    const {
      id,
      from,
      onUncaught = 'shut down',
      deadLetters,
      closing,
      cache,
      guarantee = 'exactly once',
      maxTaskIdleMs = 0,
    } = this.#options;
    if (!(maxTaskIdleMs === -1 || maxTaskIdleMs >= 0))
      throw new UserError('STREAMS_IDLE_INVALID', `an application cannot wait ${maxTaskIdleMs} ms for its inputs`, {
        hint: 'Give a number of milliseconds from 0, or -1 for not waiting at all.',
      });
    const idleMs = closing?.by === 'stream time' ? (closing.idleMs ?? 0) : 0;
    if (!(idleMs >= 0))
      throw new UserError('STREAMS_IDLE_INVALID', `an input cannot be idle after ${idleMs} ms`, {
        hint: 'Give closing an idleMs from 0, or leave it out.',
      });
    const listener: QueryListener = {
      state: (state, error) => this.#followed(state, error),
      restoring: (progress) => this.#call('restore', progress),
      rebalancing: (active) => this.#rebalancing(active),
    };
    this.#error = undefined;
    this.#closing = undefined;
    const launch = (spec: StreamsSpec, offsetReset: OffsetReset | undefined): Promise<void> =>
      this.#runtime.start({
        ...spec,
        id,
        threads: this.#threads,
        ...(offsetReset !== undefined && { offsetReset }),
        maxTaskIdleMs,
        ...(closing !== undefined && { closing }),
        ...(cache !== undefined && { cache: checkedCache(cache) }),
        ...(deadLetters !== undefined && { deadLetters: deadLetters.topic }),
        guarantee,
        listener,
        paused: this.#paused,
        onUncaught: typeof onUncaught === 'function' ? onUncaught : () => onUncaught,
      });
    const hasPatterns = this.#spec.topology.patterns.length > 0;
    const spec = hasPatterns ? await this.#overTopics() : this.#spec;
    // Listeners hear of the start before the call returns: what they ask for is for this run.
    this.#started = true;
    const started = launch(spec, from);
    try {
      await started;
    } catch (error) {
      // Nothing was started, and what runs under this id is another object's.
      if (this.#error === undefined) this.#started = false;
      throw error;
    }
    await this.running;
    if (hasPatterns) this.#watchTopics(launch);
  }

  // ---------------------------------------------------------------- sources by pattern

  /** What runs, over the topics that match now. */
  async #overTopics(): Promise<StreamsSpec> {
    const { topology, module } = this.#spec;
    if (topology.patterns.length === 0) return this.#spec;
    this.#topics = await this.#runtime.matchingTopics(topology, this.id);
    const topics = this.#topics;
    return { ...this.#spec, topology: topology.over(topics), ...(module && { module: { ...module, topics } }) };
  }

  /** Starts again when other topics match: what was processed is committed before. New topics are read from their
   *  start, wherever the application began with the others. */
  #watchTopics(launch: (spec: StreamsSpec, from: OffsetReset) => Promise<void>): void {
    this.#unwatch = this.#runtime.watchTopics(this.#spec.topology, this.id, this.#topics, () => {
      if (this.#closing !== undefined || this.#error !== undefined) return;
      this.#exchange = this.#readOthers(launch).finally(() => {
        this.#exchange = undefined;
      });
    });
  }

  async #readOthers(launch: (spec: StreamsSpec, from: OffsetReset) => Promise<void>): Promise<void> {
    this.#enter('rebalancing');
    this.#exchanging = true;
    try {
      await this.#runtime.stop(this.id);
      await launch(await this.#overTopics(), 'earliest');
      this.#watchTopics(launch);
    } catch (error) {
      // A query that has failed has told its listener; one that could not be described has not begun.
      if (this.#error === undefined) this.#failed(error instanceof Error ? error : new Error(messageOf(error)));
    } finally {
      this.#exchanging = false;
    }
  }

  // ---------------------------------------------------------------- pause

  /** Holds it before its next record; what it has processed is committed as usual, and its stores can be read. */
  pause(): void {
    this.#paused = true;
    if (this.#started) this.#runtime.pause(this.id);
  }

  resume(): void {
    this.#paused = false;
    if (this.#started) this.#runtime.resume(this.id);
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  // ---------------------------------------------------------------- end

  /** Commits what is under way, checkpoints the stores, and stops; the next start goes on where it stood. It may be
   *  called again, with a shorter time. */
  close({ timeoutMs }: CloseOptions = {}): Promise<void> {
    this.#closes++;
    if (this.#closing === undefined) {
      this.#closing = this.#close(timeoutMs);
    } else if (timeoutMs !== undefined && this.#started) this.#runtime.hurry(this.id, timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number | undefined): Promise<void> {
    this.#unwatch();
    await this.#exchange;
    if (this.#started) {
      this.#enter('pending shutdown');
      await this.#runtime.stop(this.id, timeoutMs === undefined ? {} : { timeoutMs });
    }
    this.#enter('closed');
  }

  /** Answers when it has processed and committed all that its topics held. Rejects when it fails or is closed before. A
   *  paused application is not idle before it is resumed and done. */
  async awaitIdle(): Promise<void> {
    await this.running;
    await this.#runtime.awaitIdleOf(this.id);
  }

  // ---------------------------------------------------------------- reset

  /** Deletes all that it has computed: its state, its internal topics, its offsets. The next start begins at `to`:
   *  `earliest`, the default, `latest`, or a time, from whose first record on it reads. What it has written to its
   *  output topics stays. It has to be closed. An interrupted reset is completed by another one. */
  async reset({ to = 'earliest' }: { readonly to?: ResetTo } = {}): Promise<void> {
    await this.#clear('reset', (spec) => this.#runtime.reset({ ...spec, id: this.id }, to));
  }

  /** Deletes its local state: the next start restores it from the changelogs. It has to be closed. */
  async cleanUp(): Promise<void> {
    await this.#clear('cleaned up', (spec) => this.#runtime.forgetState({ ...spec, id: this.id }));
  }

  /** Not while it runs or starts. One after the other; a start waits for the last of them. */
  async #clear(done: string, clear: (spec: StreamsSpec) => Promise<void>): Promise<void> {
    if (this.#starts > 0 || this.#isUnderWay) {
      const is = this.#isUnderWay ? this.#state : 'starting';
      throw new UserError('STREAMS_RUNNING', `the application "${this.id}" is ${is}: it cannot be ${done}`, {
        hint: 'Close it first.',
      });
    }
    const cleared = this.#clearing.then(async () => clear(await this.#overTopics()));
    this.#clearing = cleared.catch(() => undefined);
    await cleared;
  }

  get #isUnderWay(): boolean {
    return this.#state !== 'created' && this.#state !== 'closed' && this.#state !== 'error';
  }

  // ---------------------------------------------------------------- threads

  /** One thread more, for an application whose topology is a module; answers its number when it has its share of the
   *  tasks. The others process on meanwhile. */
  async addThread(): Promise<number> {
    const thread = await this.#runtime.addThread(this.#running());
    this.#threads++;
    return thread;
  }

  /** One thread less: the newest, or the one of this number; answers its number when its tasks run elsewhere. */
  async removeThread(thread?: number): Promise<number> {
    const removed = await this.#runtime.removeThread(this.#running(), thread);
    this.#threads--;
    return removed;
  }

  #running(): string {
    if (this.#started) return this.id;
    throw new UserError('QUERY_NOT_RUNNING', `the application "${this.id}" does not run`, { hint: 'Start it first.' });
  }

  // ---------------------------------------------------------------- what it does

  /** What it has counted since this process started it. */
  get counters(): QueryCounters | undefined {
    return this.#started ? this.#runtime.counters(this.id) : undefined;
  }

  /** What it and its threads do, in numbers (`metrics.ts`). */
  async metrics(): Promise<readonly Metric[]> {
    return this.#started ? this.#runtime.metrics(this.id) : [];
  }

  /** The threads that run its tasks, and where those stand; empty while it does not run. */
  threads(): readonly ThreadMetadata[] {
    return this.#started ? this.#runtime.threadsOf(this.id) : [];
  }

  // ---------------------------------------------------------------- stores

  /** Reads a store from outside, as of the last commit: that of a table of the topology, of a processor (by its
   *  builder), or one that is named with the serdes of its keys and rows. It can be read while the application runs;
   *  views stay valid when it starts again. */
  store<K, V>(store: ReadableWindows<K, V>, options?: ViewOptions): WindowedView<K, V>;
  store<K, V>(store: ReadableStore<K, V>, options?: ViewOptions): KeyValueView<K, V>;
  store<K, V>(
    store: ReadableStore<K, V> | ReadableWindows<K, V>,
    options: ViewOptions = {},
  ): KeyValueView<K, V> | WindowedView<K, V> {
    const reader = this.#runtime.reader(this.id);
    const form = formOf<K, V>(store);
    return 'sizeMs' in form ? new WindowedView(reader, form, options) : new KeyValueView(reader, form, options);
  }

  /** The same for what knows its former rows: a versioned table, or a processor's versioned store. */
  versions<K, V>(
    of: KTable<K, V> | VersionedForm<K, V> | StoreBuilder<string, StateVersionedStore<K, V>>,
    options: ViewOptions = {},
  ): VersionedView<K, V> {
    const form =
      'versions' in of ? of.versions() : 'form' in of ? ({ name: of.name, ...of.form } as VersionedForm<K, V>) : of;
    return new VersionedView(this.#runtime.reader(this.id), form, options);
  }

  // ---------------------------------------------------------------- state

  #followed(state: QueryState, error: Error | undefined): void {
    switch (state) {
      case 'starting':
      case 'retrying':
        this.#enter('rebalancing');
        return;
      case 'running':
        this.#enter(this.#moving ? 'rebalancing' : 'running');
        return;
      case 'failed':
      case 'fenced':
        this.#failed(error ?? new Error('the application has failed'));
        // The run is taken down behind this call.
        void Promise.resolve()
          .then(() => this.#runtime.whenEnded(this.id))
          .then(() => {
            if (this.#state === 'pending error') this.#enter('error');
          });
        return;
      case 'stopped':
        // `close` goes on when it has ended; the runtime may be closed as a whole.
        if (this.#state !== 'pending shutdown' && !this.#exchanging) void this.close();
    }
  }

  #rebalancing(active: boolean): void {
    this.#moving = active;
    if (active && this.#state === 'running') this.#enter('rebalancing');
    else if (!active && this.#state === 'rebalancing' && this.#runtime.status(this.id).state === 'running')
      this.#enter('running');
  }

  #failed(error: Error): void {
    this.#error = error;
    this.#enter('pending error');
    this.#call('error', error);
  }

  #enter(state: StreamsState): void {
    const former = this.#state;
    if (former === state) return;
    this.#state = state;
    this.#settle();
    this.#call('state', state, former);
  }

  #settle(): void {
    const state = this.#state;
    if (state !== 'running' && state !== 'error' && state !== 'closed') return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve, reject } of waiting) {
      if (state === 'running') resolve();
      else reject(this.#error ?? this.#closedError());
    }
  }

  #closedError(): UserError {
    return new UserError('STREAMS_CLOSED', `the application "${this.id}" is closed`);
  }

  #call<E extends keyof StreamsEvents>(event: E, ...details: StreamsEvents[E]): void {
    const listeners: Set<Listener<E>> = this.#listeners[event];
    for (const listener of listeners) {
      try {
        listener(...details);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

const checkedCache = (cache: EmitCache): EmitCache => {
  const { bytes, intervalMs = 1 } = cache;
  const problem =
    bytes >= 0
      ? intervalMs > 0 && intervalMs < 2 ** 31
        ? undefined
        : `for ${intervalMs} ms`
      : `within ${bytes} bytes`;
  if (problem === undefined) return cache;
  throw new UserError('STREAMS_CACHE_INVALID', `updates cannot be merged ${problem}`, {
    hint: 'Give { bytes, intervalMs }: a number of bytes from 0, and milliseconds above 0.',
  });
};
