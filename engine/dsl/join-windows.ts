/** How far apart in time two records may lie to be joined. */

import { UserError } from '../../base/index.ts';
import type { JoinTimes } from '../operators/join-times.ts';

/**
 * Records of two streams meet when the other one's time lies within [time − before, time + after] of this one's.
 *
 *   JoinWindows.ofTimeDifferenceWithNoGrace(10_000)                 // at most 10 s apart
 *   JoinWindows.ofTimeDifferenceAndGrace(0, 60_000).after(10_000)   // at most 10 s later; out of order by a minute
 *
 * All in milliseconds. `before` and `after` may be negative, as long as their sum is not: `DSL_WINDOW_INVALID`.
 */
export class JoinWindows implements JoinTimes {
  readonly beforeMs: number;
  readonly afterMs: number;
  /** How long a record that has met none waits for late ones, by stream time, before it is emitted alone. */
  readonly graceMs: number;

  private constructor(times: JoinTimes) {
    const { beforeMs, afterMs, graceMs } = times;
    for (const time of [beforeMs, afterMs]) {
      if (!Number.isInteger(time)) {
        throw new UserError('DSL_WINDOW_INVALID', `a time difference of ${time} ms is not a whole number`);
      }
    }
    if (beforeMs + afterMs < 0) {
      throw new UserError(
        'DSL_WINDOW_INVALID',
        `a join window from ${beforeMs} ms before to ${afterMs} ms after ends before it begins`,
      );
    }
    if (!(Number.isInteger(graceMs) && graceMs >= 0)) {
      throw new UserError('DSL_WINDOW_INVALID', `a window cannot have a grace of ${graceMs} ms`);
    }
    this.beforeMs = beforeMs;
    this.afterMs = afterMs;
    this.graceMs = graceMs;
  }

  static ofTimeDifferenceAndGrace(differenceMs: number, graceMs: number): JoinWindows {
    return new JoinWindows({ beforeMs: differenceMs, afterMs: differenceMs, graceMs });
  }

  static ofTimeDifferenceWithNoGrace(differenceMs: number): JoinWindows {
    return JoinWindows.ofTimeDifferenceAndGrace(differenceMs, 0);
  }

  /** The other record may be earlier by so much. */
  before(beforeMs: number): JoinWindows {
    return new JoinWindows({ beforeMs, afterMs: this.afterMs, graceMs: this.graceMs });
  }

  /** The other record may be later by so much. */
  after(afterMs: number): JoinWindows {
    return new JoinWindows({ beforeMs: this.beforeMs, afterMs, graceMs: this.graceMs });
  }
}
