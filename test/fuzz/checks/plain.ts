/** Generated code gives what its plain forms give. Records come in batches: some of the code is made for records that
 *  look like the one before them. */

import { codegenAllowed, useGeneratedCode } from '../../../base/index.ts';
import type { Check } from './case.ts';
import { difference, firstDifference, inOrder } from './compare.ts';
import { base, inBatches, resultOf } from './driver.ts';

/** Runs with code generation switched off. */
export const inPlainForms = async <T>(run: () => T | Promise<T>): Promise<T> => {
  const allowed = codegenAllowed();
  useGeneratedCode(false);
  try {
    return await run();
  } finally {
    useGeneratedCode(allowed);
  }
};

export const plain: Check = async (one) => {
  const { planned: own, records } = base(one);
  const groups = inBatches(records);
  const generated = resultOf(own, groups);
  const other = await inPlainForms(() => resultOf(own, groups));
  return difference(generated, other, inOrder) ?? firstDifference('drops', generated.drops, other.drops);
};
