/** A stream under a new key: PARTITION BY, or one side of a join. */

import { type NamedExpression, printNamed } from '../../analyze/logical.ts';
import { type FormatChoice, printFormat } from '../../formats/choices.ts';
import { printSchema } from '../../types/schema.ts';
import { keysOfSchema, overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface SelectKeyStep<Input> extends StepBase {
  readonly kind: 'streamSelectKey';
  readonly from: Input;
  /** None: the key is dropped. */
  readonly keys: readonly NamedExpression[];
  readonly items: readonly NamedExpression[];
  readonly keyFormat: FormatChoice;
  /** The internal topic that brings equal keys together; absent where no step behind needs them together. */
  readonly repartition?: string | undefined;
  /** A record whose new key is NULL is dropped: an inner join finds no row for it. */
  readonly dropNullKeys: boolean;
}

export const streamSelectKey = <Input>(): StepDefinition<SelectKeyStep<Input>, Input> => ({
  ...overOneInput,
  keys: keysOfSchema,
  lookup: 'none',
  kept: ({ keys, keyFormat, repartition, schema }) => ({
    key: keys.length === 0 ? 'NULL' : printNamed(keys),
    'key format': printFormat(keyFormat),
    ...(repartition !== undefined && { 'columns that are sent on': printSchema(schema) }),
  }),
  print: ({ keys, keyFormat, repartition }) =>
    `${keys.length === 0 ? 'NULL' : printNamed(keys)} as ${printFormat(keyFormat)}${repartition === undefined ? '' : `, through ${repartition}-repartition`}`,
});
