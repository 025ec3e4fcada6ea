/**
 * The records of a stream-stream join that have met none of the other side so far, and are emitted alone when their
 * window closes: a face over an ordered store.
 *
 *   key     none: all records lie under one key, the earliest closing first
 *   order   time when the window closes · side (0 right, 1 left, as in Kafka Streams) · the record's key · its sequence
 *           in the buffer of its side
 *   value   none: the record lies in the buffer (`join-buffer.ts`)
 */

import { type ByteWriter, readOrderedI64, readU32, writeOrderedI64 } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import type { StreamRecord } from '../record.ts';
import type { OrderedCursor, OrderedStore } from '../stores/store.ts';

const noBytes = new Uint8Array(0);
const timeBytes = 8;
const sequenceBytes = 4;

export class AloneRecords {
  /** No window closes before; −Infinity: not known. */
  earliest = Number.NEGATIVE_INFINITY;
  /** Of the record that `next` came to. */
  closes = 0;
  isLeft = false;
  keyBytes: Uint8Array = noBytes;
  keyStart = 0;
  keyEnd = 0;
  sequence = 0;
  readonly #store: OrderedStore;
  readonly #cursor: OrderedCursor;
  readonly #order: ByteWriter;

  constructor(context: OperatorContext, store: string) {
    this.#store = context.store(store, 'ordered');
    this.#cursor = this.#store.cursor();
    this.#order = context.scratch();
  }

  add(record: StreamRecord<unknown>, isLeft: boolean, closes: number, sequence: number): void {
    if (closes < this.earliest) this.earliest = closes;
    const { buffer, length } = this.#orderOf(record, isLeft, closes, sequence);
    this.#store.put(noBytes, 0, 0, buffer, 0, length, noBytes, 0, 0);
  }

  remove(record: StreamRecord<unknown>, isLeft: boolean, closes: number, sequence: number): void {
    const { buffer, length } = this.#orderOf(record, isLeft, closes, sequence);
    this.#store.delete(noBytes, 0, 0, buffer, 0, length);
  }

  #orderOf(
    { keyBytes, keyStart, keyEnd }: StreamRecord<unknown>,
    isLeft: boolean,
    closes: number,
    sequence: number,
  ): ByteWriter {
    const order = this.#order;
    order.reset();
    order.reserve(timeBytes + 1 + keyEnd - keyStart + sequenceBytes);
    writeOrderedI64(order.buffer, 0, closes);
    order.length = timeBytes;
    order.i8(isLeft ? 1 : 0);
    order.bytes(keyBytes, keyStart, keyEnd);
    order.i32(sequence);
    return order;
  }

  /** Begins before the record whose window closes first. */
  fetch(): void {
    this.#cursor.fetch(noBytes, 0, 0);
  }

  next(): boolean {
    const cursor = this.#cursor;
    if (!cursor.next()) {
      this.earliest = Number.POSITIVE_INFINITY;
      return false;
    }
    const { valueBytes, orderStart, orderEnd } = cursor;
    this.earliest = this.closes = readOrderedI64(valueBytes, orderStart);
    this.isLeft = valueBytes[orderStart + timeBytes] === 1;
    this.keyBytes = valueBytes;
    this.keyStart = orderStart + timeBytes + 1;
    this.keyEnd = orderEnd - sequenceBytes;
    this.sequence = readU32(valueBytes, this.keyEnd);
    return true;
  }

  /** Removes the record that `next` came to. */
  removeCurrent(): void {
    const { valueBytes, orderStart, orderEnd } = this.#cursor;
    this.#store.delete(noBytes, 0, 0, valueBytes, orderStart, orderEnd);
  }

  rollback(): void {
    this.earliest = Number.NEGATIVE_INFINITY;
  }
}
