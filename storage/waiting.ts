/**
 * Fetches that wait: shared by every log whose partitions live in this thread.
 *
 * A fetch tries at once; when it has nothing it waits until a partition it asked for has changed, until `wakeup`, until
 * its time is over, or until the log closes, and tries once more.
 */

import type { Timers } from '../base/index.ts';
import { foundNothing } from './fetched.ts';
import type { Fetched, FetchOptions, FetchRequest, Reader } from './log.ts';

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

class FetchWait {
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

/** What readers need of their log. Both raise an error once it is closed. */
export interface ReadableLog {
  /** What there is now. */
  read(requests: readonly FetchRequest[], options: FetchOptions): Fetched;
  /** Those of the partition. */
  waiters(request: FetchRequest): Waiters;
}

/** The readers of a log whose partitions live in this thread. */
export class LocalReaders {
  readonly #log: ReadableLog;
  readonly #timers: Timers;
  readonly #waits = new Set<FetchWait>();

  constructor(log: ReadableLog, timers: Timers) {
    this.#log = log;
    this.#timers = timers;
  }

  open(): Reader {
    const wait = new FetchWait();
    this.#waits.add(wait);
    return {
      fetch: (requests, options) =>
        wait.until(
          () => this.#log.read(requests, options),
          () => requests.map((request) => this.#log.waiters(request)),
          options.maxWaitMs,
          this.#timers,
        ),
      wakeup: () => wait.wakeup(),
      close: () => {
        this.#waits.delete(wait);
        wait.wakeup();
      },
    };
  }

  /** Ends all waits, when the log is closed. */
  wakeup(): void {
    for (const wait of this.#waits) wait.wakeup();
  }
}
