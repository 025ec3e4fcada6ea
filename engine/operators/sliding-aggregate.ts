/**
 * Aggregate over a stream, per key and sliding window (`../windows/sliding.ts`): for each window w that holds the
 * record's time, a' = add(a or the initial one, record); emits (k, w): result(a) → result(a'). The key that goes on is
 * the key's bytes, then the window's start (i64, big-endian).
 *
 * The windows are those of Kafka Streams, and so is the order in which they are emitted: windows that are there, the
 * latest one first; then the window right behind the record before, unless it is there; then the one that ends with
 * this record; then the one right behind it, where later records are known: it takes over what holds them. New windows
 * are made of such that hold just the same records, so nothing but aggregates is kept. A window's time, the largest of
 * its records, tells which records it holds.
 *
 * Also as in Kafka Streams: records at t < difference are all in the window [0, difference], and no other window begins
 * at 0 or before; existing windows are then emitted from the earliest one on, and [0, difference] last.
 *
 * State: windows in an ordered store (`../stores/windows-by-start.ts`), per window the time of the result and the
 * accumulator. A record without a key or a value is dropped (`null-key`, `null-value`); so is one from before 1970
 * (`invalid-timestamp`). `before` as in `aggregate.ts`: nothing for a window that begins.
 *
 * Late: time is the record's origin time (`../operator-time.ts`). A record is dropped (`late`) where even the window
 * that begins with it ended before time − grace; else each window that ended before that takes nothing more, and the
 * record is dropped for it. A window is kept until its end < time − retention, and is not found from then on, whether
 * it has been dropped from the store (at the next commit) or not.
 *
 * On window close (`openWindows`): emits (k, w): nothing → result(a) once, when w closes, which is when end + grace <
 * stream time (`open-windows.ts`); a group that was deleted is not sent.
 *
 * Cached, it emits merged updates at the end of each transaction instead (`cached-results.ts`), unless results are sent
 * on window close.
 */

