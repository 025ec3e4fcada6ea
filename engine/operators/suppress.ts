/**
 * Suppress over a table: holds changes back, k: before → after, and emits k: before of the first → after of the last
 * one held, once it is time.
 *
 * When. Each held key has a buffer time: the time of its first change held (a time limit), or the end of its window
 * (final results). A key goes when buffer time + `waitMs` <= stream time, in the order of buffer time, then of the
 * key's bytes. A further change replaces the row, the timestamp and the headers, and keeps the place. What goes is
 * looked for with each record, and at each commit (`OperatorContext.reachedTime`); stream time is that of the changes
 * that reach this node. A time limit of 0 holds nothing back.
 *
 * Final results. Deletions are not sent: nothing of their window was sent before. A change for a window that has gone
 * is dropped (`late`), so each window goes once; the aggregate that feeds this node drops what is late by the same rule
 * before, so that it happens only where its records come from several partitions.
 *
 * Limits count the keys held, and their bytes: of the key and of the entry. They are checked after a change was taken
 * in and what was due has gone: with more than the limit, keys go early, or the query ends (`SUPPRESS_BUFFER_FULL`).
 *
 * State: two stores. A key-value store has what is held (the entry below), an ordered one its keys by buffer time
 * (`../stores/keys-by-time.ts`), and, where there is a limit, how much is held:
 *
 *   timestamp i64 · which follow u8 (row before 1, its absence 2, headers 4, row 8) · row before (varint length, bytes)
 *   · headers (varint length, bytes as in a batch) · row (the rest)
 *
 * Rows of an aggregate. Where the changes come from an aggregate that keeps each window's row in its store
 * (`windowStore`), nothing is written for a change: a window that is new is noted in the keys by time, a row is read
 * from the aggregate's store when it goes, and entries of what is still held are written once, at the end of the
 * transaction, for all windows that it has changed. An entry is out of date while the transaction has changed its
 * window. From the first record with headers on, which the aggregate does not keep, each change is written at once, as
 * for other tables.
 *
 * An outdated change of a versioned table is passed over. A record without a key is dropped (`null-key`); a row that is
 * larger than a store takes is, too (`serialization`), and the key keeps what is held.
 */

import {
  assert,
  type ByteWriter,
  copyBytes,
  fingerprint,
  newCursor,
  readF64,
  readI64,
  readUnsignedVarint,
  UserError,
} from '../../base/index.ts';
import { forEachHeader } from '../../storage/index.ts';
import type { BeforeUse } from '../before-images.ts';
import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord, type Unknown, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import { KeysByTime } from '../stores/keys-by-time.ts';
import type { OrderedStore, WindowStore } from '../stores/store.ts';
import type { ViewedTable } from './table-view.ts';
import { timestampBytes, whyTooLarge } from './timestamped.ts';

/** What is held at most. */
export interface BufferLimit {
  readonly maxRecords?: number;
  readonly maxBytes?: number;
  readonly whenFull: 'emit early' | 'shut down';
}

export interface Suppression<V> {
  /** The key-value store of what is held, and the ordered store of its keys. */
  readonly store: string;
  readonly byTime: string;
  readonly row: Serde<V>;
  readonly waitMs: number;
  /** For final results: when the window of a key ends. */
  readonly windowEnd?: (keyBytes: Uint8Array, keyEnd: number) => number;
  readonly limit?: BufferLimit;
  /** For final results without a limit: the window store of the aggregate that this node's changes come from, whose
   *  values are rows behind their times (`timestamped.ts`). The aggregate is told (`heldBack`). Not where the table's
   *  rows are looked up. */
  readonly windowStore?: string;
  /** What the node declares: 'needed' where the table's rows are looked up (`suppressedRows`). */
  readonly before: BeforeUse;
}

const flag = { before: 1, beforeAbsent: 2, headers: 4, row: 8 } as const;
const flagsAt = 8;
const fixedBytes = 9;
/** Of a window, behind the key's own bytes. */
const startBytes = 8;

