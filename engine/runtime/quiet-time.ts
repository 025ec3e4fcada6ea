/**
 * Time on a quiet stream: how far a query's stream time goes while no record comes, and when that is worth a commit.
 *
 * Stream time moves with records. Where none come, windows stay open, results wait. What a query may do instead is its
 * `ClosingTime`:
 *
 *   stream time              nothing: results wait for the next record (Kafka Streams' rule; the default).
 *   … with idleMs            When no source has had a record for `idleMs`, stream time goes on as time passes: it is what
 *                            it was at the last record, plus the time since then, less `idleMs`. A source partition that
 *                            is read to its end holds the others back (`watermarks.ts`) until it had none for `idleMs`.
 *   wall clock               Whenever nothing is left to read, stream time is what the clock of the host shows; while
 *                            there is, it goes by the records, but never beyond the clock.
 *
 * Stream time is moved at commits only, for all operators of the query, when the first of them has something that is
 * due (`Processor.due`); a timer begins that commit. It is kept with the operators' state (`../operator-time.ts`) by
 * the commit that has its results. So what is late does not change by a restart: a record is late for a window when the
 * window had closed in committed state, or by the records before it (`ProcessorContext.originTime`). A query that
 * starts again waits `idleMs` again from then on.
 */

import type { Clock } from '../../base/index.ts';

/** By what windows close, results become final, and joins give up waiting. */
export type ClosingTime = { readonly by: 'stream time'; readonly idleMs?: number } | { readonly by: 'wall clock' };

/** Whether stream time goes on without records. */
export const movesByItself = (closing: ClosingTime): boolean =>
  closing.by === 'wall clock' || closing.idleMs !== undefined;

/** What is known at a commit. */
export interface QuietCommit {
  /** Records of a source were read in it. */
  readonly came: boolean;
  /** The stream time from which on something is sent without a record; Infinity: nothing waits. */
  readonly due: number;
  /** The largest time that an operator has seen, or was moved to. */
  readonly time: number;
  /** The largest low watermark measured (`watermarks.ts`); −Infinity: none was. */
  readonly low: number;
}

/** After a look that changed nothing. */
const leastWaitMs = 1000;

export class QuietTime {
  readonly #closing: ClosingTime;
  readonly #clock: Clock;
  /** When a record came last, by the monotonic clock, and the time that the query had reached then. */
  #since: number;
  #base = Number.NEGATIVE_INFINITY;
  #due = Number.POSITIVE_INFINITY;
  #low = Number.NEGATIVE_INFINITY;
  /** The low watermark has moved at the last commit: what it makes due goes with the next. */
  #lowMoved = false;
  /** Nothing is known of a query that has just begun. */
  #known = false;
  /** Where the commit under way moves stream time to. */
  #passed = Number.NEGATIVE_INFINITY;
  /** The furthest that it was moved to. */
  #mostPassed = Number.NEGATIVE_INFINITY;
  /** The last commit has left something that was due. */
  #stuck = false;

  constructor(closing: ClosingTime, clock: Clock) {
    this.#closing = closing;
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  committed({ came, due, time, low }: QuietCommit): void {
    if (came || !this.#known) this.#since = this.#clock.monotonic();
    // A query that is paused passes nothing on, and a commit that failed is undone.
    if (time >= this.#passed) this.#mostPassed = Math.max(this.#mostPassed, this.#passed);
    // What has come may reach operators behind repartitions with a later commit only.
    if (time > this.#mostPassed) this.#base = Math.max(this.#base, time);
    if (came) this.#base = Math.max(this.#base, this.#mostPassed);
    this.#known = true;
    this.#stuck = due <= this.#passed;
    this.#passed = Number.NEGATIVE_INFINITY;
    this.#due = due;
    this.#lowMoved = low > this.#low;
    this.#low = low;
  }

  /** Where stream time is moved to by the commit that begins now, when nothing is left to read; −Infinity: nowhere.
   *  `quiet`: nothing was read since the last commit either. */
  pass(quiet: boolean): number {
    this.#passed = quiet || this.#closing.by === 'wall clock' ? this.#reached() : Number.NEGATIVE_INFINITY;
    return this.#passed;
  }

  /** The query stood still, and continues: a source is not idle because it was not read. */
  restart(): void {
    this.#since = this.#clock.monotonic();
  }

  #reached(): number {
    const closing = this.#closing;
    if (closing.by === 'wall clock') return this.#clock.now();
    if (closing.idleMs === undefined || !this.#known) return Number.NEGATIVE_INFINITY;
    const idle = this.#clock.monotonic() - this.#since - closing.idleMs;
    return idle < 0 ? Number.NEGATIVE_INFINITY : Math.floor(this.#base + idle);
  }

  /** Milliseconds until a commit without records is due, when nothing is left to read; undefined: it never is. */
  waitMs(): number | undefined {
    const closing = this.#closing;
    // What a former run has left may be due.
    if (!this.#known) return 0;
    if (this.#due === Number.POSITIVE_INFINITY) return undefined;
    if (this.#lowMoved && this.#due <= this.#low) return 0;
    if (!movesByItself(closing)) return undefined;
    const waitMs =
      closing.by === 'wall clock' ? this.#due - this.#clock.now() : this.#untilReached(closing.idleMs ?? 0);
    return waitMs === undefined ? undefined : Math.max(this.#stuck ? leastWaitMs : 0, waitMs);
  }

  #untilReached(idleMs: number): number | undefined {
    if (this.#base === Number.NEGATIVE_INFINITY) return undefined;
    const more = Math.max(0, this.#due - this.#base);
    return this.#since + idleMs + more - this.#clock.monotonic();
  }
}
