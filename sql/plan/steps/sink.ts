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
}

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
  stored: ({ store, from }) => (store === undefined ? [] : [{ store, of: from }]),
  print: ({ topic, keyFormat, valueFormat, timestamp, store }) =>
    `topic ${topic}, key ${printFormat(keyFormat)}, value ${printFormat(valueFormat)}${printTimestamp(timestamp)}${store === undefined ? '' : `, kept in ${store}`}`,
});
