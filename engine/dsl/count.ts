/** How records are counted: in place, where the count is written as an int64. */

import { type Accumulation, byValue } from '../operators/accumulation.ts';
import { counting } from '../operators/count.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';

export const countOf = (value: Serde<number | bigint>): Accumulation<unknown, number | bigint, number | bigint> =>
  value === int64 ? counting : byValue(value, () => 0, plusOne);

const plusOne = (count: number | bigint): number | bigint => (typeof count === 'bigint' ? count + 1n : count + 1);
