/** Sessions: records of a key that follow each other within a gap of inactivity. */

import { type SessionWindows as Sessions, sessions } from '../windows/session.ts';
import { graceOf, timeOf } from './window-times.ts';

export class SessionWindows {
  readonly sessions: Sessions;
  readonly graceMs: number;

  private constructor(gapMs: number, graceMs: number) {
    this.sessions = sessions(timeOf('a gap of', gapMs, 1));
    this.graceMs = graceOf(graceMs);
  }

  /** Records at most `gapMs` apart are of one session. It takes records until `graceMs` after the gap behind its last
   *  record, by the writer's stream time. */
  static ofInactivityGapAndGrace(gapMs: number, graceMs: number): SessionWindows {
    return new SessionWindows(gapMs, graceMs);
  }

  static ofInactivityGapWithNoGrace(gapMs: number): SessionWindows {
    return new SessionWindows(gapMs, 0);
  }

  get gapMs(): number {
    return this.sessions.gapMs;
  }
}
