/** The end of a query whose rows go to a client. */

import { result, type StreamRecord } from '../../../engine/index.ts';
import { keyedSchema, keyFormatOf, type Step, type StepOf } from '../../plan/plan.ts';
import { RowEncoding } from '../../types/row-encoding.ts';
import type { Row } from '../../types/value.ts';
import { type TopologyBuilder, typesOf } from '../builder.ts';
import { columnScope } from '../reading.ts';
import { finishedTable } from '../table.ts';

/** How the rows of a plan that ends in a result are written for its client. */
export const resultEncoding = ({ schema }: Step): RowEncoding => new RowEncoding(typesOf(schema.value));

export const buildResult = (step: StepOf<'result'>, builder: TopologyBuilder): void => {
  const { node } = builder.rows(finishedTable(builder, step.from, undefined));
  const encoding = resultEncoding(step);
  builder.topology.addResult<Row>(step.id, {
    parents: [node],
    supplier: (context, forward) => result(encoding, deletedRows(step))(context, forward),
  });
};

/** The row for a deletion: the columns of its key, and NULL in the others. Lent until the next call. */
const deletedRows = ({ from, deleted }: StepOf<'result'>): ((record: StreamRecord<Row>) => Row) | undefined => {
  if (deleted === undefined) return undefined;
  const scope = columnScope(keyedSchema(from), keyFormatOf(from), 'row');
  const readers = deleted.map((column) => (column === null ? () => null : scope.column(column)));
  const row: Row = readers.map(() => null);
  return (record) => {
    for (let i = 0; i < readers.length; i++) row[i] = (readers[i] as (typeof readers)[number])(record);
    return row;
  };
};
