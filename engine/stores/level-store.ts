/**
 * LevelDB as a shard: the one file of the engine that knows it.
 *
 * Encodings are fixed when the database is opened. An options object per put costs ten times a put, and slows every
 * other put of the process from then on; so does a fresh view per key, which is why callers hand in reused ones
 * (`view-scratch.ts`). `multithreading` stays off: sharing a database between threads crashes the process when the
 * thread that opened it leaves first.
 *
 * Values are not compressed: they are small rows whose blocks are rewritten by compaction over and over. So LevelDB
 * reads blocks where its table files are mapped into memory, and keeps none of them in its block cache: that is left
 * for what it cannot map (files beyond the first thousand of the process). The memory goes to the write buffer instead,
 * since a larger one makes fewer table files, and fewer compactions of what was written.
 *
 * LevelDB reports some damage when it meets it, passes over some in silence (a damaged record of the write-ahead log is
 * skipped; without the file CURRENT a new database is made over the old one), and ends the process for some (blocks of
 * table files are read without their checksums). So its files are verified before they are opened (`level-files.ts`),
 * and its users verify what they read (`checksum.ts`, `checkpoint-check.ts`).
 */

import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Level } from 'level';
import { messageOf } from '../../base/index.ts';
import { damageInFiles } from './level-files.ts';
import {
  type KvBatch,
  KvError,
  type KvErrorKind,
  type KvIterator,
  type KvRange,
  type OrderedKv,
  type ScratchBlocks,
  scratchBlockBytes,
} from './ordered-kv.ts';

type Database = Level<Uint8Array, Uint8Array>;

export type LevelKvOptions = {
  /** LevelDB's block cache. */
  readonly cacheBytes?: number;
  /** What LevelDB gathers in memory before it writes a table file; up to twice as much is held. */
  readonly writeBufferBytes?: number;
};

const defaultCacheBytes = 2 << 20;
/** With the cache and a second buffer that is being written 24 MiB for each shard. */
const defaultWriteBufferBytes = 11 << 20;

/** Name of a file in the database's directory that holds why it cannot be used. */
const damageMark = 'DAMAGED';

/** What has to fit the disk before a shard that had no room for a write is opened again: more than a write buffer. */
const roomBytes = 16 << 20;
const roomFile = 'room';
const scratchFile = 'scratch';

const deletesPerBatch = 4_096;

/** Opens the database in this directory, makes it where it is missing. Rejects with a `KvError`. */
export const openLevelKv = async (directory: string, options: LevelKvOptions = {}): Promise<OrderedKv> => {
  const database: Database = new Level<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
    cacheSize: options.cacheBytes ?? defaultCacheBytes,
    writeBufferSize: options.writeBufferBytes ?? defaultWriteBufferBytes,
    maxFileSize: 4 << 20,
  });
  try {
    await database.open();
  } catch (error) {
    throw kvError(error, { opening: true });
  }
  return new LevelKv(database, directory);
};

/**
 * Opens shard `shard` of the state directory `state`. One that is damaged beyond opening, or was condemned, is moved
 * aside, and an empty one takes its place: a checkpoint is a copy, its stores come back from their changelogs.
 * `onDamage` is called with the reason, and with where the damaged one is now: `quarantine/state/shard-N` beside the
 * state directory, which holds the last damaged form of each shard.
 */
export const openLevelShard = async (
  state: string,
  shard: number,
  { onDamage, ...options }: LevelKvOptions & { readonly onDamage?: (why: string) => void } = {},
): Promise<OrderedKv> => {
  const directory = join(state, `shard-${shard}`);
  for (const left of [roomFile, scratchFile]) await rm(join(directory, left), { force: true });
  let why = await damageOf(directory);
  if (why === undefined) {
    try {
      return await openLevelKv(directory, options);
    } catch (error) {
      if (!(error instanceof KvError) || error.kind !== 'corrupt') throw error;
      why = error.message;
    }
  }
  const aside = join(dirname(state), 'quarantine', 'state', `shard-${shard}`);
  await mkdir(dirname(aside), { recursive: true });
  await rm(aside, { recursive: true, force: true });
  await rename(directory, aside);
  onDamage?.(`${why}; it is kept in ${aside}`);
  return openLevelKv(directory, options);
};

/** Deletes a shard that is not needed any more. */
export const destroyLevelShard = (state: string, shard: number): Promise<void> =>
  rm(join(state, `shard-${shard}`), { recursive: true, force: true });

/** Opens a shard as it is; undefined when it is damaged, and so holds no checkpoint that counts. */
export const openSoundLevelShard = async (directory: string): Promise<OrderedKv | undefined> => {
  if ((await damageOf(directory)) !== undefined) return undefined;
  try {
    return await openLevelKv(directory);
  } catch (error) {
    if (error instanceof KvError && error.kind === 'corrupt') return undefined;
    throw error;
  }
};

/** Why the database cannot be used, as far as that is seen before it is opened. */
const damageOf = async (directory: string): Promise<string | undefined> =>
  (await readFile(join(directory, damageMark), 'utf8').catch(() => undefined)) ?? (await damageInFiles(directory));

class LevelKv implements OrderedKv {
  readonly #database: Database;
  readonly #directory: string;
  readonly scratch: ScratchFile;

