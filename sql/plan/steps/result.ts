/** The end of a query whose rows go to a client. */

import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface ResultStep<Input> extends StepBase {
  readonly kind: 'result';
  readonly from: Input;
}

export const result = <Input>(): StepDefinition<ResultStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'none',
  print: () => '',
});