export const suppress =
  <V>(suppression: Suppression<V>): OperatorSupplier<V, V> =>
  (context, forward) => {
    const { store: name, byTime, row, waitMs, windowEnd, limit } = suppression;
    context.usesBefore(suppression.before);
    const { sendsBefore } = context;
    const keepsBefore = sendsBefore || suppression.before === 'needed';
    const store = context.store(name, 'key-value');
    const ordered = context.store(byTime, 'ordered');
    const keys = new KeysByTime(ordered, () => context.scratch());
    const held = limit === undefined ? undefined : new Held(ordered, limit, context.scratch());
    const entry = context.scratch();
    const windowKey = context.scratch();
    const rowBefore = context.scratch();
    const windows =
      suppression.windowStore === undefined ? undefined : context.store(suppression.windowStore, 'window');
    /** Entries are written at the end of the transaction. */
    let atEnd = windows !== undefined;
    /** All windows that end later have come since the start. One of the others may have come while the topology was
     *  without this node, and be in the aggregate's store alone. */
    let endsBeforeStart = Number.NEGATIVE_INFINITY;
    const out = new StreamRecord<V>();

    /** Writes the entry of a change; `found`: the key is held, and its entry is under the store's cursor. */
    const write = (record: StreamRecord<V>, found: boolean): void => {
      const { value, before, headersAt, headerBytes } = record;
      const foundFlags = found ? (store.valueBytes[store.valueStart + flagsAt] as number) : 0;
      let flags = (value === null ? 0 : flag.row) | (headersAt === 0 ? 0 : flag.headers);
      if (found) flags |= foundFlags & (flag.before | flag.beforeAbsent);
      else if (keepsBefore && before !== unknown) flags |= before === null ? flag.beforeAbsent : flag.before;
      entry.reset();
      entry.i64(record.timestamp);
      entry.i8(flags);
      if (flags & flag.before) {
        if (found) {
          const { valueBytes, valueStart } = store;
          entry.bytes(valueBytes, valueStart + fixedBytes, partEnd(valueBytes, valueStart + fixedBytes));
        } else {
          rowBefore.reset();
          row.write(before as V, rowBefore);
          entry.unsignedVarint(rowBefore.length);
          entry.bytes(rowBefore.buffer, 0, rowBefore.length);
        }
      }
      if (headersAt !== 0) {
        const end = forEachHeader(headerBytes, headersAt, headerBytes.length, undefined);
        entry.unsignedVarint(end - headersAt);
        entry.bytes(headerBytes, headersAt, end);
      }
      if (value !== null) row.write(value, entry);
    };

    /** Writes the entry of a window as its aggregate has it; a start of −1: it has no row. */
    const writeWindow = (value: Uint8Array, start: number, end: number): void => {
      const flags = keepsBefore ? flag.beforeAbsent : 0;
      entry.reset();
      if (start < 0) {
        entry.i64(0);
        entry.i8(flags);
        return;
      }
      entry.bytes(value, start, start + timestampBytes);
      entry.i8(flags | flag.row);
      entry.bytes(value, start + timestampBytes, end);
    };

    /** Puts the entries of all windows that the transaction has changed, and that are open at this time. */
    const putWindows = (of: WindowStore, time: number): void => {
      of.visitChanges((windowStart, ownBytes, ownStart, ownEnd, _before, _from, _to, value, valueStart, valueEnd) => {
        windowKey.reset();
        windowKey.bytes(ownBytes, ownStart, ownEnd);
        windowKey.i64(windowStart);
        const { buffer: key, length } = windowKey;
        const end = windowEnd?.(key, length) ?? Number.POSITIVE_INFINITY;
        if (end + waitMs <= time) return;
        writeWindow(value, valueStart, valueEnd);
        if (store.put(key, 0, length, entry.buffer, 0, entry.length)) return;
        // What was held before stays.
        if (!store.get(key, 0, length)) keys.remove(end, key, 0, length);
        out.keyBytes = key;
        out.keyStart = 0;
        out.keyEnd = length;
        context.drop('serialization', out, whyTooLarge(name, entry.length));
      });
    };

    /** Takes the entry of the key that was taken from `keys`. */
    const takeEntry = (): void => {
      const { keyBytes, keyStart, keyEnd } = keys;
      if (atEnd && windows !== undefined) {
        const ownEnd = keyEnd - startBytes;
        const start = readI64(keyBytes, ownEnd);
        if (windows.hasChanged(start, keyBytes, keyStart, ownEnd)) {
          const found = windows.get(start, keyBytes, keyStart, ownEnd);
          writeWindow(windows.valueBytes, found ? windows.valueStart : -1, windows.valueEnd);
          if (keys.wasStored) store.delete(keyBytes, keyStart, keyEnd);
          return;
        }
      }
      assert(store.get(keyBytes, keyStart, keyEnd), 'a key that is held back has no entry');
      entry.reset();
      entry.bytes(store.valueBytes, store.valueStart, store.valueEnd);
      held?.remove(keyEnd - keyStart + entry.length);
      store.delete(keyBytes, keyStart, keyEnd);
    };

    /** Emits what is held of the key that was taken from `keys`. */
    const emit = (): void => {
      const { keyBytes, keyStart, keyEnd } = keys;
      takeEntry();
      const { buffer, length } = entry;
      const flags = buffer[flagsAt] as number;
      if (windowEnd !== undefined && (flags & flag.row) === 0) return;
      out.keyBytes = keyBytes;
      out.keyStart = keyStart;
      out.keyEnd = keyEnd;
      out.timestamp = readI64(buffer, 0);
      let at = fixedBytes;
      let before: V | null | Unknown = flags & flag.beforeAbsent ? null : unknown;
      if (flags & flag.before) {
        const start = partStart(buffer, at);
        at = partEnd(buffer, at);
        before = row.read(buffer, start, at);
      }
      out.before = sendsBefore ? before : unknown;
      out.headersAt = 0;
      if (flags & flag.headers) {
        out.headerBytes = buffer;
        out.headersAt = partStart(buffer, at);
        at = partEnd(buffer, at);
      }
      out.value = flags & flag.row ? row.read(buffer, at, length) : null;
      forward(out);
    };

    const emitUntil = (time: number): void => {
      while (keys.take(time - waitMs)) emit();
    };

    const keepToLimit = (of: Held): void => {
      if (!of.full) return;
      if (limit?.whenFull !== 'emit early') throw whyFull(name, of);
      while (of.full && keys.take(Number.POSITIVE_INFINITY)) emit();
    };

    return {
      start() {
        if (windows === undefined || windowEnd === undefined) return;
        windowKey.reset();
        windowKey.i64(Math.max(0, windows.latestStart()));
        endsBeforeStart = windowEnd(windowKey.buffer, windowKey.length);
      },
      process(record) {
        const { keyBytes, keyStart, keyEnd, timestamp } = record;
        if (keyStart < 0) return context.drop('null-key', record, 'a change without a key is not held back');
        if (record.outdated) return;
        const end = windowEnd?.(keyBytes, keyEnd);
        const closes = end ?? timestamp;
        const before = context.reachedTime();
        const closed = end !== undefined && end + waitMs <= before;
        context.originTime(timestamp);
        if (closed) return context.drop('late', record, whyLate(end, waitMs, context.reachedTime()));
        if (atEnd && windows !== undefined) {
          // A record that comes first and deletes its group leaves nothing in the aggregate's store.
          const isNew = record.before === null || (closes <= endsBeforeStart && !store.get(keyBytes, keyStart, keyEnd));
          if (isNew && record.value !== null) keys.add(closes, keyBytes, keyStart, keyEnd);
          if (record.headersAt === 0) return emitUntil(context.reachedTime());
          putWindows(windows, before);
          atEnd = false;
        }
        const found = store.getForUpdate(keyBytes, keyStart, keyEnd);
        const bytesBefore = found ? store.valueEnd - store.valueStart : 0;
        write(record, found);
        const { buffer, length } = entry;
        if (bytesBefore === length) copyBytes(buffer, 0, length, store.valueBytes, store.valueStart);
        else if (!store.put(keyBytes, keyStart, keyEnd, buffer, 0, length))
          return context.drop('serialization', record, whyTooLarge(name, length));
        if (found) held?.change(length - bytesBefore);
        else {
          keys.add(closes, keyBytes, keyStart, keyEnd);
          held?.add(keyEnd - keyStart + length);
        }
        emitUntil(context.reachedTime());
        if (held !== undefined) keepToLimit(held);
      },
      flush() {
        emitUntil(context.streamTime());
        if (atEnd && windows !== undefined) putWindows(windows, context.streamTime());
        keys.settle();
        held?.keep();
      },
      due: () => keys.earliest + waitMs,
      rollback() {
        keys.rollback();
        held?.rollback();
      },
    };
  };

