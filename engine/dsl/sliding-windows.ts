/** Windows that slide with the records: each holds records that lie within a time difference of each other. */

import { sliding, type SlidingWindows as Windows } from '../windows/sliding.ts';
import { graceOf, timeOf } from './window-times.ts';

export class SlidingWindows {
  readonly windows: Windows;
  readonly graceMs: number;

  private constructor(differenceMs: number, graceMs: number) {
    this.windows = sliding(timeOf('a time difference of', differenceMs, 0));
    this.graceMs = graceOf(graceMs);
  }

  /** Windows `[start, start + differenceMs]`, both inclusive, that take records until `graceMs` after their end, by the
   *  writer's stream time. */
  static ofTimeDifferenceAndGrace(differenceMs: number, graceMs: number): SlidingWindows {
    return new SlidingWindows(differenceMs, graceMs);
  }

  static ofTimeDifferenceWithNoGrace(differenceMs: number): SlidingWindows {
    return new SlidingWindows(differenceMs, 0);
  }

  get differenceMs(): number {
    return this.windows.differenceMs;
  }
}
