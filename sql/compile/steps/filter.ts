/** A filter: fused into the scan below, where there is one, else a node. */

import { filter, StreamRecord, tableFilter } from '../../../engine/index.ts';
import { keyedSchema, keyFormatOf, type StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import type { Built, TopologyBuilder } from '../builder.ts';
import { substituted } from '../fuse.ts';
import { columnScope } from '../reading.ts';
import { condition, type Test } from '../select.ts';

export const buildFilter = (step: StepOf<'streamFilter'>, builder: TopologyBuilder): Built => {
  const built = builder.build(step.from);
  if (built.kind === 'scan') {
    const predicate = substituted(step.predicate, built.items);
    if (predicate !== undefined) return { ...built, filters: [...built.filters, predicate] };
  }
  const { node } = builder.rows(built);
  const { environment } = builder;
  const keyFormat = keyFormatOf(step.from);
  const schema = keyedSchema(step.from);
  const test = (): Test => condition(step.predicate, columnScope(schema, keyFormat, 'row'), environment);
  if (step.kind === 'streamFilter') {
    builder.topology.addProcessor<Row, Row>(
      step.id,
      (context, forward) => {
        const keeps = test();
        return filter<Row>((record) => record.value !== null && keeps(record, context))(context, forward);
      },
      [node],
    );
  } else {
    builder.topology.addProcessor<Row, Row>(
      step.id,
      (context, forward) => {
        const keeps = test();
        const probe = new StreamRecord<Row>();
        return tableFilter<Row>((row, record) => {
          probe.takeEnvelope(record);
          probe.value = row;
          return keeps(probe, context);
        })(context, forward);
      },
      [node],
      { before: 'needed' },
    );
  }
  return { kind: 'rows', node: step.id, schema: step.schema };
};
