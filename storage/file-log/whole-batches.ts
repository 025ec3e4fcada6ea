/**
 * A segment's batches from front to back, in slices of bounded size: each slice holds whole batches, as many as fit, or
 * one that is larger.
 *
 * A slice is read when the next one is asked for, into the same bytes as the one before. Only the lengths of batches
 * are looked at here: `checkBatch` has to come before any use of their content.
 */

import { assert } from '../../base/index.ts';
import { LogError } from '../log.ts';
import { batchBytes, batchHeaderBytes } from '../record-batch.ts';
import type { Segment } from './segment.ts';

export interface BatchSlice {
  readonly bytes: Uint8Array;
  /** Whole batches fill the first `length` bytes. */
  readonly length: number;
}

/** The batches from byte `from` on, where one begins, up to the size that the segment has now. */
export function* wholeBatches(
  segment: Pick<Segment, 'fill' | 'path' | 'size'>,
  from: number,
  sliceBytes: number,
): Generator<BatchSlice, void, undefined> {
  const { size } = segment;
  assert(from >= 0 && from <= size, () => `byte ${from} lies outside of ${segment.path}, which has ${size} bytes`);
  let bytes = new Uint8Array(Math.min(sliceBytes, size - from));
  for (let position = from; position < size; ) {
    const filled = segment.fill(bytes, Math.min(bytes.length, size - position), position);
    const { length, nextBytes } = wholePart(bytes, filled);
    if (length === 0) {
      // The first batch is not whole: it is larger than the slice, or the file is not what it should be.
      if (nextBytes <= bytes.length || position + nextBytes > size) throw cutOff(segment.path, position);
      bytes = new Uint8Array(nextBytes);
      continue;
    }
    yield { bytes, length };
    position += length;
  }
}

/** How many of the first `filled` bytes are whole batches, and how long the one behind them is (0: not known). */
const wholePart = (bytes: Uint8Array, filled: number): { readonly length: number; readonly nextBytes: number } => {
  let at = 0;
  while (filled - at >= batchHeaderBytes) {
    const next = batchBytes(bytes, at);
    if (next < batchHeaderBytes || next > filled - at) return { length: at, nextBytes: next };
    at += next;
  }
  return { length: at, nextBytes: filled > at ? 0 : batchHeaderBytes };
};

export const damagedBatch = (where: string, what: string, reason: string): LogError =>
  new LogError('refused', 'LOG_CORRUPT_BATCH', `${what} of ${where} is damaged: ${reason}`);

const cutOff = (path: string, position: number): LogError =>
  damagedBatch(path, `the batch at byte ${position}`, 'it is cut off');
