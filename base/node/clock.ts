/** The machine's clock and timers. */

import { performance } from 'node:perf_hooks';
import type { Clock, Timers } from '../clock.ts';

export const systemClock: Clock & Timers = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
