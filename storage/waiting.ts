/**
 * Fetches that wait: shared by every log whose partitions live in this thread.
 *
 * A fetch tries at once; when it has nothing it waits until a partition it asked for has changed, until `wakeup`, until
 * its time is over, or until the log closes, and tries once more.
 */

import type { Timers } from '../base/index.ts';
import { foundNothing } from './fetched.ts';
import type { Fetched } from './log.ts';

/** The fetches that wait on a partition; `changed` is called by the log after an append, a marker or a change of the
 *  start. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  changed(): void {
    if (this.#waiting.size === 0) return;
    for (const wake of [...this.#waiting]) wake();
  }

  add(wake: () => void): void {
    this.#waiting.add(wake);
  }

  remove(wake: () => void): void {
    this.#waiting.delete(wake);
  }
}

export class FetchWait {
  #wake: (() => void) | undefined;
  #woken = false;

  /** Ends the wait under way, or else the next one. */
  wakeup(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Tries until there is something, the time is over, or `wakeup` is called; `tryNow` reads what there is. */
  async until(
    tryNow: () => Fetched,
    on: () => readonly Waiters[],
    maxWaitMs: number,
    timers: Timers,
  ): Promise<Fetched> {
    let left = true;
    let cancel: (() => void) | undefined;
    try {
      for (;;) {
        const found = tryNow();
        if (!foundNothing(found) || maxWaitMs <= 0 || !left || this.#woken) return found;
        const partitions = on();
        await new Promise<void>((resolve) => {
          this.#wake = () => {
            this.#wake = undefined;
            for (const waiters of partitions) waiters.remove(wake);
            resolve();
          };
          const wake = () => this.#wake?.();
          for (const waiters of partitions) waiters.add(wake);
          cancel ??= timers.after(maxWaitMs, () => {
            left = false;
            this.#wake?.();
          });
        });
      }
    } finally {
      this.#woken = false;
      cancel?.();
    }
  }
}
