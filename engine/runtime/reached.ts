/**
 * Waiting until an application has processed, and committed, all up to a position in its source topics, so that its
 * stores show it.
 *
 * A record may go through repartition topics to the store that shows it. So when the sources are reached, what lies in
 * the repartition topics then is waited for too, once for each sub-topology that it may pass.
 */

import { UserError } from '../../base/index.ts';
import type { TopicPartition } from '../../storage/index.ts';
import { internalTopic } from '../topology-nodes.ts';
import type { ManagedQuery } from './managed-query.ts';
import { type PartitionPosition, partitionKey } from './partition-position.ts';
import type { Position } from './views/store-reader.ts';

export interface Waiting {
  /** Answers when something of the query may have changed. */
  readonly change: () => Promise<void>;
  readonly stableEnd: (partition: TopicPartition) => Promise<number>;
  readonly closed: () => boolean;
}

/** The committed positions of a query; none while it does not run. */
export const committedPositions = ({ run, idle }: ManagedQuery): Position => {
  const held = [...(run?.positions.values() ?? [])].flat();
  // A query that has nothing left to do stands behind markers that it will never have a reason to commit.
  return idle ? held : (run?.coordinator?.positions() ?? held);
};

/** Rejects with QUERY_NOT_RUNNING when the query ends before. */
export const reached = async (query: ManagedQuery, position: Position, waiting: Waiting): Promise<void> => {
  const { spec, applicationId } = query;
  const { repartitions } = spec.topology;
  const internal = new Set(repartitions.map(({ topic }) => internalTopic(applicationId, topic)));
  await behind(query, position, waiting);
  if (internal.size === 0) return;
  for (let hops = spec.topology.subTopologies().length - 1; hops > 0; hops--) {
    const written: PartitionPosition[] = [];
    for (const { topic, partition } of committedPositions(query)) {
      if (!internal.has(topic)) continue;
      written.push({ topic, partition, offset: await waiting.stableEnd({ topic, partition }) });
    }
    await behind(query, written, waiting);
  }
};

const behind = async (query: ManagedQuery, position: Position, { change, closed }: Waiting): Promise<void> => {
  const wanted = new Map(position.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]));
  for (;;) {
    const positions = committedPositions(query);
    const missing = positions.some(
      ({ topic, partition, offset }) => offset < (wanted.get(partitionKey(topic, partition)) ?? 0),
    );
    const readsNone = query.run?.setup.tasks.length === 0;
    if ((positions.length > 0 || readsNone) && !missing) return;
    if (!query.active || closed()) {
      throw new UserError('QUERY_NOT_RUNNING', `the query "${query.spec.id}" ended before it reached the position`, {
        hint: 'Its state can be read while it runs.',
      });
    }
    await change();
  }
};
