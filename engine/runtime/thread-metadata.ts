/** The threads that run an application, with their tasks, as its program sees them. */

import type { PartitionPosition } from './partition-position.ts';
import type { QueryRun } from './query-run.ts';

/** A task of a query that runs. */
export interface TaskMetadata {
  /** `<sub-topology>_<partition>`. */
  readonly id: string;
  readonly subTopology: number;
  readonly partition: number;
  /** Of the state directory. */
  readonly shard: number;
  /** The topics that it reads, with the offsets committed last. */
  readonly inputs: readonly PartitionPosition[];
}

export interface ThreadMetadata {
  /** 0: the calling thread. */
  readonly thread: number;
  readonly tasks: readonly TaskMetadata[];
}

/** `own`: threads of the application, which may have no tasks yet. */
export const threadsOfRun = (run: QueryRun, own: readonly number[]): readonly ThreadMetadata[] => {
  const committed = run.coordinator?.positions() ?? run.setup.positions;
  const tasks = (thread: number): readonly TaskMetadata[] =>
    run.setup.tasks.flatMap(({ id, subTopology, partition, positions }) => {
      const placement = run.assignment.get(id);
      if (placement?.thread !== thread) return [];
      const inputs = positions.map(
        (known) => committed.find((at) => at.topic === known.topic && at.partition === known.partition) ?? known,
      );
      return [{ id, subTopology, partition, shard: placement.shard, inputs }];
    });
  return [...new Set([...own, ...run.threads])].map((thread) => ({ thread, tasks: tasks(thread) }));
};
