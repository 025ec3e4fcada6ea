/** A join of two tables by the keys of both. */

import type { JoinType } from '../../parser/ast.ts';
import { overTwoInputs, type StepBase, type StepDefinition } from './definition.ts';

export interface TableTableJoinStep<Input> extends StepBase {
  readonly kind: 'tableTableJoin';
  readonly type: JoinType;
  readonly left: Input;
  readonly right: Input;
  /** Each holds the rows of its side by key. */
  readonly leftStore: string;
  readonly rightStore: string;
}

export const tableTableJoin = <Input>(): StepDefinition<TableTableJoinStep<Input>, Input> => ({
  ...overTwoInputs,
  keys: 'passed',
  lookup: 'none',
  kept: ({ type }) => ({ type }),
  stored: ({ left, right, leftStore, rightStore }) => [
    { store: leftStore, of: left },
    { store: rightStore, of: right },
  ],
  print: ({ type, leftStore, rightStore }) => `${type} of ${leftStore} and ${rightStore}`,
});
