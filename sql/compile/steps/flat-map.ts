/** The rows that table functions make of each row. */

import type { TypedExpression } from '../../analyze/typed.ts';
import type { StepOf } from '../../plan/plan.ts';
import type { Row } from '../../types/value.ts';
import { type Built, scopeBehind, type TopologyBuilder } from '../builder.ts';
import { flatMapRows } from '../flat-map.ts';

export const buildFlatMap = (step: StepOf<'streamFlatMap'>, builder: TopologyBuilder): Built => {
  const { items, calls } = step;
  const read = [...items.map((item) => item.expression), ...calls.flatMap((call) => call.args)];
  const { input, expressions } = builder.read(builder.build(step.from), read, { noNullValues: true });
  let next = 0;
  const take = (): TypedExpression => expressions[next++] as TypedExpression;
  const mapping = {
    items: items.map(({ name }) => ({ name, expression: take() })),
    calls: calls.map((call) => ({ ...call, args: call.args.map(take) })),
    scope: () => scopeBehind(step.from, input),
    environment: builder.environment,
  };
  builder.topology.addProcessor<Row, Row>(step.id, flatMapRows(mapping), [input.node]);
  return { kind: 'rows', node: step.id, schema: step.schema };
};
