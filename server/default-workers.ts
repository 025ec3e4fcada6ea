/** Threads that run queries where nobody has given a number: one core is left to the log and to HTTP. */

import { availableParallelism } from 'node:os';

export const defaultWorkers = (): number => Math.max(1, availableParallelism() - 1);
