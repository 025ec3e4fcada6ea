/**
 * Event time from a column: TIMESTAMP='column' in WITH.
 *
 * The column is a BIGINT with epoch milliseconds, a TIMESTAMP, or a STRING with TIMESTAMP_FORMAT (a pattern of Java's DateTimeFormatter, UTC
 * where the text names no zone). NULL, a negative time, or text that does not fit the pattern is no event time: the record is dropped and noted.
 */

import { UserError } from '../../base/index.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import type { TimestampColumn } from '../plan/choices.ts';
import type { Column } from '../types/schema.ts';
import { printType } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import { parseTimestampPattern } from '../functions/timestamp-pattern.ts';

export interface NoTimestamp {
  readonly fault: string;
}

export type ReadTimestamp = (value: Value) => number | NoTimestamp;

/** The slot of the column and how its value is read. */
export const timestampReader = (
  { column: name, format }: TimestampColumn,
  columns: readonly Column[],
): { readonly slot: number; readonly read: ReadTimestamp } => {
  const slot = columns.findIndex((column) => column.name === name);
  const kind = columns[slot]?.type.kind;
  const parse = kind === 'STRING' && format !== undefined ? parseTimestampPattern(format) : undefined;
  return {
    slot,
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
      if (Number.isSafeInteger(time) && time >= 0) return time;
      return { fault: `the timestamp column "${name}" holds ${time}, which is no time since 1970` };
    },
  };
};

/** Raises a `UserError` unless the columns have such a timestamp column. */
export const checkTimestamp = ({ column: name, format }: TimestampColumn, columns: readonly Column[]): void => {
  const column = columns.find((one) => one.name === name);
  if (column === undefined) {
    throw new UserError('SQL_TIMESTAMP_COLUMN', `the timestamp column "${name}" is not a value column`, {
      hint: `The value columns are ${columns.map((one) => one.name).join(', ')}.`,
    });
  }
  const { kind } = column.type;
  if (kind === 'STRING') {
    if (format === undefined) {
      throw new UserError('SQL_TIMESTAMP_COLUMN', `the timestamp column "${name}" is text and needs TIMESTAMP_FORMAT`, {
        hint: "For example: TIMESTAMP_FORMAT='yyyy-MM-dd HH:mm:ss'.",
      });
    }
    parseTimestampPattern(format);
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
