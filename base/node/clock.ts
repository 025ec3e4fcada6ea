/** The machine's clock and timers. */

import { performance } from 'node:perf_hooks';
import type { Clock, Timers } from '../clock.ts';

/** Node fires a longer timer at once. */
const longestMs = 2 ** 31 - 1;

export const systemClock: Clock & Timers = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      timer = left <= longestMs ? setTimeout(run, left) : setTimeout(() => arm(left - longestMs), longestMs);
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};
