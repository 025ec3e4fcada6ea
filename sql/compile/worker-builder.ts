/** What a worker thread makes topologies with: its default export turns the plan of a query into one. */

import type { Topology } from '../../engine/index.ts';
import type { FunctionContext } from '../functions/define.ts';
import { builtInFunctions } from '../functions/index.ts';
import { readPlan } from '../plan/plan.ts';
import { ScanRegistry } from './scan.ts';
import { compileTopology } from './topology.ts';

const functions = builtInFunctions();

/** Shared by all queries of this thread: each column of a block is parsed once. */
const scans = new ScanRegistry();

const build = (plan: unknown, world: FunctionContext): Topology =>
  compileTopology(readPlan(plan), { functions, context: world, scans });

export default build;
