/** Windows of one size, aligned to the epoch: tumbling, or hopping where they advance by less than their size. */

import { UserError } from '../../base/index.ts';
import { hopping, mostOverlapping } from '../windows/hopping.ts';
import { type TimeWindows as Starts, tumbling } from '../windows/tumbling.ts';
import { graceOf, timeOf } from './window-times.ts';

export class TimeWindows {
  readonly starts: Starts;
  readonly graceMs: number;

  private constructor(starts: Starts, graceMs: number) {
    this.starts = starts;
    this.graceMs = graceMs;
  }

  /** Tumbling windows `[start, start + sizeMs)` that take records until `graceMs` after their end, by the writer's
   *  stream time. */
  static ofSizeAndGrace(sizeMs: number, graceMs: number): TimeWindows {
    return new TimeWindows(tumbling(timeOf('the size', sizeMs, 1)), graceOf(graceMs));
  }

  static ofSizeWithNoGrace(sizeMs: number): TimeWindows {
    return TimeWindows.ofSizeAndGrace(sizeMs, 0);
  }

  /** The same windows, one of which begins every `advanceMs`: more than 0, at most the size. */
  advanceBy(advanceMs: number): TimeWindows {
    const { sizeMs } = this;
    if (!(Number.isSafeInteger(advanceMs) && advanceMs > 0 && advanceMs <= sizeMs)) {
      throw new UserError('DSL_WINDOW_INVALID', `windows of ${sizeMs} ms cannot advance by ${advanceMs} ms`, {
        hint: `They advance by a whole number of milliseconds, from 1 to their size.`,
      });
    }
    if (sizeMs / advanceMs > mostOverlapping) {
      throw new UserError(
        'DSL_WINDOW_INVALID',
        `windows of ${sizeMs} ms that advance by ${advanceMs} ms would put each record into more than ${mostOverlapping} windows`,
        { hint: 'Advance by more at a time, or make the windows smaller.' },
      );
    }
    return new TimeWindows(hopping(sizeMs, advanceMs), this.graceMs);
  }

  get sizeMs(): number {
    return this.starts.sizeMs;
  }

  get advanceMs(): number {
    return this.starts.advanceMs;
  }
}
