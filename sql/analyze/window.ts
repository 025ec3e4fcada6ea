/** The WINDOW clause: which windows rows are put into, how long they are kept, and how late a row may come. */

import { UserError } from '../../base/index.ts';
import type { Duration, WindowClause } from '../parser/ast.ts';
import type { AggregateWindow } from './logical.ts';

/** Without GRACE PERIOD a window is open for a day altogether; without RETENTION it is kept while it is open. */
export const analyzeWindow = (clause: WindowClause | undefined): AggregateWindow | undefined => {
  if (clause === undefined || clause.kind !== 'tumbling') return undefined;
  const sizeMs = milliseconds(clause.size);
  if (sizeMs === 0) {
    throw new UserError('SQL_WINDOW_SIZE', 'the size of a window must be more than 0', { at: clause.size.at });
  }
  const graceMs = clause.grace === undefined ? Math.max(86_400_000 - sizeMs, 0) : milliseconds(clause.grace);
  const least = sizeMs + graceMs;
  const retentionMs = clause.retention === undefined ? least : milliseconds(clause.retention);
  if (clause.retention !== undefined && retentionMs < least) {
    throw new UserError(
      'SQL_WINDOW_RETENTION',
      `windows must be kept for their size and grace period, ${least} ms, but RETENTION is ${retentionMs} ms`,
      {
        at: clause.retention.at,
        hint:
          clause.grace === undefined
            ? 'Without GRACE PERIOD a window takes rows until a day after its start: add GRACE PERIOD 0 SECONDS, or make RETENTION longer.'
            : 'Make RETENTION longer, or SIZE or GRACE PERIOD shorter.',
      },
    );
  }
  return { type: 'TUMBLING', sizeMs, retentionMs, graceMs };
};

const unitMs = { MILLISECONDS: 1, SECONDS: 1000, MINUTES: 60_000, HOURS: 3_600_000, DAYS: 86_400_000 } as const;

export const milliseconds = (duration: Duration): number => {
  const ms = duration.amount * unitMs[duration.unit];
  if (Number.isSafeInteger(ms)) return ms;
  throw new UserError('SQL_DURATION', `${duration.amount} ${duration.unit} is longer than can be counted`, {
    at: duration.at,
  });
};
