/** How records are counted: in place, where the count is written as an int64. */

import type { MergingAccumulation } from '../operators/accumulation.ts';
import { counting } from '../operators/count.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';

type Count = number | bigint;

export const countOf = (value: Serde<Count>): MergingAccumulation<unknown, Count, Count> =>
  value === int64
    ? counting
    : {
        form: 'by value',
        accumulator: value,
        initialize: () => 0,
        add: (count) => sum(count, 1),
        result: (count) => count,
        merge: sum,
      };

const sum = (a: Count, b: Count): Count =>
  typeof a === 'number' && typeof b === 'number' ? a + b : BigInt(a) + BigInt(b);
