/** Repair of a data directory that no process has open: the log and the state of all its shards, put together. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../base/node/index.ts';
import { Repair, type RepairFindings, type RepairOptions } from '../engine/index.ts';
import { openSoundLevelShard } from '../engine/stores/level-store.ts';
import { applicationPrefix, statementTopic } from '../sql/index.ts';
import { existingDirectory, openLog } from './data-directory.ts';

export interface RepairRequest {
  readonly data: string;
  /** Queries whose state and positions are deleted: their next start recomputes them from the start of their
   *  sources. */
  readonly resetQueries?: readonly string[];
  /** Topics to go on with as they are, without what is lost of them. */
  readonly acceptLoss?: readonly string[];
}

export interface RepairReport {
  /** What was changed, as sentences. */
  readonly done: readonly string[];
  /** What still contradicts itself. */
  readonly left: RepairFindings;
}

/** Lists what keeps the queries of a data directory from starting, and does what is asked for about it. Without a
 *  request it changes nothing. Rejects with DATA_DIR_LOCKED while the directory is open anywhere. */
export const repair = async ({ data, resetQueries = [], acceptLoss = [] }: RepairRequest): Promise<RepairReport> => {
  const directory = existingDirectory(data);
  const random = systemRandom();
  let log = await openLog(directory, random);
  const shards: RepairOptions['shards'][number][] = [];
  try {
    // What the disk does not read any more is given up only of a topic that is named.
    const salvaged = acceptLoss.filter((topic) => log.salvage(topic));
    if (salvaged.length > 0) {
      await log.close();
      log = await openLog(directory, random);
    }
    const state = join(directory, 'state');
    for (const name of existsSync(state) ? readdirSync(state) : []) {
      const shard = /^shard-\d+$/.test(name) ? await openSoundLevelShard(join(state, name)) : undefined;
      if (shard !== undefined) shards.push(shard);
    }
    const repairing = await Repair.open({ log, shards, now: () => systemClock.now() });
    const done: string[] = [];
    for (const topic of acceptLoss) {
      done.push(...(await repairing.acceptLoss(topic)));
      // Without its statement it is not known what a query computes.
      const forgotten = topic === statementTopic && (await log.describeTopic(topic)) === undefined;
      if (forgotten) done.push(...(await repairing.forgetQueries((id) => id.startsWith(applicationPrefix))));
    }
    for (const queryId of resetQueries) done.push(...(await repairing.resetQuery(queryId)));
    return { done, left: await repairing.list() };
  } finally {
    for (const shard of shards) await shard.close();
    await log.close();
  }
};
