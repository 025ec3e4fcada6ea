/**
 * Retention: which whole segments a topic's configuration does not keep, the oldest first, never beyond the last stable
 * offset.
 *
 * Age counts from the last append, not from the times of records: old events that came today stay, and an event dated
 * in the future keeps nothing.
 */

import type { TopicConfigs } from '../log.ts';
import { isDeleted, numberConfig } from '../topic-rules.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export interface Retention {
  /** Whether the last append to a segment is longer ago than is kept. */
  isOld(segment: Segment, nowMs: number): boolean;
  /** The offset below which nothing is kept. */
  deletableTo(segments: SegmentList, nowMs: number, stable: number): number;
}

/** Undefined for a topic that deletes nothing by age or size. */
export const retentionOf = (configs: TopicConfigs): Retention | undefined => {
  if (!isDeleted(configs)) return undefined;
  const bytes = numberConfig(configs, 'retention.bytes');
  const ms = numberConfig(configs, 'retention.ms');
  const isOld = ({ index }: Segment, nowMs: number): boolean => ms >= 0 && nowMs - index.lastAppendMs > ms;
  const deletableTo = (segments: SegmentList, nowMs: number, stable: number): number => {
    let total = segments.sizeBytes;
    let to = 0;
    for (const { segment, nextOffset } of segments.closed()) {
      const due = isOld(segment, nowMs) || (bytes >= 0 && total - segment.size >= bytes);
      if (!due || nextOffset > stable) break;
      total -= segment.size;
      to = nextOffset;
    }
    return to;
  };
  return { isOld, deletableTo };
};
