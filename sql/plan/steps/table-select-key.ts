/** A table under the same key in another format, so that it meets the keys that it is joined with. */

import { type FormatChoice, printFormat } from '../../formats/choices.ts';
import { printSchema } from '../../types/schema.ts';
import { keysOfSchema, overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface TableSelectKeyStep<Input> extends StepBase {
  readonly kind: 'tableSelectKey';
  readonly from: Input;
  readonly keyFormat: FormatChoice;
  readonly repartition: string;
}

export const tableSelectKey = <Input>(): StepDefinition<TableSelectKeyStep<Input>, Input> => ({
  ...overOneInput,
  keys: keysOfSchema,
  lookup: 'none',
  kept: ({ keyFormat, schema }) => ({
    'key format': printFormat(keyFormat),
    'columns that are sent on': printSchema(schema),
  }),
  print: ({ keyFormat, repartition }) => `as ${printFormat(keyFormat)}, through ${repartition}-repartition`,
});
