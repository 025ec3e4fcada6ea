/** Lists and typed arrays by index; an index outside of them is a fault of ours. */

import { assert } from './errors.ts';

/** The item at an index that is inside of the list. */
export const itemAt = <T>(items: ArrayLike<T>, index: number): T => {
  const item = items[index];
  assert(item !== undefined, () => `index ${index} lies outside of a list of ${items.length}`);
  return item;
};

/** Binary search. Of `count` items, those that are before something come first: the index of the first one that is not,
 *  or `count` when all are. */
export const firstNotBefore = (count: number, isBefore: (index: number) => boolean): number => {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
};
