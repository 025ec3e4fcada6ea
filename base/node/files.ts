/**
 * The real file system.
 *
 * The lock. Node has no advisory file locks, so a lock is a file, made exclusively, that names its holder: process id, the moment that
 * process started, and the boot of the machine. A lock whose holder is gone (killed, or the machine rebooted) is stale: it is moved
 * aside by a rename, which only one of several contenders can win, and taken anew. Start times keep a reused process id from
 * looking like the old holder. Linux reads them from /proc; elsewhere `ps` is asked.
 */

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
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { pid, platform } from 'node:process';
import { FileError, type FileStat, type FileSystem, type LockResult, type OpenFile } from '../files.ts';

const failure = (path: string, cause: unknown): FileError => {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'EIO';
  return new FileError(code, path, cause instanceof Error ? cause.message : String(cause), { cause });
};

const guarded = <T>(path: string, run: () => T): T => {
  try {
    return run();
  } catch (cause) {
    throw failure(path, cause);
  }
};

const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

/** A directory with those above it. (Node's own recursive form never returns where the system says "no such directory" of a
 *  place whose parent exists, as Linux does below /proc.) */
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

  datasyncSync(): void {
    guarded(this.path, () => fdatasyncSync(this.#descriptor));
  }

  /** The descriptor stays open until syncs under way have answered: its number must not be given to another file before. */
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
  lock: takeLock,
};

interface Holder {
  readonly pid: number;
  readonly started: string;
  readonly boot: string;
}

function takeLock(path: string): LockResult {
  const own: Holder = { pid, started: startOf(pid) ?? '', boot: bootOfMachine() };
  const text = JSON.stringify(own);
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      writeFileSync(path, text, { flag: 'wx' });
      return { release: () => rmSync(path, { force: true }) };
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw failure(path, cause);
    }
    const held = readLock(path);
    if (held !== undefined && isAlive(held)) return { heldBy: `process ${held.pid}` };
    // Stale, or written in part by a process that was killed then: whoever wins the rename may try again.
    const aside = `${path}.stale-${pid}`;
    try {
      renameSync(path, aside);
    } catch {
      continue;
    }
    const moved = readLock(aside);
    if (moved !== undefined && isAlive(moved)) {
      // Between our look and our rename another contender took the lock: give it back.
      renameSync(aside, path);
      return { heldBy: `process ${moved.pid}` };
    }
    rmSync(aside, { force: true });
  }
  return { heldBy: 'another process' };
}

const readLock = (path: string): Holder | undefined => {
  try {
    const held: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof held !== 'object' || held === null || !('pid' in held) || typeof held.pid !== 'number') return undefined;
    const started = 'started' in held && typeof held.started === 'string' ? held.started : '';
    const boot = 'boot' in held && typeof held.boot === 'string' ? held.boot : '';
    return { pid: held.pid, started, boot };
  } catch {
    return undefined;
  }
};

const isAlive = (holder: Holder): boolean => {
  if (holder.boot !== bootOfMachine()) return false;
  return startOf(holder.pid) === holder.started;
};

/** When the process started, in the platform's own words; undefined when there is no such process. */
const startOf = (id: number): string | undefined => {
  try {
    if (platform === 'linux') {
      const stat = readFileSync(`/proc/${id}/stat`, 'latin1');
      // The name, in parentheses, may hold anything; the fields behind it are separated by blanks. A zombie holds nothing.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(id)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
};

function bootOfMachine(): string {
  try {
    if (platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}
