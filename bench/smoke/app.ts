/** The application of the smoke run as `millrace.streams` takes it: on the calling thread, or in threads of its own. */

import type { StreamsModuleOptions, StreamsOptions } from '../../engine/index.ts';
import { smokeTopology } from './topology.ts';

export const appOf = (threads: number): StreamsOptions | StreamsModuleOptions =>
  threads === 0
    ? { id: 'smoke', topology: smokeTopology() }
    : { id: 'smoke', module: new URL('./topology.ts', import.meta.url), threads };