  constructor(database: Database, directory: string) {
    this.#database = database;
    this.#directory = directory;
    this.scratch = new ScratchFile(join(directory, scratchFile));
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#database.getSync(key);
    } catch (error) {
      throw kvError(error);
    }
  }

  batch(): KvBatch {
    return new LevelBatch(this.#database);
  }

  iterate(range: KvRange): KvIterator {
    const iterator = this.#database.iterator({ gte: range.from, lt: range.to });
    return {
      next: async (count) => {
        try {
          return await iterator.nextv(count);
        } catch (error) {
          throw kvError(error);
        }
      },
      close: () => iterator.close(),
    };
  }

  async clear(range: KvRange, { sync }: { readonly sync: boolean }): Promise<void> {
    try {
      if (sync) await this.#clearSynced(range);
      else await this.#database.clear({ gte: range.from, lt: range.to });
    } catch (error) {
      throw kvError(error);
    }
  }

  /** LevelDB's own clearing is never synced. */
  async #clearSynced(range: KvRange): Promise<void> {
    const keys = this.#database.keys({ gte: range.from, lt: range.to });
    try {
      for (let some = await keys.nextv(deletesPerBatch); some.length > 0; some = await keys.nextv(deletesPerBatch)) {
        const batch = this.#database.batch();
        for (const key of some) batch.del(key);
        await batch.write({ sync: true });
      }
    } finally {
      await keys.close();
    }
  }

  /** Writes as much as opening may have to: a table file of what the write-ahead log holds, and some. What the scratch
   *  file takes is given back before. */
  async hasRoom(): Promise<boolean> {
    this.scratch.close('the disk is full, and others need the space of the scratch file');
    const file = join(this.#directory, roomFile);
    try {
      await writeFile(file, new Uint8Array(roomBytes), { flush: true });
      return true;
    } catch {
      return false;
    } finally {
      await rm(file, { force: true }).catch(() => {});
    }
  }

  async condemn(why: string): Promise<void> {
    await writeFile(join(this.#directory, damageMark), why).catch(() => {});
  }

  close(): Promise<void> {
    this.scratch.close();
    return this.#database.close();
  }
}

/** A file without a name: it is gone when the process ends, however it ends. A write that fails ends it for all: the
 *  disk is full, most often, and others need the space more. */
class ScratchFile implements ScratchBlocks {
  readonly #path: string;
  #file: number | undefined;
  #blocks = 0;
  readonly #free: number[] = [];
  /** Why it is not used any more. */
  #ended: KvError | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  allocate(): number {
    if (this.#file === undefined) {
      if (this.#ended !== undefined) throw this.#ended;
      const file = openSync(this.#path, 'w+');
      try {
        rmSync(this.#path);
      } catch (error) {
        closeSync(file);
        throw error;
      }
      this.#file = file;
    }
    return this.#free.pop() ?? this.#blocks++;
  }

  /** The space is given back with the last block. */
  release(block: number): void {
    this.#free.push(block);
    if (this.#free.length < this.#blocks) return;
    this.#closeFile();
    this.#free.length = this.#blocks = 0;
  }

  read(block: number, from: number, into: Uint8Array): void {
    const read = readSync(this.#opened, into, 0, into.length, block * scratchBlockBytes + from);
    if (read !== into.length) throw new KvError('failed', 'a block of the scratch file ends too early');
  }

  write(block: number, bytes: Uint8Array): void {
    try {
      const written = writeSync(this.#opened, bytes, 0, bytes.length, block * scratchBlockBytes);
      if (written !== bytes.length) throw new KvError('full', 'a block of the scratch file was not written whole');
    } catch (error) {
      this.close(messageOf(error));
      throw error;
    }
  }

  get #opened(): number {
    if (this.#file === undefined) throw this.#ended ?? new KvError('failed', 'the scratch file has no blocks');
    return this.#file;
  }

  /** What uses it from now on gets the reason. */
  close(why = 'the scratch file is closed'): void {
    this.#ended ??= new KvError('failed', why);
    this.#closeFile();
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = undefined;
    try {
      if (file !== undefined) closeSync(file);
    } catch {
      // It is closed all the same, and what was in it is not needed any more.
    }
  }
}

class LevelBatch implements KvBatch {
  readonly #batch: ReturnType<Database['batch']>;

  constructor(database: Database) {
    this.#batch = database.batch();
  }

  get length(): number {
    return this.#batch.length;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#batch.put(key, value);
  }

  delete(key: Uint8Array): void {
    this.#batch.del(key);
  }

  async write(options: { readonly sync: boolean }): Promise<void> {
    try {
      await this.#batch.write(options);
    } catch (error) {
      throw kvError(error);
    }
  }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

/** LevelDB marks its errors by a code or by the beginning of the message; opening wraps the reason as a cause. */
const kvError = (error: unknown, { opening = false } = {}): KvError => {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const message = messageOf(cause);
  return new KvError(kindOf(codeOf(cause), message, opening), `LevelDB: ${message}`, { cause: error });
};

const kindOf = (code: string, message: string, opening: boolean): KvErrorKind => {
  if (code === 'LEVEL_CORRUPTION' || message.startsWith('Corruption')) return 'corrupt';
  if (code === 'LEVEL_LOCKED') return 'locked';
  if (/No space left|Too many open files|Disk quota/.test(message)) return 'full';
  // A manifest or table file that is named and missing is damage as well.
  if (/No such file/.test(message) || (opening && /Invalid argument|does not exist/.test(message))) return 'corrupt';
  return 'failed';
};
