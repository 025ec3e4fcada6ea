/** A join of a stream with a table: each record with the row that the table has under its key when it comes. */

import { overTwoInputs, type StepBase, type StepDefinition } from './definition.ts';

export interface JoinStep<Input> extends StepBase {
  readonly kind: 'streamTableJoin';
  readonly type: 'inner' | 'left';
  readonly left: Input;
  readonly right: Input;
  /** Holds the table's rows by key. */
  readonly store: string;
}

export const streamTableJoin = <Input>(): StepDefinition<JoinStep<Input>, Input> => ({
  ...overTwoInputs,
  keys: 'passed',
  lookup: 'none',
  stored: ({ store, right }) => [{ store, of: right }],
  print: ({ type, store }) => `${type} with ${store}`,
});
