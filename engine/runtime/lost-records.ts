/**
 * Records that were deleted before a query read them: where it goes on, and what is said of it.
 *
 * The query's `auto.offset.reset` decides, as in Kafka: `earliest` goes on at the first record that is left, `latest`
 * at the end, `none` fails. The inputs that stand for state, tables and the query's own repartition topics, never pass
 * over what is left: a table goes on at the earliest in any case, and a repartition topic, which only the query itself
 * trims, fails.
 */

import { UserError } from '../../base/index.ts';
import type { PartitionOffsets } from '../../storage/index.ts';
import { contradictionError } from './contradictions.ts';
import type { OffsetReset } from './protocol.ts';
import type { TaskInput } from './task-input.ts';

/** Where to read on after [`position`, start) was deleted. Throws what the query fails with. */
export const offsetAfterLoss = (
  queryId: string,
  { topic, partition, kind, repartition }: TaskInput,
  policy: OffsetReset,
  position: number,
  { start, stable }: PartitionOffsets,
): number => {
  const message = `records ${position} to ${start - 1} of ${topic}/${partition} were deleted before the query read them`;
  if (repartition) throw contradictionError(queryId, [{ code: 'QUERY_RECORDS_LOST', topic, partition, message }]);
  if (policy === 'none') {
    throw new UserError('QUERY_RECORDS_LOST', message, {
      hint: 'Its auto.offset.reset is none: with earliest it would go on at the first record that is left, with latest at the end.',
    });
  }
  return policy === 'latest' && kind === 'stream' ? stable : start;
};

/** The loss as a sentence for the processing log. */
export const describeLoss = (from: number, to: number, start: number): string =>
  to === start
    ? `offsets ${from} to ${to - 1} were deleted before they were read; reading goes on at ${to}`
    : `offsets ${from} to ${start - 1} were deleted before they were read; reading goes on at the end, ${to} (auto.offset.reset is latest)`;
