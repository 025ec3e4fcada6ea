/** Finding a record by its timestamp within a segment, from where its time index points. */

import type { BufferPool } from '../../base/index.ts';
import type { LogError, TimedOffset, TopicPartition } from '../log.ts';
import type { PartitionState } from '../partition-state.ts';
import { baseOffsetOf, batchBytes, batchHeaderBytes, checkBatch, maxTimestampOf } from '../record-batch.ts';
import { firstAtOrAfter } from '../timed-offset.ts';
import { corruption } from './read-segment.ts';
import type { Segment } from './segment.ts';

export interface TimeSearch extends TopicPartition {
  readonly segment: Segment;
  readonly state: PartitionState;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** Batches at or behind this offset are not looked at. */
  readonly stable: number;
  readonly pool: BufferPool;
}

const leastBytes = 64 * 1024;

/** The first visible record with that timestamp or a later one. Of batches that are earlier as a whole only the header
 *  is read. */
export const findTime = (search: TimeSearch): TimedOffset | undefined => {
  const { topic, partition, segment, state, timestamp, stable, pool } = search;
  let { position } = segment.index.lookup(Math.max(segment.timeIndex.firstCandidate(timestamp), state.start));
  let want = leastBytes;
  while (position + batchHeaderBytes <= segment.size) {
    const bytes = pool.take(want);
    try {
      const length = segment.fill(bytes, Math.min(bytes.length, segment.size - position), position);
      const damaged = (offset: number, where: number, reason: string): LogError =>
        corruption({ topic, partition, file: segment.file }, offset, where, reason);
      let at = 0;
      while (length - at >= batchHeaderBytes) {
        const base = baseOffsetOf(bytes, at);
        if (base >= stable) return undefined;
        const size = batchBytes(bytes, at);
        if (size < batchHeaderBytes) throw damaged(base, position + at, 'its length is impossible');
        if (maxTimestampOf(bytes, at) >= timestamp && state.shows(bytes, at)) {
          if (size > length - at) {
            if (position + at + size > segment.size) throw damaged(base, position + at, 'it is longer than its file');
            want = Math.max(want, size);
            break;
          }
          const fault = checkBatch(bytes, at, length);
          if (fault !== undefined) throw damaged(base, position + at, fault.reason);
          const found = firstAtOrAfter(bytes, at, timestamp, state.start);
          if (found !== undefined) return found;
        }
        at += size;
      }
      if (length < Math.min(bytes.length, segment.size - position)) {
        throw damaged(segment.baseOffset, position + length, 'the file was shortened');
      }
      position += at;
    } finally {
      pool.give(bytes);
    }
  }
  return undefined;
};
