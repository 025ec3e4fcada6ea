/** In batches: some of the code is made for records that look like the one before them. */

import { useGeneratedCode } from '../../../base/index.ts';
import type { Check } from './case.ts';
import { difference, firstDifference, inOrder } from './compare.ts';
import { base, inBatches, resultOf } from './driver.ts';

export const plain: Check = (one) => {
  const { planned: own, records } = base(one);
  const groups = inBatches(records);
  const generated = resultOf(own, groups);
  useGeneratedCode(false);
  try {
    const other = resultOf(own, groups);
    return difference(generated, other, inOrder) ?? firstDifference('drops', generated.drops, other.drops);
  } finally {
    useGeneratedCode(true);
  }
};
