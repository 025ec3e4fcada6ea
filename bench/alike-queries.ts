/**
 * Claim: a hundred queries over one topic that begin with one condition and one projection cost at most N times the CPU
 * of one of them.
 *
 * One record in a hundred passes. Measured like `hundred-queries`, whose conditions differ.
 */

import type { Claim } from './claim.ts';
import { inBand, measureHundred } from './hundred-queries.ts';

const select = (): readonly [string, string] => [
  `"k", UCASE("region") AS "region", "amount" * "qty" AS "total"`,
  inBand(10),
];

export const alikeQueries: Claim = {
  name: 'alike-queries',
  about: 'a hundred queries with one condition, which passes 1 %, and one projection; CPU per record / one of them',
  unit: 'ns/record',
  asked: { atMost: 10 },
  cores: 1,
  variants: false,
  run: (variant) => measureHundred(variant, select),
};
