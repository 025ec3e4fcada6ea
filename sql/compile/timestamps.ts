/**
 * Event time from a column: TIMESTAMP='column' in WITH.
 *
 * The column, of the value or of the key, is a BIGINT with epoch milliseconds, a TIMESTAMP, or a STRING with
 * TIMESTAMP_FORMAT (a pattern of Java's DateTimeFormatter, UTC where the text names no zone). NULL, a negative time, or
 * text that does not fit the pattern is not an event time: the record is dropped and noted, or, where
 * `ksql.timestamp.throw.on.invalid` was set when the query was made, the query fails.
 */

import { UserError } from '../../base/index.ts';
import { isEventTime } from '../../storage/index.ts';
import type { TimestampColumn } from '../formats/choices.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import type { Schema } from '../types/schema.ts';
import { type TimeParser, timeParser } from '../types/time/parse.ts';
import { printType } from '../types/type.ts';
import type { Value } from '../types/value.ts';

export interface NoTimestamp {
  readonly fault: string;
}

export type ReadTimestamp = (value: Value) => number | NoTimestamp;

export interface TimestampReader {
  /** The columns that the slot counts in. */
  readonly from: 'key' | 'value';
  readonly slot: number;
  readonly read: ReadTimestamp;
  /** What is to be done where there is no time: true when the record is to be dropped; fails the query where the time
   *  must be valid. */
  readonly drops: (none: NoTimestamp) => true;
}

/** The parser for a TIMESTAMP_FORMAT. Raises a `UserError` for what is not one. */
const parserOf = (format: string): TimeParser => {
  try {
    return timeParser(format);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw new UserError('SQL_TIMESTAMP_FORMAT', error.message, {
      hint: "For example: 'yyyy-MM-dd HH:mm:ss', with 'T' and other letters between single quotes.",
    });
  }
};

/** Where the column is and how its value is read. */
export const timestampReader = (
  { column: name, format, mustBeValid = false }: TimestampColumn,
  schema: Schema,
): TimestampReader => {
  const from = schema.value.some((column) => column.name === name) ? 'value' : 'key';
  const slot = schema[from].findIndex((column) => column.name === name);
  const kind = schema[from][slot]?.type.kind;
  const parse = kind === 'STRING' && format !== undefined ? parserOf(format) : undefined;
  return {
    from,
    slot,
    drops({ fault }) {
      if (!mustBeValid) return true;
      throw new UserError('SQL_INVALID_TIMESTAMP', `a record has no event time: ${fault}`, {
        hint: "Leave ksql.timestamp.throw.on.invalid at 'false' to have such records dropped and noted.",
      });
    },
    read(value) {
      if (value === null) return { fault: `the timestamp column "${name}" is NULL` };
      let time: number;
      if (parse === undefined) time = Number(value);
      else {
        try {
          time = parse(value as string);
        } catch (error) {
          if (!(error instanceof EvaluationError)) throw error;
          return { fault: `the timestamp column "${name}" cannot be read: ${error.message}` };
        }
      }
      if (isEventTime(time)) return time;
      return {
        fault: `the timestamp column "${name}" holds ${time}, which is not a time since 1970 that a record may have`,
      };
    },
  };
};

/** Raises a `UserError` unless the columns have such a timestamp column. */
export const checkTimestamp = ({ column: name, format }: TimestampColumn, schema: Schema): void => {
  const columns = [...schema.key, ...schema.value];
  const column = columns.find((one) => one.name === name);
  if (column === undefined) {
    throw new UserError('SQL_TIMESTAMP_COLUMN', `the timestamp column "${name}" does not exist`, {
      hint: `The columns are ${columns.map((one) => one.name).join(', ')}.`,
    });
  }
  const { kind } = column.type;
  if (kind === 'STRING') {
    if (format === undefined) {
      throw new UserError('SQL_TIMESTAMP_COLUMN', `the timestamp column "${name}" is text and needs TIMESTAMP_FORMAT`, {
        hint: "For example: TIMESTAMP_FORMAT='yyyy-MM-dd HH:mm:ss'.",
      });
    }
    parserOf(format);
  } else if (kind !== 'BIGINT' && kind !== 'TIMESTAMP') {
    throw new UserError(
      'SQL_TIMESTAMP_COLUMN',
      `the timestamp column "${name}" is ${printType(column.type)}; it must be BIGINT, TIMESTAMP, or VARCHAR with TIMESTAMP_FORMAT`,
    );
  } else if (format !== undefined) {
    throw new UserError('SQL_TIMESTAMP_COLUMN', `TIMESTAMP_FORMAT is for columns of text; "${name}" is ${kind}`, {
      hint: 'Leave TIMESTAMP_FORMAT out.',
    });
  }
};
