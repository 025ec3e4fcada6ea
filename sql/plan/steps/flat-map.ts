/** Table functions: each row becomes as many as the longest of them makes. */

import { type NamedExpression, printNamed, printTableCall, type TableCall } from '../../analyze/logical.ts';
import { overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface FlatMapStep<Input> extends StepBase {
  readonly kind: 'streamFlatMap';
  readonly from: Input;
  /** The columns that are the same in each row, before those of the calls. */
  readonly items: readonly NamedExpression[];
  readonly calls: readonly TableCall[];
}

export const flatMap = <Input>(): StepDefinition<FlatMapStep<Input>, Input> => ({
  ...overOneInput,
  keys: 'passed',
  lookup: 'none',
  print: ({ items, calls }) =>
    `${calls.map(printTableCall).join(', ')}${items.length === 0 ? '' : `; keep ${printNamed(items)}`}`,
});
