/**
 * The records of one side of a stream-stream join that may still meet one of the other side: a face over an ordered
 * store.
 *
 *   key     the record's key
 *   order   time · sequence, which keeps records of the same time in the order of arrival
 *   value   state (1 byte) · row
 *
 * The store's retention is `joinRetention` (`join-times.ts`).
 */

import { type ByteWriter, readOrderedI64, readU32, writeI32, writeOrderedI64 } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import { bytesOfValue, type StreamRecord } from '../record.ts';
import { type Serde, SerdeError } from '../serde.ts';
import type { OrderedCursor, OrderedStore } from '../stores/store.ts';

export interface JoinSide<V> {
  /** An ordered store, whose retention time is `joinRetention` for this side. */
  readonly store: string;
  /** How its records are kept. */
  readonly row: Serde<V>;
}

/** Whether a kept record has met one of the other side, where that matters: only then is it not emitted alone. */
export const joinStates = { met: 0, alone: 1 } as const;
export type JoinState = (typeof joinStates)[keyof typeof joinStates];

/** A row is `bytes[start, end)`. */
interface RowBytes {
  bytes: Uint8Array;
  readonly start: number;
  end: number;
}

const timeBytes = 8;
const orderBytes = 12;

export class JoinBuffer<V> {
  /** Of the record that `next` came to. */
  time = 0;
  sequence = 0;
  state: JoinState = joinStates.met;
  readonly #store: OrderedStore;
  readonly #cursor: OrderedCursor;
  readonly #row: Serde<V>;
  #expired = Number.NEGATIVE_INFINITY;
  readonly #entry: ByteWriter;
  readonly #rowBytes: RowBytes = { bytes: new Uint8Array(0), start: 0, end: 0 };
  readonly #order = new Uint8Array(orderBytes);

  constructor(context: OperatorContext, { store, row }: JoinSide<V>) {
    this.#store = context.store(store, 'ordered');
    this.#cursor = this.#store.cursor();
    this.#row = row;
    this.#entry = context.scratch();
  }

  /** Of the store. */
  get name(): string {
    return this.#store.name;
  }

  /** Keeps a record. Answers with its sequence; −1: it cannot be written, or is larger than an entry of the store may
   *  be, and was dropped. */
  keep(record: StreamRecord<unknown>, value: V, state: JoinState, context: OperatorContext): number {
    const { keyBytes, keyStart, keyEnd, timestamp } = record;
    const store = this.#store;
    const read = bytesOfValue(record, value, this.#row) ?? this.#written(record, value, context);
    if (read === undefined) return -1;
    const { bytes, start, end } = read;
    const sequence = store.append(keyBytes, keyStart, keyEnd, timestamp, bytes, start, end, state);
    if (sequence < 0) context.drop('serialization', record, whyNotKept(store.name, end - start + 1));
    return sequence;
  }

  /** The row of a record as bytes; undefined: it was dropped. */
  #written(record: StreamRecord<unknown>, value: V, context: OperatorContext): RowBytes | undefined {
    const entry = this.#entry;
    entry.reset();
    try {
      this.#row.write(value, entry);
    } catch (error) {
      if (!(error instanceof SerdeError)) throw error;
      context.drop('serialization', record, error.message);
      return undefined;
    }
    const row = this.#rowBytes;
    row.bytes = entry.buffer;
    row.end = entry.length;
    return row;
  }

  /** Begins before the records of a key with `from` <= time <= `to`, in the order of time. */
  fetch({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>, from: number, to: number): void {
    this.#cursor.fetchTimes(keyBytes, keyStart, keyEnd, from, to);
  }

  next(): boolean {
    const cursor = this.#cursor;
    if (!cursor.next()) return false;
    const { valueBytes, orderStart } = cursor;
    this.time = readOrderedI64(valueBytes, orderStart);
    this.sequence = readU32(valueBytes, orderStart + timeBytes);
    this.state = valueBytes[cursor.valueStart] as JoinState;
    return true;
  }

  /** The row of the record that `next` came to. */
  value(): V {
    const { valueBytes, valueStart, valueEnd } = this.#cursor;
    return this.#row.read(valueBytes, valueStart + 1, valueEnd);
  }

  /** Notes that the record under the cursor has met one of the other side. */
  setMet({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>): void {
    const { valueBytes, orderStart, orderEnd, valueStart, valueEnd } = this.#cursor;
    const entry = this.#entry;
    entry.reset();
    entry.i8(joinStates.met);
    entry.bytes(valueBytes, valueStart + 1, valueEnd);
    this.#store.put(keyBytes, keyStart, keyEnd, valueBytes, orderStart, orderEnd, entry.buffer, 0, entry.length);
  }

  /** Takes a record out; its row, or undefined when it is not kept any more. */
  take(key: Uint8Array, keyStart: number, keyEnd: number, time: number, sequence: number): V | undefined {
    const order = this.#order;
    writeOrderedI64(order, 0, time);
    writeI32(order, timeBytes, sequence);
    const store = this.#store;
    if (!store.get(key, keyStart, keyEnd, order, 0, orderBytes)) return undefined;
    const row = this.#row.read(store.valueBytes, store.valueStart + 1, store.valueEnd);
    store.delete(key, keyStart, keyEnd, order, 0, orderBytes);
    return row;
  }

  /** Forgets records of before a time; called at commits. */
  expireBelow(time: number): void {
    if (time <= this.#expired) return;
    this.#expired = time;
    this.#store.expireBelow(time);
  }

  rollback(): void {
    this.#expired = Number.NEGATIVE_INFINITY;
  }
}

const whyNotKept = (store: string, bytes: number): string =>
  `the record takes ${bytes} bytes, more than an entry of the store ${store} may have: it is not kept for later ones`;
