/** Aggregates of the rows of each group and window of time, kept in a store. */

import { type AggregateCall, type AggregateWindow, printAggregate } from '../../analyze/logical.ts';
import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface WindowedAggregateStep<Input> extends StepBase {
  readonly kind: 'streamWindowedAggregate';
  readonly from: Input;
  readonly aggregates: readonly AggregateCall[];
  readonly store: string;
  readonly window: AggregateWindow;
}

export const windowedAggregate = <Input>(): StepDefinition<WindowedAggregateStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'own store',
  stored: (step) => ({ store: step.store, of: step, accumulators: step.aggregates }),
  print: ({ aggregates, store, window: { type, sizeMs, retentionMs, graceMs } }) =>
    `${aggregates.map(printAggregate).join(', ')} in ${store}, ${type} of ${sizeMs} ms, kept ${retentionMs} ms, grace ${graceMs} ms`,
});
