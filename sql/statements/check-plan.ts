/** Whether a plan can run here: its expressions compile, and what it reads together has equal numbers of partitions. */

import { planPartitions } from '../../engine/index.ts';
import { ScanRegistry } from '../compile/scan.ts';
import { compileTopology } from '../compile/topology.ts';
import type { PhysicalPlan } from '../plan/plan.ts';
import type { StatementContext } from './statement.ts';

export const checkPlan = (plan: PhysicalPlan, { functions, functionContext, topics }: StatementContext): void => {
  const topology = compileTopology(plan, {
    functions,
    context: functionContext,
    scans: new ScanRegistry(),
    result: () => ({ process: () => undefined }),
  });
  planPartitions(topology, (topic) => topics.get(topic)?.partitions ?? 1);
};
