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
import type { AlikeStep } from './alike-steps.ts';
import { type Built, TopologyBuilder } from './builder.ts';
import type { CompileEnvironment } from './environment.ts';
import { viewIdOf } from './scan-view.ts';
import { endBuilders, stepBuilders } from './steps/index.ts';

export { resultEncoding } from './steps/result.ts';

export const compileTopology = (plan: PhysicalPlan, environment: CompileEnvironment): Topology =>
  build(plan, environment).topology;

/** What the scans of a plan may share with scans of other plans: steps over the same source are equal by their ids. */
export const alikeScans = (plan: PhysicalPlan, environment: CompileEnvironment): readonly AlikeScan[] =>
  build(plan, environment).alike.map(({ step, steps }) => ({
    source: step.source,
    over: viewIdOf(step),
    conditions: steps.conditions,
    others: steps.time === undefined ? steps.values : [steps.time, ...steps.values],
  }));

export interface AlikeScan {
  /** The catalog's name. */
  readonly source: string;
  /** Equal for scans that may share. */
  readonly over: string;
  /** The first condition, the first two, and so on. */
  readonly conditions: readonly AlikeStep[];
  readonly others: readonly AlikeStep[];
}

const build = (plan: PhysicalPlan, environment: CompileEnvironment): TopologyBuilder => {
  const { root, stores } = plan;
  checkStores(plan, (call) => accumulatorTypes([call], environment));
  const builder = new TopologyBuilder(stores, environment, buildStep);
  assert(root.kind in endBuilders, `a plan does not end in ${root.kind}`);
  const buildEnd = endBuilders[root.kind as keyof typeof endBuilders] as (step: Step, builder: TopologyBuilder) => void;
  buildEnd(root, builder);
  return builder;
};

const buildStep = (step: Step, builder: TopologyBuilder): Built => {
  assert(step.kind in stepBuilders, `${step.kind} stands at the top of a plan only`);
  const buildOne = stepBuilders[step.kind as keyof typeof stepBuilders] as (
    step: Step,
    builder: TopologyBuilder,
  ) => Built;
  return buildOne(step, builder);
};
