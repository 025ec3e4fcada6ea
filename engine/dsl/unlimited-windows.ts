/** One window that begins at a time and never ends: an aggregate of all records from then on. It takes no grace, and is
 *  never emitted as closed. */

import type { TimeWindows as Starts } from '../windows/tumbling.ts';
import { unlimited } from '../windows/unlimited.ts';
import { timeOf } from './window-times.ts';

export class UnlimitedWindows {
  readonly starts: Starts;
  readonly startMs: number;
  readonly graceMs = 0;

  private constructor(startMs: number) {
    this.startMs = startMs;
    this.starts = unlimited(startMs);
  }

  /** From 1970 on. */
  static of(): UnlimitedWindows {
    return new UnlimitedWindows(0);
  }

  /** From this time on, epoch milliseconds, at least 0. Records before it are in no window, and left out. */
  startOn(startMs: number): UnlimitedWindows {
    return new UnlimitedWindows(timeOf('the start', startMs, 0));
  }

  get sizeMs(): number {
    return this.starts.sizeMs;
  }
}
