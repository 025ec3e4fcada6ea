/** The groups as keys: of the rows of a stream, or of the changes of a table. */

import type { ColumnScope } from '../../evaluate/closure.ts';
import { keyedSchema, keyFormatOf, type StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import type { Built, TopologyBuilder } from '../builder.ts';
import { columnScope } from '../reading.ts';
import { rekeyedNode } from '../rekeyed-node.ts';
import { throughRepartition } from '../repartition.ts';
import { keptTable } from '../table.ts';
import { changeColumns, tableGroupBy } from '../table-group.ts';

export const buildStreamGroupBy = (step: StepOf<'streamGroupBy'>, builder: TopologyBuilder): Built => {
  const { id, repartition, schema } = step;
  rekeyedNode(builder, step, 'drop');
  return throughRepartition(builder, { from: id, name: repartition, schema, dropNullKeys: true });
};

export const buildTableGroupBy = (step: StepOf<'tableGroupBy'>, builder: TopologyBuilder): Built => {
  const { id, repartition, schema } = step;
  const { environment } = builder;
  const table = keptTable(builder, step.from, step.store);
  const scope = (): ColumnScope => columnScope(keyedSchema(step.from), keyFormatOf(step.from), 'row');
  const supplier = tableGroupBy({ step, scope, environment });
  builder.topology.addProcessor<Row, Row>(id, supplier, [table.node], { before: 'needed' });
  const changes = { ...schema, value: changeColumns(schema.value) };
  const { node } = throughRepartition(builder, { from: id, name: repartition, schema: changes, dropNullKeys: true });
  return { kind: 'rows', node, schema };
};
