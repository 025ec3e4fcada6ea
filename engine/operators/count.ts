/** The number of a group's records, kept in place: an i64, as `serdes.int64` has it. */

import { readViewI64, writeViewI64 } from '../../base/index.ts';
import type { InPlace } from './accumulation.ts';

export const counting: InPlace<unknown, number> & Required<Pick<InPlace<unknown, number>, 'merge'>> = {
  form: 'in place',
  width: 8,
  initialize(view, at) {
    writeViewI64(view, at, 0);
  },
  // A count stays a safe integer: at a record each nanosecond it would take 104 days to get there.
  add(view, at) {
    writeViewI64(view, at, readViewI64(view, at) + 1);
  },
  result: readViewI64,
  merge(view, at, other, otherAt) {
    writeViewI64(view, at, readViewI64(view, at) + readViewI64(other, otherAt));
    return true;
  },
};
