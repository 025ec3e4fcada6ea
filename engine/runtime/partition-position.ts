/** An offset in a partition: how far a task has read it, or how far something was written to it. */

import type { OffsetToCommit } from '../../storage/index.ts';

export interface PartitionPosition {
  readonly topic: string;
  readonly partition: number;
  /** The offset after the last record that was processed, or written. */
  readonly offset: number;
  /** What a task keeps with a position that it commits: how far it is in time (`task-times.ts`). */
  readonly metadata?: string;
}

/** Positions as they are committed: each is one in the topic with this id only. */
export const inTopics = (
  positions: readonly PartitionPosition[],
  topicIds: Readonly<Record<string, string>>,
): readonly OffsetToCommit[] => positions.map((position) => ({ ...position, topicId: topicIds[position.topic] }));

/** Names a partition within one map. */
export const partitionKey = (topic: string, partition: number): string => `${partition} ${topic}`;
