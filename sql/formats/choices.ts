/** What a source and the plans over it have chosen: formats with their options, and the column that tells the time. */

import type { KnownSchema } from '../registry/schema.ts';

/** A format with its options. */
export interface FormatChoice {
  readonly name: string;
  /** WRAP_SINGLE_VALUE, where it was given: false when a single value column stands in the record without an
   *  envelope. */
  readonly wrapSingleValue?: boolean | undefined;
  /** The format's own properties that were given, by their names without KEY_ and VALUE_. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** For formats with a schema registry: the schema that records are written with, as it was decided when the source
   *  was made. An id below 0 is provisional: the statement is planned, and its schemas are not registered yet. */
  readonly schema?: KnownSchema | undefined;
}

/** Whether keys in both are the same bytes. */
export const sameFormat = (a: FormatChoice, b: FormatChoice): boolean =>
  a.name.toUpperCase() === b.name.toUpperCase() &&
  printProperties(a) === printProperties(b) &&
  a.schema?.id === b.schema?.id;

/** The format's properties as text, in the order of their names. */
export const printProperties = ({ properties = {} }: FormatChoice): string =>
  Object.keys(properties)
    .sort()
    .map((name) => `${name}='${properties[name]}'`)
    .join(', ');

/** Which column gives the event time. `format` is a date pattern, for columns of text. */
export interface TimestampColumn {
  readonly column: string;
  readonly format?: string | undefined;
  /** A record without a usable time fails the query; otherwise the record is dropped and noted. */
  readonly mustBeValid?: boolean | undefined;
}

/** The choice as EXPLAIN shows it. */
export const printFormat = (choice: FormatChoice): string => {
  const { name, wrapSingleValue } = choice;
  const wrapping = wrapSingleValue === undefined ? '' : wrapSingleValue ? ' wrapped' : ' unwrapped';
  const properties = printProperties(choice);
  return `${name}${wrapping}${properties === '' ? '' : ` with ${properties}`}`;
};

/** The column behind what it belongs to, or nothing. */
export const printTimestamp = (timestamp: TimestampColumn | undefined): string =>
  timestamp === undefined
    ? ''
    : `, timestamp ${timestamp.column}${timestamp.format === undefined ? '' : ` as '${timestamp.format}'`}`;
