/**
 * The file system as the layers above see it: injected, so that a test can lose, tear or refuse what was written.
 *
 * Reads and writes are synchronous (they go through the page cache and cost a few microseconds; an asynchronous call
 * costs more than it saves); what waits for the disk, `datasync`, is asynchronous. Every call may throw a `FileError`.
 * What is written is on the disk only after a `datasync` of that file; a new, renamed or removed name only after
 * `syncDirectory` of its parent.
 */

/** Why a call on the file system failed, by POSIX name: `ENOSPC`, `ENOENT`, `EACCES`, `EIO`, … */
export class FileError extends Error {
  readonly code: string;
  readonly path: string;

  constructor(code: string, path: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FileError';
    this.code = code;
    this.path = path;
  }
}

export interface OpenFile {
  readonly path: string;
  /** Reads up to `length` bytes at `position` into `into[start, …)`; the number read, 0 at the end. */
  readAt(into: Uint8Array, start: number, length: number, position: number): number;
  /** Writes up to `length` bytes of `from[start, …)` at `position`; the number written, which may be smaller. */
  writeAt(from: Uint8Array, start: number, length: number, position: number): number;
  size(): number;
  truncate(size: number): void;
  /** Resolves when everything written before the call is on the disk. */
  datasync(): Promise<void>;
  datasyncSync(): void;
  /** Whether the file still has a name: false once it was removed or replaced by a rename. */
  isLinked(): boolean;
  close(): void;
}

export interface FileStat {
  readonly kind: 'file' | 'directory';
  readonly size: number;
}

/** A lock that was acquired, or one that is held already, by another process or by this one. */
export type LockResult = { readonly held: true; readonly release: () => void } | { readonly held: false };

export interface FileSystem {
  /** `read`: an existing file, for reading. `write`: an existing one, for both. `create`: for both, made when
   *  absent. */
  open(path: string, mode: 'read' | 'write' | 'create'): OpenFile;
  stat(path: string): FileStat | undefined;
  /** Names in a directory, sorted. */
  readdir(path: string): string[];
  /** Makes the directory and its parents; no fault when it is there. */
  mkdir(path: string): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Removes a directory with all that is in it; no fault when it is not there. */
  removeTree(path: string): void;
  syncDirectory(path: string): void;
  /** Names the run of the machine: while it is the same, everything written is still there, synced or not. Empty when
   *  unknown. */
  bootId(): string;
  /** This process and its machine as text, for the error of others that find the directory in use. */
  processName(): string;
  /** Acquires the exclusive lock named by this path, held until released or until the process ends, however it ends.
   *  Its file may stay. */
  lock(path: string): LockResult;
}

export const readWholeFile = (files: FileSystem, path: string): Uint8Array => {
  const file = files.open(path, 'read');
  try {
    const bytes = new Uint8Array(file.size());
    let at = 0;
    while (at < bytes.length) {
      const read = file.readAt(bytes, at, bytes.length - at, at);
      if (read === 0) break;
      at += read;
    }
    return bytes.subarray(0, at);
  } finally {
    file.close();
  }
};

/** Writes all of `from[start, end)` at `position`, however many calls it takes. */
export const writeFully = (file: OpenFile, from: Uint8Array, start: number, end: number, position: number): void => {
  let at = start;
  while (at < end) {
    const written = file.writeAt(from, at, end - at, position + (at - start));
    if (written <= 0) throw new FileError('EIO', file.path, `a write to ${file.path} made no progress`);
    at += written;
  }
};

/** Replaces a file as a whole: after a crash it holds the old bytes or the new ones, never a mix. Durable when it
 *  returns. */
export const replaceFile = (files: FileSystem, path: string, bytes: Uint8Array): void => {
  const temporary = `${path}.new`;
  const file = files.open(temporary, 'create');
  try {
    file.truncate(0);
    writeFully(file, bytes, 0, bytes.length, 0);
    file.datasyncSync();
  } finally {
    file.close();
  }
  files.rename(temporary, path);
  files.syncDirectory(parentOf(path));
};

/** Joins the parts of a path with slashes. */
export const joinPath = (...parts: readonly string[]): string => parts.join('/').replace(/\/{2,}/g, '/');

export const parentOf = (path: string): string => {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash);
};
