import type { Check } from './case.ts';
import { difference, inOrder } from './compare.ts';
import { base, eachAlone, resultOf } from './driver.ts';
import { planned } from './planned.ts';

/** A value that cannot be read is no fault of a record where nothing reads it, and without rules more is read: so
 *  nothing is damaged here. */
export const rules: Check = (given) => {
  const whole = given.history.filter(({ damage }) => damage === undefined);
  const one = whole.length === given.history.length ? given : { ...given, history: whole };
  const { records, result } = base(one);
  return difference(result, resultOf(planned(one, []), eachAlone(records)), inOrder);
};
