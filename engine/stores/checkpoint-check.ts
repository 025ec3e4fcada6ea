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
import type { Expiry } from './expiry.ts';
import { kinds, kvPrefixBytes, readNumberValue, readTime } from './layout.ts';
import { KvError, type KvIterator, type KvRange, type OrderedKv } from './ordered-kv.ts';

/** Entries that are read and verified at a time: about a millisecond. */
const entriesPerSlice = 1_000;

export class CheckpointCheck {
  readonly #iterator: KvIterator;
  readonly #expiry: Expiry | undefined;
  /** Over data entries and pages of stores that do not expire, meta entries, the expiry and the records of windows that
   *  have not expired. */
  readonly #sum = new EntrySum();
  /** By window: the sum over what was found in it, and the one that its record holds. */
  readonly #windows = new Map<number, { readonly found: EntrySum; expected: EntrySum }>();
  #firstWindow = Number.NEGATIVE_INFINITY;
  #expected: EntrySum | undefined;
  #stopped = false;

  /** Sees the store as it is now. */
  constructor(kv: OrderedKv, range: KvRange, expiry: Expiry | undefined) {
    this.#iterator = kv.iterate(range);
    this.#expiry = expiry;
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
      case kinds.page:
        if (this.#expiry === undefined) this.#sum.replace(0, checksum);
        else this.#windowOf(key).found.replace(0, checksum);
        return;
      case kinds.window:
        this.#windowOf(key).expected = EntrySum.read(stored);
        // Expiries come before windows.
        if (readTime(key, kvPrefixBytes) >= this.#firstWindow) this.#sum.replace(0, checksum);
        return;
      case kinds.expiry:
        this.#firstWindow = this.#expiry?.windowOf(readNumberValue(stored)) ?? this.#firstWindow;
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

  #windowOf(key: Uint8Array): { readonly found: EntrySum; expected: EntrySum } {
    const windowStart = readTime(key, kvPrefixBytes);
    let sums = this.#windows.get(windowStart);
    if (sums === undefined) {
      sums = { found: new EntrySum(), expected: new EntrySum() };
      this.#windows.set(windowStart, sums);
    }
    return sums;
  }

  #compare(): void {
    for (const [windowStart, { found, expected }] of this.#windows) {
      if (windowStart >= this.#firstWindow && !found.equals(expected))
        throw damaged(` of the window ${windowStart}`, found, expected);
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
