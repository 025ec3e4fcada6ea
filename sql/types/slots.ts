/**
 * Columns of a row, read and replaced one by one: what an aggregate function sees of its group.
 *
 * Two forms. `RowSlots` is a row of values. `FixedSlots` is a row in the row encoding, where it lies in a store:
 * nothing else of it is decoded, and nothing is encoded again. That takes columns of fixed width only, so that the
 * encoded row keeps its length whatever is put into it.
 */

import { assert, writeBigI64, writeF64, writeI64 } from '../../base/index.ts';
import { type FixedCarrier, fixedCarrierOf, nullBytesOf, readFixed, rowEncodingVersion } from './row-encoding.ts';
import type { SqlType } from './type.ts';
import type { Row, Value } from './value.ts';

export interface Slots {
  get(slot: number): Value;
  set(slot: number, value: Value): void;
}

/** A row of values. */
export class RowSlots implements Slots {
  row: Row;

  constructor(row: Row = []) {
    this.row = row;
  }

  get(slot: number): Value {
    return this.row[slot] as Value;
  }

  set(slot: number, value: Value): void {
    this.row[slot] = value;
  }
}

/** An encoded row of fixed-width columns, wherever `moveTo` was told that it begins. */
export class FixedSlots implements Slots {
  /** Bytes that the row takes. */
  readonly width: number;
  readonly #carriers: readonly FixedCarrier[];
  readonly #fixedAt: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  /** Undefined: not all columns have a fixed width. */
  static over(types: readonly SqlType[]): FixedSlots | undefined {
    const carriers = types.map(fixedCarrierOf).filter((carrier) => carrier !== undefined);
    return carriers.length === types.length ? new FixedSlots(carriers) : undefined;
  }

  private constructor(carriers: readonly FixedCarrier[]) {
    this.#carriers = carriers;
    this.#fixedAt = 1 + nullBytesOf(carriers.length);
    this.width = this.#fixedAt + 8 * carriers.length;
  }

  /** The row that begins at `start` is read and written from here on. */
  moveTo(bytes: Uint8Array, start: number): void {
    assert(
      bytes[start] === rowEncodingVersion,
      () => `the encoded row has version ${bytes[start]}, this build reads ${rowEncodingVersion}`,
    );
    this.#bytes = bytes;
    this.#start = start;
  }

  /** Writes a row of NULLs to `bytes[start, start + width)`, and moves there. */
  begin(bytes: Uint8Array, start: number): void {
    bytes.fill(0, start, start + this.width);
    bytes[start] = rowEncodingVersion;
    for (let slot = 0; slot < this.#carriers.length; slot++) {
      (bytes[start + 1 + (slot >> 3)] as number) |= 1 << (slot & 7);
    }
    this.moveTo(bytes, start);
  }

  get(slot: number): Value {
    const bytes = this.#bytes;
    const start = this.#start;
    if (((bytes[start + 1 + (slot >> 3)] as number) & (1 << (slot & 7))) !== 0) return null;
    return readFixed(this.#carriers[slot] as FixedCarrier, bytes, start + this.#fixedAt + 8 * slot);
  }

  set(slot: number, value: Value): void {
    const bytes = this.#bytes;
    const start = this.#start;
    const nullAt = start + 1 + (slot >> 3);
    const bit = 1 << (slot & 7);
    const nulls = bytes[nullAt] as number;
    const at = start + this.#fixedAt + 8 * slot;
    if (value === null) {
      bytes[nullAt] = nulls | bit;
      writeI64(bytes, at, 0);
      return;
    }
    if ((nulls & bit) !== 0) bytes[nullAt] = nulls & ~bit;
    if (this.#carriers[slot] === 'double') writeF64(bytes, at, value as number);
    else if (typeof value === 'number') writeI64(bytes, at, value);
    else if (typeof value === 'boolean') writeI64(bytes, at, value ? 1 : 0);
    else writeBigI64(bytes, at, value as bigint);
  }
}
