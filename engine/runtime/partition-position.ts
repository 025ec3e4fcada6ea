/** An offset in a partition: how far a task has read it, or how far something was written to it. */

export interface PartitionPosition {
  readonly topic: string;
  readonly partition: number;
  /** The offset after the last record that was processed, or written. */
  readonly offset: number;
  /** What a task keeps with a position that it commits: how far it is in time (`task-times.ts`). */
  readonly metadata?: string;
}

/** Names a partition within one map. */
export const partitionKey = (topic: string, partition: number): string => `${partition} ${topic}`;
