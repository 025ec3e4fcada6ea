/**
 * The data directory of a file log: who may use it, and what lies where.
 *
 *   lock              held while a log is open; names the process
 *   format            {"format":1}: the version of everything here
 *   clean             there only between a clean shutdown and the next start
 *   sync-failed       there when a sync failed since the last start: the tails are written anew then
 *   topics/<id>/topic.json        a topic: name, partitions, configurations
 *   topics/<id>/<n>/              its partitions, see partition.ts
 *   internal/transactions, internal/offsets        the log's own two partitions, see coordinator.ts
 *
 * A topic exists while its `topic.json` does: it is written last when a topic is made and removed first when it is deleted, so that a crash
 * in between leaves a directory that the next start clears away.
 */

import {
  FileError,
  type FileSystem,
  joinPath,
  parentOf,
  readWholeFile,
  replaceFile,
  UserError,
  utf8Bytes,
  utf8Text,
} from '../../base/index.ts';
import type { TopicDescription } from '../log.ts';

const formatVersion = 1;

export class DataDirectory {
  readonly path: string;
  readonly cleanShutdown: boolean;
  /** Nothing was here before this start. */
  readonly isNew: boolean;
  /** The last run saw a sync fail. */
  readonly distrusted: boolean;
  readonly #files: FileSystem;
  readonly #release: () => void;

  /** Takes the directory for this process, or throws the `UserError` that says why not. */
  constructor(files: FileSystem, path: string) {
    this.#files = files;
    this.path = path;
    this.#release = guarded(path, () => {
      if (files.stat(path) === undefined) {
        files.mkdir(path);
        files.syncDirectory(parentOf(path));
      }
      const lock = files.lock(joinPath(path, 'lock'));
      if ('release' in lock) return lock.release;
      throw new UserError('DATA_DIR_LOCKED', `the data directory ${path} is in use by ${lock.heldBy}`, {
        hint: 'Stop the other server, or give this one another directory.',
      });
    });
    try {
      [this.isNew, this.cleanShutdown, this.distrusted] = guarded(path, () => {
        const isNew =
          files.stat(joinPath(path, 'format')) === undefined && files.stat(joinPath(path, 'topics')) === undefined;
        this.#checkFormat();
        for (const name of ['topics', 'internal/transactions', 'internal/offsets']) files.mkdir(joinPath(path, name));
        files.syncDirectory(path);
        files.syncDirectory(joinPath(path, 'internal'));
        const clean = files.stat(joinPath(path, 'clean')) !== undefined;
        if (clean) {
          files.unlink(joinPath(path, 'clean'));
          files.syncDirectory(path);
        }
        return [isNew, clean, files.stat(joinPath(path, 'sync-failed')) !== undefined];
      });
    } catch (cause) {
      this.#release();
      throw cause;
    }
  }

  #checkFormat(): void {
    const path = joinPath(this.path, 'format');
    if (this.#files.stat(path) === undefined) {
      replaceFile(this.#files, path, utf8Bytes(`${JSON.stringify({ format: formatVersion })}\n`));
      return;
    }
    const format = readObject(this.#files, path)['format'];
    if (format === formatVersion) return;
    if (typeof format !== 'number') throw unreadable(this.path, `${path} does not say which format it is`);
    throw new UserError(
      'DATA_DIR_NEWER',
      `the data directory ${this.path} has format ${format}; this version reads format ${formatVersion}`,
      { hint: 'Use the version that wrote it, or give this one another directory.' },
    );
  }

  internal(name: 'transactions' | 'offsets'): string {
    return joinPath(this.path, 'internal', name);
  }

  partition(topicId: string, partition: number): string {
    return joinPath(this.path, 'topics', topicId, String(partition));
  }

  /** The topics there are; what a crash left of half-made and half-deleted ones is cleared away. */
  loadTopics(): TopicDescription[] {
    return guarded(this.path, () => {
      const topics: TopicDescription[] = [];
      const root = joinPath(this.path, 'topics');
      for (const id of this.#files.readdir(root)) {
        const path = joinPath(root, id, 'topic.json');
        if (this.#files.stat(path) === undefined) {
          this.#files.removeTree(joinPath(root, id));
          continue;
        }
        const { name, partitions, configs } = readObject(this.#files, path);
        if (typeof name !== 'string' || typeof partitions !== 'number' || !isConfigs(configs)) {
          throw unreadable(this.path, `${path} does not describe a topic`);
        }
        topics.push({ id, name, partitions, configs });
      }
      return topics;
    });
  }

  createTopic({ id, name, partitions, configs }: TopicDescription): void {
    const directory = joinPath(this.path, 'topics', id);
    for (let i = 0; i < partitions; i++) this.#files.mkdir(joinPath(directory, String(i)));
    this.#files.syncDirectory(joinPath(this.path, 'topics'));
    const text = `${JSON.stringify({ name, partitions, configs }, undefined, 2)}\n`;
    replaceFile(this.#files, joinPath(directory, 'topic.json'), utf8Bytes(text));
  }

  /** After this the topic does not exist, come what may; its files follow. */
  forgetTopic(id: string): void {
    const directory = joinPath(this.path, 'topics', id);
    this.#files.unlink(joinPath(directory, 'topic.json'));
    this.#files.syncDirectory(directory);
  }

  removeTopic(id: string): void {
    this.#files.removeTree(joinPath(this.path, 'topics', id));
  }

  /** The tails have been written anew and synced. */
  trustAgain(): void {
    this.#files.unlink(joinPath(this.path, 'sync-failed'));
  }

  /** Leaves word for the next start. It need not be on the disk: what a power cut forgets is read from the disk anyway. */
  noteFailedSync(): void {
    try {
      this.#files.open(joinPath(this.path, 'sync-failed'), 'create').close();
    } catch (cause) {
      if (!(cause instanceof FileError)) throw cause;
    }
  }

  noteCleanShutdown(): void {
    replaceFile(this.#files, joinPath(this.path, 'clean'), utf8Bytes('{}\n'));
  }

  release(): void {
    this.#release();
  }
}

const unreadable = (path: string, why: string, cause?: unknown): UserError =>
  new UserError('DATA_DIR_UNREADABLE', `the data directory ${path} cannot be used: ${why}`, {
    hint: 'Check its permissions and that nothing else writes there, or give another directory.',
    cause,
  });

const guarded = <T>(path: string, run: () => T): T => {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof FileError) throw unreadable(path, cause.message, cause);
    throw cause;
  }
};

const readObject = (files: FileSystem, path: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(utf8Text(readWholeFile(files, path)));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (cause) {
    if (cause instanceof SyntaxError) return {};
    throw cause;
  }
};

const isConfigs = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
