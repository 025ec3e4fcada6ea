/**
 * A gap batch covers the offsets of a partition whose records are lost: an empty batch, as compaction leaves them too,
 * with bit 7 of its attributes set (unused in Kafka's format: other readers see an empty batch). So each batch of a
 * partition begins where the one before ends, whatever was lost, and reading needs no case for gaps.
 *
 * It may be longer than its header: what follows is zeros, so that it fits exactly where the damaged bytes were.
 * Whether a transaction that was open at the gap was committed within it cannot be known: it counts as aborted.
 */

import { assert, readI16, writeI16, writeI32, writeI64 } from '../base/index.ts';
import { batchField, batchHeaderBytes, batchOverheadBytes, sealBatch } from './record-batch.ts';

const gapBit = 0x80;

/** The most offsets one batch covers: its last offset delta has 32 bits. */
export const mostGapOffsets = 0x7fff_ffff;

/** A batch of `size` bytes for the offsets [from, to), at most `mostGapOffsets` of them. */
export const gapBatch = (from: number, to: number, size = batchHeaderBytes): Uint8Array => {
  assert(from >= 0 && from < to && to - from <= mostGapOffsets, () => `[${from}, ${to}) is not one gap`);
  assert(size >= batchHeaderBytes, () => `a gap batch of ${size} bytes has no header`);
  const bytes = new Uint8Array(size);
  writeI64(bytes, batchField.baseOffset, from);
  writeI32(bytes, batchField.length, size - batchOverheadBytes);
  bytes[batchField.magic] = 2;
  writeI16(bytes, batchField.attributes, gapBit);
  writeI32(bytes, batchField.lastOffsetDelta, to - 1 - from);
  writeI64(bytes, batchField.baseTimestamp, -1);
  writeI64(bytes, batchField.maxTimestamp, -1);
  writeI64(bytes, batchField.producerId, -1);
  writeI16(bytes, batchField.producerEpoch, -1);
  writeI32(bytes, batchField.baseSequence, -1);
  sealBatch(bytes);
  return bytes;
};

export const isGap = (bytes: Uint8Array, position: number): boolean =>
  (readI16(bytes, position + batchField.attributes) & gapBit) !== 0;
