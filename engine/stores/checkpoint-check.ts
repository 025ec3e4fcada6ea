/**
 * The check of a whole checkpoint: every entry against its checksum, and the set of entries against the sum kept with
 * them.
 *
 * What a checkpoint lost (a table file, a part of the write-ahead log, a key whose bits flipped) no point read can
 * notice: the key is just absent, or an older value is found. So at each start all entries are read once, aside and in
 * slices, as they were when the store was opened. Nothing may be derived from the store before that is done.
 */

import { verifyChecksum } from './checksum.ts';
import { EntrySum } from './entry-sum.ts';
import { kinds, kvPrefixBytes, readNumberValue, readWindowStart } from './layout.ts';
import { KvError, type KvIterator, type KvRange, type OrderedKv } from './ordered-kv.ts';

/** Entries that are read and verified at a time: about a millisecond. */
const entriesPerSlice = 1_000;

export class CheckpointCheck {
  readonly #iterator: KvIterator;
  readonly #windowed: boolean;
  /** Over data entries of key-value stores, meta entries, the expiry and the records of windows that have not expired.
   *  */
  readonly #sum = new EntrySum();
  /** By window: the sum over its data entries, taken along. */
  readonly #windows = new Map<number, EntrySum>();
  #floor = Number.NEGATIVE_INFINITY;
  #expected: EntrySum | undefined;
  #stopped = false;

  /** Sees the store as it is now. */
  constructor(kv: OrderedKv, range: KvRange, windowed: boolean) {
    this.#iterator = kv.iterate(range);
    this.#windowed = windowed;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Rejects with a `KvError`: of kind `corrupt` when anything is damaged or missing. */
  async run(): Promise<void> {
    try {
      while (!this.#stopped) {
        const entries = await this.#iterator.next(entriesPerSlice);
        if (entries.length === 0) break;
        for (const [key, stored] of entries) this.#add(key, stored);
      }
    } finally {
      await this.#iterator.close();
    }
    if (!this.#stopped) this.#compare();
  }

  #add(key: Uint8Array, stored: Uint8Array): void {
    const checksum = verifyChecksum(key, stored);
    const kind = key[kvPrefixBytes - 1] as number;
    switch (kind) {
      case kinds.data:
        if (this.#windowed) this.#windowOf(readWindowStart(key, kvPrefixBytes)).replace(0, checksum);
        else this.#sum.replace(0, checksum);
        return;
      case kinds.window:
        this.#addWindow(readWindowStart(key, kvPrefixBytes), EntrySum.read(stored), checksum);
        return;
      case kinds.expiry:
        this.#floor = readNumberValue(stored);
        this.#sum.replace(0, checksum);
        return;
      case kinds.meta:
        this.#sum.replace(0, checksum);
        return;
      case kinds.sum:
        this.#expected = EntrySum.read(stored);
        return;
    }
  }

  #windowOf(windowStart: number): EntrySum {
    let sum = this.#windows.get(windowStart);
    if (sum === undefined) {
      sum = new EntrySum();
      this.#windows.set(windowStart, sum);
    }
    return sum;
  }

  /** The records of windows come behind all data entries and the expiry. */
  #addWindow(windowStart: number, expected: EntrySum, checksum: number): void {
    const found = this.#windowOf(windowStart);
    this.#windows.delete(windowStart);
    if (windowStart < this.#floor) return;
    if (!found.equals(expected)) throw damaged(` of the window ${windowStart}`, found, expected);
    this.#sum.replace(0, checksum);
  }

  #compare(): void {
    for (const [windowStart, found] of this.#windows) {
      if (windowStart >= this.#floor) throw damaged(` of the window ${windowStart}`, found, new EntrySum());
    }
    const expected = this.#expected;
    if (expected === undefined) throw new KvError('corrupt', 'the sum over its entries is missing');
    if (!this.#sum.equals(expected)) throw damaged('', this.#sum, expected);
  }
}

const damaged = (where: string, found: EntrySum, expected: EntrySum): KvError =>
  new KvError(
    'corrupt',
    found.count === expected.count
      ? `of its ${expected.count} entries${where} some are not the ones that were written`
      : `it has ${found.count} entries${where} where ${expected.count} were written`,
  );
