/**
 * `millrace.closing`: by what the windows of a query close, and with them the results of EMIT FINAL.
 *
 *   stream time       by the rows alone, as in ksqlDB; the default
 *   wall clock        also by the clock, whenever all rows are read
 *   idle 30 seconds   also when no row has come for so long: time then goes on as it passes (`quiet-time.ts`)
 */

import type { ClosingTime } from '../engine/index.ts';

const unitMs = { MILLISECOND: 1, SECOND: 1000, MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000 } as const;

/** Undefined: the text is not such a setting. */
export const readClosing = (text: string): ClosingTime | undefined => {
  const words = text.trim().toUpperCase().replaceAll(/\s+/g, ' ');
  if (words === 'STREAM TIME') return { by: 'stream time' };
  if (words === 'WALL CLOCK') return { by: 'wall clock' };
  const [, amount, unit] = /^IDLE (\d+) (MILLISECOND|SECOND|MINUTE|HOUR|DAY)S?$/.exec(words) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  const idleMs = Number(amount) * unitMs[unit as keyof typeof unitMs];
  return Number.isSafeInteger(idleMs) ? { by: 'stream time', idleMs } : undefined;
};

/** As a query is started with it. */
export const closingOf = (setting: string | undefined): { readonly closing?: ClosingTime } => {
  const closing = setting === undefined ? undefined : readClosing(setting);
  return closing === undefined ? {} : { closing };
};