import { assert, type ByteWriter, readI64 } from '../../base/index.ts';
import type { OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { ValueCursor } from '../stores/store.ts';
import { WindowsByStart } from '../stores/windows-by-start.ts';
import type { SlidingWindows } from '../windows/sliding.ts';
import type { Aggregation } from './aggregate.ts';
import { cachedResults, isCached } from './cached-results.ts';
import { heldAccumulatorOf } from './held-accumulator.ts';
import { OpenWindows } from './open-windows.ts';
import { timestampBytes, timestampOf, whyTooLarge } from './timestamped.ts';

export interface SlidingAggregation<V, A, R> extends Aggregation<V, A, R> {
  readonly windows: SlidingWindows;
  readonly graceMs: number;
  /** How long a window is kept after its end: at least twice the difference, and grace. The store's specification has
   *  the difference more, since windows expire by their starts. */
  readonly retentionMs: number;
  /** Results go when windows close; the ordered store that keeps the open ones. Left out: every update goes. */
  readonly openWindows?: string;
}

const startBytes = 8;

/** An aggregate that a new window may begin with: a copy of its entry. */
class KeptEntry {
  isPresent = false;
  time = 0;
  readonly #bytes: ByteWriter;

  constructor(bytes: ByteWriter) {
    this.#bytes = bytes;
  }

  take({ valueBytes, valueStart, valueEnd }: ValueCursor): void {
    this.#bytes.reset();
    this.#bytes.bytes(valueBytes, valueStart, valueEnd);
    this.time = timestampOf(valueBytes, valueStart);
    this.isPresent = true;
  }

  get valueBytes(): Uint8Array {
    return this.#bytes.buffer;
  }

  get valueStart(): number {
    return 0;
  }

  get valueEnd(): number {
    return this.#bytes.length;
  }
}

const none = Number.NEGATIVE_INFINITY;

export const slidingAggregate =
  <V, A, R>(aggregation: SlidingAggregation<V, A, R>): OperatorSupplier<V, R> =>
  (context, forward) => {
    const { store: name, accumulation, windows, graceMs, retentionMs, openWindows } = aggregation;
    const store = new WindowsByStart(context.store(name, 'ordered'));
    const held = heldAccumulatorOf(accumulation, context);
    const entry = context.scratch();
    const key = context.scratch();
    const writeKey = (keyBytes: Uint8Array, keyStart: number, keyEnd: number, start: number): void => {
      key.reset();
      key.bytes(keyBytes, keyStart, keyEnd);
      key.i64(start);
    };
    const cached =
      openWindows === undefined && isCached(context, aggregation.cache)
        ? cachedResults<V, R>(context, forward, {
            visitChanges: (visit) =>
              store.visitChanges((start, bytes, keyStart, keyEnd, before, from, to, after, afterStart, afterEnd) => {
                writeKey(bytes, keyStart, keyEnd, start);
                visit(key.buffer, 0, key.length, before, from, to, after, afterStart, afterEnd);
              }),
            result(bytes, start, end, record) {
              held.read(bytes, start + timestampBytes, end);
              return held.result(record);
            },
            windowBytes: startBytes,
          })
        : undefined;
    const sendsBefore = context.sendsBefore && cached === undefined;
    const out = new StreamRecord<R>();
    /** Of windows that hold what is before the record, and what is behind it. */
    const left = new KeptEntry(context.scratch());
    const right = new KeptEntry(context.scratch());
    /** Starts of the windows that were found. */
    const found: number[] = [];
    /** The time that windows are late by. */
    let time = none;
    const open = openWindows === undefined ? undefined : new OpenWindows(context, openWindows);
    const closed = new StreamRecord<V>();
    const closesAt = (start: number): number => windows.endOf(start) + graceMs + 1;

    /** Sends the change of a window that `begins` or was there. */
    const send = ({ keyBytes, keyStart, keyEnd }: StreamRecord<V>, start: number, begins: boolean): void => {
      if (cached !== undefined && out.value !== null) return;
      writeKey(keyBytes, keyStart, keyEnd, start);
      if (cached !== undefined) return cached.deleted(key.buffer, 0, key.length, out.timestamp);
      if (open !== undefined) {
        if (out.value === null) open.remove(closesAt(start), key);
        else if (begins) open.add(closesAt(start), key);
        return;
      }
      out.keyBytes = key.buffer;
      out.keyStart = 0;
      out.keyEnd = key.length;
      forward(out);
    };

    /** Adds the record to a window: to what is held, which is as of `latest`. */
    const add = (record: StreamRecord<V>, start: number, latest: number, begins: boolean): void => {
      const { keyBytes, keyStart, keyEnd, timestamp } = record;
      out.timestamp = Math.max(latest, timestamp);
      if (held.add(record)) {
        entry.reset();
        entry.i64(out.timestamp);
        held.write(entry);
        if (!store.put(keyBytes, keyStart, keyEnd, start, entry.buffer, 0, entry.length))
          return context.drop('serialization', record, whyTooLarge(name, entry.length));
        out.value = held.result(record);
      } else {
        store.remove(keyBytes, keyStart, keyEnd, start);
        out.value = null;
      }
      send(record, start, begins);
    };

    const isOpen = (record: StreamRecord<V>, start: number): boolean => {
      if (windows.endOf(start) >= time - graceMs) return true;
      context.drop('late', record, whyLate(start, windows.endOf(start), graceMs, time));
      return false;
    };

    const hold = ({ valueBytes, valueStart, valueEnd }: ValueCursor): void =>
      held.read(valueBytes, valueStart + timestampBytes, valueEnd);

    /** Adds the record to a window that is there. */
    const update = (record: StreamRecord<V>, start: number, from: ValueCursor): void => {
      if (!isOpen(record, start)) return;
      hold(from);
      out.before = unknown;
      if (sendsBefore) {
        out.before = held.result(record);
        // Once more: `add` may change what it is given, and the result may be the accumulator itself.
        hold(from);
      }
      add(record, start, timestampOf(from.valueBytes, from.valueStart), false);
    };

    /** Begins a window with the record and, where it is given, with what another one holds. */
    const begin = (record: StreamRecord<V>, start: number, from?: ValueCursor): void => {
      if (!isOpen(record, start)) return;
      if (from === undefined) held.initialize();
      else hold(from);
      out.before = sendsBefore ? null : unknown;
      add(record, start, record.timestamp, true);
    };

    /** Begins the window right behind the record, where records behind it are known, with what holds them. */
    const beginBehind = (record: StreamRecord<V>): void => {
      const { keyBytes, keyStart, keyEnd, timestamp } = record;
      if (!right.isPresent || right.time <= timestamp) return;
      const start = windows.behind(timestamp);
      store.put(keyBytes, keyStart, keyEnd, start, right.valueBytes, right.valueStart, right.valueEnd);
      hold(right);
      out.before = sendsBefore ? null : unknown;
      out.value = held.result(record);
      out.timestamp = right.time;
      send(record, start, true);
    };

    const process = (record: StreamRecord<V>): void => {
      const { keyBytes, keyStart, keyEnd, timestamp } = record;
      const behind = windows.behind(timestamp);
      let hasLeft = false;
      let hasRight = false;
      let previous = none;
      const from = Math.max(windows.earliest(timestamp), time - windows.differenceMs - retentionMs);
      store.fetchBackward(keyBytes, keyStart, keyEnd, from, behind);
      while (store.next()) {
        const { start } = store;
        const end = windows.endOf(start);
        const latest = timestampOf(store.valueBytes, store.valueStart);
        found.push(start);
        if (start === behind) hasRight = true;
        else if (end > timestamp) {
          if (!right.isPresent) right.take(store);
          update(record, start, store);
        } else if (end === timestamp) {
          hasLeft = true;
          update(record, start, store);
          // There was a record at this time: its windows are there.
          if (latest >= timestamp) return;
          previous = latest;
        } else {
          left.take(store);
          // The window that ends with this record may hold a later one, whose own window had closed when it came.
          previous = Math.max(previous, latest);
          break;
        }
      }
      if (previous > none) {
        const start = windows.behind(previous);
        if (windows.endOf(start) >= timestamp && !found.includes(start)) begin(record, start);
      }
      const start = windows.endingAt(timestamp);
      if (!hasLeft) begin(record, start, previous >= start ? left : undefined);
      if (!hasRight) beginBehind(record);
    };

    /** For records that share the window that begins at 0. */
    const processEarly = (record: StreamRecord<V>): void => {
      const { keyBytes, keyStart, keyEnd, timestamp } = record;
      const behind = windows.behind(timestamp);
      let hasRight = false;
      let previous = none;
      store.fetch(keyBytes, keyStart, keyEnd, 0, behind);
      while (store.next()) {
        const { start } = store;
        found.push(start);
        if (start === 0) {
          left.take(store);
          if (left.time < timestamp) previous = left.time;
        } else if (start === behind) hasRight = true;
        else {
          right.take(store);
          update(record, start, store);
        }
      }
      if (!right.isPresent && left.isPresent && left.time > timestamp) right.take(left);
      if (!hasRight) beginBehind(record);
      if (previous > none && !found.includes(windows.behind(previous))) begin(record, windows.behind(previous));
      if (left.isPresent) update(record, 0, left);
      else begin(record, 0);
    };

    const close = (keyBytes: Uint8Array, keyStart: number, keyEnd: number): void => {
      const ownEnd = keyEnd - startBytes;
      const start = readI64(keyBytes, ownEnd);
      store.fetch(keyBytes, keyStart, ownEnd, start, start);
      assert(store.next(), 'a window that closes has no result');
      out.keyBytes = closed.keyBytes = keyBytes;
      out.keyStart = closed.keyStart = keyStart;
      out.keyEnd = keyEnd;
      closed.keyEnd = ownEnd;
      out.timestamp = closed.timestamp = timestampOf(store.valueBytes, store.valueStart);
      out.headersAt = 0;
      out.partition = out.offset = -1;
      hold(store);
      out.before = sendsBefore ? null : unknown;
      out.value = held.result(closed);
      forward(out);
    };

    return {
      process(record) {
        if (record.keyStart < 0) return context.drop('null-key', record, 'a record without a key is not aggregated');
        if (record.value === null)
          return context.drop('null-value', record, 'a record without a value is not aggregated');
        const { timestamp } = record;
        if (timestamp < 0)
          return context.drop('invalid-timestamp', record, `no sliding window holds the time ${timestamp}`);
        time = Math.max(context.originTime(timestamp), context.streamTime());
        if (open !== undefined) time = Math.max(time, context.reachedTime());
        if (!isOpen(record, timestamp)) return;
        out.takeEnvelope(record);
        found.length = 0;
        left.isPresent = right.isPresent = false;
        if (windows.isEarly(timestamp)) processEarly(record);
        else process(record);
        open?.closeUntil(context.reachedTime(), close);
      },
      flush() {
        cached?.flush();
        open?.flush(context.streamTime(), close);
        store.expireBelow(context.streamTime() - windows.differenceMs - retentionMs);
      },
      due: () => open?.earliest ?? Number.POSITIVE_INFINITY,
      rollback() {
        cached?.rollback();
        open?.rollback();
      },
    };
  };

const whyLate = (start: number, end: number, graceMs: number, time: number): string =>
  `the window [${start}, ${end}] with a grace of ${graceMs} ms is closed: stream time is ${time}`;
