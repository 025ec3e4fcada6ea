/**
 * Join of a stream with a versioned table, by key, after a grace: as without one, but a record waits until stream
 * time >= its time + grace; so rows of the table that come late, within the grace, are still found. Stream time is that
 * of the stream alone.
 *
 * State: an ordered store with the records that wait, in the order of their times; those of one time in the order of
 * arrival:
 *
 *   key     none
 *   order   time · sequence
 *   value   length of the key (unsigned varint) · key · length of the headers (unsigned varint) · headers · row
 *
 * A record that comes later than the grace is joined at once, and so is one without a key in a left join. What is
 * dropped, and does not count for the time: as without a grace.
 */

import { newCursor, readOrderedI64, readUnsignedVarint } from '../../base/index.ts';
import { forEachHeader } from '../../storage/index.ts';
import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import { type Serde, SerdeError } from '../serde.ts';
import type { ViewedTable } from './table-view.ts';

export interface StreamTableGraceJoin<V, R, Out> {
  readonly table: ViewedTable<R>;
  readonly join: (record: StreamRecord<V>, row: R | null, context: OperatorContext) => Out | null;
  readonly left: boolean;
  readonly graceMs: number;
  /** An ordered store without a retention time. */
  readonly store: string;
  /** How records are kept. */
  readonly row: Serde<V>;
}

const noBytes = new Uint8Array(0);

export const joinStreamTableGrace =
  <V, R, Out>(options: StreamTableGraceJoin<V, R, Out>): OperatorSupplier<V, Out> =>
  (context, forward) => {
    const { table, join, left, graceMs, row: serde } = options;
    const view = (table.history ?? table).open(context);
    const store = context.store(options.store, 'ordered');
    const waiting = store.cursor();
    const entry = context.scratch();
    const parsed = newCursor();
    const held = new StreamRecord<V>();
    const out = new StreamRecord<Out>();
    /** No record that waits is older; −Infinity: not known. */
    let earliest = Number.NEGATIVE_INFINITY;

    const emit = (record: StreamRecord<V>): void => {
      const row = record.keyStart < 0 ? null : view.find(record);
      if (row === null && !left) return;
      out.takeEnvelope(record);
      out.value = join(record, row, context);
      forward(out);
    };

    /** Joins the records whose grace has passed. */
    const emitDue = (time: number): void => {
      const last = time - graceMs;
      if (earliest > last) return;
      waiting.fetch(noBytes, 0, 0);
      earliest = Number.POSITIVE_INFINITY;
      while (waiting.next()) {
        const { valueBytes, orderStart, orderEnd, valueStart, valueEnd } = waiting;
        earliest = readOrderedI64(valueBytes, orderStart);
        if (earliest > last) return;
        parsed.at = valueStart;
        const keyBytes = readUnsignedVarint(valueBytes, valueEnd, parsed);
        held.keyBytes = valueBytes;
        held.keyStart = parsed.at;
        held.keyEnd = parsed.at += keyBytes;
        const headerBytes = readUnsignedVarint(valueBytes, valueEnd, parsed);
        held.headerBytes = valueBytes;
        held.headersAt = headerBytes === 0 ? 0 : parsed.at;
        held.timestamp = earliest;
        try {
          held.value = serde.read(valueBytes, parsed.at + headerBytes, valueEnd);
          emit(held);
        } catch (error) {
          context.failed(held, error);
        }
        store.delete(noBytes, 0, 0, valueBytes, orderStart, orderEnd);
        earliest = Number.POSITIVE_INFINITY;
      }
    };

    const keep = (record: StreamRecord<V>, value: V): void => {
      const { keyBytes, keyStart, keyEnd, headerBytes, headersAt, timestamp } = record;
      const headersEnd = headersAt === 0 ? 0 : forEachHeader(headerBytes, headersAt, headerBytes.length, undefined);
      entry.reset();
      entry.unsignedVarint(keyEnd - keyStart);
      entry.bytes(keyBytes, keyStart, keyEnd);
      entry.unsignedVarint(headersEnd - headersAt);
      entry.bytes(headerBytes, headersAt, headersEnd);
      try {
        serde.write(value, entry);
      } catch (error) {
        if (!(error instanceof SerdeError)) throw error;
        return context.drop('serialization', record, error.message);
      }
      if (store.append(noBytes, 0, 0, timestamp, entry.buffer, 0, entry.length) < 0)
        return context.drop('serialization', record, whyNotKept(options.store, entry.length));
      if (timestamp < earliest) earliest = timestamp;
    };

    return {
      process(record) {
        const { value, timestamp } = record;
        if (value === null) return context.drop('null-value', record, 'a record without a value is not joined');
        if (record.keyStart < 0 && !left)
          return context.drop('null-key', record, 'a record without a key is not joined');
        const originTime = context.originTime(timestamp);
        emitDue(context.reachedTime());
        const isLate = timestamp + graceMs <= Math.max(originTime, context.streamTime());
        if (isLate || record.keyStart < 0) emit(record);
        else keep(record, value);
      },
      flush() {
        emitDue(context.streamTime());
      },
      due: () => earliest + graceMs,
      rollback() {
        earliest = Number.NEGATIVE_INFINITY;
      },
    };
  };

const whyNotKept = (store: string, bytes: number): string =>
  `the record takes ${bytes} bytes, more than an entry of the store ${store} may have`;
