/** A stream under a new key, through an internal topic where the plan says so. */

import type { StepOf } from '../../plan/plan.ts';
import type { Built, TopologyBuilder } from '../builder.ts';
import { rekeyedNode } from '../rekeyed-node.ts';
import { throughRepartition } from '../repartition.ts';

export const buildStreamSelectKey = (step: StepOf<'streamSelectKey'>, builder: TopologyBuilder): Built => {
  const { id, repartition, schema, dropNullKeys } = step;
  rekeyedNode(builder, step, 'keep');
  if (repartition === undefined) return { kind: 'rows', node: id, schema };
  return throughRepartition(builder, { from: id, name: repartition, schema, dropNullKeys });
};
