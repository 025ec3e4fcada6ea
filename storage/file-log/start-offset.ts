/** The start offset of a partition: the file `start` (`offset-file.ts`), there once records were deleted. */

import { type FileSystem, joinPath, replaceFile } from '../../base/index.ts';
import { decodeOffset, encodeOffset } from './offset-file.ts';
import { readSideFile } from './segment.ts';

export const startPath = (directory: string): string => joinPath(directory, 'start');

/** The start offset, 0 without a file. `unreadable` with the file's bytes, if they could be read, when they hold
 *  none. */
export const readStart = (
  files: FileSystem,
  directory: string,
): { readonly offset: number } | { readonly unreadable: Uint8Array | undefined } => {
  if (files.stat(startPath(directory)) === undefined) return { offset: 0 };
  const bytes = readSideFile(files, startPath(directory));
  const offset = bytes === undefined ? undefined : decodeOffset(bytes);
  return offset === undefined ? { unreadable: bytes } : { offset };
};

/** Durable when it returns. */
export const writeStart = (files: FileSystem, directory: string, offset: number): void => {
  replaceFile(files, startPath(directory), encodeOffset(offset));
};
