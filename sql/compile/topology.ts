/**
 * From a physical plan to a topology of the engine.
 *
 * It runs in whatever thread the query runs in: the plan is data, suppliers made here are called once per task.
 * Stateless steps right above a source are fused into its scan; other steps become nodes, named by the step's id.
 * Between steps a record's value is a row, or, right behind a scan, the scan's vectors (see `reading.ts`): what reads
 * single columns of a scanned record (an aggregate, a join, a new key) does so without a row being made.
 *
 * Between records of one task everything that is lent (rows, keys, vectors) is used again.
 */

import { assert } from '../../base/index.ts';
import type { Topology } from '../../engine/index.ts';
import type { PhysicalPlan, Step } from '../plan/plan.ts';
import { checkStores } from '../plan/store-schema.ts';
import { accumulatorTypes } from './aggregates.ts';
import { type Built, TopologyBuilder } from './builder.ts';
import type { CompileEnvironment } from './environment.ts';
import { endBuilders, stepBuilders } from './steps/index.ts';

export { resultEncoding } from './steps/result.ts';

export const compileTopology = (plan: PhysicalPlan, environment: CompileEnvironment): Topology => {
  const { root, stores } = plan;
  checkStores(plan, (call) => accumulatorTypes([call], environment));
  const builder = new TopologyBuilder(stores, environment, buildStep);
  assert(root.kind in endBuilders, `a plan does not end in ${root.kind}`);
  const build = endBuilders[root.kind as keyof typeof endBuilders] as (step: Step, builder: TopologyBuilder) => void;
  build(root, builder);
  return builder.topology;
};

const buildStep = (step: Step, builder: TopologyBuilder): Built => {
  assert(step.kind in stepBuilders, `${step.kind} stands at the top of a plan only`);
  const build = stepBuilders[step.kind as keyof typeof stepBuilders] as (step: Step, builder: TopologyBuilder) => Built;
  return build(step, builder);
};
