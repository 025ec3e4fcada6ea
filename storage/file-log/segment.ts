/**
 * A segment: one file of batches, named by the offset of its first record, with its offset index and its time index. A
 * partition is a row of segments; only the last one, the active one, is written to.
 */

import {
  assert,
  crc32c,
  FileError,
  type FileSystem,
  joinPath,
  type OpenFile,
  readWholeFile,
} from '../../base/index.ts';
import { baseOffsetOf, maxTimestampOf } from '../record-batch.ts';
import { FileSync } from './file-sync.ts';
import { OffsetIndex } from './offset-index.ts';
import type { FileUser, OpenFiles } from './open-files.ts';
import { TimeIndex } from './time-index.ts';

/** The files of a partition that are named by an offset. `cleaned` and `swap`: see `swap.ts`. */
export type NamedFile = 'log' | 'index' | 'timeindex' | 'snapshot' | 'cleaned' | 'swap';

export const segmentName = (baseOffset: number, suffix: NamedFile): string =>
  `${String(baseOffset).padStart(20, '0')}.${suffix}`;

/** The offset in the name of a partition's file; undefined when it is named otherwise. */
export const offsetInName = (name: string, suffix: NamedFile): number | undefined =>
  name.length === 21 + suffix.length && name.endsWith(`.${suffix}`) && /^\d{20}/.test(name)
    ? Number(name.slice(0, 20))
    : undefined;

export class Segment implements FileUser {
  readonly baseOffset: number;
  /** Bytes of whole batches; what the file holds beyond is not part of the log. */
  size: number;
  index: OffsetIndex;
  timeIndex: TimeIndex;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #open: OpenFiles;
  readonly #sync: FileSync;

  constructor(
    files: FileSystem,
    open: OpenFiles,
    directory: string,
    baseOffset: number,
    syncFailed: (cause: unknown) => void,
  ) {
    this.#files = files;
    this.#open = open;
    this.#directory = directory;
    this.baseOffset = baseOffset;
    this.size = 0;
    this.index = new OffsetIndex(baseOffset);
    this.timeIndex = new TimeIndex(baseOffset);
    this.#sync = new FileSync(() => this.file, open.syncs, syncFailed);
  }

  get path(): string {
    return joinPath(this.#directory, segmentName(this.baseOffset, 'log'));
  }

  get indexPath(): string {
    return joinPath(this.#directory, segmentName(this.baseOffset, 'index'));
  }

  get timeIndexPath(): string {
    return joinPath(this.#directory, segmentName(this.baseOffset, 'timeindex'));
  }

  /** The open file, opened when it is not; it may be closed when that of another segment is asked for. */
  get file(): OpenFile {
    return this.#open.of(this);
  }

  /** Reads into the first `length` bytes of `bytes`, from `position` on; the number read, less at the end of the
   *  file. */
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
    this.#open.withRoom(() => this.#files.open(this.path, 'create')).close();
    this.file.truncate(0);
    this.#files.syncDirectory(this.#directory);
  }

  readonly openFile = (): OpenFile => this.#files.open(this.path, 'write');

  get sync(): FileSync {
    return this.#sync;
  }

  get dirty(): boolean {
    return this.#sync.dirty;
  }

  /** Notes a batch at `at` of `bytes`, which lies at `position`: the next one. An index entry is due each
   *  `interval` bytes. */
  note(bytes: Uint8Array, at: number, position: number, interval: number, nowMs: number): void {
    const { index } = this;
    assert(baseOffsetOf(bytes, at) >= this.baseOffset, () => `a batch below the offsets of ${this.path}`);
    noteInIndexes(index, this.timeIndex, bytes, at, position, interval);
    if (index.firstAppendMs === 0) index.firstAppendMs = nowMs;
    index.lastAppendMs = nowMs;
  }

  /** Removes the index entries for a position and what lies behind it; `offset` begins there. */
  cutIndexes(position: number, offset: number): void {
    this.index.cut(position);
    this.timeIndex.cut(offset);
  }

  /** Both indexes as they are written now. */
  encodeIndexes(): EncodedIndexes {
    const timeIndex = this.timeIndex.encode();
    return { timeIndex, index: this.index.encode(crc32c(timeIndex, 0, timeIndex.length)) };
  }

  /** Writes the indexes beside the log. A failure costs a later start some time, nothing else. */
  writeIndexes(encoded = this.encodeIndexes()): void {
    if (writeSideFile(this.#files, this.timeIndexPath, encoded.timeIndex)) {
      writeSideFile(this.#files, this.indexPath, encoded.index);
    }
  }

  /** Reads the indexes written before; false when there are no good ones. */
  readIndexes(): boolean {
    const bytes = readSideFile(this.#files, this.indexPath);
    const index = bytes === undefined ? undefined : OffsetIndex.decode(bytes, this.baseOffset, this.size);
    const times = readSideFile(this.#files, this.timeIndexPath);
    if (index === undefined || times === undefined) return false;
    if (crc32c(times, 0, times.length) !== index.timeIndexCrc) return false;
    const timeIndex = TimeIndex.decode(times, this.baseOffset);
    if (timeIndex === undefined) return false;
    this.index = index;
    this.timeIndex = timeIndex;
    return true;
  }

  /** Removes the index files, which a start makes again. */
  removeIndexes(): void {
    for (const path of [this.indexPath, this.timeIndexPath]) this.#unlink(path);
  }

  #unlink(path: string): void {
    if (this.#files.stat(path) !== undefined) this.#files.unlink(path);
  }

  close(): void {
    this.#sync.abandon();
    this.#open.close(this);
  }

  /** Closes and removes the files. */
  remove(): void {
    this.close();
    this.#unlink(this.path);
    this.removeIndexes();
  }
}

export interface EncodedIndexes {
  readonly index: Uint8Array;
  readonly timeIndex: Uint8Array;
}

/** See `Segment.note`; the compactor builds the indexes of a segment that is not there yet. */
export const noteInIndexes = (
  index: OffsetIndex,
  timeIndex: TimeIndex,
  bytes: Uint8Array,
  at: number,
  position: number,
  interval: number,
): void => {
  if (index.lastPosition < 0 || position - index.lastPosition >= interval) {
    const offset = baseOffsetOf(bytes, at);
    if (index.count > 0) timeIndex.add(index.maxTimestamp, offset - 1);
    index.add(offset, position);
  }
  index.maxTimestamp = Math.max(index.maxTimestamp, maxTimestampOf(bytes, at));
};

/** Writes a file that can be rebuilt, under a passing name first, without waiting for the disk; answers whether it
 *  could. */
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
