/** The join of two tables, both kept in stores, where each change of one looks up the row of the other. */

import {
  joinTableTable,
  storedRows,
  tablePassed,
  tableTableJoinBefore,
  type ViewedTable,
} from '../../../engine/index.ts';
import type { Step, StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import { type Built, type TopologyBuilder, typesOf } from '../builder.ts';
import { rowJoiner } from '../joined-rows.ts';
import { lentRows } from '../lent-rows.ts';
import { keptTable } from '../table.ts';

export const buildTableTableJoin = (step: StepOf<'tableTableJoin'>, builder: TopologyBuilder): Built => {
  const { id, type, left, right, leftStore, rightStore, schema } = step;
  const { topology } = builder;
  const keeps = { left: type === 'left' || type === 'full', right: type === 'right' || type === 'full' };
  const rows = (of: Step, store: string): ViewedTable<Row> => storedRows(store, lentRows(typesOf(of.schema.value)));
  const widths = [left.schema.value.length, right.schema.value.length] as const;
  const leftTable = keptTable(builder, left, leftStore).node;
  const rightTable = keptTable(builder, right, rightStore).node;
  topology.addProcessor<Row, Row>(
    `${id}-Left`,
    (context, forward) => {
      const join = rowJoiner(...widths);
      const other = rows(right, rightStore);
      const options = { other, join, keepsOwn: keeps.left, keepsOther: keeps.right };
      return joinTableTable<Row, Row, Row>(options)(context, forward);
    },
    [leftTable],
    { stores: [rightStore], before: tableTableJoinBefore(keeps.left) },
  );
  topology.addProcessor<Row, Row>(
    `${id}-Right`,
    (context, forward) => {
      const join = rowJoiner(...widths);
      const other = rows(left, leftStore);
      return joinTableTable<Row, Row, Row>({
        other,
        join: (own, found) => join(found, own),
        keepsOwn: keeps.right,
        keepsOther: keeps.left,
      })(context, forward);
    },
    [rightTable],
    { stores: [leftStore], before: tableTableJoinBefore(keeps.right) },
  );
  topology.addProcessor<Row, Row>(id, tablePassed<Row>(), [`${id}-Left`, `${id}-Right`], { before: 'passed on' });
  return { kind: 'rows', node: id, schema };
};
