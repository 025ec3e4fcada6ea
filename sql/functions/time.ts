/** Functions on points in time. All is UTC; a day has 24 hours. */

import { EvaluationError } from '../types/evaluation-error.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

const unitMs: Readonly<Record<string, number>> = {
  MILLISECONDS: 1,
  SECONDS: 1000,
  MINUTES: 60_000,
  HOURS: 3_600_000,
  DAYS: 86_400_000,
};

const moved = (unit: string, amount: number, time: number): number => {
  const ms = unitMs[unit];
  if (ms === undefined) throw new EvaluationError(`there is no unit of time called "${unit}"`);
  const result = time + amount * ms;
  if (!Number.isSafeInteger(result)) throw new EvaluationError('the point in time is out of range');
  return result;
};

export const time: Family = {
  category: 'DATE / TIME',
  functions: [
    define({
      signature: 'UNIX_TIMESTAMP() -> BIGINT',
      doc: 'The present time in epoch milliseconds, for each row anew.',
      nulls: 'propagate',
      examples: [['UNIX_TIMESTAMP() > 0', 'TRUE']],
      bind:
        ({ context }) =>
        () =>
          context.now(),
    }),
    define({
      signature: 'UNIX_TIMESTAMP(TIMESTAMP) -> BIGINT',
      doc: 'A point in time in epoch milliseconds.',
      nulls: 'propagate',
      examples: [["UNIX_TIMESTAMP('1970-01-01T00:00:01')", '1000']],
      body: (at: number) => at,
    }),
    define({
      signature: 'FROM_UNIXTIME(BIGINT) -> TIMESTAMP',
      doc: 'The point in time that epoch milliseconds stand for.',
      nulls: 'propagate',
      examples: [['CAST(FROM_UNIXTIME(1589234313000) AS STRING)', "'2020-05-11T21:58:33.000'"]],
      body: (ms: number | bigint) => {
        if (typeof ms === 'bigint') throw new EvaluationError('the point in time is out of range');
        return ms;
      },
    }),
    define({
      signature: 'TIMESTAMPADD(literal STRING, INT, TIMESTAMP) -> TIMESTAMP',
      doc: 'A point in time later by an amount of a unit: MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS.',
      nulls: 'propagate',
      examples: [["CAST(TIMESTAMPADD(DAYS, 1, '2024-02-28') AS STRING)", "'2024-02-29T00:00:00.000'"]],
      body: moved,
    }),
    define({
      signature: 'TIMESTAMPSUB(literal STRING, INT, TIMESTAMP) -> TIMESTAMP',
      doc: 'A point in time earlier by an amount of a unit: MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS.',
      nulls: 'propagate',
      examples: [["CAST(TIMESTAMPSUB(HOURS, 25, '2024-03-01') AS STRING)", "'2024-02-28T23:00:00.000'"]],
      body: (unit: string, amount: number, at: number) => moved(unit, -amount, at),
    }),
  ],
};
