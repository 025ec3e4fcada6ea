/**
 * The data directory of a file log: who may use it, and what lies where.
 *
 *   lock, owner       who uses the directory, see ownership.ts
 *   format            {"format":1}: the version of everything here
 *   clean             there only between a clean shutdown and the next start
 *   sync-failed       there when a sync failed since the last start: the ends of files are then written again
 *   topics/<id>/topic.json        a topic: name, partitions, configurations
 *   topics/<id>/deleted           the topic was deleted, what is left of it can go
 *   topics/<id>/<n>/              its partitions, see partition.ts
 *   internal/transactions, internal/offsets        the log's own two partitions, see coordinator.ts
 *   damage, quarantine/           what was found damaged, see damage-list.ts
 *
 * A topic exists while its `topic.json` does: it is written last when a topic is made; to delete a topic it is renamed
 * to `deleted`, and the rest follows. The transaction log also holds which topics there are, so that a start notices
 * what is gone. A directory that nothing explains is left as it is.
 */

import {
  FileError,
  type FileSystem,
  JsonFault,
  JsonFields,
  joinPath,
  parentOf,
  readWholeFile,
  replaceFile,
  UserError,
  utf8Bytes,
  utf8Text,
} from '../../base/index.ts';
import type { TopicDescription } from '../log.ts';
import { DamageList } from './damage-list.ts';
import { Ownership } from './ownership.ts';

const formatVersion = 1;

export class DataDirectory {
  readonly path: string;
  readonly cleanShutdown: boolean;
  /** Nothing was here before this start. */
  readonly isNew: boolean;
  /** The last run saw a sync fail. */
  readonly distrusted: boolean;
  readonly damage: DamageList;
  readonly owner: Ownership;
  readonly #files: FileSystem;

  /** Locks the directory for this process, or throws a `UserError` with the reason. */
  constructor(files: FileSystem, path: string) {
    this.#files = files;
    this.path = path;
    this.owner = guarded(path, () => {
      const found = files.stat(path);
      if (found?.kind === 'file') throw notADirectory(path);
      if (found === undefined) {
        files.mkdir(path);
        files.syncDirectory(parentOf(path));
      }
      return new Ownership(files, path);
    });
    try {
      [this.isNew, this.cleanShutdown, this.distrusted] = guarded(path, () => {
        const isNew =
          files.stat(joinPath(path, 'format')) === undefined && files.stat(joinPath(path, 'topics')) === undefined;
        this.#checkFormat();
        for (const name of ['topics', 'internal']) files.mkdir(joinPath(path, name));
        if (isNew) for (const name of ['transactions', 'offsets'] as const) files.mkdir(this.internal(name));
        files.syncDirectory(path);
        files.syncDirectory(joinPath(path, 'internal'));
        const clean = files.stat(joinPath(path, 'clean')) !== undefined;
        if (clean) {
          files.unlink(joinPath(path, 'clean'));
          files.syncDirectory(path);
        }
        return [isNew, clean, files.stat(joinPath(path, 'sync-failed')) !== undefined];
      });
      this.damage = guarded(path, () => new DamageList(files, path));
    } catch (cause) {
      this.owner.release();
      throw cause;
    }
  }

