/**
 * A sum over entries that shows whether one of them is missing, is there twice, or is an older one: their number and
 * the sum of their checksums modulo 2^48, in whatever order they are added. As bytes: number (f64), sum (f64).
 */

import { assert, readF64, writeF64 } from '../../base/index.ts';

const modulus = 2 ** 48;
export const entrySumBytes = 16;

export class EntrySum {
  count = 0;
  total = 0;

  /** An entry with the checksum `before` becomes one with `after`; 0 stands for no entry. */
  replace(before: number, after: number): void {
    if (before !== 0) this.count--;
    if (after !== 0) this.count++;
    this.total = (this.total - before + after + modulus) % modulus;
  }

  equals(other: EntrySum): boolean {
    return this.count === other.count && this.total === other.total;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(entrySumBytes);
    writeF64(bytes, 0, this.count);
    writeF64(bytes, 8, this.total);
    return bytes;
  }

  /** Reads what `toBytes` made from the beginning of `bytes`. */
  static read(bytes: Uint8Array): EntrySum {
    const sum = new EntrySum();
    sum.count = readF64(bytes, 0);
    sum.total = readF64(bytes, 8);
    assert(
      Number.isSafeInteger(sum.count) && sum.total >= 0 && sum.total < modulus,
      'the sum over entries is not a valid one',
    );
    return sum;
  }
}
