/**
 * Sessions: records of a key that follow each other within a gap; [time of the first, time of the last], both
 * inclusive.
 *
 * A session is not a function of a time alone: a record at t makes one session of the point [t, t] and of all sessions
 * that overlap [t − gap, t + gap]. So sessions of a key lie more than a gap apart.
 */

export interface SessionWindows {
  /** 0: sessions of one moment. */
  readonly gapMs: number;
  /** A session that a record belongs to ends here at the earliest. */
  earliestEnd(timestamp: number): number;
  /** And begins here at the latest. */
  latestStart(timestamp: number): number;
}

export const sessions = (gapMs: number): SessionWindows => ({
  gapMs,
  earliestEnd: (timestamp) => timestamp - gapMs,
  latestStart: (timestamp) => timestamp + gapMs,
});
