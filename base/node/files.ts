/** The real file system. Its lock is in lock.ts. */

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { pid, platform } from 'node:process';
import { messageOf } from '../errors.ts';
import { FileError, type FileStat, type FileSystem, type OpenFile } from '../files.ts';
import { takeLock } from './lock.ts';

const failure = (path: string, cause: unknown): FileError => {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'EIO';
  return new FileError(code, path, messageOf(cause), { cause });
};

const guarded = <T>(path: string, run: () => T): T => {
  try {
    return run();
  } catch (cause) {
    throw failure(path, cause);
  }
};

const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

/** A directory with those above it. (Node's own recursive form never returns where the system answers "no such
 *  directory" for a path whose parent exists, as Linux does below /proc.) */
const makeDirectories = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  try {
    mkdirSync(path);
  } catch (cause) {
    const parent = dirname(path);
    if (codeOf(cause) !== 'ENOENT' || statSync(parent, { throwIfNoEntry: false }) !== undefined) throw cause;
    makeDirectories(parent);
    mkdirSync(path);
  }
};

class NodeFile implements OpenFile {
  readonly path: string;
  readonly #descriptor: number;
  #closed = false;
  #syncing = 0;

  constructor(path: string, flags: number) {
    this.path = path;
    this.#descriptor = guarded(path, () => openSync(path, flags, 0o644));
  }

  readAt(into: Uint8Array, start: number, length: number, position: number): number {
    try {
      return readSync(this.#descriptor, into, start, length, position);
    } catch (cause) {
      throw failure(this.path, cause);
    }
  }

  writeAt(from: Uint8Array, start: number, length: number, position: number): number {
    try {
      return writeSync(this.#descriptor, from, start, length, position);
    } catch (cause) {
      throw failure(this.path, cause);
    }
  }

  size(): number {
    return guarded(this.path, () => fstatSync(this.#descriptor).size);
  }

  truncate(size: number): void {
    guarded(this.path, () => ftruncateSync(this.#descriptor, size));
  }

  datasync(): Promise<void> {
    this.#syncing++;
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (cause) => {
        this.#syncing--;
        if (this.#closed && this.#syncing === 0) closeSync(this.#descriptor);
        if (cause === null) resolve();
        else reject(failure(this.path, cause));
      });
    });
  }

  isLinked(): boolean {
    return guarded(this.path, () => fstatSync(this.#descriptor).nlink > 0);
  }

  datasyncSync(): void {
    guarded(this.path, () => fdatasyncSync(this.#descriptor));
  }

  /** The descriptor stays open until syncs under way have answered: its number must not be given to another file
   *  before. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#syncing === 0) guarded(this.path, () => closeSync(this.#descriptor));
  }
}

const modes = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
} as const;

export const nodeFiles: FileSystem = {
  open: (path, mode) => new NodeFile(path, modes[mode]),
  stat(path): FileStat | undefined {
    const found = guarded(path, () => statSync(path, { throwIfNoEntry: false }));
    return found && { kind: found.isDirectory() ? 'directory' : 'file', size: found.size };
  },
  readdir: (path) => guarded(path, () => readdirSync(path).sort()),
  mkdir: (path) => guarded(path, () => makeDirectories(path)),
  rename: (from, to) => guarded(from, () => renameSync(from, to)),
  unlink: (path) => guarded(path, () => unlinkSync(path)),
  removeTree: (path) => guarded(path, () => rmSync(path, { recursive: true, force: true })),
  syncDirectory(path) {
    guarded(path, () => {
      const descriptor = openSync(path, constants.O_RDONLY);
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  },
  bootId: bootOfMachine,
  processName: () => `process ${pid} on ${hostname()}`,
  lock: takeLock,
};

function bootOfMachine(): string {
  try {
    if (platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}
