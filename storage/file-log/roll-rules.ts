/**
 * When a partition begins a new segment: what is kept or deleted is always a whole segment, so the active one must not
 * stay open for ever.
 *
 * Kafka's rules are `segment.bytes` and `segment.ms`. Here the time counts from the segment's first append, not from
 * record timestamps: a history that is loaded spans years within a second. And where retention asks for less than a
 * segment, segments are made smaller, so that space is freed continuously: at most a quarter of `retention.ms` or
 * `retention.bytes` lies beyond what has to be kept.
 */

import type { TopicConfigs } from '../log.ts';
import { isCompacted, isDeleted, numberConfig } from '../topic-rules.ts';

export interface RollRules {
  /** The size beyond which a batch goes to a new segment. */
  readonly bytes: number;
  /** The time since the segment's first append after which a batch goes to a new segment. */
  readonly ms: number;
}

const leastBytes = 64 * 1024;
const leastMs = 100;

export const rollRules = (configs: TopicConfigs): RollRules => {
  let bytes = numberConfig(configs, 'segment.bytes');
  let ms = numberConfig(configs, 'segment.ms');
  if (isDeleted(configs)) {
    const retentionBytes = numberConfig(configs, 'retention.bytes');
    const retentionMs = numberConfig(configs, 'retention.ms');
    if (retentionBytes >= 0) bytes = Math.min(bytes, Math.max(leastBytes, Math.floor(retentionBytes / 4)));
    if (retentionMs >= 0) ms = Math.min(ms, Math.max(leastMs, Math.floor(retentionMs / 4)));
  }
  if (isCompacted(configs)) ms = Math.min(ms, numberConfig(configs, 'max.compaction.lag.ms'));
  return { bytes, ms };
};
