/** The node that gives the records of a stream a new key: PARTITION BY, GROUP BY, one side of a join. */

import type { TypedExpression } from '../analyze/typed.ts';
import type { StepOf } from '../plan/plan.ts';
import type { Row } from '../types/value.ts';
import { scopeBehind, type TopologyBuilder } from './builder.ts';
import { rekey } from './rekey.ts';

/** `nulls`: what happens to records of which a part of the key, or the value, is NULL. */
export const rekeyedNode = (
  builder: TopologyBuilder,
  step: StepOf<'streamSelectKey' | 'streamGroupBy'>,
  nulls: 'keep' | 'drop',
): void => {
  const { environment } = builder;
  const named = [...step.keys, ...step.items];
  const read = named.map((item) => item.expression);
  const { input, expressions } = builder.read(builder.build(step.from), read, { noNullValues: nulls === 'drop' });
  const found = named.map(({ name }, i) => ({ name, expression: expressions[i] as TypedExpression }));
  const [keys, items] = [found.slice(0, step.keys.length), found.slice(step.keys.length)];
  const { schema, keyFormat } = step;
  const scope = () => scopeBehind(step.from, input);
  const supplier = rekey({ keys, items, schema, keyFormat, scope, environment, nulls });
  builder.topology.addProcessor<Row, Row>(step.id, supplier, [input.node]);
};