const cursor = newCursor();

/** Where the bytes of a part begin that has its length in front of it, and where they end. */
const partStart = (bytes: Uint8Array, at: number): number => {
  cursor.at = at;
  readUnsignedVarint(bytes, bytes.length, cursor);
  return cursor.at;
};
const partEnd = (bytes: Uint8Array, at: number): number => {
  cursor.at = at;
  const length = readUnsignedVarint(bytes, bytes.length, cursor);
  return cursor.at + length;
};

const whyLate = (end: number, waitMs: number, time: number): string =>
  `the final result of the window that ends at ${end} went out at ${end + waitMs}: stream time is ${time}`;

const whyFull = (store: string, { records, bytes }: Held): UserError =>
  new UserError(
    'SUPPRESS_BUFFER_FULL',
    `the store "${store}" holds back more than it may: ${records} records, ${bytes} bytes`,
    { hint: 'Give it a higher limit, or none, or let results go early when it is full (emitEarlyWhenFull).' },
  );

/** How much is held: kept under a key of its own beside the keys by time. */
class Held {
  records = 0;
  bytes = 0;
  readonly #store: OrderedStore;
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  readonly #value: ByteWriter;
  #known = false;
  #changed = false;

  constructor(store: OrderedStore, { maxRecords, maxBytes }: BufferLimit, value: ByteWriter) {
    this.#store = store;
    this.#maxRecords = maxRecords ?? Number.POSITIVE_INFINITY;
    this.#maxBytes = maxBytes ?? Number.POSITIVE_INFINITY;
    this.#value = value;
  }

