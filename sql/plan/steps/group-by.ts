/** GROUP BY: the groups become the keys, and an internal topic brings the rows of a group together. */

import { type NamedExpression, printNamed } from '../../analyze/logical.ts';
import { type FormatChoice, printFormat } from '../../formats/choices.ts';
import { printSchema } from '../../types/schema.ts';
import { keysOfSchema, overOneInput, type StepBase, type StepDefinition } from './definition.ts';

interface GroupBy<Input> extends StepBase {
  readonly from: Input;
  readonly keys: readonly NamedExpression[];
  /** The columns that the aggregates need. */
  readonly items: readonly NamedExpression[];
  readonly keyFormat: FormatChoice;
  readonly repartition: string;
}

export interface GroupByStep<Input> extends GroupBy<Input> {
  readonly kind: 'streamGroupBy';
}

export interface TableGroupByStep<Input> extends GroupBy<Input> {
  readonly kind: 'tableGroupBy';
  /** Holds the table's rows, so that a row that changes can be taken out of its former group. */
  readonly store: string;
}

const groupBy = {
  ...overOneInput,
  keys: keysOfSchema,
  lookup: 'none',
  print: ({ keys, keyFormat, repartition }: GroupBy<unknown>): string =>
    `${printNamed(keys)} as ${printFormat(keyFormat)}, through ${repartition}-repartition`,
} as const;

export const streamGroupBy = <Input>(): StepDefinition<GroupByStep<Input>, Input> => ({
  ...groupBy,
  kept: ({ keys, keyFormat, schema }) => ({
    groups: printNamed(keys),
    'key format': printFormat(keyFormat),
    'columns that are sent on': printSchema(schema),
  }),
});
export const tableGroupBy = <Input>(): StepDefinition<TableGroupByStep<Input>, Input> => ({
  ...groupBy,
  stored: ({ store, from }) => [{ store, of: from }],
});
