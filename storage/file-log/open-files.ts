/**
 * The segment files that are open: the most recently used ones, up to a limit. A log has as many segments as its data
 * asks for, and a process may have a few hundred files open (often 1,024 or less, sockets and stores included), so a
 * file is opened when it is needed and closed when others are needed more.
 *
 * A file may be closed with writes that are not synced yet; its sync opens it again. Linux reports a write that failed
 * in between to the next sync, also through a descriptor opened later (since 4.17; PostgreSQL relies on the same).
 */

import { assert, FileError, type OpenFile } from '../../base/index.ts';
import { SyncSlots } from './file-sync.ts';

/** What a file is open for. */
export interface FileUser {
  /** Opens the file. */
  readonly openFile: () => OpenFile;
}

export const defaultOpenFiles = 128;

/** How many a thread keeps open that reads the log itself, of a log that keeps this many. */
export const readerOpenFiles = (openFiles: number): number => Math.max(8, Math.floor(openFiles / 4));

/** How many files are left to others once the process ran out of them. */
const headroom = 8;

/** After so many files opened without a failure the full limit counts again. Where there still is no room, one open in
 *  so many fails, and closes some more. */
const opensUntilFullLimit = 1000;

export class OpenFiles {
  /** How many files may be open now. */
  limit: number;
  readonly #fullLimit: number;
  /** Files opened since the last one that could not be. */
  #opensSinceFailure = 0;
  /** For the syncs of these files. */
  readonly syncs = new SyncSlots();
  /** The least recently used first. */
  readonly #open = new Map<FileUser, OpenFile>();
  #latest: FileUser | undefined;
  #latestFile: OpenFile | undefined;

  constructor(limit: number) {
    assert(limit >= 1, () => `at least one file must be allowed to be open, not ${limit}`);
    this.limit = limit;
    this.#fullLimit = limit;
  }

  get count(): number {
    return this.#open.size;
  }

  /** The open file. It may be closed by the next call for another one. */
  of(user: FileUser): OpenFile {
    if (user === this.#latest && this.#latestFile !== undefined) return this.#latestFile;
    let file = this.#open.get(user);
    if (file === undefined) {
      while (this.#open.size >= this.limit) this.#closeOne();
      file = this.withRoom(user.openFile);
    } else this.#open.delete(user);
    this.#open.set(user, file);
    this.#latest = user;
    this.#latestFile = file;
    return file;
  }

  /** Opens a file. Other parts of the process have files open too: when the process may not open another one, some of
   *  ours are closed, and fewer are kept open for a while. */
  withRoom(open: () => OpenFile): OpenFile {
    for (;;) {
      try {
        const file = open();
        if (++this.#opensSinceFailure >= opensUntilFullLimit) this.limit = this.#fullLimit;
        return file;
      } catch (cause) {
        const full = cause instanceof FileError && (cause.code === 'EMFILE' || cause.code === 'ENFILE');
        if (!full || this.#open.size === 0) throw cause;
        this.#opensSinceFailure = 0;
        this.limit = Math.max(1, this.#open.size - headroom);
        while (this.#open.size >= this.limit) this.#closeOne();
      }
    }
  }

  #closeOne(): void {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.close(oldest);
  }

  /** Closes the file, if it is open. */
  close(user: FileUser): void {
    const file = this.#open.get(user);
    if (file === undefined) return;
    this.#open.delete(user);
    if (this.#latest === user) this.#latest = this.#latestFile = undefined;
    file.close();
  }

  closeAll(): void {
    for (const user of [...this.#open.keys()]) this.close(user);
  }
}
