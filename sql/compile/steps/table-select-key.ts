/** A table whose keys are written again in another format. */

import { keyedSchema, keyFormatOf, type StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import type { Built, TopologyBuilder } from '../builder.ts';
import { recodeKeys } from '../rekey.ts';
import { throughRepartition } from '../repartition.ts';

export const buildTableSelectKey = (step: StepOf<'tableSelectKey'>, builder: TopologyBuilder): Built => {
  const { node } = builder.rows(builder.build(step.from));
  builder.topology.addProcessor<Row, Row>(
    step.id,
    recodeKeys({ schema: keyedSchema(step.from), from: keyFormatOf(step.from), to: step.keyFormat }),
    [node],
  );
  return throughRepartition(builder, {
    from: step.id,
    name: step.repartition,
    schema: step.schema,
    dropNullKeys: true,
  });
};
