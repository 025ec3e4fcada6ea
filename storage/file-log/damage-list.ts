/**
 * What was found damaged, and what is left of it.
 *
 *   damage                              {"format":1,"entries":[…]}: the entries of `Log.damage` that are not accepted
 *                                       yet, on the disk before anything is mended, because damage that is mended
 *                                       cannot be found again
 *   quarantine/<n>-<name of the file>   the bytes that were taken out of a file, or a file that the disk does not read
 *                                       any more (salvage.ts); they are never deleted
 *
 * Topics that are gone and partitions that cannot be opened are not in the file: every start finds them again.
 */

import {
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
  writeFully,
} from '../../base/index.ts';
import { type Damage, damageKinds } from '../log.ts';
import { offsetsTopic, transactionsTopic } from '../topic-rules.ts';

const formatVersion = 1;

/** The topic that an entry belongs to, the log's own ones included. */
export const damagedTopic = ({ kind, topic }: Damage): string | undefined =>
  kind === 'offsets' ? offsetsTopic : kind === 'transactions' ? transactionsTopic : topic;

/** Where a partition reports what it finds damaged; the log adds the topic and partition. */
export interface DamageReport {
  found(damage: Pick<Damage, 'kind' | 'path' | 'lost' | 'keptAt'> & { readonly what: string }): void;
  readonly keep: DamageList['keep'];
}

export class DamageList {
  readonly #files: FileSystem;
  readonly #directory: string;
  #entries: Damage[];
  bytesQuarantined = 0;

  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
    this.#entries = this.#read();
  }

  get entries(): readonly Damage[] {
    return this.#entries;
  }

  get #path(): string {
    return joinPath(this.#directory, 'damage');
  }

  #read(): Damage[] {
    if (this.#files.stat(this.#path) === undefined) return [];
    try {
      const fields = JsonFields.parse(utf8Text(readWholeFile(this.#files, this.#path)));
      return fields.list('entries').map((entry, i) => damageOf(entry, i));
    } catch (cause) {
      if (!(cause instanceof JsonFault)) throw cause;
      throw new UserError('DATA_DIR_UNREADABLE', `${this.#path} is not a list of damage: ${cause.message}`, {
        hint:
          'It names data that was found lost. Restore it from a backup, or move it away to go on as if nothing were ' +
          'lost.',
        cause,
      });
    }
  }

  /** On the disk when it returns. The same thing found twice (a crash while it was mended) is one entry. */
  add(entry: Damage): void {
    const { from, to } = entry.lost ?? { from: -1, to: -1 };
    const known = this.#entries.some(
      ({ kind, topicId, partition, path, lost }) =>
        kind === entry.kind &&
        topicId === entry.topicId &&
        partition === entry.partition &&
        (lost === undefined ? entry.lost === undefined && path === entry.path : lost.from <= from && lost.to >= to),
    );
    if (!known) this.#write([...this.#entries, entry]);
  }

  /** Removes entries; answers them. */
  remove(which: (entry: Damage) => boolean): Damage[] {
    const removed = this.#entries.filter(which);
    if (removed.length > 0) this.#write(this.#entries.filter((entry) => !which(entry)));
    return removed;
  }

  #write(entries: Damage[]): void {
    const text = `${JSON.stringify({ format: formatVersion, entries }, undefined, 2)}\n`;
    replaceFile(this.#files, this.#path, utf8Bytes(text));
    this.#entries = entries;
  }

  /** Keeps bytes aside for good, on the disk when it returns; answers the path of their file. */
  keep(name: string, sizeBytes: number, write: (to: (bytes: Uint8Array, length: number) => void) => void): string {
    const path = this.#place(name);
    const file = this.#files.open(path, 'create');
    try {
      let at = 0;
      write((bytes, length) => {
        writeFully(file, bytes, 0, length, at);
        at += length;
      });
      file.datasyncSync();
    } finally {
      file.close();
    }
    this.#files.syncDirectory(parentOf(path));
    this.bytesQuarantined += sizeBytes;
    return path;
  }

  /** Moves a file there as it is; the directory that it was in is not synced. */
  setAside(path: string, name: string): void {
    const kept = this.#place(name);
    this.#files.rename(path, kept);
    this.#files.syncDirectory(parentOf(kept));
  }

  /** A path in the quarantine that is not taken. */
  #place(name: string): string {
    const directory = joinPath(this.#directory, 'quarantine');
    const isNew = this.#files.stat(directory) === undefined;
    this.#files.mkdir(directory);
    if (isNew) this.#files.syncDirectory(this.#directory);
    let number = 1;
    while (this.#files.stat(joinPath(directory, `${number}-${name}`)) !== undefined) number++;
    return joinPath(directory, `${number}-${name}`);
  }
}

const damageOf = (value: unknown, index: number): Damage => {
  try {
    const fields = new JsonFields(value);
    const [topic, topicId, keptAt] = [
      fields.optionalText('topic'),
      fields.optionalText('topicId'),
      fields.optionalText('keptAt'),
    ];
    const partition = fields.optionalCount('partition');
    const lost = fields.has('lost') ? fields.fields('lost') : undefined;
    return {
      kind: fields.oneOf('kind', damageKinds),
      path: fields.text('path'),
      message: fields.text('message'),
      ...(topic !== undefined && { topic }),
      ...(topicId !== undefined && { topicId }),
      ...(partition !== undefined && { partition }),
      ...(lost !== undefined && { lost: { from: lost.count('from'), to: lost.count('to') } }),
      ...(keptAt !== undefined && { keptAt }),
    };
  } catch (cause) {
    throw cause instanceof JsonFault ? new JsonFault(`entry ${index + 1}: ${cause.message}`) : cause;
  }
};
