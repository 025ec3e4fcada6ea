/**
 * A segment: one file of batches, named by the offset of its first record, with its offset index. A partition is a row of
 * segments; only the last one, the active one, is written to.
 */

import { FileError, type FileSystem, joinPath, type OpenFile, readWholeFile } from '../../base/index.ts';
import { FileSync } from './file-sync.ts';
import { OffsetIndex } from './offset-index.ts';

export const segmentName = (baseOffset: number, suffix: 'log' | 'index' | 'snapshot'): string =>
  `${String(baseOffset).padStart(20, '0')}.${suffix}`;

/** The offset in the name of a partition's file; undefined when it is named otherwise. */
export const offsetInName = (name: string, suffix: 'log' | 'index' | 'snapshot'): number | undefined =>
  name.length === 21 + suffix.length && name.endsWith(`.${suffix}`) && /^\d{20}/.test(name)
    ? Number(name.slice(0, 20))
    : undefined;

export class Segment {
  readonly baseOffset: number;
  /** Bytes of whole batches; what the file holds beyond is not part of the log. */
  size: number;
  index: OffsetIndex;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #syncFailed: (cause: unknown) => void;
  #file: OpenFile | undefined;
  #sync: FileSync | undefined;

  constructor(files: FileSystem, directory: string, baseOffset: number, syncFailed: (cause: unknown) => void) {
    this.#files = files;
    this.#directory = directory;
    this.baseOffset = baseOffset;
    this.size = 0;
    this.index = new OffsetIndex(baseOffset);
    this.#syncFailed = syncFailed;
  }

  get path(): string {
    return joinPath(this.#directory, segmentName(this.baseOffset, 'log'));
  }

  get indexPath(): string {
    return joinPath(this.#directory, segmentName(this.baseOffset, 'index'));
  }

  /** The open file; opened when first asked for. */
  get file(): OpenFile {
    this.#file ??= this.#files.open(this.path, 'write');
    return this.#file;
  }

  /** Reads into the first `length` bytes of `bytes`, from `position` on; the number read, less at the end of the file. */
  fill(bytes: Uint8Array, length: number, position: number): number {
    let at = 0;
    while (at < length) {
      const read = this.file.readAt(bytes, at, length - at, position + at);
      if (read === 0) break;
      at += read;
    }
    return at;
  }

  /** Makes the file; its name is on the disk afterwards. */
  create(): void {
    this.#file = this.#files.open(this.path, 'create');
    this.#file.truncate(0);
    this.#files.syncDirectory(this.#directory);
  }

  get sync(): FileSync {
    this.#sync ??= new FileSync(this.file, this.#syncFailed);
    return this.#sync;
  }

  get dirty(): boolean {
    return this.#sync?.dirty ?? false;
  }

  /** Writes the index beside the log. A failure costs a later start some time, nothing else. */
  writeIndex(encoded = this.index.encode()): void {
    writeSideFile(this.#files, this.indexPath, encoded);
  }

  /** Reads the index written before; false when there is no good one. */
  readIndex(): boolean {
    const bytes = readSideFile(this.#files, this.indexPath);
    const index = bytes === undefined ? undefined : OffsetIndex.decode(bytes, this.baseOffset, this.size);
    if (index === undefined) return false;
    this.index = index;
    return true;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#sync = undefined;
  }

  /** Closes and removes the files. */
  remove(): void {
    this.close();
    for (const path of [this.path, this.indexPath]) {
      if (this.#files.stat(path) !== undefined) this.#files.unlink(path);
    }
  }
}

/** Writes a file that can be rebuilt, under a passing name first, without waiting for the disk; answers whether it could. */
export const writeSideFile = (files: FileSystem, path: string, bytes: Uint8Array): boolean => {
  try {
    const file = files.open(`${path}.new`, 'create');
    try {
      file.truncate(0);
      let at = 0;
      while (at < bytes.length) {
        const written = file.writeAt(bytes, at, bytes.length - at, at);
        if (written <= 0) return false;
        at += written;
      }
    } finally {
      file.close();
    }
    files.rename(`${path}.new`, path);
    return true;
  } catch (cause) {
    if (cause instanceof FileError) return false;
    throw cause;
  }
};

/** Reads a file that can be rebuilt; undefined when it cannot be read. */
export const readSideFile = (files: FileSystem, path: string): Uint8Array | undefined => {
  try {
    return files.stat(path) === undefined ? undefined : readWholeFile(files, path);
  } catch (cause) {
    if (cause instanceof FileError) return undefined;
    throw cause;
  }
};
