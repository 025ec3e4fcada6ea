/** Aggregates, windowed and not: a store of accumulators, and the results of each change. */

import {
  aggregate,
  hopping,
  type MergingAccumulation,
  type OperatorSupplier,
  type StoreSpec,
  sessionAggregate,
  sessions,
  tumbling,
  windowAggregate,
} from '../../../engine/index.ts';
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
    const accumulation = accumulationOf(types, steps, results, picked.length);
    const operator =
      step.kind === 'streamWindowedAggregate'
        ? windowedOperator(step, accumulation)
        : aggregate<Row, Row, Row>({ store, accumulation });
    return operator(context, forward);
  };
  const stores = storesOf(step);
  for (const spec of stores) builder.addStore(spec);
  builder.topology.addProcessor(step.id, supplier, [input.node], { stores: stores.map(({ name }) => name) });
  return { kind: 'rows', node: step.id, schema: select?.schema ?? step.schema };
};

const storesOf = (step: StepOf<'streamAggregate' | 'streamWindowedAggregate'>): readonly StoreSpec[] => {
  const name = step.store;
  if (step.kind !== 'streamWindowedAggregate') return [{ name, kind: 'key-value' }];
  const { window, openWindows } = step;
  const kind = window.type === 'SESSION' ? 'ordered' : 'window';
  const open: readonly StoreSpec[] = openWindows === undefined ? [] : [{ name: openWindows, kind: 'ordered' }];
  // Sessions without a gap and a grace period need not be kept: a store keeps them a little longer.
  return [{ name, kind, retentionMs: Math.max(1, window.retentionMs) }, ...open];
};

const windowedOperator = (
  { store, window, openWindows }: StepOf<'streamWindowedAggregate'>,
  accumulation: MergingAccumulation<Row, Row, Row>,
): OperatorSupplier<Row, Row> => {
  const { graceMs, retentionMs } = window;
  const shared = { store, accumulation, graceMs, retentionMs, ...(openWindows !== undefined && { openWindows }) };
  switch (window.type) {
    case 'TUMBLING':
      return windowAggregate({ ...shared, windows: tumbling(window.sizeMs) });
    case 'HOPPING':
      return windowAggregate({ ...shared, windows: hopping(window.sizeMs, window.advanceMs) });
    case 'SESSION':
      return sessionAggregate({ ...shared, windows: sessions(window.gapMs) });
  }
};
