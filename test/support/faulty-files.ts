/**
 * A file system in memory that loses, tears and refuses what a real one may.
 *
 * It keeps apart what a process sees (the page cache) and what is on the disk: bytes reach the disk by `datasync` of
 * their file, names by `syncDirectory`. `crashed` gives the file system as the next start would find it:
 *
 *   kill     the process died, the machine did not: everything written is there
 *   lost     a power cut: only what was synced is there
 *   prefix   a power cut: of each file's unsynced changes, and of the unsynced names, some first ones are there
 *   torn     a power cut: of each file's unsynced writes any 512-byte sectors are there; what was not written inside the file reads as zeros
 *   garbage  as torn, but what was not written reads as anything
 *
 * Every call is counted and may be made to fail (`onCall`): by a crash, after which nothing works any more, by a POSIX
 * error, or by a short write. `capacity` bounds the bytes of all files together.
 */

import type { Random } from '../../base/index.ts';
import {
  FileError,
  type FileStat,
  type FileSystem,
  type LockResult,
  type OpenFile,
  parentOf,
} from '../../base/index.ts';

export type CrashMode = 'kill' | 'lost' | 'prefix' | 'torn' | 'garbage';
export const crashModes: readonly CrashMode[] = ['kill', 'lost', 'prefix', 'torn', 'garbage'];

export interface FileCall {
  readonly count: number;
  readonly kind: 'write' | 'sync' | 'truncate' | 'create' | 'rename' | 'unlink' | 'mkdir' | 'sync-directory' | 'read';
  readonly path: string;
  /** Of a read: the bytes [position, end) of the file. */
  readonly position?: number;
  readonly end?: number;
}

/** What becomes of a call: nothing, a crash, an error by its POSIX name, or a write of only some bytes. */
export type Fault = undefined | 'crash' | { readonly error: string } | { readonly short: number };

type Change = { readonly position: number; readonly bytes: Uint8Array } | { readonly size: number };

interface Inode {
  cached: Uint8Array;
  disk: Uint8Array;
  /** Changes of `cached` that are not on the disk, in order. */
  pending: Change[];
}

type NameChange = { readonly path: string; readonly inode: Inode | 'directory' | undefined };

const applied = (bytes: Uint8Array, change: Change): Uint8Array => {
  if ('size' in change) {
    const cut = new Uint8Array(change.size);
    cut.set(bytes.subarray(0, Math.min(bytes.length, change.size)));
    return cut;
  }
  const end = change.position + change.bytes.length;
  const out = end > bytes.length ? new Uint8Array(end) : bytes.slice();
  if (end > bytes.length) out.set(bytes);
  out.set(change.bytes, change.position);
  return out;
};

export class FaultyFiles implements FileSystem {
  onCall: ((call: FileCall) => Fault) | undefined;
  capacity = Number.POSITIVE_INFINITY;
  /** The POSIX name of the error that opening any file fails with. */
  refuseOpen: string | undefined;
  /** Holds the answer of a sync of this file back until the promise resolves. */
  onSync: ((path: string) => Promise<void> | undefined) | undefined;
  calls = 0;
  crashedAt = -1;
  #names = new Map<string, Inode | 'directory'>();
  #diskNames = new Map<string, Inode | 'directory'>();
  #pendingNames: NameChange[] = [];
  readonly #locks = new Set<string>();
  #boot = 1;

  // -------------------------------------------------------------- faults

