/**
 * The host of tasks in a worker thread: it reads segment files itself (by the log's shared view), owns the LevelDB
 * shards of its tasks, and builds topologies from plan data by a module that is named to it (default export:
 * `(plan, world, port) => Topology`), or loads the modules of applications (`topology-module.ts`).
 */

import type { MessagePort } from 'node:worker_threads';
import { assert } from '../../base/index.ts';
import { installNative, nodeFiles, systemClock, systemRandom } from '../../base/node/index.ts';
import { openSharedReaders, type SharedLogView } from '../../storage/file-log/index.ts';
import { destroyLevelShard, openLevelShard } from '../stores/level-store.ts';
import type { Topology } from '../topology.ts';
import type { FromHost, ToHost } from './protocol.ts';
import { TaskHost } from './task-host.ts';
import { buffersOf, type HostSettings, type UserCalls } from './threads.ts';
import { loadTopology } from './topology-module.ts';

/** The first message to the thread: what its host works with. */
export interface HostData {
  readonly kind: 'begin';
  readonly view: SharedLogView;
  readonly state: string;
  readonly builderPort: MessagePort | undefined;
  readonly settings: HostSettings;
  /** Three 32-bit words: the run at work, the call of a user's code (0: none), and the number of such calls. */
  readonly marks: SharedArrayBuffer;
}

/** `world`: the time and the random numbers that functions in a topology get, and the mark for calls of users' code. */
type Build = (
  plan: unknown,
  world: { now(): number; random(): number; readonly userCalls: UserCalls },
  port: MessagePort | undefined,
) => Topology | Promise<Topology>;

/** Loads the builder, and runs the host from the first message on. */
export const runHost = async (port: MessagePort | null, builder: string): Promise<void> => {
  assert(port !== null, 'a task host was started outside of a worker');
  const waiting: ToHost[] = [];
  let receive = (message: ToHost): void => {
    waiting.push(message);
  };
  const beginning = new Promise<HostData>((resolve) => {
    port.on('message', (message: HostData | ToHost) => {
      if (message.kind === 'begin') resolve(message);
      else receive(message);
    });
  });
  installNative();
  const { default: build } = (await import(builder)) as { readonly default?: Build };
  assert(typeof build === 'function', () => `the default export of ${builder} builds no topology`);
  const { view, state, builderPort, settings, marks } = await beginning;
  const chance = systemRandom();
  const marked = new Int32Array(marks);
  const userCalls: UserCalls = {
    begin(call) {
      Atomics.add(marked, 2, 1);
      Atomics.store(marked, 1, call);
    },
    end: () => Atomics.store(marked, 1, 0),
  };
  const world = { now: () => systemClock.now(), random: () => chance.float(), userCalls };
  const host = new TaskHost({
    log: openSharedReaders(view, nodeFiles),
    clock: systemClock,
    timers: systemClock,
    soon: setImmediate,
    openShard: async (shard, onDamage) => {
      if (settings.alone) await destroyLevelShard(state, shard);
      return openLevelShard(state, shard, { onDamage });
    },
    atWork: (run) => Atomics.store(marked, 0, run),
    build: (plan) => build(plan, world, builderPort),
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
