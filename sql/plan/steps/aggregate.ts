/** Aggregates of the rows of each group, kept in a store. */

import { type AggregateCall, printAggregate } from '../../analyze/logical.ts';
import { printSchema } from '../../types/schema.ts';
import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface AggregateStep<Input> extends StepBase {
  /** Over a table, every aggregate can take back what it was given. */
  readonly kind: 'streamAggregate' | 'tableAggregate';
  readonly from: Input;
  readonly aggregates: readonly AggregateCall[];
  readonly store: string;
}

const aggregateOf = <Input>(): StepDefinition<AggregateStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'own store',
  stored: (step) => [{ store: step.store, of: step, accumulators: step.aggregates }],
  print: ({ aggregates, store }) => `${aggregates.map(printAggregate).join(', ')} in ${store}`,
});

export const streamAggregate = <Input>(): StepDefinition<AggregateStep<Input>, Input> => ({
  ...aggregateOf<Input>(),
  kept: ({ aggregates, schema }) => ({
    groups: printSchema({ key: schema.key, value: [] }),
    aggregates: aggregates.map((call) => `${printAggregate(call)}: ${call.signature}`).join(', '),
  }),
});
export const tableAggregate = aggregateOf;
