/** DISTINCT gives each row that there is once. */

import { type Relation, sameRows, unordered } from './relation.ts';

export const distinct: Relation = async ({ distinct: wanted, ...query }, _rows, ask) => {
  if (wanted === undefined || query.unions !== undefined) return undefined;
  const once = await ask(unordered({ ...query, distinct: wanted }));
  const all = await ask(unordered(query));
  return once && all && sameRows('DISTINCT, and each row once', once, [...new Set(all)]);
};
