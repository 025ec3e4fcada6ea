/** The end of a query that writes a topic. */

import { formatNamed } from '../../formats/index.ts';
import { keyFormatOf, type StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import type { TopologyBuilder } from '../builder.ts';
import { sqlSink } from '../sink.ts';
import { finishedTable } from '../table.ts';
import { timestampReader } from '../timestamps.ts';

export const buildSink = (step: StepOf<'streamSink'>, builder: TopologyBuilder): void => {
  const built =
    step.kind === 'tableSink'
      ? finishedTable(builder, step.from, step.store, step.formerRows)
      : builder.build(step.from);
  const spans = built.kind === 'scan' && formatNamed(step.valueFormat.name).spans === true;
  const time = step.timestamp === undefined ? undefined : timestampReader(step.timestamp, step.schema);
  const { node } = builder.rows(built, spans ? (place) => time?.from !== 'value' || place !== time.slot : undefined);
  builder.topology.addSink<Row>(step.id, {
    topic: step.topic,
    parents: [node],
    supplier: sqlSink(step, keyFormatOf(step.from), spans),
  });
};
