/** Going through the batches of a segment whose content may be damaged, up to the first one that is not whole. */

import type { BufferPool } from '../../base/index.ts';
import { baseOffsetOf, batchBytes, batchField, batchHeaderBytes, checkBatch, nextOffsetOf } from '../record-batch.ts';
import type { Segment } from './segment.ts';

/** In a segment, a batch that begins at `offset` lies at byte `position`. */
export interface BatchPosition {
  readonly position: number;
  readonly offset: number;
}

export interface ScanOptions {
  /** The end of the bytes to be scanned. */
  readonly to: number;
  /** Whether checksums are verified, or only that each batch begins where the one before ends. */
  readonly check: boolean;
  /** Called for each whole batch, at `at` of `bytes` and at `position` of the file. */
  readonly visit: (bytes: Uint8Array, at: number, position: number) => void;
}

/** How much is read at once. */
export const scanBytes = 1024 * 1024;

/** Visits the whole batches from a position on; answers where the first byte lies that does not belong to one, or the
 *  end. */
export const scanSegment = (
  segment: Segment,
  from: BatchPosition,
  { to, check, visit }: ScanOptions,
  pool: BufferPool,
): BatchPosition => {
  let { position, offset } = from;
  let want = scanBytes;
  while (position < to) {
    const bytes = pool.take(Math.min(want, to - position));
    const length = segment.fill(bytes, Math.min(bytes.length, to - position), position);
    let at = 0;
    let sound = true;
    let whole = true;
    while (at < length) {
      if (length - at < batchHeaderBytes) {
        whole = false;
        break;
      }
      const size = batchBytes(bytes, at);
      if (size < batchHeaderBytes || baseOffsetOf(bytes, at) !== offset || nextOffsetOf(bytes, at) <= offset) {
        sound = false;
        break;
      }
      if (size > length - at) {
        whole = false;
        want = Math.max(want, size);
        break;
      }
      if (check && checkBatch(bytes, at, length) !== undefined) {
        sound = false;
        break;
      }
      visit(bytes, at, position + at);
      offset = nextOffsetOf(bytes, at);
      at += size;
    }
    pool.give(bytes);
    position += at;
    if (!sound) break;
    // A batch that is longer than what is left of the file was torn.
    if (!whole && at === 0 && (length === to - position || want > to - position)) break;
    if (length === 0) break;
  }
  return { position, offset };
};

/** The first whole batch behind damaged bytes, with an offset above `damaged.offset` and below `limit`. */
export const nextWholeBatch = (segment: Segment, damaged: BatchPosition, limit: number): BatchPosition | undefined => {
  const { position, offset } = damaged;
  const { size } = segment;
  const window = new Uint8Array(Math.min(4 * scanBytes, size - position));
  for (let from = position + batchHeaderBytes; from + batchHeaderBytes <= size; ) {
    const length = segment.fill(window, Math.min(window.length, size - from), from);
    const last = length - batchHeaderBytes;
    for (let i = 0; i <= last; i++) {
      if (window[i + batchField.magic] !== 2) continue;
      const bytes = batchBytes(window, i);
      const base = baseOffsetOf(window, i);
      if (bytes < batchHeaderBytes || from + i + bytes > size || !(base > offset && base < limit)) continue;
      const batch = new Uint8Array(bytes);
      segment.fill(batch, bytes, from + i);
      if (checkBatch(batch, 0, bytes) === undefined) return { position: from + i, offset: base };
    }
    if (last < 0) break;
    from += last + 1;
  }
  return undefined;
};

/** A damaged batch is not taken to hold more offsets than this. */
const mostGuessedOffsets = 1_000_000;

/** Where the offsets of a damaged batch end, as far as its header can be read. */
export const guessEndOffset = (segment: Segment, { position, offset }: BatchPosition): number => {
  const header = new Uint8Array(batchHeaderBytes);
  const whole = segment.fill(header, batchHeaderBytes, position) === batchHeaderBytes;
  const next = nextOffsetOf(header, 0);
  const plausible = baseOffsetOf(header, 0) === offset && next > offset && next <= offset + mostGuessedOffsets;
  return whole && plausible ? next : offset + 1;
};
