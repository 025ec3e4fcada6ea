/**
 * Faults of parts: members of ARRAY, MAP and STRUCT that failed and are NULL, while the value around them stands.
 *
 * An expression answers with its value or raises; a member that failed does neither, so its fault waits here until whoever evaluated the whole
 * takes it, right behind the evaluation and in the same turn, and notes it with the record.
 */

const none: readonly string[] = [];
let pending: string[] = [];

/** A row of a million bad members is one fault told often enough. */
const most = 10;

export const partFailed = (fault: string): void => {
  if (pending.length < most) pending.push(fault);
};

/** The faults since the last call. */
export const takePartFaults = (): readonly string[] => {
  if (pending.length === 0) return none;
  const taken = pending;
  pending = [];
  return taken;
};
