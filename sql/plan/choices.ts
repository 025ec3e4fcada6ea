/** What a source and the plans over it have chosen: formats with their options, and the column that tells the time. */

/** A format with its options. */
export interface FormatChoice {
  readonly name: string;
  /** WRAP_SINGLE_VALUE, where it was given: false when a single value column stands in the record without an envelope.
   *  */
  readonly wrapSingleValue?: boolean | undefined;
}

/** Whether keys in both are the same bytes. */
export const sameFormat = (a: FormatChoice, b: FormatChoice): boolean => a.name.toUpperCase() === b.name.toUpperCase();

/** Which column gives the event time. `format` is a date pattern, for columns of text. */
export interface TimestampColumn {
  readonly column: string;
  readonly format?: string | undefined;
  /** A record without a usable time fails the query; otherwise the record is dropped and noted. */
  readonly mustBeValid?: boolean | undefined;
}
