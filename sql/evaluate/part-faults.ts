/**
 * Faults of parts of an expression: a cast, a member or an argument that failed and is NULL, while the expression
 * around it goes on.
 *
 * An expression returns its value or raises; a part that failed does neither, so its fault is kept here. The caller
 * that evaluated the expression takes it right afterwards, in the same turn, and writes it to the processing log with
 * the record.
 */

const none: readonly string[] = [];
let pending: string[] = [];

/** How many are kept: a row may have a million bad members. */
const most = 10;

export const partFailed = (fault: string): void => {
  if (pending.length < most) pending.push(fault);
};

/** Whether there are faults that nobody has taken. */
export const hasPartFaults = (): boolean => pending.length > 0;

/** The faults since the last call. */
export const takePartFaults = (): readonly string[] => {
  if (pending.length === 0) return none;
  const taken = pending;
  pending = [];
  return taken;
};
