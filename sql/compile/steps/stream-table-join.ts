/** The join of a stream with a table that is kept in a store. */

import { joinStreamTable, storedRows } from '../../../engine/index.ts';
import type { TypedExpression } from '../../analyze/typed.ts';
import type { StepOf } from '../../plan/plan.ts';
import type { Row, Value } from '../../types/value.ts';
import { type Built, scopeBehind, type TopologyBuilder, typesOf } from '../builder.ts';
import { lentRows } from '../lent-rows.ts';
import { rowFiller } from '../select.ts';
import { keptTable } from '../table.ts';

export const buildStreamTableJoin = (step: StepOf<'streamTableJoin'>, builder: TopologyBuilder): Built => {
  const { environment } = builder;
  const { left, right, store } = step;
  const leftBuilt = builder.build(left);
  const leftColumns = left.schema.value.map((column, index) => ({
    name: column.name,
    expression: { kind: 'column', name: column.name, from: 'value', index, type: column.type } as TypedExpression,
  }));
  // The columns of the left side go straight into the joined row, whatever they are made of.
  const items = leftBuilt.kind === 'scan' ? (leftBuilt.items ?? leftColumns) : leftColumns;
  const source = leftBuilt.kind === 'scan' ? { ...leftBuilt, items: undefined } : leftBuilt;
  const { input } = builder.read(
    source,
    items.map((item) => item.expression),
    { noNullValues: true },
  );
  const width = left.schema.value.length;
  const rightWidth = right.schema.value.length;
  keptTable(builder, right, store);
  builder.topology.addProcessor<Row, Row>(
    step.id,
    (context, forward) => {
      const fill = rowFiller(items, scopeBehind(left, input), environment);
      const joined: Row = new Array<Value>(width + rightWidth).fill(null);
      return joinStreamTable<Row, Row, Row>({
        table: storedRows(store, lentRows(typesOf(right.schema.value))),
        join(record, row, within) {
          fill(record, within, joined);
          for (let i = 0; i < rightWidth; i++) joined[width + i] = row === null ? null : (row[i] as Value);
          return joined;
        },
        left: step.type === 'left',
      })(context, forward);
    },
    [input.node],
    { stores: [store] },
  );
  return { kind: 'rows', node: step.id, schema: step.schema };
};
