/**
 * Which tombstones a partition still holds: the file `deletions`, written before compaction drops the first one below an offset.
 *
 *   crc u32 (of what follows) · version i16 (1) · offset i64
 *
 * At or above that offset every tombstone is there. Whoever was built from records up to a lower offset may have missed a deletion since, and has
 * to begin anew. A file that cannot be read counts as if every tombstone might be gone.
 */

import {
  ByteWriter,
  crc32c,
  type FileSystem,
  joinPath,
  readI16,
  readI64,
  readU32,
  replaceFile,
} from '../../base/index.ts';
import { readSideFile } from './segment.ts';

const fileBytes = 14;

const pathOf = (directory: string): string => joinPath(directory, 'deletions');

/** The offset from which on all tombstones are there; `end` when that is not known any more. */
export const readDeletions = (files: FileSystem, directory: string, end: number): number => {
  if (files.stat(pathOf(directory)) === undefined) return 0;
  const bytes = readSideFile(files, pathOf(directory));
  if (bytes?.length !== fileBytes || readU32(bytes, 0) !== crc32c(bytes, 4, fileBytes)) return end;
  return readI16(bytes, 4) === 1 ? Math.min(readI64(bytes, 6), end) : end;
};

/** Durable when it returns. */
export const writeDeletions = (files: FileSystem, directory: string, offset: number): void => {
  const out = new ByteWriter(fileBytes);
  out.u32(0);
  out.i16(1);
  out.i64(offset);
  out.view().setUint32(0, crc32c(out.buffer, 4, out.length));
  replaceFile(files, pathOf(directory), out.slice());
};
