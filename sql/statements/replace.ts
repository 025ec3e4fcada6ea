/** CREATE OR REPLACE: whether a stream or table can take the place of another one of its name, for what reads it and
 *  for the records of its topic. */

import { type Position, UserError } from '../../base/index.ts';
import { windowText } from '../analyze/logical.ts';
import type { Source } from '../analyze/sources.ts';
import { printFormat, printTimestamp } from '../formats/choices.ts';
import { type Column, printColumn } from '../types/schema.ts';

/** Throws `SQL_NOT_REPLACEABLE`, with what would change. */
export const checkReplacedSource = (before: Source, after: Source, at: Position): void => {
  const refusal = (why: string): UserError =>
    new UserError('SQL_NOT_REPLACEABLE', `the ${before.kind} "${before.name}" cannot be replaced: ${why}`, {
      at,
      hint: 'Value columns may be added at the end. For anything else DROP it and create it again.',
    });
  const must = (what: string, from: string, to: string): void => {
    if (from !== to) throw refusal(`its ${what} must stay ${from || 'without'}, and not become ${to || 'without'}`);
  };
  if (before.kind !== after.kind) throw refusal(`it is a ${before.kind}, not a ${after.kind}`);
  must('topic', before.topic, after.topic);
  must('key format', printFormat(before.keyFormat), printFormat(after.keyFormat));
  must('value format', printFormat(before.valueFormat), printFormat(after.valueFormat));
  must('timestamp', printTimestamp(before.timestamp), printTimestamp(after.timestamp));
  must('windows', windowText(before.schema.windowed), windowText(after.schema.windowed));
  const columns = (list: readonly Column[]): string => list.map(printColumn).join(', ');
  must('key', columns(before.schema.key), columns(after.schema.key));
  const headers = ({ schema }: Source): string => columns(schema.headers ?? []);
  must('columns of headers', headers(before), headers(after));
  const value = after.schema.value.map(printColumn);
  const lost = before.schema.value.find((column, i) => printColumn(column) !== value[i]);
  if (lost !== undefined) throw refusal(`the column ${printColumn(lost)} is changed, missing or at another place`);
};
