/**
 * Reading batches out of a segment file into a lent buffer: the same code in the log's own thread and in workers that
 * read the files themselves.
 *
 * Nothing is trusted before it is checked: each batch that is shown has its checksum verified on the way out (5 % of
 * the cost of a read), and each must begin at the offset where the one before ended (offsets are outside of the
 * checksum), so that a bit that flipped on the disk is reported and never served. What lies before a damaged batch is
 * returned; the next read, which begins at the damaged one, throws.
 */

import { assert, type BufferPool, type OpenFile } from '../../base/index.ts';
import { type Chunk, type Isolation, LogError, type PartitionOffsets, type TopicPartition } from '../log.ts';
import type { PartitionState } from '../partition-state.ts';
import {
  baseOffsetOf,
  batchBytes,
  batchHeaderBytes,
  checkBatch,
  isControl,
  nextOffsetOf,
  recordCountOf,
} from '../record-batch.ts';

export interface SegmentRead extends TopicPartition {
  readonly file: OpenFile;
  /** Bytes of the file that may be looked at. */
  readonly size: number;
  /** Where to begin, and the offset of the batch that begins there: at or below `offset`. */
  readonly position: number;
  readonly positionOffset: number;
  readonly offset: number;
  /** Batches that begin here or behind are not looked at. */
  readonly limit: number;
  readonly isolation: Isolation;
  readonly maxBytes: number;
  /** What to leave out beside control batches; nothing when undefined. */
  readonly visibility: PartitionState | undefined;
  readonly offsets: PartitionOffsets;
}

export interface SegmentChunk {
  /** Undefined when not one visible batch was found. */
  readonly chunk: Chunk | undefined;
  readonly nextOffset: number;
  /** Position behind the last batch looked at, and the offset that lies there. */
  readonly nextPosition: number;
  readonly nextPositionOffset: number;
}

export const corruption = (
  read: Pick<SegmentRead, 'topic' | 'partition' | 'file'>,
  offset: number,
  position: number,
  reason: string,
): LogError =>
  new LogError(
    'refused',
    'LOG_CORRUPT_BATCH',
    `the batch at offset ${offset} of ${read.topic}/${read.partition} is damaged: ${reason} (byte ${position} of ${read.file.path})`,
    {
      hint: `Restore the file from a backup; or stop the server and run "millrace repair --data DIR --accept-loss ${read.topic}" to go on without what is damaged.`,
    },
  );

export const readSegment = (read: SegmentRead, pool: BufferPool): SegmentChunk => {
  const { file, size, offset, limit, visibility } = read;
  assert(read.positionOffset <= offset, () => `offset ${offset} is read from behind it, at ${read.positionOffset}`);
  assert(read.position >= 0, () => `byte ${read.position} of ${file.path}`);
  let position = read.position;
  let nextOffset = offset;
  let expected = read.positionOffset;
  let want = Math.max(4096, read.maxBytes);
  while (position < size && nextOffset < limit) {
    const bytes = pool.take(Math.min(want, size - position));
    const room = Math.min(bytes.length, size - position);
    let length = 0;
    while (length < room) {
      const got = file.readAt(bytes, length, room - length, position + length);
      if (got === 0) break;
      length += got;
    }
    const batches: number[] = [];
    let shownBytes = 0;
    let at = 0;
    let whole = true;
    let damage: LogError | undefined;
    // Behind the last batch below the limit may lie what is just being written: it is not looked at.
    while (at < length && nextOffset < limit) {
      if (length - at < batchHeaderBytes) {
        whole = false;
        break;
      }
      const baseOffset = baseOffsetOf(bytes, at);
      if (baseOffset !== expected) {
        damage = corruption(read, expected, position + at, `it begins with offset ${baseOffset}`);
        break;
      }
      if (baseOffset >= limit) break;
      const batchLength = batchBytes(bytes, at);
      if (batchLength < batchHeaderBytes) {
        damage = corruption(read, expected, position + at, 'its length is impossible');
        break;
      }
      if (batchLength > length - at) {
        whole = false;
        want = Math.max(want, batchLength);
        break;
      }
      const next = nextOffsetOf(bytes, at);
      if (next > offset) {
        if (batches.length > 0 && shownBytes + batchLength > read.maxBytes) break;
        const fault = checkBatch(bytes, at, length);
        if (fault !== undefined) {
          damage = corruption(read, expected, position + at, fault.reason);
          break;
        }
        const shown = visibility === undefined ? !isControl(bytes, at) : visibility.shows(bytes, at);
        // Compaction, and gap batches for lost records, leave empty batches.
        if (shown && recordCountOf(bytes, at) > 0) {
          batches.push(at);
          shownBytes += batchLength;
        }
        nextOffset = next;
      }
      expected = next;
      at += batchLength;
    }
    if (batches.length > 0) {
      const chunk = lend(read, pool, bytes, at, batches, nextOffset);
      return { chunk, nextOffset, nextPosition: position + at, nextPositionOffset: expected };
    }
    pool.give(bytes);
    if (damage !== undefined) throw damage;
    if (at === 0) {
      // Not one batch fitted: either it is larger than the buffer, or the file is shorter than it should be.
      if (whole && length > 0) break;
      if (length < room) throw corruption(read, expected, position, 'the file was shortened');
      if (want <= bytes.length) throw corruption(read, expected, position, 'it is cut off');
      if (want > size - position) throw corruption(read, expected, position, 'it is longer than its file');
    }
    position += at;
    if (whole && at < length) break;
  }
  return { chunk: undefined, nextOffset, nextPosition: position, nextPositionOffset: expected };
};

const lend = (
  read: SegmentRead,
  pool: BufferPool,
  bytes: Uint8Array,
  length: number,
  batches: readonly number[],
  nextOffset: number,
): Chunk => {
  let released = false;
  return {
    topic: read.topic,
    partition: read.partition,
    isolation: read.isolation,
    bytes: bytes.subarray(0, length),
    batches,
    nextOffset,
    offsets: read.offsets,
    release() {
      assert(!released, 'a chunk is released once');
      released = true;
      pool.give(bytes);
    },
  };
};
