/** The end of a query whose rows go to a client. */

import { result } from '../../../engine/index.ts';
import type { Step, StepOf } from '../../plan/plan.ts';
import { RowEncoding } from '../../types/row-encoding.ts';
import { type TopologyBuilder, typesOf } from '../builder.ts';
import { finishedTable } from '../table.ts';

/** How the rows of a plan that ends in a result are written for its client. */
export const resultEncoding = ({ schema }: Step): RowEncoding => new RowEncoding(typesOf(schema.value));

export const buildResult = (step: StepOf<'result'>, builder: TopologyBuilder): void => {
  const { node } = builder.rows(finishedTable(builder, step.from, undefined));
  builder.topology.addResult(step.id, { parents: [node], supplier: result(resultEncoding(step)) });
};
