/**
 * How many partitions each sub-topology and each repartition topic of a query has.
 *
 * A sub-topology has one task per partition. Where it keeps state, all its source topics must have the same number of
 * partitions, since equal keys must meet; where it keeps none (streams that are merged), the largest number counts, and
 * a task reads the topics that have its partition. A repartition topic takes the number of what it is joined with, else
 * that of the sub-topology that writes it.
 */

import { assert, UserError } from '../base/index.ts';
import { notCopartitioned } from './co-partitioning.ts';
import type { Topology } from './topology.ts';
import type { SourceNode, SubTopology } from './topology-nodes.ts';

/** By id of the sub-topology, and by the name of the repartition topic within the topology. */
export interface PartitionPlan {
  readonly subTopologies: readonly number[];
  readonly repartitions: ReadonlyMap<string, number>;
  /** By name of the source topic, without repartitions. */
  readonly topics: ReadonlyMap<string, number>;
}

/** Partitions of the topic that a source reads. */
export const partitionsOf = ({ topics, repartitions }: PartitionPlan, { topic, repartition }: SourceNode): number => {
  const count = (repartition ? repartitions : topics).get(topic);
  assert(count !== undefined, `nothing is known of the topic ${topic}`);
  return count;
};

/**
 * Works out the numbers of partitions. `countOf` answers for topics that exist; it is called for every source topic
 * that is not a repartition. `existing`: numbers of repartitions that are there, and keep them unless another one is
 * asked for. Throws `TOPOLOGY_NOT_COPARTITIONED`, naming both topics and counts, where sources of one
 * sub-topology differ.
 */
export const planPartitions = (
  topology: Topology,
  countOf: (topic: string) => number,
  existing: ReadonlyMap<string, number> = new Map(),
): PartitionPlan => {
  const subTopologies = topology.subTopologies();
  const asked = new Map(
    topology.repartitions.map(({ topic, partitions }) => [topic, partitions ?? existing.get(topic)]),
  );
  const decided = new Map<string, number>();
  const topics = new Map<string, number>();
  const decidedFor = ({ topic, repartition }: SourceNode): number | undefined =>
    (repartition ? decided : topics).get(topic);
  const counts: (number | undefined)[] = subTopologies.map(() => undefined);

  const decide = ({ id, stores }: SubTopology, source: SourceNode, count: number): void => {
    const known = counts[id];
    if (known !== undefined && known !== count && stores.length > 0) {
      const other = subTopologies[id]?.sources.find((one) => one !== source && decidedFor(one) === known);
      throw notCopartitioned({ topic: other?.topic, count: known }, { topic: source.topic, count });
    }
    counts[id] = Math.max(known ?? 0, count);
    (source.repartition ? decided : topics).set(source.topic, count);
  };

  for (const subTopology of subTopologies) {
    for (const source of subTopology.sources) {
      const count = source.repartition ? asked.get(source.topic) : countOf(source.topic);
      if (count !== undefined) decide(subTopology, source, count);
    }
  }
  // A sub-topology that reads only repartitions takes the largest number of those that write them. Where some wait for
  // each other, those that are known decide.
  const writersOf = ({ id, sources }: SubTopology): readonly SubTopology[] =>
    subTopologies.filter(
      (writer) =>
        writer.id !== id &&
        writer.sinks.some(
          (sink) => sink.repartition && sources.some((one) => one.repartition && one.topic === sink.topic),
        ),
    );
  for (let roundsWithout = 0; counts.includes(undefined); ) {
    let found = false;
    for (const reader of subTopologies) {
      if (counts[reader.id] !== undefined) continue;
      const known = writersOf(reader).map(({ id }) => counts[id]);
      const numbers = known.filter((count) => count !== undefined);
      if (numbers.length === 0 || (numbers.length < known.length && roundsWithout === 0)) continue;
      counts[reader.id] = Math.max(...numbers);
      found = true;
    }
    if (found) roundsWithout = 0;
    else if (roundsWithout++ > 0)
      throw new UserError('TOPOLOGY_PARTITIONS', 'the number of partitions of a repartition cannot be worked out');
  }
  for (const { id, sources } of subTopologies) {
    for (const { repartition, topic } of sources) {
      if (repartition && !decided.has(topic)) decided.set(topic, counts[id] as number);
    }
  }
  return { subTopologies: counts.map((count) => count ?? 0), repartitions: decided, topics };
};
