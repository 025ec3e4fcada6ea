/** WHERE and HAVING: rows that pass a condition. */

import { printTyped, type TypedExpression } from '../../analyze/typed.ts';
import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface FilterStep<Input> extends StepBase {
  readonly kind: 'streamFilter' | 'tableFilter';
  readonly from: Input;
  readonly predicate: TypedExpression;
}

export const filter = <Input>(): StepDefinition<FilterStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'input',
  kept: () => 'nothing',
  print: ({ predicate }) => printTyped(predicate),
});
