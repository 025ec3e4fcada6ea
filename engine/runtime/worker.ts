/**
 * Hosts in worker threads. This file is both ends: `workerThreads` starts a thread on this very file, and in that
 * thread it runs a task host.
 *
 * The worker reads segment files itself (by the log's shared view), owns the LevelDB shards of its tasks, and builds
 * topologies from plan data by a module that is named to it (default export: `(plan, world, options) => Topology`), or
 * loads the modules of applications (`topology-module.ts`).
 * What crosses the border: messages of `protocol.ts`, small but for encoded batches, whose memory is *transferred*, to
 * the log's thread and back when the log has answered: no byte of a batch is copied on the way.
 *
 * The only file of the engine that uses `node:worker_threads`.
 */

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { assert } from '../../base/index.ts';
import { installNative, nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';
import { type FileLog, openSharedReaders, type SharedLogView } from '../../storage/file-log/index.ts';
import { destroyLevelShard, openLevelShard } from '../stores/level-store.ts';
import type { Topology } from '../topology.ts';
import type { FromHost, ToHost } from './protocol.ts';
import { TaskHost } from './task-host.ts';
import type { HostSettings, RemoteHost, WorkerOptions } from './threads.ts';
import { loadTopology } from './topology-module.ts';

export interface WorkerThreadsOptions {
  readonly count: number;
  readonly log: FileLog;
  /** Directory of the state shards. */
  readonly state: string;
  /** URL of the module that builds topologies. */
  readonly builder: string;
  /** What the builder is given with each plan; copied to the thread. */
  readonly builderOptions?: unknown;
  /** Upper bound of a thread's JavaScript heap, in MiB; what Node sets where it is left out. Memory of stores and
   *  batches lies outside of it. */
  readonly heapMb?: number;
}

interface HostData {
  readonly role: 'millrace task host';
  readonly view: SharedLogView;
  readonly state: string;
  readonly builder: string;
  readonly builderOptions: unknown;
  readonly settings: HostSettings;
  /** One 32-bit word: the run at work. */
  readonly atWork: SharedArrayBuffer;
}

/** Worker threads for a `Runtime`, each started when the first task needs it. */
export const workerThreads = ({
  count,
  log,
  state,
  builder,
  builderOptions,
  heapMb,
}: WorkerThreadsOptions): WorkerOptions => ({
  count,
  spawn(_thread, settings, receive, died): RemoteHost {
    const view = log.exportView();
    const atWork = new SharedArrayBuffer(4);
    const data: HostData = { role: 'millrace task host', view, state, builder, builderOptions, settings, atWork };
    const worker = new Worker(new URL(import.meta.url), {
      workerData: data,
      transferList: [view.port],
      ...(heapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMb } }),
    });
    let ended = false;
    let cause: Error | undefined;
    worker.on('message', receive);
    worker.on('error', (error: unknown) => {
      cause = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', (code) => {
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
        await worker.terminate();
      },
      atWork: () => Atomics.load(new Int32Array(atWork), 0),
    };
  },
});

const buffersOf = ({ buffer }: Uint8Array): ArrayBuffer[] => (buffer instanceof ArrayBuffer ? [buffer] : []);

/** `world`: the time and the random numbers that functions in a topology get. */
type Build = (
  plan: unknown,
  world: { now(): number; random(): number },
  options: unknown,
) => Topology | Promise<Topology>;

const runHost = async ({ view, state, builder, builderOptions, settings, atWork }: HostData): Promise<void> => {
  const port = parentPort;
  assert(port !== null, 'a task host was started outside of a worker');
  const waiting: ToHost[] = [];
  let receive = (message: ToHost): void => {
    waiting.push(message);
  };
  port.on('message', (message: ToHost) => receive(message));
  installNative();
  const { default: build } = (await import(builder)) as { readonly default?: Build };
  const chance = systemRandom();
  const world = { now: () => systemClock.now(), random: () => chance.float() };
  assert(typeof build === 'function', () => `the default export of ${builder} builds no topology`);
  const working = new Int32Array(atWork);
  const host = new TaskHost({
    log: openSharedReaders(view, nodeFiles),
    clock: systemClock,
    timers: systemClock,
    soon: setImmediate,
    openShard: async (shard, onDamage) => {
      if (settings.alone) await destroyLevelShard(state, shard);
      return openLevelShard(state, shard, { onDamage });
    },
    atWork: (run) => Atomics.store(working, 0, run),
    build: (plan) => build(plan, world, builderOptions),
    load: loadTopology,
    hashSeed: settings.hashSeed,
    limits: settings.limits,
    memory: settings.memory,
    post: (message: FromHost) =>
      port.postMessage(message, message.kind === 'batch' || message.kind === 'rows' ? buffersOf(message.bytes) : []),
  });
  receive = (message) => host.receive(message);
  waiting.forEach(receive);
};

const isHostData = (data: unknown): data is HostData =>
  typeof data === 'object' && data !== null && 'role' in data && data.role === 'millrace task host';

// No `await` here: `require('millrace')` loads only modules without a top-level await. A rejection ends the thread as
// an error.
if (!isMainThread && isHostData(workerData)) void runHost(workerData);
