/**
 * The segment files that are open: the most recently used ones, up to a limit. A log has as many segments as its data
 * asks for, and a process may have a few hundred files open (often 1,024 or less, sockets and stores included), so a
 * file is opened when it is needed and closed when others are needed more.
 *
 * A file may be closed with writes that are not synced yet; its sync opens it again. Linux reports a write that failed
 * in between to whoever syncs next, also through a descriptor opened later (since 4.17; PostgreSQL relies on the same).
 */

import { FileError, type OpenFile } from '../../base/index.ts';
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

export class OpenFiles {
  limit: number;
  /** For the syncs of these files. */
  readonly syncs = new SyncSlots();
  /** The least recently used first. */
  readonly #open = new Map<FileUser, OpenFile>();
  #latest: FileUser | undefined;
  #latestFile: OpenFile | undefined;

  constructor(limit: number) {
    this.limit = limit;
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

  /** Opens a file. Other parts of the process have files open too: when there is no room for another one, some of ours
   *  make way for good. */
  withRoom(open: () => OpenFile): OpenFile {
    for (;;) {
      try {
        return open();
      } catch (cause) {
        const full = cause instanceof FileError && (cause.code === 'EMFILE' || cause.code === 'ENFILE');
        if (!full || this.#open.size === 0) throw cause;
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
