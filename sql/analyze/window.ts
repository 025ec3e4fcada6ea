/** The WINDOW clause: which windows rows are put into, how long they are kept, and how late a row may come. */

import { UserError } from '../../base/index.ts';
import { mostOverlapping } from '../../engine/index.ts';
import type { Duration, WindowClause } from '../parser/ast.ts';
import type { WindowedKey } from '../types/schema.ts';
import type { AggregateWindow } from './logical.ts';

const dayMs = 86_400_000;

/** Without GRACE PERIOD a window is open for a day altogether, or, where its result waits for its close (`final`),
 *  closes at its end. Without RETENTION it is kept while it is open. */
export const analyzeWindow = (clause: WindowClause | undefined, final: boolean): AggregateWindow | undefined => {
  if (clause === undefined) return undefined;
  const { kind } = clause;
  if (kind === 'session') {
    const gapMs = milliseconds(clause.gap);
    return { type: 'SESSION', gapMs, ...windowTimes(clause, gapMs, final) };
  }
  const sizeMs = positive(clause.size, 'the size of a window');
  if (kind === 'tumbling') return { type: 'TUMBLING', sizeMs, ...windowTimes(clause, sizeMs, final) };
  const advanceMs = positive(clause.advance, 'the advance of windows');
  if (advanceMs > sizeMs) {
    throw new UserError(
      'SQL_WINDOW_ADVANCE',
      `windows cannot advance by more than their size: ${advanceMs} ms is more than ${sizeMs} ms`,
      { at: clause.advance.at, hint: 'Rows between two windows would be in none. Make ADVANCE BY at most SIZE.' },
    );
  }
  if (sizeMs / advanceMs > mostOverlapping) {
    throw new UserError(
      'SQL_WINDOW_ADVANCE',
      `windows of ${sizeMs} ms that advance by ${advanceMs} ms would put each row into more than ${mostOverlapping} windows`,
      { at: clause.advance.at, hint: 'Make ADVANCE BY longer, or SIZE shorter.' },
    );
  }
  return { type: 'HOPPING', sizeMs, advanceMs, ...windowTimes(clause, sizeMs, final) };
};

/** What a window is in the key of a result. */
export const windowedKeyOf = (window: AggregateWindow): WindowedKey =>
  window.type === 'SESSION' ? { type: window.type } : { type: window.type, sizeMs: window.sizeMs };

const windowTimes = (
  { kind, retention, grace }: WindowClause,
  spanMs: number,
  final: boolean,
): Pick<AggregateWindow, 'retentionMs' | 'graceMs'> => {
  const graceMs = grace !== undefined ? milliseconds(grace) : final ? 0 : Math.max(dayMs - spanMs, 0);
  const least = spanMs + graceMs;
  if (retention === undefined) return { retentionMs: least, graceMs };
  const retentionMs = milliseconds(retention);
  if (retentionMs >= least) return { retentionMs, graceMs };
  const session = kind === 'session';
  throw new UserError(
    'SQL_WINDOW_RETENTION',
    `${session ? 'sessions must be kept for their gap' : 'windows must be kept for their size'} and grace period, ${least} ms, but RETENTION is ${retentionMs} ms`,
    {
      at: retention.at,
      hint:
        grace === undefined && !final
          ? `Without GRACE PERIOD a window takes rows until a day after its ${session ? 'last row' : 'start'}: add GRACE PERIOD 0 SECONDS, or make RETENTION longer.`
          : `Make RETENTION longer, or ${session ? 'the gap' : 'SIZE'} or GRACE PERIOD shorter.`,
    },
  );
};

const unitMs = { MILLISECONDS: 1, SECONDS: 1000, MINUTES: 60_000, HOURS: 3_600_000, DAYS: dayMs } as const;

export const milliseconds = (duration: Duration): number => {
  const ms = duration.amount * unitMs[duration.unit];
  if (Number.isSafeInteger(ms)) return ms;
  throw new UserError('SQL_DURATION', `${duration.amount} ${duration.unit} is longer than can be counted`, {
    at: duration.at,
  });
};

const positive = (duration: Duration, what: string): number => {
  const ms = milliseconds(duration);
  if (ms > 0) return ms;
  throw new UserError('SQL_WINDOW_SIZE', `${what} must be more than 0`, { at: duration.at });
};
