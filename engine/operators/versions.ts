/**
 * The versions of a table's rows: which row a key had at a time, as far back as the history is kept. A face over two
 * stores.
 *
 *   rows      key-value store: key → time and row of the latest version, as in a plain table; none where the latest one
 *             is a deletion
 *   history   ordered store, retention `historyMs`; per key what came before:
 *               order  end · begin (times): the row was valid in [begin, end)        value  the row
 *               order  time · time: the row was deleted at that time                 value  none
 *
 * So whatever reads the latest rows reads a plain store, and history expires by the time when a version ended. A put of
 * the time of another version takes its place. A version is found at a time t by the first end after t.
 *
 * Stream time T is that of the table's source. What is put for a time < T − history is refused. A version is forgotten
 * when it ended at or before T − history, the latest one never; so what is asked for an earlier time is found as long
 * as it was valid until then. (Kafka Streams finds the latest version only.)
 */

import { readOrderedI64, writeOrderedI64 } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import type { StreamRecord } from '../record.ts';
import type { KeyValueStore, OrderedCursor, OrderedStore, ValueCursor } from '../stores/store.ts';
import { timestampBytes, timestampOf } from './timestamped.ts';

/** Where the versions of a table's rows are kept. */
export interface VersionedStores {
  /** A key-value store. */
  readonly rows: string;
  /** An ordered store, whose retention time is `historyMs`. */
  readonly history: string;
  readonly historyMs: number;
}

/** A time and a row, as `writeTimestamped` has them: `buffer[0, length)`. */
interface VersionEntry {
  readonly buffer: Uint8Array;
  readonly length: number;
}

const timeBytes = 8;
const orderBytes = 2 * timeBytes;
const noBytes = new Uint8Array(0);

/** What of a key-value store the latest rows need. */
export type LatestRows = Pick<KeyValueStore, 'get' | 'put' | 'delete' | keyof ValueCursor>;

/** The end of what is valid now: no version in the history ends then. */
export const noEnd = Number.MAX_SAFE_INTEGER;

export class Versions {
  /** The row that `find` came to: `valueBytes[valueStart, valueEnd)`. Valid until the next call. */
  valueBytes: Uint8Array = noBytes;
  valueStart = 0;
  valueEnd = 0;
  /** Since when it is valid. */
  timestamp = 0;
  readonly #rows: LatestRows;
  readonly #history: OrderedStore;
  readonly #cursor: OrderedCursor;
  readonly #order = new Uint8Array(orderBytes);
  readonly #after = new Uint8Array(timeBytes);
  readonly #noEnd = new Uint8Array(timeBytes);
  /** The version in history that `#seek` came to. */
  #end = 0;
  #begin = 0;

