/**
 * Record batches after compaction: the same batch with fewer records, and empty batches.
 *
 * Offsets never change. A batch that loses records keeps its base offset, its last offset, its producer fields and the
 * bytes of the records that stay. Where nothing stays, an empty batch (record count 0) covers the whole range of
 * offsets that went, so that in a partition each batch begins where the one before ends, compacted or not, and a
 * missing piece is noticed.
 *
 * Delete horizon (attribute bit 6). A tombstone must outlive its value for a while, so that a reader who has seen the
 * value also sees the deletion. The first compaction that keeps a tombstone writes the time at which it may go into the
 * base timestamp, as Kafka does; the records' timestamps are then counted from there.
 */

import { assert, type ByteWriter, newCursor, readI16, readI64, readVarint, readVarlong } from '../base/index.ts';
import { encodeBatch } from './batch-builder.ts';
import { batchBits, batchBytes, batchField, batchHeaderBytes, batchOverheadBytes, sealBatch } from './record-batch.ts';
import type { RecordColumns } from './record-columns.ts';

const deleteHorizonBit = 0x40;
/** The most offsets that one empty batch covers: its last offset delta has 32 bits. */
const mostOffsets = 0x7fff_ffff;

const cursor = newCursor();

/** The epoch milliseconds from which on tombstones of this batch may be dropped; undefined when no compaction has set
 *  it. */
export const deleteHorizonOf = (bytes: Uint8Array, position: number): number | undefined =>
  (readI16(bytes, position + batchField.attributes) & deleteHorizonBit) === 0
    ? undefined
    : readI64(bytes, position + batchField.baseTimestamp);

/** Appends empty batches that cover the offsets [first, last]. */
export const writeEmptyBatches = (out: ByteWriter, first: number, last: number): void => {
  for (let from = first; from <= last; from += mostOffsets) {
    const to = Math.min(last, from + mostOffsets - 1);
    const batch = encodeBatch([]);
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    view.setBigInt64(batchField.baseOffset, BigInt(from));
    view.setInt32(batchField.leaderEpoch, 0);
    view.setInt32(batchField.lastOffsetDelta, to - from);
    view.setBigInt64(batchField.baseTimestamp, -1n);
    view.setBigInt64(batchField.maxTimestamp, -1n);
    sealBatch(batch);
    out.bytes(batch);
  }
};

/** Appends the batch at `position` without its records: what is left shows which sequence numbers its producer has
 *  used. */
export const writeWithoutRecords = (out: ByteWriter, bytes: Uint8Array, position: number): void => {
  const batch = bytes.slice(position, position + batchHeaderBytes);
  const view = new DataView(batch.buffer);
  view.setInt32(batchField.length, batchHeaderBytes - batchOverheadBytes);
  // Nothing of the transaction is left here: this batch must not open it.
  view.setInt16(
    batchField.attributes,
    view.getInt16(batchField.attributes) & ~(batchBits.transactional | deleteHorizonBit),
  );
  view.setInt32(batchField.count, 0);
  sealBatch(batch);
  out.bytes(batch);
};

/** Which records of a batch stay. `columns` holds all of them, the first at row 0. */
export interface Kept {
  readonly columns: RecordColumns;
  /** One entry for each record; not 0: it stays. */
  readonly stays: Uint8Array;
  readonly count: number;
}

/** Appends the batch at `position` with the records that stay, at least one. `horizon` sets the delete horizon, in
 *  epoch milliseconds. */
export const writeKept = (
  out: ByteWriter,
  bytes: Uint8Array,
  position: number,
  { columns, stays, count }: Kept,
  horizon: number | undefined,
): void => {
  assert(count > 0, 'a batch of which nothing stays is written as an empty one');
  const start = out.length;
  out.bytes(bytes.subarray(position, position + batchHeaderBytes));
  const end = position + batchBytes(bytes, position);
  const rebased = horizon === undefined ? 0 : horizon - readI64(bytes, position + batchField.baseTimestamp);
  let maxTimestamp = Number.NEGATIVE_INFINITY;
  cursor.at = position + batchHeaderBytes;
  for (let row = 0; cursor.at < end; row++) {
    const from = cursor.at;
    const length = readVarint(bytes, end, cursor);
    const body = cursor.at;
    const next = body + length;
    assert(length > 0 && next <= end, 'a batch that was decoded has whole records');
    if (stays[row] !== 0) {
      maxTimestamp = Math.max(maxTimestamp, columns.timestamp[row] as number);
      if (horizon === undefined) out.bytes(bytes.subarray(from, next));
      else writeRebased(out, bytes, body, next, rebased);
    }
    cursor.at = next;
  }
  const view = out.view();
  view.setInt32(start + batchField.length, out.length - start - batchOverheadBytes);
  view.setInt32(start + batchField.count, count);
  view.setBigInt64(start + batchField.maxTimestamp, BigInt(maxTimestamp));
  if (horizon !== undefined) {
    view.setInt16(start + batchField.attributes, view.getInt16(start + batchField.attributes) | deleteHorizonBit);
    view.setBigInt64(start + batchField.baseTimestamp, BigInt(horizon));
  }
  sealBatch(out.buffer.subarray(start, out.length));
};

/** A record, `bytes[body, end)` behind its length, with its timestamp delta lessened by `rebased`. */
const writeRebased = (out: ByteWriter, bytes: Uint8Array, body: number, end: number, rebased: number): void => {
  cursor.at = body + 1;
  const delta = readVarlong(bytes, end, cursor) - rebased;
  const rest = cursor.at;
  const before = out.length;
  out.varlong(delta);
  const deltaBytes = out.length - before;
  out.length = before;
  out.varint(1 + deltaBytes + (end - rest));
  out.i8(bytes[body] as number);
  out.varlong(delta);
  out.bytes(bytes.subarray(rest, end));
};
