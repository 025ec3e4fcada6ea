/**
 * Which tombstones a partition still holds: the file `deletions` (`offset-file.ts`), written before compaction drops
 * the first one below an offset.
 *
 * At or above that offset every tombstone is there. What was built from records up to a lower offset may have missed a
 * deletion since, and has to be rebuilt. A file that cannot be read counts as if every tombstone might be gone.
 */

import { FileError, type FileSystem, joinPath, readWholeFile, replaceFile } from '../../base/index.ts';
import { decodeOffset, encodeOffset } from './offset-file.ts';

const pathOf = (directory: string): string => joinPath(directory, 'deletions');

/** The offset from which on all tombstones are there; `end` when that is not known any more. */
export const readDeletions = (files: FileSystem, directory: string, end: number): number => {
  try {
    if (files.stat(pathOf(directory)) === undefined) return 0;
    return Math.min(decodeOffset(readWholeFile(files, pathOf(directory))) ?? end, end);
  } catch (cause) {
    if (cause instanceof FileError) return end;
    throw cause;
  }
};

/** Durable when it returns. */
export const writeDeletions = (files: FileSystem, directory: string, offset: number): void => {
  replaceFile(files, pathOf(directory), encodeOffset(offset));
};
