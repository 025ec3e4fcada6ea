/**
 * Expiry by time: from which time on entries are kept, and the windows there are.
 *
 * Keys of a store that expires begin with the start of a window: the window's own, or the start of a stretch of time
 * that holds the entry's time (`windowMs` long). What lies before `below` has expired: it is absent at once to the open
 * transaction. The commit drops whole windows from memory, and the next checkpoint deletes their range. So a rollback
 * has nothing to bring back, and dropping is exact whatever lies on the disk.
 */

import type { EntrySum } from './entry-sum.ts';
import { WindowIndex } from './window-index.ts';

export class Expiry {
  windows = new WindowIndex();
  /** Times before this one are gone for the open transaction. */
  below = Number.NEGATIVE_INFINITY;
  /** The same, as committed. */
  committedBelow = Number.NEGATIVE_INFINITY;
  readonly windowMs: number;
  /** Windows that have expired and still are in the store's sum, until the expiry itself is written: their starts and
   *  checksums. */
  #dropped: { readonly windowStart: number; readonly checksum: number }[] = [];

  /** `windowMs` 0: each window start is a window of its own, which expires with its start. */
  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  /** The start of the window that holds a time. */
  windowOf(time: number): number {
    return this.windowMs === 0 ? time : Math.floor(time / this.windowMs) * this.windowMs;
  }

  /** Windows that start before have wholly expired, as committed. */
  get committedWindow(): number {
    return this.windowOf(this.committedBelow);
  }

  /** False: nothing more expires. */
  raise(time: number): boolean {
    if (time <= this.below) return false;
    this.below = time;
    return true;
  }

  /** Reads what a checkpoint holds: nothing is in memory yet. */
  restore(time: number): void {
    this.below = this.committedBelow = time;
  }

  /** What has expired in the open transaction counts for all from now on. `drop` has to empty each window's list. */
  commit(drop: (list: number) => void): void {
    this.windows.commit();
    if (this.below <= this.committedBelow) return;
    this.committedBelow = this.below;
    this.windows.expireBelow(this.committedWindow, (list, windowStart) => {
      const checksum = this.windows.checksum(list);
      if (checksum !== 0) this.#dropped.push({ windowStart, checksum });
      drop(list);
    });
  }

  rollback(): void {
    this.windows.rollback();
    this.below = this.committedBelow;
  }

  /** An expiry was put into a batch: expired windows count no more, whether their entries are cleared already or
   *  not. */
  leaveOut(time: number, sum: EntrySum): void {
    const start = this.windowOf(time);
    this.#dropped = this.#dropped.filter(({ windowStart, checksum }) => {
      if (windowStart >= start) return true;
      sum.replace(checksum, 0);
      return false;
    });
  }

  reset(): void {
    this.windows = new WindowIndex();
    this.#dropped = [];
    this.below = this.committedBelow = Number.NEGATIVE_INFINITY;
  }
}
