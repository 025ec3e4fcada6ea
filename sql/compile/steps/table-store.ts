/** The end of a query that keeps the rows of a table and writes no topic. */

import type { StepOf } from '../../plan/plan.ts';
import type { TopologyBuilder } from '../builder.ts';
import { finishedTable } from '../table.ts';

export const buildTableStore = (step: StepOf<'tableStore'>, builder: TopologyBuilder): void => {
  finishedTable(builder, step.from, step.store);
};
