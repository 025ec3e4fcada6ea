/**
 * Time is injected: code that needs the time or a timer gets a `Clock` or `Timers`, and never uses the platform's own.
 * `ManualClock` is both. It stays at one time until it is advanced, and fires due timers in order of time, then of
 * arming.
 */

export interface Clock {
  /** Wall time in whole epoch milliseconds. May jump. */
  now(): number;
  /** Milliseconds since some fixed moment, with a fraction. Never goes back. */
  monotonic(): number;
}

export interface Timers {
  /** Calls `run` once after `ms`; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class ManualClock implements Clock, Timers {
  #now: number;
  #elapsed = 0;
  #armed = 0;
  #due: Due[] = [];

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return Math.floor(this.#now);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, run: () => void): () => void {
    const due: Due = { at: this.#elapsed + Math.max(0, ms), order: this.#armed++, run };
    this.#due.push(due);
    return () => {
      this.#due = this.#due.filter((other) => other !== due);
    };
  }

  /** How many timers are armed. */
  get pending(): number {
    return this.#due.length;
  }

  /** Goes on by `ms`, firing what falls due on the way, each at its own moment. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    while (this.#fireNext(end));
    this.#now += end - this.#elapsed;
    this.#elapsed = end;
  }

  /** Goes on to the next timer and fires it; false when none is armed. */
  advanceToNext(): boolean {
    return this.#fireNext(Number.POSITIVE_INFINITY);
  }

  /** Sets the wall clock alone, as an administrator or NTP would. */
  jump(now: number): void {
    this.#now = now;
  }

  #fireNext(end: number): boolean {
    let next: Due | undefined;
    for (const due of this.#due) {
      if (due.at > end) continue;
      if (next === undefined || due.at < next.at || (due.at === next.at && due.order < next.order)) next = due;
    }
    if (next === undefined) return false;
    const chosen = next;
    this.#due = this.#due.filter((due) => due !== chosen);
    this.#now += Math.max(0, chosen.at - this.#elapsed);
    this.#elapsed = Math.max(this.#elapsed, chosen.at);
    chosen.run();
    return true;
  }
}
