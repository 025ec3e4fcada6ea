/** A projection: fused into the scan or the aggregate below, where there is one, else a node. */

import { mapValues, tableMapValues } from '../../../engine/index.ts';
import type { NamedExpression } from '../../analyze/logical.ts';
import type { ColumnReference, TypedExpression } from '../../analyze/typed.ts';
import { keyedSchema, keyFormatOf, type StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import type { Built, TopologyBuilder } from '../builder.ts';
import { substituted } from '../fuse.ts';
import { columnScope } from '../reading.ts';
import { rowFiller, rowMaker, tableRowMaker } from '../select.ts';
import { buildAggregate, isAggregate } from './aggregate.ts';

/** A result of the aggregate below, as it is. */
const isResult = (expression: TypedExpression): expression is ColumnReference =>
  expression.kind === 'column' && expression.from === 'value';

export const buildSelect = (step: StepOf<'streamSelect'>, builder: TopologyBuilder): Built => {
  if (isAggregate(step.from)) {
    const picked = step.items.map(({ expression }) => (isResult(expression) ? expression.index : -1));
    if (!picked.includes(-1)) return buildAggregate(step.from, builder, { picked, schema: step.schema });
  }
  const built = builder.build(step.from);
  if (built.kind === 'scan') {
    const items = step.items.map(({ name, expression }) => ({
      name,
      expression: substituted(expression, built.items),
    }));
    const fits = (item: { expression: TypedExpression | undefined }): boolean => item.expression !== undefined;
    if (items.every(fits)) return { ...built, items: items as readonly NamedExpression[], schema: step.schema };
  }
  const { node } = builder.rows(built);
  const { environment } = builder;
  const keyFormat = keyFormatOf(step.from);
  const schema = keyedSchema(step.from);
  if (step.kind === 'streamSelect') {
    builder.topology.addProcessor<Row, Row>(
      step.id,
      (context, forward) => {
        const row = rowMaker(step.items, columnScope(schema, keyFormat, 'row'), environment);
        return mapValues<Row, Row>((record) => (record.value === null ? null : row(record, context)))(context, forward);
      },
      [node],
    );
  } else {
    builder.topology.addProcessor<Row, Row>(
      step.id,
      (context, forward) => {
        const fill = rowFiller(step.items, columnScope(schema, keyFormat, 'row'), environment);
        return tableMapValues<Row, Row>(tableRowMaker(fill, step.items.length))(context, forward);
      },
      [node],
      { before: 'passed on' },
    );
  }
  return { kind: 'rows', node: step.id, schema: step.schema };
};
