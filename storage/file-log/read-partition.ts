/**
 * Reading a partition segment by segment: the same walk in the log's own thread and in threads that read the files
 * themselves.
 *
 * Where a read stopped is remembered, so that reading on costs one `read` and no look-up.
 */

import { assert, type BufferPool, type OpenFile } from '../../base/index.ts';
import type { Chunk, FetchRequest, PartitionOffsets } from '../log.ts';
import type { PartitionState } from '../partition-state.ts';
import { corruption, readSegment } from './read-segment.ts';

/** In the segment with base offset `base`, a batch that begins at `offset` lies at byte `position`. */
export interface ReadPoint {
  readonly base: number;
  readonly position: number;
  readonly offset: number;
}

/** The segments of one partition, named by their base offsets. */
export interface SegmentFiles {
  /** A batch at or below the offset, in the segment that holds the offset; undefined when there is no segment. */
  find(offset: number): ReadPoint | undefined;
  /** The file of a segment, and how many bytes of it may be looked at. */
  open(base: number): { readonly file: OpenFile; readonly size: number };
  /** The segment that follows, as of now. */
  after(base: number): number | undefined;
}

export interface PartitionRead {
  readonly request: FetchRequest;
  /** Batches that begin here or behind are not looked at; above the offset asked for. */
  readonly limit: number;
  readonly offsets: PartitionOffsets;
  /** Holds which ranges are aborted. */
  readonly state: PartitionState;
  readonly maxBytes: number;
}

const mostReadPoints = 64;

/** Where readers stopped, by offset; of many, those used last. */
export class ReadPoints {
  readonly #points = new Map<number, ReadPoint>();

  get(offset: number): ReadPoint | undefined {
    return this.#points.get(offset);
  }

  remember(offset: number, point: ReadPoint): void {
    this.#points.delete(offset);
    if (this.#points.size >= mostReadPoints) {
      const [oldest] = this.#points.keys();
      if (oldest !== undefined) this.#points.delete(oldest);
    }
    this.#points.set(offset, point);
  }

  clear(): void {
    this.#points.clear();
  }
}

/** The next visible batches from the offset asked for, or a chunk without batches that leads beyond invisible ones;
 *  undefined when there is nothing below the limit. */
export const readPartition = (
  segments: SegmentFiles,
  points: ReadPoints,
  { request, limit, offsets, state, maxBytes }: PartitionRead,
  pool: BufferPool,
): Chunk | undefined => {
  const { topic, partition, offset, isolation } = request;
  const visibility = isolation.kind === 'uncommitted' ? undefined : state;
  let at = points.get(offset) ?? segments.find(offset);
  let nextOffset = offset;
  while (at !== undefined && nextOffset < limit) {
    const { base, position, offset: positionOffset }: ReadPoint = at;
    const { file, size } = segments.open(base);
    const read = readSegment(
      {
        topic,
        partition,
        file,
        size,
        position,
        positionOffset,
        offset: nextOffset,
        limit,
        isolation,
        maxBytes,
        visibility,
        offsets,
      },
      pool,
    );
    assert(read.nextOffset >= nextOffset, 'reading never goes back');
    nextOffset = read.nextOffset;
    points.remember(nextOffset, { base, position: read.nextPosition, offset: read.nextPositionOffset });
    if (read.chunk !== undefined) return read.chunk;
    if (nextOffset >= limit) break;
    // The segment is at its end and there is more: a later one has it.
    const next = segments.after(base);
    if (next === undefined) {
      if (read.nextPosition < size) break;
      throw corruption({ topic, partition, file }, nextOffset, read.nextPosition, 'the file was shortened');
    }
    at = { base: next, position: 0, offset: next };
    nextOffset = Math.max(nextOffset, next);
  }
  if (nextOffset === offset) return undefined;
  return { topic, partition, isolation, bytes: new Uint8Array(0), batches: [], nextOffset, offsets, release: () => {} };
};
