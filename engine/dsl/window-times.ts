/** Checks of the times that windows are made of: whole milliseconds. */

import { UserError } from '../../base/index.ts';

/** The time itself, or a `DSL_WINDOW_INVALID` that names it. */
export const timeOf = (what: string, ms: number, least: number): number => {
  if (Number.isSafeInteger(ms) && ms >= least) return ms;
  throw new UserError('DSL_WINDOW_INVALID', `a window cannot have ${what} ${ms} ms`, {
    hint: `It takes a whole number of milliseconds, at least ${least}.`,
  });
};

export const graceOf = (ms: number): number => timeOf('a grace of', ms, 0);

/** How long windows are kept, given or the least. `needs` names what takes the least. */
export const retentionOf = (given: number | undefined, leastMs: number, needs: string): number => {
  if (given === undefined || given === leastMs) return leastMs;
  if (timeOf('a retention of', given, 0) >= leastMs) return given;
  throw new UserError('DSL_WINDOW_INVALID', `a retention of ${given} ms is shorter than ${needs}, ${leastMs} ms`);
};
