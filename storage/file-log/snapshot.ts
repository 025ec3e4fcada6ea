/**
 * The snapshot of a partition: the producers and transactions as of an offset, and thereby its recovery point. It is
 * written only after a sync has put everything below that offset on the disk, so with a whole one the log need be read
 * only from there on. It need not be synced itself: its checksum tells a whole one from a torn one, and an older one,
 * or none, only means more to read. (Aborted ranges are kept here and not in a file per segment: one file cannot
 * disagree with itself.)
 *
 * It also lists the segments: while their sizes are unchanged, nothing is missing, and they need not be read.
 *
 *   crc u32 (of what follows) · version i16 (2) · offset i64 · segment i64 · position i64
 *   count i32 · { base offset, size i64 } …            the segments, the last one up to `position`
 *   count i32 · { producer i64, epoch i16, open from i64 (-1: none), batches } …
 *     batches: count i16 · { first, last sequence i32, base, last offset i64 } …
 *   count i32 · { producer, first, last i64 } …        the aborted ranges
 */

import { assert, ByteWriter, crc32c, readI16, readI32, readI64, readU32 } from '../../base/index.ts';
import type { PartitionState, RememberedBatch } from '../partition-state.ts';

const version = 2;

export interface Snapshot {
  readonly offset: number;
  /** Base offset of the segment, and the position in it, where the batch at `offset` begins. */
  readonly segment: number;
  readonly position: number;
  /** Size in bytes by base offset, in order; the last one is `segment`, with `position`. */
  readonly segments: ReadonlyMap<number, number>;
}

export const encodeSnapshot = (at: Snapshot, state: PartitionState): Uint8Array => {
  assert(at.offset === state.end, () => `a snapshot at ${at.offset} of a state at ${state.end}`);
  assert(at.position >= 0 && at.segment <= at.offset, () => `segment ${at.segment}, position ${at.position}`);
  const out = new ByteWriter(1024);
  out.u32(0);
  out.i16(version);
  out.i64(at.offset);
  out.i64(at.segment);
  out.i64(at.position);
  out.i32(at.segments.size);
  for (const [baseOffset, size] of at.segments) {
    out.i64(baseOffset);
    out.i64(size);
  }
  out.i32(state.producers.size);
  for (const [producerId, { epoch, openFrom, batches }] of state.producers) {
    out.i64(producerId);
    out.i16(epoch);
    out.i64(openFrom);
    out.i16(batches.length);
    for (const batch of batches) {
      out.i32(batch.firstSequence);
      out.i32(batch.lastSequence);
      out.i64(batch.baseOffset);
      out.i64(batch.lastOffset);
    }
  }
  out.i32(state.aborted.length);
  for (const { producerId, first, last } of state.aborted) {
    out.i64(producerId);
    out.i64(first);
    out.i64(last);
  }
  out.view().setUint32(0, crc32c(out.buffer, 4, out.length));
  return out.slice();
};

/** Reads a snapshot into an empty state; undefined when the bytes are not a whole one. Its producers count as used at
 *  `nowMs`. */
export const decodeSnapshot = (bytes: Uint8Array, into: PartitionState, nowMs: number): Snapshot | undefined => {
  if (bytes.length < 42 || readU32(bytes, 0) !== crc32c(bytes, 4, bytes.length) || readI16(bytes, 4) !== version) {
    return undefined;
  }
  const segments = new Map<number, number>();
  let at = 34;
  for (let i = readI32(bytes, 30); i > 0; i--, at += 16) segments.set(readI64(bytes, at), readI64(bytes, at + 8));
  const snapshot: Snapshot = {
    offset: readI64(bytes, 6),
    segment: readI64(bytes, 14),
    position: readI64(bytes, 22),
    segments,
  };
  let producers = readI32(bytes, at);
  at += 4;
  for (; producers > 0; producers--) {
    const producerId = readI64(bytes, at);
    const epoch = readI16(bytes, at + 8);
    const openFrom = readI64(bytes, at + 10);
    const batches: RememberedBatch[] = [];
    let count = readI16(bytes, at + 18);
    at += 20;
    for (; count > 0; count--, at += 24) {
      batches.push({
        firstSequence: readI32(bytes, at),
        lastSequence: readI32(bytes, at + 4),
        baseOffset: readI64(bytes, at + 8),
        lastOffset: readI64(bytes, at + 16),
      });
    }
    into.restoreProducer(producerId, { epoch, openFrom, batches, lastUseMs: nowMs });
  }
  const aborted = readI32(bytes, at);
  at += 4;
  for (let i = 0; i < aborted; i++, at += 24) {
    into.addAborted({ producerId: readI64(bytes, at), first: readI64(bytes, at + 8), last: readI64(bytes, at + 16) });
  }
  assert(at === bytes.length, () => `a snapshot of ${bytes.length} bytes was read up to ${at}`);
  assert(snapshot.offset >= 0 && snapshot.segment <= snapshot.offset, () => `a snapshot at offset ${snapshot.offset}`);
  into.end = snapshot.offset;
  return snapshot;
};
