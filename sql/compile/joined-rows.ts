/** The rows that joins make: the columns of the left side, then those of the right one, NULL where a side has no
 *  row. */

import type { Row, Value } from '../types/value.ts';

/** Makes joined rows. Those before and after a change may both be in use, so two are lent in turn. */
export const rowJoiner = (leftWidth: number, rightWidth: number): ((left: Row | null, right: Row | null) => Row) => {
  const make = (): Row => new Array<Value>(leftWidth + rightWidth).fill(null);
  const rows: [Row, Row] = [make(), make()];
  let turn: 0 | 1 = 0;
  return (left, right) => {
    turn = turn === 0 ? 1 : 0;
    const into = rows[turn];
    for (let i = 0; i < leftWidth; i++) into[i] = left === null ? null : (left[i] as Value);
    for (let i = 0; i < rightWidth; i++) into[leftWidth + i] = right === null ? null : (right[i] as Value);
    return into;
  };
};
