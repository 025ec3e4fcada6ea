/**
 * Group commit of one file: at most one `datasync` under way and one in line.
 *
 * `sync` answers when what is written so far is on the disk. The first call starts a sync; calls that come while it
 * runs share the next, which covers all of them. However many commit at once, the disk sees one call after the other,
 * each as late as can be.
 *
 * A sync that failed is never tried again: the kernel may have forgotten what it could not write, and a second call
 * would report success. The log is told once, and stops acknowledging. (A file that could not be opened for the sync is
 * another matter: nothing is known to be lost, and the next call tries again.)
 */

import type { OpenFile } from '../../base/index.ts';

/** Bounds how many syncs are under way, because each keeps its file open. More at once than Node has threads for would
 *  not be faster. */
export class SyncSlots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count = 16) {
    this.#free = count;
  }

  async run(sync: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await sync();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

export class FileSync {
  readonly #file: () => OpenFile;
  readonly #slots: SyncSlots;
  readonly #failed: (cause: unknown) => void;
  /** Counts writes; what a sync covers is the count at its start. */
  #written = 0;
  #synced = 0;
  #running: Promise<void> | undefined;
  #covers = 0;
  #next: Promise<void> | undefined;
  #abandoned = false;

  /** `file` opens it, or answers the open one. `failed` is called when a sync failed. */
  constructor(file: () => OpenFile, slots: SyncSlots, failed: (cause: unknown) => void) {
    this.#file = file;
    this.#slots = slots;
    this.#failed = failed;
  }

  /** Something was written. */
  touch(): void {
    this.#written++;
  }

  get dirty(): boolean {
    return !this.#abandoned && this.#synced < this.#written;
  }

  /** The file is not used any more, and may be gone: calls that wait for a sync that has not begun are answered. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Resolves when everything written before the call is on the disk. */
  sync(): Promise<void> {
    if (!this.dirty) return Promise.resolve();
    if (this.#running === undefined) return this.#start();
    if (this.#covers >= this.#written) return this.#running;
    this.#next ??= this.#running.then(
      () => this.#goOn(),
      // Only a failed sync is still there.
      (cause: unknown) => (this.#running === undefined ? this.#goOn() : Promise.reject(cause)),
    );
    return this.#next;
  }

  /** The sync that was in line. */
  #goOn(): Promise<void> {
    this.#next = undefined;
    return this.sync();
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
    // Until it begins it covers everything.
    this.#covers = Number.POSITIVE_INFINITY;
    // Not within this call: a file that cannot be opened makes `#running` undefined, which must come after it is set.
    const running = Promise.resolve().then(() => this.#slots.run(() => this.#sync()));
    this.#running = running;
    // The callers see the failure; without callers it must not end the process.
    running.catch(() => undefined);
    return running;
  }

  async #sync(): Promise<void> {
    const covers = this.#written;
    this.#covers = covers;
    if (!this.dirty) {
      this.#running = undefined;
      return;
    }
    let file: OpenFile;
    try {
      file = this.#file();
    } catch (cause) {
      // See above: the next call tries again.
      this.#running = undefined;
      throw cause;
    }
    try {
      await file.datasync();
    } catch (cause) {
      // `#running` stays rejected: every later call fails as well.
      this.#failed(cause);
      throw cause;
    }
    this.#synced = Math.max(this.#synced, covers);
    this.#running = undefined;
  }
}
