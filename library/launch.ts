/**
 * Launches the threads that a data directory will need at once: those that own shards with state.
 *
 * They load their modules meanwhile, which takes longer than anything else at a start. So this file imports hardly
 * anything: a program can launch them before it loads the rest of the library.
 */

import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { threadsOwning } from '../engine/runtime/thread-shards.ts';
import { LaunchedThreads } from '../engine/runtime/worker.ts';

/** The module by which a worker makes a topology of a plan; in sources and in the build. */
export const workerBuilder = import.meta.resolve(
  import.meta.url.endsWith('.ts') ? '../sql/compile/worker-builder.ts' : '../sql/compile/worker-builder.js',
);

/** `heapMb`: upper bound of a thread's JavaScript heap, in MiB; what Node sets where it is left out. */
export const launchThreads = (data: string, workers: number, heapMb?: number): LaunchedThreads => {
  const state = join(resolve(data), 'state');
  const names = existsSync(state) ? readdirSync(state) : [];
  const shards = names.map((name) => Number(/^shard-(\d+)$/.exec(name)?.[1]));
  return new LaunchedThreads(workerBuilder, threadsOwning(shards, workers), heapMb);
};
