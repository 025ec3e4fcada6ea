/** Aggregates, windowed and not: a store of accumulators, and the results of each change. */

import { aggregate, type OperatorSupplier, tumbling, windowAggregate } from '../../../engine/index.ts';
import type { TypedExpression } from '../../analyze/typed.ts';
import { keyColumnsOf, keyedSchema, keyFormatOf, type Step, type StepOf } from '../../plan/plan.ts';
import type { Schema } from '../../types/schema.ts';
import type { Row } from '../../types/value.ts';
import { accumulationOf, accumulatorTypes, aggregator, resultFiller } from '../aggregates.ts';
import { type Built, scopeBehind, type TopologyBuilder } from '../builder.ts';
import { wholeKeys } from '../keys.ts';
import { changeAggregator } from '../table-group.ts';

export const isAggregate = (step: Step): step is StepOf<'streamAggregate' | 'streamWindowedAggregate'> =>
  step.kind === 'streamAggregate' || step.kind === 'tableAggregate' || step.kind === 'streamWindowedAggregate';

/** `select` is the projection above, where it only picks results: they are then made once, in its order. */
export const buildAggregate = (
  step: StepOf<'streamAggregate' | 'streamWindowedAggregate'>,
  builder: TopologyBuilder,
  select?: { readonly picked: readonly number[]; readonly schema: Schema },
): Built => {
  const { aggregates, store } = step;
  const { environment } = builder;
  const read = aggregates.flatMap((call) => call.args);
  const windowed = step.kind === 'streamWindowedAggregate';
  // Of a key of several columns each may be NULL; where the only column is NULL there is no key, and the aggregate
  // drops the record by itself.
  const columns = keyColumnsOf(step.from);
  const keys =
    columns.length > 1 && step.from.kind !== 'streamGroupBy' && step.from.kind !== 'tableGroupBy'
      ? () => wholeKeys(keyedSchema(step.from), keyFormatOf(step.from))
      : undefined;
  const { input, expressions } = builder.read(builder.build(step.from), read, { noNullValues: true, keys });
  let next = 0;
  const calls = aggregates.map((call) => ({
    ...call,
    args: call.args.map(() => expressions[next++] as TypedExpression),
  }));
  const types = accumulatorTypes(calls, environment);
  const picked = select?.picked ?? calls.map((_, i) => i);
  const supplier: OperatorSupplier<Row, Row> = (context, forward) => {
    const scope = scopeBehind(step.from, input);
    const plain = aggregator(calls, scope, environment);
    const steps = step.kind === 'tableAggregate' ? changeAggregator(plain, step.from.schema.value.length) : plain;
    const results = resultFiller(calls, environment, picked);
    const shared = { store, accumulation: accumulationOf(types, steps, results, picked.length) };
    return windowed
      ? windowAggregate<Row, Row, Row>({
          ...shared,
          windows: tumbling(step.window.sizeMs),
          graceMs: step.window.graceMs,
          retentionMs: step.window.retentionMs,
        })(context, forward)
      : aggregate<Row, Row, Row>(shared)(context, forward);
  };
  builder.addStore(
    windowed
      ? { name: store, kind: 'window', retentionMs: step.window.retentionMs }
      : { name: store, kind: 'key-value' },
  );
  builder.topology.addProcessor(step.id, supplier, [input.node], { stores: [store] });
  return { kind: 'rows', node: step.id, schema: select?.schema ?? step.schema };
};
