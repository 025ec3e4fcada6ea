/**
 * Claim: a hundred queries over one topic that begin with one condition and one projection cost at most 0.6 of the CPU
 * of a hundred whose conditions differ.
 *
 * Of all of them each passes one record in a hundred and projects it in the same way; measured like `hundred-queries`.
 */

import type { Claim } from './claim.ts';
import { compareQueries, inBand } from './hundred-queries.ts';

const queries = 100;
const items = `"k", UCASE("region") AS "region", "amount" * "qty" AS "total"`;

export const alikeQueries: Claim = {
  name: 'alike-queries',
  about: 'a hundred queries that begin alike and pass 1 %; CPU per record / a hundred that pass as much and differ',
  unit: 'ns/record',
  asked: { atMost: 0.6 },
  cores: 1,
  variants: true,
  run: (variant) =>
    compareQueries(variant, {
      value: { queries, select: () => ({ items, condition: inBand(10) }) },
      base: { queries, select: (i) => ({ items, condition: inBand(i) }) },
    }),
};
