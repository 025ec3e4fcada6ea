/**
 * Worker threads for hosts of tasks. This file is both ends: `workerThreads` starts a thread on this very file, and in
 * that thread it loads and runs a host (`worker-host.ts`).
 *
 * What crosses the border: messages of `protocol.ts`, small but for encoded batches, whose memory is *transferred*, to
 * the log's thread and back when the log has answered: no byte of a batch is copied on the way.
 *
 * Loading its modules takes a thread longer than anything else that it does at its start. So this file imports hardly
 * anything, and uses the compile cache of the thread that starts it; and threads that will be needed can be launched
 * before there is a log that they could read.
 */

// As a whole: an older Node, which does not have the calls, is to be refused with a sentence and not by its linker.
import * as modules from 'node:module';
import { dirname } from 'node:path';
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import type { FileLog } from '../../storage/file-log/index.ts';
import { buffersOf, type RemoteHost, UserCallError, type WorkerOptions } from './threads.ts';
import type { HostData } from './worker-host.ts';

export interface WorkerThreadsOptions {
  readonly count: number;
  readonly log: FileLog;
  /** Directory of the state shards. */
  readonly state: string;
  /** URL of the module that builds topologies. */
  readonly builder: string;
  /** Makes the end of a channel for each thread, which its builder is given: by it the builder can ask this thread. */
  readonly builderPort?: () => MessagePort;
  /** Upper bound of a thread's JavaScript heap, in MiB; what Node sets where it is left out. Memory of stores and
   *  batches lies outside of it. */
  readonly heapMb?: number;
  /** Limits of calls that the builder marks (`UserCalls`): how long one may take, and what it is in a sentence. */
  readonly userCalls?: { readonly limitMs: number; readonly describe: (call: number) => string };
  /** Threads that load their modules already, with the same builder; they are used first. */
  readonly launched?: LaunchedThreads;
}

/** What a thread is given when it is launched. */
interface ThreadData {
  readonly role: 'millrace task host';
  readonly builder: string;
  /** Directory of the compile cache; undefined: the thread that launches it uses none. */
  readonly compileCache: string | undefined;
}

/** By then the functions that a start calls are compiled. */
const flushAfterMs = 1000;

const launch = (builder: string, heapMb?: number): Worker => {
  const cache = modules.getCompileCacheDir();
  // Node makes a directory for its version in the one that it is given.
  const compileCache = cache === undefined ? undefined : dirname(cache);
  const data: ThreadData = { role: 'millrace task host', builder, compileCache };
  return new Worker(new URL(import.meta.url), {
    workerData: data,
    ...(heapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMb } }),
  });
};

/** Threads that load their modules, and wait for what they are to do. */
export class LaunchedThreads {
  readonly #waiting = new Set<Worker>();

  /** `heapMb` as in `WorkerThreadsOptions`. */
  constructor(builder: string, count: number, heapMb?: number) {
    for (let i = 0; i < count; i++) {
      const worker = launch(builder, heapMb);
      this.#waiting.add(worker);
      // One that fails is not used: the thread that is started in its place reports why.
      worker.on('error', () => this.#waiting.delete(worker));
      worker.on('exit', () => this.#waiting.delete(worker));
    }
  }

  /** How many have not been taken. */
  get waiting(): number {
    return this.#waiting.size;
  }

  take(): Worker | undefined {
    for (const worker of this.#waiting) {
      this.#waiting.delete(worker);
      return worker;
    }
    return undefined;
  }

  /** Ends those that were not taken. */
  async end(): Promise<void> {
    await Promise.all([...this.#waiting].map((worker) => worker.terminate()));
  }
}

/** Worker threads for a `Runtime`, each started when the first task needs it. */
export const workerThreads = ({
  count,
  log,
  state,
  builder,
  builderPort,
  heapMb,
  userCalls,
  launched,
}: WorkerThreadsOptions): WorkerOptions => ({
  count,
  spawn(_thread, settings, receive, died): RemoteHost {
    const view = log.exportView();
    const marks = new SharedArrayBuffer(12);
    const marked = new Int32Array(marks);
    const worker = launched?.take() ?? launch(builder, heapMb);
    const asks = builderPort?.();
    const begin: HostData = { kind: 'begin', view, state, builderPort: asks, settings, marks };
    worker.postMessage(begin, asks === undefined ? [view.port] : [view.port, asks]);
    let ended = false;
    let cause: Error | undefined;
    worker.on('message', receive);
    const watch =
      userCalls &&
      watchCalls(marked, userCalls.limitMs, (call) => {
        const sentence = `${userCalls.describe(call)} took more than ${userCalls.limitMs} ms for one call`;
        cause = new UserCallError(sentence, { late: true });
        void worker.terminate();
      });
    worker.on('error', (error: unknown) => {
      cause = error instanceof Error ? error : new Error(String(error));
      const call = Atomics.load(marked, 1);
      if (userCalls === undefined || call === 0) return;
      cause = new UserCallError(`${userCalls.describe(call)}: ${cause.message}`, { late: false, cause });
    });
    worker.on('exit', (code) => {
      clearInterval(watch);
      if (ended) return;
      ended = true;
      died(cause ?? new Error(`the thread ended with code ${code}`));
    });
    return {
      post(message) {
        if (!ended) worker.postMessage(message, message.kind === 'acknowledged' ? buffersOf(message.bytes) : []);
      },
      async terminate() {
        ended = true;
        clearInterval(watch);
        await worker.terminate();
      },
      atWork: () => Atomics.load(marked, 0),
    };
  },
});

/** Looks again and again whether a marked call is the one that it was; calls back, once, when it has been for so
 *  long. */
const watchCalls = (marked: Int32Array, limitMs: number, late: (call: number) => void): NodeJS.Timeout => {
  let number = 0;
  let sinceMs = 0;
  const timer = setInterval(
    () => {
      const call = Atomics.load(marked, 1);
      const current = Atomics.load(marked, 2);
      const nowMs = performance.now();
      if (call === 0 || current !== number) {
        number = current;
        sinceMs = nowMs;
      } else if (nowMs - sinceMs > limitMs) {
        clearInterval(timer);
        late(call);
      }
    },
    Math.max(10, limitMs / 8),
  );
  return timer.unref();
};

const isThreadData = (data: unknown): data is ThreadData =>
  typeof data === 'object' && data !== null && 'role' in data && data.role === 'millrace task host';

// ---------------------------------------------------------------- in the thread

const begin = async ({ builder, compileCache }: ThreadData): Promise<void> => {
  if (compileCache !== undefined) modules.enableCompileCache(compileCache);
  const { runHost } = await import('./worker-host.ts');
  await runHost(parentPort, builder);
  // The thread will be terminated, and would leave nothing in the cache.
  if (compileCache !== undefined) setTimeout(modules.flushCompileCache, flushAfterMs).unref();
};

// No `await` here: `require('millrace')` loads only modules without a top-level await. A rejection ends the thread as
// an error.
if (!isMainThread && isThreadData(workerData)) void begin(workerData);
