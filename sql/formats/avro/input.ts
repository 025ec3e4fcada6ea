/** Data of Avro at a position, read in the plain form: the reference that generated code is held to. */

import { normalizeBigint } from '../../types/value.ts';
import { BinaryInput } from '../binary-input.ts';

/** Items that take no bytes, such as nulls, are not bounded by the bytes of their record. */
const mostEmptyItems = 65_536;

export class AvroInput extends BinaryInput {
  /** How deep the part lies that is skipped, where a type contains itself. */
  depth = 0;

  constructor() {
    super('AVRO');
  }

  override open(bytes: Uint8Array, start: number, end: number, at = start): void {
    super.open(bytes, start, end, at);
    this.depth = 0;
  }

  boolean(): boolean {
    const at = this.take(1);
    const byte = this.bytes[at] as number;
    return byte > 1 ? this.fail(`a boolean is 0 or 1, not ${byte},`, at) : byte === 1;
  }

  int(): number {
    const { at } = this;
    const value = this.varint(5);
    if (value > 0xffff_ffff) this.fail('an int is larger than 32 bits', at);
    return (value >>> 1) ^ -(value & 1);
  }

  long(): number | bigint {
    const { at } = this;
    const value = this.varint(10);
    if (value <= Number.MAX_SAFE_INTEGER) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    // Its digits do not fit a number: again, exactly.
    const exact = BigInt.asUintN(64, this.exactVarint(at));
    return normalizeBigint((exact >> 1n) ^ -(exact & 1n));
  }

  length(): number {
    const { at } = this;
    const length = this.long();
    if (typeof length === 'bigint' || length < 0 || length > this.end - this.at) {
      this.fail(`a length of ${length} is not within the record,`, at);
    }
    return length;
  }

  /** The place of a symbol or branch, which is one of so many. */
  index(count: number, what: string): number {
    const { at } = this;
    const index = this.int();
    return index < 0 || index >= count ? this.fail(`there is no ${what} ${index}`, at) : index;
  }

  /** How many items the next block of an array or a map has: none at its end. `least` is how many bytes an item takes
   *  at least, `before` how many items there were. */
  block(least: number, before: number): number {
    const { at } = this;
    let count = this.long();
    if (typeof count === 'number' && count < 0) {
      count = -count;
      // The size of the block, for those who skip it.
      this.length();
    }
    const room = least > 0 ? Math.floor((this.end - this.at) / least) : mostEmptyItems - before;
    return count > room ? this.fail(`${count} items are not within the record,`, at) : Number(count);
  }

  /** Where an item lies that contains others of its kind. */
  descend(most: number): void {
    if (++this.depth > most) this.fail(`the data is more than ${most} levels deep`);
  }
}
