/** LIMIT and OFFSET give a part of the rows, in their order. */

import { firstDifference } from '../compare.ts';
import { isLimited, type Relation, unlimited } from './relation.ts';

export const limit: Relation = async (query, rows, ask) => {
  if (!isLimited(query)) return undefined;
  const all = await ask(unlimited(query));
  if (all === undefined) return undefined;
  const from = query.offset?.count ?? 0;
  const to = query.limit === undefined ? all.length : from + query.limit.count;
  return firstDifference('with LIMIT, and as many of all rows', rows, all.slice(from, to));
};
