/** The end of a query that writes a topic. */

import { type FormatChoice, printFormat, printTimestamp, type TimestampColumn } from '../../formats/choices.ts';
import { printSchema } from '../../types/schema.ts';
import { keysOfSchema, overOneInput, type StepBase, type StepDefinition } from './definition.ts';

export interface SinkStep<Input> extends StepBase {
  readonly kind: 'streamSink' | 'tableSink';
  readonly from: Input;
  readonly topic: string;
  readonly keyFormat: FormatChoice;
  readonly valueFormat: FormatChoice;
  readonly timestamp?: TimestampColumn | undefined;
  /** Where the rows of the table are kept for pull queries, when no aggregate below keeps them. */
  readonly store?: string | undefined;
  /** The rows that the store had before columns were added behind theirs, oldest first. */
  readonly formerRows?: readonly FormerRows[] | undefined;
}

export interface FormerRows {
  /** How many columns they have. */
  readonly columns: number;
  /** The hash of the store that held them. */
  readonly schemaHash: string;
}

/** How many columns the former rows have. */
export const formerColumns = (rows: readonly FormerRows[] | undefined): readonly number[] | undefined =>
  rows?.map(({ columns }) => columns);

export const sink = <Input>(): StepDefinition<SinkStep<Input>, Input> => ({
  ...overOneInput,
  keys: keysOfSchema,
  lookup: 'none',
  kept: ({ topic, schema, keyFormat, valueFormat, timestamp }) => ({
    topic,
    key: printSchema({ key: schema.key, value: [] }),
    'key format': printFormat(keyFormat),
    'value format': printFormat(valueFormat),
    timestamp: printTimestamp(timestamp),
  }),
  stored: ({ store, from, formerRows }) =>
    store === undefined
      ? []
      : [
          {
            store,
            of: from,
            ...(formerRows && { form: `rows that had ${formerColumns(formerRows)?.join(', ')} columns` }),
          },
        ],
  print: ({ topic, keyFormat, valueFormat, timestamp, store }) =>
    `topic ${topic}, key ${printFormat(keyFormat)}, value ${printFormat(valueFormat)}${printTimestamp(timestamp)}${store === undefined ? '' : `, kept in ${store}`}`,
});
