/** How far apart in time the records of a stream-stream join may lie, and how long they are kept for that. */

/** All in milliseconds. `beforeMs` and `afterMs`: how far a right record may lie before and after a left one. Either
 *  may be negative, their sum is not. */
export interface JoinTimes {
  readonly beforeMs: number;
  readonly afterMs: number;
  /** How long a window waits for late records after its end, by stream time. */
  readonly graceMs: number;
}

export interface BySide {
  readonly left: number;
  readonly right: number;
}

/**
 * A record is kept while its time >= stream time − `keptMs`.
 *
 * The last that it may meet comes `ahead` later, and is in time for it within the grace; while one that looks back by
 * `behind` has its own window open, and its own grace, this one is kept too. So it is before + after + grace, unless a
 * bound is negative.
 */
export const keptMs = ({ beforeMs, afterMs, graceMs }: JoinTimes): BySide => ({
  left: afterMs + graceMs + Math.max(0, beforeMs),
  right: beforeMs + graceMs + Math.max(0, afterMs),
});

/** A record's window is closed when its time + `closesMs` < stream time. */
export const closesMs = ({ beforeMs, afterMs, graceMs }: JoinTimes): BySide => ({
  left: afterMs + graceMs,
  right: beforeMs + graceMs,
});

/** Retention times of the stores of both sides: what is as old as `keptMs` is still there. */
export const joinRetention = (times: JoinTimes): BySide => {
  const { left, right } = keptMs(times);
  return { left: left + 1, right: right + 1 };
};

export const whyLate = (timestamp: number, keptMs: number, time: number): string =>
  `the record of ${timestamp} is not kept for later ones: stream time is ${time}, and records are kept for ${keptMs} ms`;
