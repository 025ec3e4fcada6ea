/**
 * Records that were deleted before a query read them: where it continues, and how that is reported.
 *
 * The query's `auto.offset.reset` decides, as in Kafka: `earliest` continues at the first record that is left, `latest`
 * at the end, `none` fails. The inputs that hold state, tables and the query's own repartition topics, never skip
 * what is left: a table continues at the earliest in any case, and a repartition topic, which only the query itself
 * trims, fails.
 */

import { UserError } from '../../base/index.ts';
import type { PartitionOffsets } from '../../storage/index.ts';
import { contradictionError } from './contradictions.ts';
import type { OffsetReset } from './protocol.ts';
import type { TaskInput } from './task-input.ts';

/** The next offset to read after [`position`, start) was deleted. Throws what the query fails with. */
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
      hint:
        'Its auto.offset.reset is none: with earliest it would continue at the first record that is left, with ' +
        'latest at the end.',
    });
  }
  return policy === 'latest' && kind === 'stream' ? stable : start;
};

/** The loss as a sentence for the processing log. */
export const describeLoss = (from: number, to: number, start: number): string =>
  to === start
    ? `offsets ${from} to ${to - 1} were deleted before they were read; reading continues at ${to}`
    : `offsets ${from} to ${start - 1} were deleted before they were read; reading continues at the end, ${to} (auto.offset.reset is latest)`;
