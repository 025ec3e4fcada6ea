/**
 * The punctuators of a task: callbacks of its processors that come round by time (`OperatorContext.schedule`).
 *
 * By stream time: the largest time of the records that the task has taken from its inputs. Ticks are the multiples of
 * `everyMs`; one comes right after the record that reaches it, the first one after the first record (as in Kafka).
 * Where records come with origin times (`../origin-time.ts`) they are of several partitions, each at its own point in
 * time: stream time is then at most the low watermark of the sub-topology, and so moves at commits only.
 *
 * By the wall clock: every `everyMs` since the driver of the task first looked. The task has no clock: its driver gives
 * the time, `elapsed` by a clock that never jumps and `now` as the epoch milliseconds that the callback gets.
 *
 * Ticks that were missed are one call, and the next one is due where it would have been without it. Stream time is kept
 * with the task's committed positions (`task-times.ts`), so that ticks continue after a restart. A rollback takes back
 * what was fired, scheduled and cancelled since the last commit: by stream time it comes again with the records, by the
 * wall clock as soon as the task works again.
 */

import { assert } from '../../base/index.ts';
import type { Punctuation } from '../operator.ts';

type Callback = (time: number) => void;

class Scheduled {
  readonly everyMs: number;
  readonly by: Punctuation['by'];
  readonly callback: Callback;
  /** When it is due next, now and as of the last commit. */
  due: number;
  committedDue: number;
  cancelled = false;

  constructor({ everyMs, by }: Punctuation, callback: Callback, due: number) {
    this.everyMs = everyMs;
    this.by = by;
    this.callback = callback;
    this.due = due;
    this.committedDue = due;
  }
}

/** By stream time: due with the next record. By the wall clock: due `everyMs` after the driver looks next. */
const notArmed = Number.NEGATIVE_INFINITY;

export class Punctuators {
  #scheduled: readonly Scheduled[] = [];
  #committed: readonly Scheduled[] = [];
  #streamTime = Number.NEGATIVE_INFINITY;
  #committedTime = Number.NEGATIVE_INFINITY;
  /** The largest time of all records since some came with origin times; before, −Infinity. */
  #carried = Number.NEGATIVE_INFINITY;
  /** When the first of them is due. Infinity: there is none. */
  streamDue = Number.POSITIVE_INFINITY;
  wallDue = Number.POSITIVE_INFINITY;
  /** Some have gone by stream time: how far the task is in time has to be kept. */
  usesStreamTime = false;

  /** Answers what cancels it. */
  schedule(punctuation: Punctuation, callback: Callback): () => void {
    const { everyMs, by } = punctuation;
    assert(Number.isInteger(everyMs) && everyMs > 0, `a punctuator cannot come every ${everyMs} ms`);
    const one = new Scheduled(punctuation, callback, notArmed);
    if (by === 'stream time') this.usesStreamTime = true;
    this.#scheduled = [...this.#scheduled, one];
    this.#look();
    return () => {
      one.cancelled = true;
      this.#scheduled = this.#scheduled.filter((other) => other !== one);
      this.#look();
    };
  }

  /** −Infinity: no record was taken yet. */
  get streamTime(): number {
    return this.#streamTime;
  }

  /** The task begins, where a former run of it had come to this stream time. */
  start(streamTime: number): void {
    const time = Math.max(this.#streamTime, streamTime);
    this.#streamTime = time;
    for (const one of this.#scheduled) {
      if (one.by === 'stream time' && one.due === notArmed && time > notArmed) one.due = tickAfter(one, time);
    }
    this.#look();
    this.commit();
  }

  // ---------------------------------------------------------------- stream time

  /** The task has taken records up to this time; `carried`: with origin times. */
  took(time: number, carried: boolean): void {
    if (carried || this.#carried > Number.NEGATIVE_INFINITY) this.#carried = Math.max(this.#carried, time);
    else if (time > this.#streamTime) this.#streamTime = time;
  }

  /** At a commit: `low` is the low watermark of the sub-topology; Infinity: no origins are mixed there, as far as is
   *  known. `passed`: at least to here, whatever records have come (`quiet-time.ts`). */
  advance(low: number, passed: number): void {
    const carried = low === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : Math.min(low, this.#carried);
    this.#streamTime = Math.max(this.#streamTime, carried, passed);
  }

  /** Calls those that are due by stream time; answers whether there were any. */
  fireByStreamTime(): boolean {
    const time = this.#streamTime;
    return this.streamDue <= time && time > notArmed && this.#fire('stream time', time, time);
  }

  // ---------------------------------------------------------------- wall clock

  /** Calls those that are due by the wall clock; answers whether there were any. */
  fireByWallClock(elapsed: number, now: number): boolean {
    if (this.wallDue > elapsed) return false;
    for (const one of this.#scheduled) {
      if (one.by === 'wall clock' && one.due === notArmed) one.due = elapsed + one.everyMs;
    }
    this.#look();
    return this.wallDue <= elapsed && this.#fire('wall clock', elapsed, now);
  }

  /** In the order in which they are due, then in which they were scheduled. What is scheduled meanwhile waits. */
  #fire(by: Punctuation['by'], until: number, time: number): boolean {
    const due = this.#scheduled
      .filter((one) => one.by === by && one.due <= until)
      .sort((a, b) => compare(a.due, b.due));
    for (const one of due) {
      if (one.cancelled) continue;
      one.due = by === 'stream time' ? tickAfter(one, until) : nextOf(one, until);
      one.callback(time);
    }
    this.#look();
    return due.length > 0;
  }

  #look(): void {
    this.streamDue = Number.POSITIVE_INFINITY;
    this.wallDue = Number.POSITIVE_INFINITY;
    for (const { by, due } of this.#scheduled) {
      if (by === 'stream time') this.streamDue = Math.min(this.streamDue, due);
      else this.wallDue = Math.min(this.wallDue, due);
    }
  }

  // ---------------------------------------------------------------- transactions

  commit(): void {
    this.#committedTime = this.#streamTime;
    this.#committed = this.#scheduled;
    for (const one of this.#scheduled) one.committedDue = one.due;
  }

  rollback(): void {
    this.#streamTime = this.#committedTime;
    this.#scheduled = this.#committed;
    for (const one of this.#scheduled) {
      one.due = one.committedDue;
      one.cancelled = false;
    }
    this.#look();
  }
}

/** The multiple of its interval that comes next after a time. */
const tickAfter = ({ everyMs }: Scheduled, time: number): number => (Math.floor(time / everyMs) + 1) * everyMs;

/** The next one after a time, counted from when it was due. */
const nextOf = ({ due, everyMs }: Scheduled, time: number): number =>
  due + (Math.floor((time - due) / everyMs) + 1) * everyMs;

const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
