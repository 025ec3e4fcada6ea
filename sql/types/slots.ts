/**
 * Columns of a row, read and replaced one by one: what an aggregate function sees of its group.
 *
 * Two forms. `RowSlots` is a row of values. `FixedSlots` is a row in the row encoding, where it lies in a store:
 * nothing else of it is decoded, and nothing is encoded again. That takes columns of fixed width only, so that the
 * encoded row keeps its length whatever is put into it.
 */

import { AssertionError, readViewI64, unreachable, writeViewF64, writeViewI64 } from '../../base/index.ts';
import { addLongs, type Long } from './arithmetic.ts';
import { type FixedCarrier, fixedCarrierOf, nullBytesOf, rowEncodingVersion } from './row-encoding.ts';
import type { SqlType } from './type.ts';
import { normalizeBigint, type Row, type Value } from './value.ts';

export interface Slots {
  get(slot: number): Value;
  set(slot: number, value: Value): void;
  /** Adds to a BIGINT that is not NULL. */
  addLong(slot: number, by: Long): void;
  /** Adds to a DOUBLE that is not NULL. */
  addDouble(slot: number, by: number): void;
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

  addLong(slot: number, by: Long): void {
    this.row[slot] = addLongs(this.row[slot] as Long, by);
  }

  addDouble(slot: number, by: number): void {
    this.row[slot] = (this.row[slot] as number) + by;
  }
}

/** An encoded row of fixed-width columns, wherever `moveTo` was told that it begins. */
export class FixedSlots implements Slots {
  /** Bytes that the row takes. */
  readonly width: number;
  readonly #carriers: readonly FixedCarrier[];
  readonly #fixedAt: number;
  #view: DataView = new DataView(new ArrayBuffer(0));
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
  moveTo(view: DataView, start: number): void {
    const version = view.getUint8(start);
    if (version !== rowEncodingVersion) throw otherVersion(version);
    this.#view = view;
    this.#start = start;
  }

  /** Writes a row of NULLs to the bytes [start, start + width), and moves there. */
  begin(view: DataView, start: number): void {
    for (let at = start; at < start + this.width; at++) view.setUint8(at, 0);
    view.setUint8(start, rowEncodingVersion);
    this.moveTo(view, start);
    for (let slot = 0; slot < this.#carriers.length; slot++) this.set(slot, null);
  }

  get(slot: number): Value {
    const view = this.#view;
    const start = this.#start;
    if ((view.getUint8(start + 1 + (slot >> 3)) & (1 << (slot & 7))) !== 0) return null;
    const at = start + this.#fixedAt + 8 * slot;
    const carrier = this.#carriers[slot] as FixedCarrier;
    switch (carrier) {
      case 'double':
        return view.getFloat64(at);
      case 'int32':
      case 'int64': {
        const value = readViewI64(view, at);
        return Number.isSafeInteger(value) ? value : normalizeBigint(view.getBigInt64(at));
      }
      case 'boolean':
        return view.getUint8(at + 7) !== 0;
      case 'decimal':
        return view.getBigInt64(at);
      default:
        return unreachable(carrier);
    }
  }

  set(slot: number, value: Value): void {
    const view = this.#view;
    const start = this.#start;
    const nullAt = start + 1 + (slot >> 3);
    const bit = 1 << (slot & 7);
    const nulls = view.getUint8(nullAt);
    const at = start + this.#fixedAt + 8 * slot;
    if (value === null) {
      view.setUint8(nullAt, nulls | bit);
      writeViewI64(view, at, 0);
      return;
    }
    if ((nulls & bit) !== 0) view.setUint8(nullAt, nulls & ~bit);
    if (this.#carriers[slot] === 'double') writeViewF64(view, at, value as number);
    else if (typeof value === 'number') writeViewI64(view, at, value);
    else if (typeof value === 'boolean') writeViewI64(view, at, value ? 1 : 0);
    else view.setBigInt64(at, value as bigint);
  }

  addLong(slot: number, by: Long): void {
    const at = this.#start + this.#fixedAt + 8 * slot;
    const held = readViewI64(this.#view, at);
    const sum = typeof by === 'number' ? held + by : Number.NaN;
    // What is not a safe integer was read as a number near it.
    if (Number.isSafeInteger(sum) && Number.isSafeInteger(held)) writeViewI64(this.#view, at, sum);
    else this.set(slot, addLongs(this.get(slot) as Long, by));
  }

  addDouble(slot: number, by: number): void {
    const at = this.#start + this.#fixedAt + 8 * slot;
    writeViewF64(this.#view, at, this.#view.getFloat64(at) + by);
  }
}

const otherVersion = (version: number): AssertionError =>
  new AssertionError(`the encoded row has version ${version}, this build reads ${rowEncodingVersion}`);
