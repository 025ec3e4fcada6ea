/** Topics whose records meet in one store have the same number of partitions: equal keys have to meet in one task. */

import { UserError } from '../base/index.ts';
import type { Repartition, SubTopology } from './topology-nodes.ts';

/** The number of partitions of a topic that a sub-topology reads. */
export interface TopicCount {
  readonly topic: string | undefined;
  readonly count: number;
}

export const notCopartitioned = (one: TopicCount, other: TopicCount): UserError =>
  new UserError(
    'TOPOLOGY_NOT_COPARTITIONED',
    `"${one.topic}" has ${one.count} partitions and "${other.topic}" has ${other.count}, but they are read together`,
    { hint: 'Equal keys must meet in one task: give both topics the same number of partitions.' },
  );

/** Refuses repartitions that are read together and ask for different numbers: known without their application. */
export const checkAskedPartitions = (
  subTopologies: readonly SubTopology[],
  repartitions: readonly Repartition[],
): void => {
  for (const { stores, sources } of subTopologies) {
    if (stores.length === 0) continue;
    let first: TopicCount | undefined;
    for (const { topic, repartition } of sources) {
      const count = repartition ? repartitions.find((one) => one.topic === topic)?.partitions : undefined;
      if (count === undefined) continue;
      first ??= { topic, count };
      if (first.count !== count) throw notCopartitioned(first, { topic, count });
    }
  }
};
