/** Aggregates of the rows of each group and window of time, kept in a store. */

import { type AggregateCall, type AggregateWindow, printAggregate, printWindow } from '../../analyze/logical.ts';
import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface WindowedAggregateStep<Input> extends StepBase {
  readonly kind: 'streamWindowedAggregate';
  readonly from: Input;
  readonly aggregates: readonly AggregateCall[];
  readonly store: string;
  /** One result for each window, when it closes: the store of the open ones. Left out: every change goes on. */
  readonly openWindows?: string | undefined;
  readonly window: AggregateWindow;
}

export const windowedAggregate = <Input>(): StepDefinition<WindowedAggregateStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'own store',
  stored: (step) => [
    { store: step.store, of: step, accumulators: step.aggregates },
    ...(step.openWindows === undefined ? [] : [{ store: step.openWindows, of: step, holds: 'open windows' as const }]),
  ],
  print: ({ aggregates, store, openWindows, window }) =>
    `${aggregates.map(printAggregate).join(', ')} in ${store}, ${printWindow(window)}${openWindows === undefined ? '' : `, final results from ${openWindows}`}`,
});
