/** The projection of a SELECT: new value columns under the same key. */

import { type NamedExpression, printNamed } from '../../analyze/logical.ts';
import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface SelectStep<Input> extends StepBase {
  readonly kind: 'streamSelect' | 'tableSelect';
  readonly from: Input;
  readonly items: readonly NamedExpression[];
}

export const select = <Input>(): StepDefinition<SelectStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'input',
  kept: () => 'nothing',
  print: ({ items }) => printNamed(items),
});
