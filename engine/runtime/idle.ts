/**
 * Waiting until queries are idle: they have processed and committed all that their topics hold.
 *
 * Whether a query has anything left to read is known by its hosts as of their last look; the log is asked besides.
 */

import type { Log } from '../../storage/index.ts';
import type { Changes } from './changes.ts';
import type { ManagedQuery } from './managed-query.ts';
import type { PartitionPosition } from './partition-position.ts';

/** Answers when all of these queries are idle at the same time, and none of them paused; `queries` is asked again at
 *  each change. */
export const allIdle = async (queries: () => readonly ManagedQuery[], log: Log, changes: Changes): Promise<void> => {
  for (;;) {
    const { count } = changes;
    const now = queries();
    if (now.every(isIdle) && (await areAtTheEnd(now, log)) && changes.count === count && now.every(isIdle)) return;
    await changes.after(count);
  }
};

const isIdle = ({ active, idle, paused }: ManagedQuery): boolean => active && idle && !paused;

/** Whether they stand at the present ends of all that they read. */
const areAtTheEnd = async (queries: readonly ManagedQuery[], log: Log): Promise<boolean> => {
  const positions: PartitionPosition[] = [];
  for (const { run } of queries) for (const held of run?.positions.values() ?? []) positions.push(...held);
  for (const { topic, partition, offset } of positions) {
    const { stable } = await log.offsets({ topic, partition });
    if (stable > offset) return false;
  }
  return true;
};
