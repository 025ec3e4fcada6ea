/** A join of two tables where something of the left row is the key of the right one. */

import { printTyped, type TypedExpression } from '../../analyze/typed.ts';
import { overTwoInputs, type StepBase, type StepDefinition } from './definition.ts';

export interface ForeignKeyJoinStep<Input> extends StepBase {
  readonly kind: 'foreignKeyJoin';
  readonly type: 'inner' | 'left';
  readonly left: Input;
  readonly right: Input;
  readonly foreignKey: TypedExpression;
  /** Each holds the rows of its side by key. */
  readonly leftStore: string;
  readonly rightStore: string;
  /** Which rows of the left side wait for which key of the right one: the internal topic on which the left side says
   *  so, and the store. */
  readonly subscriptions: string;
  /** The internal topic on which the right side answers. */
  readonly answers: string;
}

export const foreignKeyJoin = <Input>(): StepDefinition<ForeignKeyJoinStep<Input>, Input> => ({
  ...overTwoInputs,
  keys: 'passed',
  lookup: 'none',
  stored: ({ left, right, leftStore, rightStore, subscriptions }) => [
    { store: leftStore, of: left },
    { store: rightStore, of: right },
    { store: subscriptions, of: left, holds: 'subscriptions' },
  ],
  print: ({ type, foreignKey, leftStore, rightStore, subscriptions, answers }) =>
    `${type} of ${leftStore} and ${rightStore} by ${printTyped(foreignKey)}, through ${subscriptions}-repartition and ${answers}-repartition`,
});
