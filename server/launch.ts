/**
 * Starts a server in the order that takes the least time: threads that will be needed load their modules while this one
 * loads the server. Hardly anything is imported here.
 */

import { launchThreads } from '../library/launch.ts';
import { defaultWorkers } from './default-workers.ts';
import type { RunningServer, ServerOptions } from './index.ts';

/** Rejects as `startServer` does. */
export const launchServer = async (options: ServerOptions): Promise<RunningServer> => {
  const { data, functions, workers = defaultWorkers() } = options;
  // Functions of users set limits for threads, which are not known yet.
  const launched = functions === undefined ? launchThreads(data, workers) : undefined;
  const { startServer } = await import('./index.ts');
  return startServer({ ...options, workers }, launched);
};
