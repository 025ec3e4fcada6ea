/**
 * Reset: a query forgets what it has computed, and begins again.
 *
 * Its internal topics and its offsets are deleted, new first positions are committed where they are not the start of
 * the sources, and its record says `reset`: the next start makes everything again, and reads from there. The state in
 * the shards is deleted before, by those who have them open. A crash on the way leaves what contradicts itself, so that
 * the query does not start; another reset completes it.
 */

import { type Log, type OffsetToCommit } from '../../storage/index.ts';
import type { Topology } from '../topology.ts';
import { damageKey } from './contradictions.ts';
import type { QueryRecords } from './query-records.ts';
import { internalTopics } from './query-topics.ts';

/** Where a query begins after a reset. A time: at the first record of each partition from then on, or at its end. */
export type ResetTo = 'earliest' | 'latest' | Date;

export interface ResetQuery {
  readonly queryId: string;
  readonly applicationId: string;
  readonly topology: Topology;
}

/** Deletes topics of a query's own, and its positions. Damage of these topics concerns nothing any more; it is accepted
 *  when they are gone, because the loss of a topic that cannot be read could not be accepted. */
export const deleteOwnTopics = async (log: Log, applicationId: string, topics: Iterable<string>): Promise<void> => {
  for (const name of topics) {
    if ((await log.describeTopic(name)) !== undefined) await log.deleteTopic(name);
    if (log.damage.some(({ topic }) => topic === name)) await log.acceptLoss(name);
  }
  await log.deleteGroup(applicationId);
};

export const resetQuery = async (
  log: Log,
  records: QueryRecords,
  { queryId, applicationId, topology }: ResetQuery,
  to: ResetTo,
): Promise<void> => {
  // Where a time makes no sense, nothing has happened.
  const positions = await firstPositions(log, topology, to);
  const record = records.get(applicationId);
  await deleteOwnTopics(log, applicationId, internalTopics(applicationId, topology, record));
  if (positions.length > 0) await log.commitOffsets(applicationId, positions);
  const { shards: _, ...known } = record ?? { version: 1, queryId, topics: {} };
  await records.put(applicationId, { ...known, state: 'reset', accepted: log.damage.map(damageKey) });
};

/** What a start would not find out by itself. Tables are read from their start. */
const firstPositions = async (log: Log, topology: Topology, to: ResetTo): Promise<readonly OffsetToCommit[]> => {
  const positions: OffsetToCommit[] = [];
  if (to === 'earliest') return positions;
  for (const { topic, kind, repartition } of topology.subTopologies().flatMap(({ sources }) => sources)) {
    if (repartition || kind === 'table') continue;
    const { partitions = 0, id: topicId } = (await log.describeTopic(topic)) ?? {};
    for (let partition = 0; partition < partitions; partition++) {
      const { stable } = await log.offsets({ topic, partition });
      const found = to === 'latest' ? undefined : await log.offsetForTime({ topic, partition }, to.getTime());
      positions.push({ topic, topicId, partition, offset: found?.offset ?? stable });
    }
  }
  return positions;
};
