/** The end of a query whose rows go to a client. */

import type { ColumnReference } from '../../analyze/typed.ts';
import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface ResultStep<Input> extends StepBase {
  readonly kind: 'result';
  readonly from: Input;
  /** Where deletions are shown: for each column the part of the key that it is, or null for other columns. */
  readonly deleted?: readonly (ColumnReference | null)[] | undefined;
}

export const result = <Input>(): StepDefinition<ResultStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'none',
  print: () => '',
});
