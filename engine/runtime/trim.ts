/**
 * What a query gives back of its internal topics, so that they do not grow for ever.
 *
 * - A repartition topic is read by one query, its own. What lies below the position that the query has committed is
 *   never read again, also after a crash, and is deleted. The log frees whole segments and writes its start offset to
 *   the disk each time, so that is done rarely: when enough records are behind, or a minute has passed.
 * - A changelog is compacted by the log. Deletions have to stay as long as a restart may replay them: above the store's
 *   checkpoint.
 *
 * Both are housekeeping: a log that refuses is asked again after a later commit or checkpoint, and no query waits or
 * fails.
 */

import type { Clock } from '../../base/index.ts';
import { type Log, LogError } from '../../storage/index.ts';
import { type Topology } from '../topology.ts';
import { internalTopic } from '../topology-nodes.ts';
import { type PartitionPosition, partitionKey } from './partition-position.ts';

const leastMs = 1_000;
const mostMs = 60_000;
/** Records behind, of one partition, that are worth a call before the minute is over. */
const enoughRecords = 50_000;

export class RepartitionTrimmer {
  readonly #log: Pick<Log, 'deleteRecords'>;
  readonly #clock: Clock;
  readonly #topics: ReadonlySet<string>;
  /** Where each partition begins, as far as it was trimmed here, and when. */
  readonly #trimmed = new Map<string, { readonly offset: number; readonly ms: number }>();
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(log: Pick<Log, 'deleteRecords'>, clock: Clock, applicationId: string, topology: Topology) {
    this.#log = log;
    this.#clock = clock;
    this.#topics = new Set(topology.repartitions.map(({ topic }) => internalTopic(applicationId, topic)));
  }

  /** Called after each commit: the positions are durable. */
  committed(query: { positions(): readonly PartitionPosition[] }): void {
    if (this.#topics.size === 0) return;
    const now = this.#clock.monotonic();
    if (now - this.#lookedMs < leastMs) return;
    this.#lookedMs = now;
    for (const { topic, partition, offset } of query.positions()) {
      if (!this.#topics.has(topic)) continue;
      const key = partitionKey(topic, partition);
      const before = this.#trimmed.get(key);
      if (before === undefined) {
        this.#trimmed.set(key, { offset, ms: now });
        continue;
      }
      const behind = offset - before.offset;
      if (behind < enoughRecords && (behind === 0 || now - before.ms < mostMs)) continue;
      this.#trimmed.set(key, { offset, ms: now });
      void asHousekeeping(this.#log.deleteRecords({ topic, partition }, offset));
    }
  }
}

/** The checkpoint of a store holds everything below this position of its changelog: no restart reads there again. */
export const releaseTombstones = (
  log: Pick<Log, 'releaseTombstones'>,
  { offset, ...target }: PartitionPosition,
): Promise<void> => asHousekeeping(log.releaseTombstones(target, offset));

const asHousekeeping = async (call: Promise<void>): Promise<void> => {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
  }
};
