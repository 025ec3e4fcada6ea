/**
 * Segment files that the disk does not read any more.
 *
 * What can still be read of such a file is copied, block by block, with zeros in place of the rest: no batch is whole
 * there, so that the loss is found like any other damage, and is no larger than it has to be. The copy takes the name
 * of the file. The file itself goes to `quarantine/`, so that its blocks are not used for anything else. (Indexes and
 * snapshots that cannot be read count as missing: they are made again.)
 *
 *   1. `<base>.log.new`, the copy, is written and synced, and so is its name.
 *   2. That something is lost is noted: after a power cut zeros at the end of a partition look like a write that was
 *      under way.
 *   3. `<base>.log` is renamed into `quarantine/`. This decides: a start that finds a copy without its file goes on
 *      from here; one that finds both removes the copy.
 *   4. `<base>.log.new` is renamed to `<base>.log`.
 */

import { FileError, type FileSystem, joinPath, type OpenFile, writeFully } from '../../base/index.ts';
import type { DamageList, DamageReport } from './damage-list.ts';
import { scanBytes } from './scan-segment.ts';

/** How much is given up for one sector that cannot be read: a page, the unit in which a file is read. */
const blockBytes = 4096;
/** Of the copy's name, behind that of the file. */
const copySuffix = '.new';

/** The file is there, and may be read, but its content cannot. */
const isUnreadable = (cause: unknown): boolean =>
  cause instanceof FileError && ['EIO', 'EBADMSG', 'EUCLEAN'].includes(cause.code);

/** Reads all segments of a partition, and puts copies in the place of those that cannot be read as a whole; answers
 *  how many these are. The partition has to be opened again, or verified. Throws what is no fault of the disk. */
export const salvageSegments = (
  files: FileSystem,
  directory: string,
  damage: DamageList,
  report: DamageReport,
): number => {
  const unreadable = files
    .readdir(directory)
    .filter((name) => name.endsWith('.log') && !isReadable(files, joinPath(directory, name)));
  for (const name of unreadable) {
    const path = joinPath(directory, name);
    const copy = `${path}${copySuffix}`;
    const lost = copyReadable(files, path, copy);
    files.syncDirectory(directory);
    report.found({ kind: 'records', path, what: `${lost} bytes of a segment cannot be read, and are given up` });
    damage.setAside(path, `${directory.split('/').slice(-2).join('-')}-${name}`);
    files.rename(copy, path);
    files.syncDirectory(directory);
  }
  return unreadable.length;
};

/** At a start: gives copies the names of the files that were set aside, and removes those that were not needed yet. */
export const recoverSalvage = (files: FileSystem, directory: string): void => {
  for (const name of files.readdir(directory)) {
    if (!name.endsWith(copySuffix)) continue;
    const copy = joinPath(directory, name);
    const path = copy.slice(0, -copySuffix.length);
    if (!path.endsWith('.log') || files.stat(path) !== undefined) files.unlink(copy);
    else files.rename(copy, path);
  }
};

const isReadable = (files: FileSystem, path: string): boolean => {
  const file = files.open(path, 'read');
  try {
    const bytes = new Uint8Array(scanBytes);
    for (let position = 0; position < file.size(); position += bytes.length)
      file.readAt(bytes, 0, bytes.length, position);
    return true;
  } catch (cause) {
    if (isUnreadable(cause)) return false;
    throw cause;
  } finally {
    file.close();
  }
};

/** Answers how many bytes could not be read. */
const copyReadable = (files: FileSystem, path: string, to: string): number => {
  let lost = 0;
  const file = files.open(path, 'read');
  try {
    const copy = files.open(to, 'create');
    try {
      copy.truncate(0);
      const bytes = new Uint8Array(blockBytes);
      for (let position = 0; position < file.size(); position += blockBytes) {
        const length = Math.min(blockBytes, file.size() - position);
        bytes.fill(0);
        if (!couldRead(file, bytes, length, position)) lost += length;
        writeFully(copy, bytes, 0, length, position);
      }
      copy.datasyncSync();
    } finally {
      copy.close();
    }
  } finally {
    file.close();
  }
  return lost;
};

const couldRead = (file: OpenFile, into: Uint8Array, length: number, position: number): boolean => {
  try {
    for (let at = 0; at < length; ) {
      const read = file.readAt(into, at, length - at, position + at);
      if (read === 0) break;
      at += read;
    }
    return true;
  } catch (cause) {
    if (isUnreadable(cause)) return false;
    throw cause;
  }
};
