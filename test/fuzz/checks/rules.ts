/** Without rules more columns are read. */

import { type Check, undamaged } from './case.ts';
import { difference, inOrder } from './compare.ts';
import { base, eachAlone, resultOf } from './driver.ts';
import { planned } from './planned.ts';

export const rules: Check = (given) => {
  const one = undamaged(given);
  const { records, result } = base(one);
  return difference(result, resultOf(planned(one, []), eachAlone(records)), inOrder);
};