  /** Counts a call; answers how many bytes a write may take. */
  #call(kind: FileCall['kind'], path: string, bytes: Pick<FileCall, 'position' | 'end'> = {}): number {
    if (this.crashedAt >= 0) throw new FileError('ECRASHED', path, 'the machine is gone');
    const count = this.calls++;
    const fault = this.onCall?.({ count, kind, path, ...bytes });
    if (fault === undefined) return Number.POSITIVE_INFINITY;
    if (fault === 'crash') {
      this.crashedAt = this.calls;
      if (kind === 'write') return -1;
      throw new FileError('ECRASHED', path, 'the machine is gone');
    }
    if ('short' in fault) return fault.short;
    throw new FileError(fault.error, path, `${fault.error}: injected`);
  }

  get usedBytes(): number {
    let sum = 0;
    for (const inode of new Set(this.#names.values())) if (inode !== 'directory') sum += inode.cached.length;
    return sum;
  }

  /** The file system that the next start finds. This one is not changed. */
  crashed(mode: CrashMode, random: Random): FaultyFiles {
    const next = new FaultyFiles();
    next.#boot = mode === 'kill' ? this.#boot : this.#boot + 1;
    const names = new Map(mode === 'kill' ? this.#names : this.#diskNames);
    if (mode !== 'kill' && mode !== 'lost') {
      const kept = random.between(0, this.#pendingNames.length);
      for (const { path, inode } of this.#pendingNames.slice(0, kept)) {
        if (inode === undefined) names.delete(path);
        else names.set(path, inode);
      }
    }
    const copies = new Map<Inode, Inode>();
    for (const [path, entry] of names) {
      // A name whose directory is not on the disk is not found.
      let above = parentOf(path);
      while (above !== '/' && names.get(above) === 'directory') above = parentOf(above);
      if (above !== '/') continue;
      if (entry === 'directory') next.#names.set(path, entry);
      else {
        let copy = copies.get(entry);
        if (copy === undefined) {
          const bytes = contentAfter(entry, mode, random);
          copy = { cached: bytes, disk: bytes, pending: [] };
          copies.set(entry, copy);
        }
        next.#names.set(path, copy);
      }
    }
    next.#diskNames = new Map(next.#names);
    return next;
  }

  /** Changes bytes behind everybody's back, on the disk and in the cache. */
  corrupt(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const inode = this.#file(path);
    inode.cached = change(inode.cached.slice());
    inode.disk = inode.cached;
    inode.pending = [];
  }

  paths(): string[] {
    return [...this.#names]
      .filter(([, inode]) => inode !== 'directory')
      .map(([path]) => path)
      .sort();
  }

  bytesOf(path: string): Uint8Array {
    return this.#file(path).cached.slice();
  }

  // -------------------------------------------------------------- names

  #file(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined || inode === 'directory') throw new FileError('ENOENT', path, `ENOENT: no file ${path}`);
    return inode;
  }

  #setName(path: string, inode: Inode | 'directory' | undefined): void {
    if (inode === undefined) this.#names.delete(path);
    else this.#names.set(path, inode);
    this.#pendingNames.push({ path, inode });
  }

  open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    if (this.crashedAt >= 0) throw new FileError('ECRASHED', path, 'the machine is gone');
    if (this.refuseOpen !== undefined) throw new FileError(this.refuseOpen, path, `${this.refuseOpen}: injected`);
    if (mode === 'create' && this.#names.get(path) === undefined) {
      this.#call('create', path);
      if (this.#names.get(parentOf(path)) !== 'directory') throw new FileError('ENOENT', path, `ENOENT: ${path}`);
      this.#setName(path, { cached: new Uint8Array(0), disk: new Uint8Array(0), pending: [] });
    }
    return this.#openFile(path, this.#file(path));
  }

  #openFile(path: string, inode: Inode): OpenFile {
    const sync = (): (() => void) => {
      const { cached } = inode;
      const covered = inode.pending.length;
      const { pending } = inode;
      return () => {
        if (this.crashedAt >= 0) throw new FileError('ECRASHED', path, 'the machine is gone');
        // What was synced meanwhile by another call is not taken back.
        if (inode.pending === pending) {
          inode.disk = cached;
          inode.pending = pending.slice(covered);
        }
      };
    };
    return {
      path,
      readAt: (into, start, length, position) => {
        this.#call('read', path, { position, end: position + length });
        const part = inode.cached.subarray(position, Math.min(position + length, inode.cached.length));
        into.set(part, start);
        return part.length;
      },
      writeAt: (from, start, length, position) => {
        const most = this.#call('write', path);
        const free = Math.max(0, this.capacity - this.usedBytes + Math.max(0, inode.cached.length - position));
        const crash = most < 0;
        const take = crash ? Math.floor(length / 2) : Math.min(length, most, free);
        if (take > 0) {
          const bytes = from.slice(start, start + take);
          inode.cached = applied(inode.cached, { position, bytes });
          inode.pending.push({ position, bytes });
        }
        if (crash) throw new FileError('ECRASHED', path, 'the machine is gone');
        if (take === 0 && length > 0) throw new FileError('ENOSPC', path, 'ENOSPC: no space left on device');
        return take;
      },
      size: () => inode.cached.length,
      truncate: (size) => {
        this.#call('truncate', path);
        if (size === inode.cached.length) return;
        inode.cached = applied(inode.cached, { size });
        inode.pending.push({ size });
      },
      datasync: async () => {
        const finish = sync();
        this.#call('sync', path);
        await this.onSync?.(path);
        await Promise.resolve();
        await Promise.resolve();
        finish();
      },
      datasyncSync: () => {
        const finish = sync();
        this.#call('sync', path);
        finish();
      },
      isLinked: () => this.#names.get(path) === inode,
      close: () => {},
    };
  }

  stat(path: string): FileStat | undefined {
    const inode = this.#names.get(path);
    if (inode === undefined) return undefined;
    return inode === 'directory' ? { kind: 'directory', size: 0 } : { kind: 'file', size: inode.cached.length };
  }

  readdir(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const found: string[] = [];
    for (const name of this.#names.keys()) {
      if (name.startsWith(prefix) && !name.slice(prefix.length).includes('/')) found.push(name.slice(prefix.length));
    }
    return found.sort();
  }

  mkdir(path: string): void {
    if (path === '/' || path === '.' || this.#names.get(path) === 'directory') return;
    this.mkdir(parentOf(path));
    this.#call('mkdir', path);
    this.#setName(path, 'directory');
  }

  rename(from: string, to: string): void {
    if (this.#names.get(from) === 'directory') {
      this.#renameDirectory(from, to);
      return;
    }
    const inode = this.#file(from);
    this.#call('rename', to);
    // One change of both names: a crash sees both or none.
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#pendingNames.push({ path: to, inode }, { path: from, inode: undefined });
  }

  /** Durable at once: nothing here depends on a crash in between. */
  #renameDirectory(from: string, to: string): void {
    this.#call('rename', to);
    for (const names of [this.#names, this.#diskNames]) {
      for (const [path, inode] of [...names]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue;
        names.delete(path);
        names.set(to + path.slice(from.length), inode);
      }
    }
  }

  unlink(path: string): void {
    this.#file(path);
    this.#call('unlink', path);
    this.#setName(path, undefined);
  }

  removeTree(path: string): void {
    for (const name of [...this.#names.keys()].sort().reverse()) {
      if (name !== path && !name.startsWith(`${path}/`)) continue;
      this.#call('unlink', name);
      this.#setName(name, undefined);
    }
  }

  syncDirectory(path: string): void {
    this.#call('sync-directory', path);
    this.#pendingNames = this.#pendingNames.filter((change) => {
      if (parentOf(change.path) !== path) return true;
      if (change.inode === undefined) this.#diskNames.delete(change.path);
      else this.#diskNames.set(change.path, change.inode);
      return false;
    });
  }

  bootId(): string {
    return `boot ${this.#boot}`;
  }

  processName(): string {
    return 'process 1';
  }

  lock(path: string): LockResult {
    if (this.#locks.has(path)) return { held: false };
    this.#locks.add(path);
    return { held: true, release: () => void this.#locks.delete(path) };
  }
}

const sector = 512;

const contentAfter = (inode: Inode, mode: CrashMode, random: Random): Uint8Array => {
  if (mode === 'kill') return inode.cached.slice();
  let bytes: Uint8Array = inode.disk.slice();
  if (mode === 'lost') return bytes;
  if (mode === 'prefix') {
    for (const change of inode.pending.slice(0, random.between(0, inode.pending.length)))
      bytes = applied(bytes, change);
    return bytes;
  }
  // Torn: the file may have grown to its full size without the data, and any sector of any write may be there or not.
  for (const change of inode.pending) {
    if ('size' in change) {
      if (random.chance(0.5)) bytes = applied(bytes, change);
      continue;
    }
    if (random.chance(0.3)) continue;
    const end = change.position + change.bytes.length;
    if (bytes.length < end) bytes = applied(bytes, { size: end });
    for (let at = change.position; at < end; ) {
      const next = Math.min(end, (Math.floor(at / sector) + 1) * sector);
      if (random.chance(0.6)) bytes.set(change.bytes.subarray(at - change.position, next - change.position), at);
      else if (mode === 'garbage') random.fill(bytes.subarray(Math.max(at, inode.disk.length), next));
      at = next;
    }
  }
  return bytes;
};
