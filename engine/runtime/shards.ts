/**
 * The shards of one host: key-value stores that are opened when first used, shared by the stores of many tasks, and
 * opened again after a failed write.
 *
 * After a failure (a full disk, most often) nothing more is written to a shard (`../stores/guarded-kv.ts`), while its
 * stores continue in memory and are read as before. Once there is room again, all runs that use the shard are ended and
 * the shard is closed; the runs start again by themselves, from what the shard holds after its next opening. That is
 * the same path as after a crash.
 */

import type { Timers } from '../../base/index.ts';
import { GuardedKv } from '../stores/guarded-kv.ts';
import { KvError, type OrderedKv } from '../stores/ordered-kv.ts';
import { StoreIds } from './store-ids.ts';

export type OpenShard = (shard: number, onDamage: (why: string) => void) => Promise<OrderedKv>;

export interface ShardsOptions {
  readonly open: OpenShard;
  readonly timers: Timers;
  /** A shard was damaged, and an empty one replaces it. */
  readonly damaged: (shard: number, why: string) => void;
  /** Ends the runs that use a shard, so that it can be opened again. */
  readonly end: (shard: Shard, why: KvError) => void;
}

/** A shard that is open. */
export class Shard {
  readonly number: number;
  readonly kv: GuardedKv;
  readonly ids: StoreIds;
  /** Assignments of tasks, and other users that must not find it closed. */
  readonly users = new Set<unknown>();
  /** Why stores have given up their copies of what has left memory: the stores that share a file fail alike. */
  readonly copyFailures = new Set<string>();
  /** It is closed when its last user has left. */
  retired = false;

  constructor(number: number, kv: GuardedKv, ids: StoreIds) {
    this.number = number;
    this.kv = kv;
    this.ids = ids;
  }
}

const msBetweenLooks = 1_000;

export class Shards {
  readonly #options: ShardsOptions;
  readonly #shards = new Map<number, Promise<Shard>>();
  /** Closings under way: the next opening waits. */
  readonly #closing = new Map<number, Promise<void>>();
  readonly #freed = new Map<Shard, () => void>();
  readonly #looks = new Map<Shard, () => void>();

  constructor(options: ShardsOptions) {
    this.#options = options;
  }

  /** The shard, open; `user` holds it until it leaves. */
  async use(number: number, user: unknown): Promise<Shard> {
    await this.#closing.get(number);
    let opened = this.#shards.get(number);
    if (opened === undefined) {
      opened = this.#open(number);
      this.#shards.set(number, opened);
      // One that could not be opened is tried again by the next user.
      opened.catch(() => this.#shards.delete(number));
    }
    const shard = await opened;
    if (shard.retired) return this.use(number, user);
    shard.users.add(user);
    return shard;
  }

  leave(user: unknown): void {
    for (const opened of this.#shards.values()) {
      void opened.then(
        (shard) => this.#left(shard, user),
        () => {},
      );
    }
    for (const shard of this.#freed.keys()) this.#left(shard, user);
  }

  #left(shard: Shard, user: unknown): void {
    shard.users.delete(user);
    if (shard.users.size === 0) this.#freed.get(shard)?.();
  }

  async #open(number: number): Promise<Shard> {
    const { open, damaged } = this.#options;
    const attempt = async (retry: boolean): Promise<Shard> => {
      const kv = await open(number, (why) => damaged(number, why));
      try {
        return await this.#shard(number, kv);
      } catch (error) {
        // Whatever failed, the database must not stay open: its lock would keep the next attempt out.
        const corrupt = error instanceof KvError && error.kind === 'corrupt';
        try {
          if (corrupt) await kv.condemn(error.message);
        } finally {
          await kv.close().catch(() => {});
        }
        if (!corrupt || !retry) throw error;
      }
      return attempt(false);
    };
    return attempt(true);
  }

  async #shard(number: number, kv: OrderedKv): Promise<Shard> {
    const guarded = new GuardedKv(kv);
    const ids = await StoreIds.load(guarded);
    // What cannot be deleted now is out of reach, and the next opening tries again.
    void ids.deleteForgotten().catch(() => {});
    return new Shard(number, guarded, ids);
  }

  /** A write has failed. Looks from time to time whether the shard can be opened again. */
  failed(shard: Shard): void {
    if (shard.retired || this.#looks.has(shard)) return;
    const cancel = this.#options.timers.after(msBetweenLooks, () => {
      void this.#look(shard);
    });
    this.#looks.set(shard, cancel);
  }

  async #look(shard: Shard): Promise<void> {
    const { failure } = shard.kv;
    if (failure === undefined) return;
    const ready = failure.kind !== 'full' || (await shard.kv.hasRoom());
    if (!this.#looks.delete(shard)) return; // closed meanwhile
    if (ready) this.#retire(shard, failure);
    else this.failed(shard);
  }

  #retire(shard: Shard, why: KvError): void {
    shard.retired = true;
    this.#shards.delete(shard.number);
    const free = new Promise<void>((resolve) => this.#freed.set(shard, resolve));
    const closed = free
      .then(() => shard.kv.close())
      .catch(() => {})
      .then(() => {
        this.#freed.delete(shard);
        this.#closing.delete(shard.number);
      });
    this.#closing.set(shard.number, closed);
    this.#options.end(shard, why);
    if (shard.users.size === 0) this.#freed.get(shard)?.();
  }

  /** Closes all. None of them is in use any more. */
  async close(): Promise<void> {
    for (const cancel of this.#looks.values()) cancel();
    this.#looks.clear();
    for (const free of this.#freed.values()) free();
    await Promise.all(this.#closing.values());
    for (const opened of this.#shards.values()) {
      await opened.then(({ kv }) => kv.close()).catch(() => {});
    }
    this.#shards.clear();
  }
}
