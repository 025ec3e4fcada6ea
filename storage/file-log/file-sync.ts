/**
 * Group commit of one file: at most one `datasync` under way and one in line.
 *
 * Whoever needs what is written so far on the disk asks `sync`. The first to ask starts one; those who come while it runs share
 * the next, which covers all of them. However many commit at once, the disk sees one call after the other, each as late as can be.
 *
 * A sync that failed is never tried again: what the kernel could not write it may have forgotten, and a second call would report success.
 * The owner hears of it once and stops acknowledging.
 */

import type { OpenFile } from '../../base/index.ts';

export class FileSync {
  readonly #file: () => OpenFile;
  readonly #failed: (cause: unknown) => void;
  /** Counts writes; what a sync covers is the count at its start. */
  #written = 0;
  #synced = 0;
  #running: Promise<void> | undefined;
  #covers = 0;
  #next: Promise<void> | undefined;
  #abandoned = false;

  constructor(file: () => OpenFile, failed: (cause: unknown) => void) {
    this.#file = file;
    this.#failed = failed;
  }

  /** Something was written. */
  touch(): void {
    this.#written++;
  }

  get dirty(): boolean {
    return !this.#abandoned && this.#synced < this.#written;
  }

  /** The file is not used any more, and may be gone: who still waits for a sync that has not begun is answered. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Resolves when everything written before the call is on the disk. */
  sync(): Promise<void> {
    if (!this.dirty) return Promise.resolve();
    if (this.#running === undefined) return this.#start();
    if (this.#covers === this.#written) return this.#running;
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#abandoned ? undefined : this.#start();
    });
    return this.#next;
  }

  /** Puts everything written so far on the disk before it returns. */
  now(): void {
    if (!this.dirty) return;
    const covers = this.#written;
    try {
      this.#file().datasyncSync();
    } catch (cause) {
      this.#failed(cause);
      throw cause;
    }
    this.#synced = covers;
  }

  #start(): Promise<void> {
    const covers = this.#written;
    this.#covers = covers;
    const running = this.#file()
      .datasync()
      .then(
        () => {
          this.#synced = Math.max(this.#synced, covers);
          this.#running = undefined;
        },
        (cause: unknown) => {
          // `#running` stays rejected: every later call fails as well.
          this.#failed(cause);
          throw cause;
        },
      );
    this.#running = running;
    // Whoever asked sees the failure; when nobody waits any more it must not end the process.
    running.catch(() => undefined);
    return running;
  }
}
