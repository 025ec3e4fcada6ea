/**
 * Who owns the data directory: a lock, and an epoch for when the lock fails.
 *
 *   lock    the kernel's lock, held while a log is open (base/node/lock.ts)
 *   owner   {"epoch":7,"boot":"…","process":"process 4711 on host"}: raised by one each time a log is opened
 *
 * A lock can be lost without notice: its file is removed and another process locks a new one, or a network file system
 * forgets it. Then two processes write. The epoch ends that. Opening the log replaces `owner` before reading
 * anything else. Every log keeps its own `owner` file open, and looks whether that still has its name: before each
 * append, and after each sync before anything is acknowledged (a call of one microsecond). So what a log has
 * acknowledged as durable or committed was on the disk before another one took over, and the other one has read it. A
 * log that was taken over is fenced for good and writes nothing more, not even when it closes; the append under way at
 * that moment, if any, was not acknowledged. (On a network file system it notices as late as the cache of attributes
 * there allows.)
 */

import {
  FileError,
  type FileSystem,
  JsonFault,
  JsonFields,
  joinPath,
  type OpenFile,
  readWholeFile,
  replaceFile,
  UserError,
  utf8Bytes,
  utf8Text,
} from '../../base/index.ts';
import { LogError } from '../log.ts';

interface Owner {
  readonly epoch: number;
  readonly boot: string;
  readonly process: string;
}

export class Ownership {
  /** The machine has not restarted since the log was last opened: everything written is there. */
  readonly sameBoot: boolean;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #file: OpenFile;
  readonly #release: () => void;

  /** Takes the directory, or throws a `UserError` that names its owner. */
  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
    const lock = files.lock(joinPath(directory, 'lock'));
    const former = readOwner(files, directory);
    if (!lock.held) {
      const holder = former === undefined ? 'another process' : former.process;
      throw new UserError('DATA_DIR_LOCKED', `the data directory ${directory} is in use by ${holder}`, {
        hint: 'Stop the other server, or give this one another directory.',
      });
    }
    this.#release = lock.release;
    const boot = files.bootId();
    this.sameBoot = boot !== '' && former?.boot === boot;
    const owner: Owner = { epoch: (former?.epoch ?? 0) + 1, boot, process: files.processName() };
    const path = joinPath(directory, 'owner');
    try {
      writeOwner(files, path, owner);
      this.#file = files.open(path, 'read');
      if (readOwner(files, directory)?.epoch !== owner.epoch) throw lostTo(files, directory);
    } catch (cause) {
      this.#release();
      throw cause;
    }
  }

  /** Why this log may not write or acknowledge anything any more; undefined while the directory is its own. */
  check(): LogError | undefined {
    return this.#file.isLinked() ? undefined : lostTo(this.#files, this.#directory);
  }

  release(): void {
    this.#file.close();
    this.#release();
  }
}

/** On a full disk the former file makes room for the new one. */
const writeOwner = (files: FileSystem, path: string, owner: Owner): void => {
  const bytes = utf8Bytes(`${JSON.stringify(owner)}\n`);
  try {
    replaceFile(files, path, bytes);
  } catch (cause) {
    if (!(cause instanceof FileError && cause.code === 'ENOSPC') || files.stat(path) === undefined) throw cause;
    files.unlink(path);
    replaceFile(files, path, bytes);
  }
};

const lostTo = (files: FileSystem, directory: string): LogError => {
  const owner = readOwner(files, directory);
  const why = owner === undefined ? 'was removed' : `was taken over by ${owner.process}`;
  return new LogError(
    'unavailable',
    'LOG_TAKEN_OVER',
    `the data directory ${directory} ${why}; this log writes nothing more`,
    {
      hint: 'Make sure that only one server uses the directory, then restart this one.',
    },
  );
};

const readOwner = (files: FileSystem, directory: string): Owner | undefined => {
  const path = joinPath(directory, 'owner');
  try {
    const fields = JsonFields.parse(utf8Text(readWholeFile(files, path)));
    return { epoch: fields.count('epoch'), boot: fields.text('boot'), process: fields.text('process') };
  } catch (cause) {
    if (cause instanceof JsonFault || cause instanceof FileError) return undefined;
    throw cause;
  }
};
