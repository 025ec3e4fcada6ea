/** The end of a query that writes a topic. */

import { keyFormatOf, type StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import type { TopologyBuilder } from '../builder.ts';
import { sqlSink } from '../sink.ts';
import { finishedTable } from '../table.ts';

export const buildSink = (step: StepOf<'streamSink'>, builder: TopologyBuilder): void => {
  const built =
    step.kind === 'tableSink'
      ? finishedTable(builder, step.from, step.store, step.formerRows)
      : builder.build(step.from);
  const { node } = builder.rows(built);
  builder.topology.addSink<Row>(step.id, {
    topic: step.topic,
    parents: [node],
    supplier: sqlSink(step, keyFormatOf(step.from)),
  });
};
