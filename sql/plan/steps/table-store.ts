/** The end of a query that writes no topic: the rows of a table are kept, so that they can be asked for. */

import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface TableStoreStep<Input> extends StepBase {
  readonly kind: 'tableStore';
  readonly from: Input;
  readonly store: string;
}

export const tableStore = <Input>(): StepDefinition<TableStoreStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'own store',
  stored: ({ store, from }) => [{ store, of: from }],
  print: ({ store }) => `kept in ${store}`,
});
