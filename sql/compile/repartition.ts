/** The way through an internal topic, behind which records with equal keys are in one partition. */

import { repartitionSink, repartitionSource } from '../../engine/index.ts';
import { RowEncoding } from '../types/row-encoding.ts';
import type { Schema } from '../types/schema.ts';
import type { Row } from '../types/value.ts';
import { type Rows, type TopologyBuilder, typesOf } from './builder.ts';
import { windowBytesOf } from './keys.ts';
import { lentRows } from './lent-rows.ts';

interface Repartition {
  /** The node whose records go through it. */
  readonly from: string;
  /** Of the topic, within the query. */
  readonly name: string;
  readonly schema: Schema;
  readonly dropNullKeys: boolean;
}

export const throughRepartition = (
  builder: TopologyBuilder,
  { from, name, schema, dropNullKeys }: Repartition,
): Rows => {
  const types = typesOf(schema.value);
  builder.topology.addRepartition<Row, Row>(name, {
    parents: [from],
    sinkName: `${name}-Sink`,
    sourceName: `${name}-Source`,
    sink: repartitionSink<Row>({
      name,
      value: new RowEncoding(types),
      nullKeys: dropNullKeys ? 'drop' : 'keep',
      windowBytes: windowBytesOf(schema.windowed),
    }),
    source: (context, forward) => repartitionSource<Row>({ value: lentRows(types) })(context, forward),
  });
  return { kind: 'rows', node: `${name}-Source`, schema };
};
