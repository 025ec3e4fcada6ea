/** Tables as nodes: records become rows of a table, which are kept in a store where the plan says so. */

import { type TableFields, tableSource } from '../../engine/index.ts';
import { allSteps, type Step } from '../plan/plan.ts';
import { type FormerRows, formerColumns } from '../plan/steps/sink.ts';
import { storeHashNumber } from '../plan/store-schema.ts';
import { RowEncoding } from '../types/row-encoding.ts';
import type { Row } from '../types/value.ts';
import { type Built, type Rows, type TopologyBuilder, typesOf } from './builder.ts';

/** A table that is kept in a store. */
export const keptTable = (
  builder: TopologyBuilder,
  step: Step,
  store: string,
  options: Pick<TableFields<Row>, 'knownDeletesOnly'> = {},
  formerRows?: readonly FormerRows[],
): Rows => {
  const built = builder.build(step);
  const { node } = builder.rows(built);
  const types = typesOf(step.schema.value);
  const id = `${node}-Table`;
  const former = formerRows?.map(({ schemaHash }) => storeHashNumber(schemaHash));
  builder.addStore({ name: store, kind: 'key-value', ...(former && { formerSchemaHashes: former }) });
  builder.topology.addProcessor<Row, Row>(
    id,
    (context, forward) =>
      tableSource<Row>({ store, row: new RowEncoding(types, formerColumns(formerRows)), ...options })(context, forward),
    [node],
    { stores: [store] },
  );
  return { kind: 'rows', node: id, schema: step.schema };
};

/** Tables read from a topic drop records without a key, and keep their rows where the plan says so. */
export const finishedTable = (
  builder: TopologyBuilder,
  step: Step,
  store: string | undefined,
  formerRows?: readonly FormerRows[],
): Built => {
  if (store !== undefined) {
    const filtered = allSteps(step).some(({ kind }) => kind === 'tableFilter');
    return keptTable(builder, step, store, { knownDeletesOnly: filtered }, formerRows);
  }
  const built = builder.build(step);
  if (built.kind !== 'scan' || built.step.kind !== 'tableSource') return built;
  const { node } = builder.rows(built);
  const id = `${node}-Table`;
  builder.topology.addProcessor<Row, Row>(
    id,
    (context, forward) => tableSource<Row>({ row: new RowEncoding(typesOf(step.schema.value)) })(context, forward),
    [node],
  );
  return { kind: 'rows', node: id, schema: step.schema };
};
