/** Whether a plan can run here: its expressions compile, and what it reads together has equal numbers of partitions. */

import { UserError } from '../../base/index.ts';
import { planPartitions } from '../../engine/index.ts';
import { ScanRegistry } from '../compile/scan-view.ts';
import { compileTopology } from '../compile/topology.ts';
import { type PhysicalPlan, sourcesOf } from '../plan/plan.ts';
import type { StatementContext } from './statement.ts';

export const checkPlan = (plan: PhysicalPlan, { functions, functionContext, topics }: StatementContext): void => {
  const topology = compileTopology(plan, {
    functions,
    context: functionContext,
    scans: new ScanRegistry(),
  });
  try {
    planPartitions(topology, (topic) => topics.get(topic)?.partitions ?? 1);
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'TOPOLOGY_NOT_COPARTITIONED')) throw error;
    // The engine's errors name topics; the query names sources.
    const sources = sourcesOf(plan).map(
      ({ source, topic }) => `"${source}" (topic "${topic}", ${topics.get(topic)?.partitions} partitions)`,
    );
    throw new UserError(
      'SQL_JOIN_PARTITIONS',
      `${sources.join(' and ')} are joined, and must have equally many partitions`,
      {
        hint: `Make a copy of one of them with as many: CREATE … WITH (PARTITIONS=…) AS SELECT * FROM …;`,
        cause: error,
      },
    );
  }
};
