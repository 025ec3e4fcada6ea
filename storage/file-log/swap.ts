/**
 * Replacing segments by the compacted segment that was made of them, so that a crash at any point leaves the originals
 * or the new segment.
 *
 *   1. `<base>.cleaned` is written and synced, whole; a start that finds one removes it.
 *   2. What would be wrong beside the new segment is removed: snapshots that point into the originals, the indexes of
 *      the first one.
 *   3. `<base>.cleaned` is renamed to `<base>.swap`, and the directory is synced. This decides: a start that finds a
 *      `.swap` goes on from here.
 *   4. The originals behind the first are removed, and the directory is synced.
 *   5. `<base>.swap` is renamed to `<base>.log`, which replaces the first original. Its indexes are written; they can
 *      be rebuilt.
 *
 * The new segment covers the offsets of its originals without a gap, so which segments it replaces follows from its
 * last batch.
 */

import { FileError, type FileSystem, joinPath, type OpenFile } from '../../base/index.ts';
import { PartitionState } from '../partition-state.ts';
import { batchBytes, batchHeaderBytes, nextOffsetOf } from '../record-batch.ts';
import { offsetInName, readSideFile, segmentName } from './segment.ts';
import { decodeSnapshot } from './snapshot.ts';

/** Replaces the segments with these base offsets by `<bases[0]>.cleaned`. The directory's lock is held and
 *  nobody reads meanwhile. */
export const swapIn = (files: FileSystem, directory: string, bases: readonly number[]): void => {
  const [base] = bases as [number];
  removeSnapshotsOf(files, directory, new Set(bases));
  for (const suffix of ['index', 'timeindex'] as const) remove(files, joinPath(directory, segmentName(base, suffix)));
  files.rename(joinPath(directory, segmentName(base, 'cleaned')), joinPath(directory, segmentName(base, 'swap')));
  files.syncDirectory(directory);
  finishSwap(files, directory, base, bases.slice(1));
};

/** Whether a swap of this segment has begun to take effect and is not finished. */
export const isSwapDecided = (files: FileSystem, directory: string, base: number): boolean =>
  files.stat(joinPath(directory, segmentName(base, 'swap'))) !== undefined;

const finishSwap = (files: FileSystem, directory: string, base: number, replaced: readonly number[]): void => {
  for (const other of replaced) {
    for (const suffix of ['index', 'timeindex', 'log'] as const) {
      remove(files, joinPath(directory, segmentName(other, suffix)));
    }
  }
  files.syncDirectory(directory);
  files.rename(joinPath(directory, segmentName(base, 'swap')), joinPath(directory, segmentName(base, 'log')));
};

/** At a start: finishes the swaps that were decided, and removes what was not. */
export const recoverSwaps = (files: FileSystem, directory: string): void => {
  const names = files.readdir(directory);
  for (const name of names) if (offsetInName(name, 'cleaned') !== undefined) files.unlink(joinPath(directory, name));
  for (const name of names) {
    const base = offsetInName(name, 'swap');
    if (base === undefined) continue;
    const end = endOf(files, joinPath(directory, name), base);
    const replaced = names
      .map((other) => offsetInName(other, 'log'))
      .filter((other) => other !== undefined)
      .filter((other) => other > base && other < end);
    for (const suffix of ['index', 'timeindex'] as const) remove(files, joinPath(directory, segmentName(base, suffix)));
    removeSnapshotsOf(files, directory, new Set([base, ...replaced]));
    finishSwap(files, directory, base, replaced);
  }
};

/** Snapshots name a segment and a position in it; a compacted segment has other positions. */
const removeSnapshotsOf = (files: FileSystem, directory: string, bases: ReadonlySet<number>): void => {
  for (const name of files.readdir(directory)) {
    if (offsetInName(name, 'snapshot') === undefined) continue;
    const path = joinPath(directory, name);
    const bytes = readSideFile(files, path);
    const snapshot = bytes === undefined ? undefined : decodeSnapshot(bytes, new PartitionState(), 0);
    if (snapshot === undefined || bases.has(snapshot.segment)) remove(files, path);
  }
};

/** The offset behind the last batch of a segment file. */
const endOf = (files: FileSystem, path: string, base: number): number => {
  const file = files.open(path, 'read');
  try {
    const size = file.size();
    const header = new Uint8Array(batchHeaderBytes);
    let end = base;
    for (let position = 0; position + batchHeaderBytes <= size; ) {
      if (!readHeader(file, header, position)) break;
      const bytes = batchBytes(header, 0);
      if (bytes < batchHeaderBytes) break;
      end = nextOffsetOf(header, 0);
      position += bytes;
    }
    return end;
  } finally {
    file.close();
  }
};

const readHeader = (file: OpenFile, into: Uint8Array, position: number): boolean => {
  let at = 0;
  while (at < into.length) {
    const read = file.readAt(into, at, into.length - at, position + at);
    if (read === 0) return false;
    at += read;
  }
  return true;
};

const remove = (files: FileSystem, path: string): void => {
  try {
    files.unlink(path);
  } catch (cause) {
    if (!(cause instanceof FileError) || cause.code !== 'ENOENT') throw cause;
  }
};
