/** Opening, proving and clearing what the key-value store has of a store. */

import { CheckpointCheck } from './checkpoint-check.ts';
import { verifyChecksum } from './checksum.ts';
import { EntrySum } from './entry-sum.ts';
import type { Expiry } from './expiry.ts';
import { kinds, kvPrefixBytes, readNumberValue, readPositionValue, readTime } from './layout.ts';
import { KvError, type OrderedKv } from './ordered-kv.ts';
import type { OpenedStore } from './state-store.ts';
import type { StoreCore } from './store-core.ts';

const noBytes = new Uint8Array(0);
const windowsPerRead = 1_000;

export class StoreOpening {
  readonly #core: StoreCore;
  readonly #renewStoreId: (() => Promise<number>) | undefined;
  /** The check of the whole checkpoint, until it is finished. */
  #check: CheckpointCheck | undefined;

  constructor(core: StoreCore, renewStoreId: (() => Promise<number>) | undefined) {
    this.#core = core;
    this.#renewStoreId = renewStoreId;
  }

  async open(): Promise<OpenedStore> {
    const { stored } = this.#core;
    if (stored.kv === undefined) return { position: undefined, discarded: undefined };
    try {
      return await this.#open(stored.kv);
    } catch (error) {
      throw stored.noted(error);
    }
  }

  async #open(kv: OrderedKv): Promise<OpenedStore> {
    const core = this.#core;
    const { stored } = core;
    const saved = stored.readOwn(kinds.position);
    const found = saved === undefined ? undefined : readPositionValue(saved, core.changelogId, core.form);
    core.position = typeof found === 'number' ? found : undefined;
    core.checkpointed = core.position;
    if (core.position === undefined) {
      // Chunks of a first checkpoint that was not finished, another layout, or another changelog.
      await this.clear();
      return { position: undefined, discarded: typeof found === 'string' ? found : undefined };
    }
    const sum = stored.readOwn(kinds.sum);
    if (sum === undefined) throw new KvError('corrupt', 'the sum over its entries is missing');
    stored.sum = EntrySum.read(sum);
    core.complete = false;
    this.#check = new CheckpointCheck(kv, stored.range(), core.expiry);
    if (core.expiry !== undefined) await this.#openWindows(kv, core.expiry);
    return { position: core.position, discarded: undefined };
  }

  async #openWindows(kv: OrderedKv, expiry: Expiry): Promise<void> {
    const { stored } = this.#core;
    const expired = stored.readOwn(kinds.expiry);
    if (expired !== undefined) expiry.restore(readNumberValue(expired));
    const iterator = kv.iterate(stored.range(kinds.window));
    try {
      for (;;) {
        const entries = await iterator.next(windowsPerRead);
        if (entries.length === 0) break;
        for (const [key, value] of entries) {
          const checksum = verifyChecksum(key, value);
          const windowStart = readTime(key, kvPrefixBytes);
          if (windowStart < expiry.committedWindow) continue;
          const record = { sum: EntrySum.read(value), checksum };
          expiry.windows.add(windowStart, { complete: false, record, committed: true });
        }
      }
    } finally {
      await iterator.close();
    }
  }

  /** Proves that what the key-value store held at the opening is whole, in slices. Rejects with a `KvError` of kind
   *  `corrupt`. */
  async verify(): Promise<void> {
    const check = this.#check;
    if (check === undefined) return;
    try {
      await check.run();
      if (this.#check === check) this.#check = undefined;
    } catch (error) {
      throw this.#core.stored.noted(error);
    }
  }

  get verified(): boolean {
    return this.#check === undefined;
  }

  /** The store is not used any more. */
  close(): void {
    this.#check?.stop();
  }

  /** Forgets everything. The position goes first: a crash on the way leaves a store without one, which is cleared when
   *  it is opened. */
  async clear(): Promise<void> {
    const core = this.#core;
    const { stored } = core;
    this.#check?.stop();
    this.#check = undefined;
    core.reset();
    const { kv } = stored;
    if (kv === undefined) return;
    const range = stored.range();
    const iterator = kv.iterate(range);
    const some = await iterator.next(1).finally(() => iterator.close());
    if (some.length === 0) return;
    if (this.#renewStoreId !== undefined) {
      // Under another number, nothing that damage hides now and a compaction brings to light later can be taken for an
      // entry of this store.
      stored.storeId = await this.#renewStoreId();
      await kv.clear(range, { sync: false }).catch(() => {});
      return;
    }
    const batch = kv.batch();
    batch.delete(stored.key(kinds.position, noBytes, 0, 0));
    await batch.write({ sync: true });
    await kv.clear(range, { sync: true });
  }
}