  #checkFormat(): void {
    const path = joinPath(this.path, 'format');
    if (this.#files.stat(path) === undefined) {
      replaceFile(this.#files, path, utf8Bytes(`${JSON.stringify({ format: formatVersion })}\n`));
      return;
    }
    let format: number;
    try {
      format = readFields(this.#files, path).count('format');
    } catch (cause) {
      if (!(cause instanceof JsonFault)) throw cause;
      throw unreadable(this.path, `${path} does not hold the format of the directory: ${cause.message}`, cause);
    }
    if (format === formatVersion) return;
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

  /** What there is of topics. What a crash left of half-made ones, which hold nothing, is cleared away. */
  loadTopics(): FoundTopics {
    return guarded(this.path, () => {
      const found: FoundTopics = { topics: [], deleted: [], undescribed: [] };
      const root = joinPath(this.path, 'topics');
      for (const id of this.#files.readdir(root)) {
        const directory = joinPath(root, id);
        if (this.#files.stat(joinPath(directory, 'deleted')) !== undefined) {
          found.deleted.push(id);
          continue;
        }
        const description = this.#readTopic(id);
        if (description !== undefined) found.topics.push(description);
        else if (this.#holdsSomething(directory)) found.undescribed.push(id);
        else this.#files.removeTree(directory);
      }
      return found;
    });
  }

  #readTopic(id: string): TopicDescription | undefined {
    const path = joinPath(this.path, 'topics', id, 'topic.json');
    if (this.#files.stat(path) === undefined) return undefined;
    try {
      return topicOf(id, readFields(this.#files, path));
    } catch (cause) {
      // The transaction log has the description too.
      if (cause instanceof JsonFault) return undefined;
      throw cause;
    }
  }

  /** Whether there is a file, other than an empty one, in the directory or below. */
  #holdsSomething(directory: string): boolean {
    return this.#files.readdir(directory).some((name) => {
      if (name.endsWith('.new')) return false;
      const path = joinPath(directory, name);
      const stat = this.#files.stat(path);
      return stat?.kind === 'directory' ? this.#holdsSomething(path) : stat !== undefined && stat.size > 0;
    });
  }

  createTopic({ id, name, partitions, configs }: TopicDescription): void {
    const directory = joinPath(this.path, 'topics', id);
    for (let i = 0; i < partitions; i++) this.#files.mkdir(joinPath(directory, String(i)));
    this.#files.syncDirectory(joinPath(this.path, 'topics'));
    this.describeTopic({ id, name, partitions, configs });
  }

  /** Writes the description of a topic, whose directory is there. */
  describeTopic({ id, name, partitions, configs }: TopicDescription): void {
    const text = `${JSON.stringify({ name, partitions, configs }, undefined, 2)}\n`;
    replaceFile(this.#files, joinPath(this.path, 'topics', id, 'topic.json'), utf8Bytes(text));
  }

  /** The topic does not exist any more when this returns; its files are removed later. */
  forgetTopic(id: string): void {
    const directory = joinPath(this.path, 'topics', id);
    this.#files.rename(joinPath(directory, 'topic.json'), joinPath(directory, 'deleted'));
    this.#files.syncDirectory(directory);
  }

  /** Removes the data of a topic that was forgotten; the mark that it was stays. */
  removeData(id: string): void {
    const directory = joinPath(this.path, 'topics', id);
    for (const name of this.#files.readdir(directory)) {
      if (name !== 'deleted') this.#files.removeTree(joinPath(directory, name));
    }
    this.#files.syncDirectory(directory);
  }

  /** Removes the directory of a topic whose data is removed. */
  removeTopic(id: string): void {
    this.#files.removeTree(joinPath(this.path, 'topics', id));
  }

  /** Takes back what there is of a topic that could not be made: no start, also after a power cut, finds any of it. */
  discardTopic(id: string): void {
    this.removeTopic(id);
    this.#files.syncDirectory(joinPath(this.path, 'topics'));
  }

  /** Puts a directory that nothing explains aside. */
  quarantineTopic(id: string): void {
    this.#files.mkdir(joinPath(this.path, 'quarantine'));
    this.#files.rename(joinPath(this.path, 'topics', id), joinPath(this.path, 'quarantine', id));
    this.#files.syncDirectory(joinPath(this.path, 'quarantine'));
    this.#files.syncDirectory(joinPath(this.path, 'topics'));
  }

  /** The ends of files have been written again and synced. */
  forgetFailedSync(): void {
    this.#files.unlink(joinPath(this.path, 'sync-failed'));
  }

  /** A note for the next start. It need not be on the disk: what a power cut forgets is read from the disk
   *  anyway. */
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
    this.owner.release();
  }
}

/** What lies in `topics/`. */
export interface FoundTopics {
  readonly topics: TopicDescription[];
  /** Ids of topics that were deleted, of which something is left. */
  readonly deleted: string[];
  /** Ids of directories that hold data and no readable description. */
  readonly undescribed: string[];
}

/** The topic that these fields describe; throws a `JsonFault`. */
export const topicOf = (id: string, fields: JsonFields): TopicDescription => ({
  id,
  name: fields.text('name'),
  partitions: fields.count('partitions'),
  configs: fields.texts('configs'),
});

const notADirectory = (path: string): UserError =>
  new UserError('DATA_DIR_UNREADABLE', `${path} is a file; the data of a log is a directory`, {
    hint: 'Give the path of a directory: one that does not exist yet is made.',
  });

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

/** The fields of a JSON file; throws a `JsonFault`. */
const readFields = (files: FileSystem, path: string): JsonFields =>
  JsonFields.parse(utf8Text(readWholeFile(files, path)));