  get full(): boolean {
    return this.records > this.#maxRecords || this.bytes > this.#maxBytes;
  }

  add(bytes: number): void {
    this.change(bytes);
    this.records++;
  }

  remove(bytes: number): void {
    this.change(-bytes);
    this.records--;
  }

  change(bytes: number): void {
    if (!this.#known) this.#read();
    this.bytes += bytes;
    this.#changed = true;
  }

  #read(): void {
    this.#known = true;
    const store = this.#store;
    const kept = store.get(heldKey, 0, 1, heldOrder, 0, 1);
    this.records = kept ? readF64(store.valueBytes, store.valueStart) : 0;
    this.bytes = kept ? readF64(store.valueBytes, store.valueStart + 8) : 0;
  }

  /** At a commit. */
  keep(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const value = this.#value;
    value.reset();
    value.f64(this.records);
    value.f64(this.bytes);
    this.#store.put(heldKey, 0, 1, heldOrder, 0, 1, value.buffer, 0, value.length);
  }

  rollback(): void {
    this.#known = false;
    this.#changed = false;
  }
}

const heldKey = Uint8Array.of(1);
const heldOrder = Uint8Array.of(0);

/** The rows as they were before what is held back: of a held key the row before, of any other the table's own. */
export const suppressedRows = <V>(
  table: ViewedTable<V>,
  store: string,
  row: Pick<Serde<V>, 'read'>,
): ViewedTable<V> => ({
  stores: [...table.stores, store],
  open(context) {
    const inner = table.open(context);
    const held = context.store(store, 'key-value');
    const view = {
      timestamp: 0,
      find(record: StreamRecord<unknown>): V | null {
        if (!held.get(record.keyBytes, record.keyStart, record.keyEnd)) {
          const found = inner.find(record);
          view.timestamp = inner.timestamp;
          return found;
        }
        const { valueBytes, valueStart } = held;
        if (((valueBytes[valueStart + flagsAt] as number) & flag.before) === 0) return null;
        const at = valueStart + fixedBytes;
        // The time of the row before is not known.
        view.timestamp = Number.NEGATIVE_INFINITY;
        return row.read(valueBytes, partStart(valueBytes, at), partEnd(valueBytes, at));
      },
    };
    return view;
  },
  fingerprints(context) {
    const inner = table.fingerprints(context);
    const held = context.store(store, 'key-value');
    return (record) => {
      if (!held.get(record.keyBytes, record.keyStart, record.keyEnd)) return inner(record);
      const { valueBytes, valueStart } = held;
      if (((valueBytes[valueStart + flagsAt] as number) & flag.before) === 0) return 0;
      const at = valueStart + fixedBytes;
      return fingerprint(valueBytes, partStart(valueBytes, at), partEnd(valueBytes, at));
    };
  },
});
