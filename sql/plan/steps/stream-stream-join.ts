/** A join of two streams: rows of one key that lie near each other in time, in whatever order they come. */

import { type JoinWindow, printJoinWindow } from '../../analyze/logical.ts';
import type { JoinType } from '../../parser/ast.ts';
import { overTwoInputs, type StepBase, type StepDefinition } from './definition.ts';

export interface StreamStreamJoinStep<Input> extends StepBase {
  readonly kind: 'streamStreamJoin';
  readonly type: JoinType;
  readonly left: Input;
  readonly right: Input;
  readonly within: JoinWindow;
  /** Each holds the rows of its side that may still meet others. */
  readonly leftStore: string;
  readonly rightStore: string;
  /** Which rows have met none and wait for their window to close; where there are some. */
  readonly aloneStore?: string | undefined;
}

export const streamStreamJoin = <Input>(): StepDefinition<StreamStreamJoinStep<Input>, Input> => ({
  ...overTwoInputs,
  keys: 'passed',
  lookup: 'none',
  stored: ({ left, right, leftStore, rightStore, aloneStore }) => [
    { store: leftStore, of: left, form: 'join-buffer/1' },
    { store: rightStore, of: right, form: 'join-buffer/1' },
    ...(aloneStore === undefined ? [] : [{ store: aloneStore, of: left, holds: 'rows that wait alone' }]),
  ],
  print: ({ type, within, leftStore, rightStore }) =>
    `${type} of ${leftStore} and ${rightStore}, ${printJoinWindow(within)}`,
});