  constructor(rows: LatestRows, history: OrderedStore) {
    this.#rows = rows;
    this.#history = history;
    this.#cursor = history.cursor();
    writeOrderedI64(this.#noEnd, 0, noEnd);
  }

  // ---- reading

  /** The latest row of a key. */
  findLatest({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>): boolean {
    const rows = this.#rows;
    if (!rows.get(keyBytes, keyStart, keyEnd)) return false;
    this.timestamp = timestampOf(rows.valueBytes, rows.valueStart);
    this.valueBytes = rows.valueBytes;
    this.valueStart = rows.valueStart + timestampBytes;
    this.valueEnd = rows.valueEnd;
    return true;
  }

  /** The row that a key had at a time. */
  find(record: StreamRecord<unknown>, time: number): boolean {
    if (this.findLatest(record) && this.timestamp <= time) return true;
    if (!this.#seek(record, time) || this.#begin > time) return false;
    const { valueBytes, valueStart, valueEnd } = this.#cursor;
    this.timestamp = this.#begin;
    this.valueBytes = valueBytes;
    this.valueStart = valueStart;
    this.valueEnd = valueEnd;
    return true;
  }

  /** Goes to the first version, or deletion, in history that ends after a time. */
  #seek({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>, time: number): boolean {
    writeOrderedI64(this.#after, 0, time + 1);
    this.#cursor.fetch(keyBytes, keyStart, keyEnd, this.#after, this.#noEnd);
    return this.#next();
  }

  #next(): boolean {
    const cursor = this.#cursor;
    if (!cursor.next()) return false;
    this.#end = readOrderedI64(cursor.valueBytes, cursor.orderStart);
    this.#begin = readOrderedI64(cursor.valueBytes, cursor.orderStart + timeBytes);
    return true;
  }

  /** Whether there is a version, or deletion, after a time. */
  #isOutOfOrder(record: StreamRecord<unknown>, time: number): boolean {
    if (this.findLatest(record)) return this.timestamp > time;
    return this.#seek(record, time);
  }

  // ---- writing

  /** Puts a row at the record's time, or deletes it (`entry` undefined). Answers whether it is the latest version now;
   *  undefined: the entry is larger than a store takes, and nothing has changed. */
  put(record: StreamRecord<unknown>, entry: VersionEntry | undefined): boolean | undefined {
    return this.#isOutOfOrder(record, record.timestamp)
      ? this.#putBefore(record, entry)
      : this.#putLatest(record, entry);
  }

  #putLatest(record: StreamRecord<unknown>, entry: VersionEntry | undefined): boolean | undefined {
    const { keyBytes, keyStart, keyEnd, timestamp } = record;
    const before = this.findLatest(record) ? this.timestamp : timestamp;
    if (before < timestamp) {
      // The latest version becomes history: its bytes are in the other store, and stay while this one is written.
      const { valueBytes, valueStart, valueEnd } = this;
      if (!this.#putHistory(record, timestamp, before, valueBytes, valueStart, valueEnd)) return undefined;
    }
    if (entry === undefined) {
      this.#rows.delete(keyBytes, keyStart, keyEnd);
      this.#putDeletion(record);
      return true;
    }
    if (!this.#rows.put(keyBytes, keyStart, keyEnd, entry.buffer, 0, entry.length)) {
      if (before < timestamp) this.#removeHistory(record, timestamp, before);
      return undefined;
    }
    this.#removeHistory(record, timestamp, timestamp);
    return true;
  }

  /** Puts a version before others: it is valid until the next one, and ends the one before it. */
  #putBefore(record: StreamRecord<unknown>, entry: VersionEntry | undefined): boolean | undefined {
    const { timestamp } = record;
    const cursor = this.#cursor;
    const isFound = this.#seek(record, timestamp);
    const begin = this.#begin;
    const isWithin = isFound && begin <= timestamp;
    let end = isFound ? (isWithin ? this.#end : begin) : 0;
    if (!isFound) {
      // Nothing in history ends later: the next version is the latest.
      this.findLatest(record);
      end = this.timestamp;
    }
    if (entry !== undefined) {
      if (!this.#putHistory(record, end, timestamp, entry.buffer, timestampBytes, entry.length)) return undefined;
      this.#removeHistory(record, timestamp, timestamp);
    }
    if (isWithin && begin < timestamp) {
      this.#putHistory(record, timestamp, begin, cursor.valueBytes, cursor.valueStart, cursor.valueEnd);
      this.#removeHistory(record, end, begin);
    }
    if (entry === undefined) {
      if (begin === timestamp) this.#removeHistory(record, end, begin);
      this.#putDeletion(record);
    }
    return false;
  }

  #putDeletion(record: StreamRecord<unknown>): void {
    this.#putHistory(record, record.timestamp, record.timestamp, noBytes, 0, 0);
  }

  #putHistory(
    { keyBytes, keyStart, keyEnd }: StreamRecord<unknown>,
    end: number,
    begin: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    const order = this.#orderOf(end, begin);
    return this.#history.put(keyBytes, keyStart, keyEnd, order, 0, orderBytes, value, valueStart, valueEnd);
  }

  #removeHistory({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>, end: number, begin: number): void {
    this.#history.delete(keyBytes, keyStart, keyEnd, this.#orderOf(end, begin), 0, orderBytes);
  }

  #orderOf(end: number, begin: number): Uint8Array {
    writeOrderedI64(this.#order, 0, end);
    writeOrderedI64(this.#order, timeBytes, begin);
    return this.#order;
  }

  /** Forgets versions that ended before a time. */
  expireBelow(time: number): void {
    this.#history.expireBelow(time);
  }
}

/** The versions of a table's rows, for one of its nodes. */
export const versionsIn = (context: OperatorContext, { rows, history }: VersionedStores): Versions =>
  new Versions(context.store(rows, 'key-value'), context.store(history, 'ordered'));
