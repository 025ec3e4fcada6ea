/**
 * A key-value store that is never written again after a write has failed.
 *
 * A write that fails may leave a torn record at the end of LevelDB's write-ahead log. The open database takes further
 * writes all the same, but the next opening skips what follows the torn record, and may keep what was written after the
 * log rolled over: a hole. So the first failure ends the writing: what is on the disk is a prefix of what was written,
 * and stays one. Reads go on. To write again, close it and open it again.
 *
 * Writes wait for each other: none is under way behind one that fails.
 */

import {
  type KvBatch,
  KvError,
  type KvIterator,
  type KvRange,
  type OrderedKv,
  type ScratchBlocks,
} from './ordered-kv.ts';

export class GuardedKv implements OrderedKv {
  readonly #kv: OrderedKv;
  #failure: KvError | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(kv: OrderedKv) {
    this.#kv = kv;
  }

  /** Why nothing is written any more. */
  get failure(): KvError | undefined {
    return this.#failure;
  }

  get scratch(): ScratchBlocks {
    return this.#kv.scratch;
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    return this.#kv.getSync(key);
  }

  batch(): KvBatch {
    const batch = this.#kv.batch();
    return {
      get length() {
        return batch.length;
      },
      put: (key, value) => batch.put(key, value),
      delete: (key) => batch.delete(key),
      write: (options) => this.#write(() => batch.write(options)),
    };
  }

  iterate(range: KvRange): KvIterator {
    return this.#kv.iterate(range);
  }

  /** Damage that is found while clearing is no failure to write, and does not end the writing. */
  clear(range: KvRange, options: { readonly sync: boolean }): Promise<void> {
    return this.#write(
      () => this.#kv.clear(range, options),
      (failure) => failure.kind !== 'corrupt',
    );
  }

  #write(work: () => Promise<void>, isFailure: (error: KvError) => boolean = () => true): Promise<void> {
    const done = this.#last.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await work();
      } catch (error) {
        const failure = error instanceof KvError ? error : new KvError('failed', String(error), { cause: error });
        if (isFailure(failure)) this.#failure = failure;
        if (this.#failure?.kind === 'corrupt') await this.condemn(failure.message);
        throw failure;
      }
    });
    this.#last = done.catch(() => {});
    return done;
  }

  hasRoom(): Promise<boolean> {
    return this.#kv.hasRoom();
  }

  condemn(why: string): Promise<void> {
    return this.#kv.condemn(why);
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#kv.close();
  }
}
