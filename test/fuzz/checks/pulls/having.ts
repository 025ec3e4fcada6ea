/** Each group is in one of the parts that HAVING, its negation and its being NULL make of them. */

import { partsOf, type Relation, sameRows, unordered } from './relation.ts';

export const having: Relation = async (query, _rows, ask) => {
  if (query.having === undefined || query.groupBy === undefined || query.unions !== undefined) return undefined;
  const { having: condition, ...without } = unordered(query);
  if (condition === undefined) return undefined;
  const all = await ask(without);
  const parts = await Promise.all(partsOf(condition).map((part) => ask({ ...without, having: part })));
  if (all === undefined || parts.includes(undefined)) return undefined;
  return sameRows(
    'without HAVING, and in three parts',
    all,
    parts.flatMap((part) => part ?? []),
  );
};
