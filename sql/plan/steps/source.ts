/** A topic that is read: the records of a stream, or the rows of a table. */

import { windowText } from '../../analyze/logical.ts';
import { type FormatChoice, printFormat, printTimestamp, type TimestampColumn } from '../../formats/choices.ts';
import { printSchema } from '../../types/schema.ts';
import { renamedColumns, type StepBase, type StepDefinition } from './definition.ts';

export interface SourceStep extends StepBase {
  readonly kind: 'streamSource' | 'tableSource';
  /** The catalog's name, for people. */
  readonly source: string;
  readonly topic: string;
  readonly keyFormat: FormatChoice;
  readonly valueFormat: FormatChoice;
  readonly timestamp?: TimestampColumn | undefined;
  /** Other names that the key columns have in the bytes from here on. */
  readonly keyNames?: readonly string[] | undefined;
}

export const source: StepDefinition<SourceStep, never> = {
  inputs: () => [],
  withInputs: (step) => step,
  keys: {
    format: (step) => step.keyFormat,
    columns: ({ schema, keyNames }) => (keyNames === undefined ? schema.key : renamedColumns(schema.key, keyNames)),
    renamed: (step, names) =>
      step.schema.key.every((column, i) => column.name === names[i]) ? step : { ...step, keyNames: names },
  },
  lookup: 'none',
  kept: ({ topic, schema, keyFormat, valueFormat, timestamp }) => ({
    topic,
    key: printSchema({ key: schema.key, value: [] }),
    windows: windowText(schema.windowed),
    'key format': printFormat(keyFormat),
    'value format': printFormat(valueFormat),
    timestamp: printTimestamp(timestamp),
  }),
  print: ({ source: name, topic, keyFormat, valueFormat, timestamp }) =>
    `${name}: topic ${topic}, key ${printFormat(keyFormat)}, value ${printFormat(valueFormat)}${printTimestamp(timestamp)}`,
};
