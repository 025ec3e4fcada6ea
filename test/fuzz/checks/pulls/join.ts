/** A full join and an inner join together have the rows of a left join and a right join. */

import type { JoinType } from '../../../../sql/parser/ast.ts';
import { isAggregated, type Relation, sameRows, unordered } from './relation.ts';

export const join: Relation = async (query, _rows, ask) => {
  const [first, ...more] = query.joins;
  if (first === undefined || more.length > 0 || isAggregated(query) || query.unions !== undefined) return undefined;
  const { distinct: _, where: __, ...plain } = unordered(query);
  const of = (type: JoinType) => ask({ ...plain, joins: [{ ...first, type }] });
  const [full, inner, left, right] = [await of('full'), await of('inner'), await of('left'), await of('right')];
  if (full === undefined || inner === undefined || left === undefined || right === undefined) return undefined;
  return sameRows('FULL and INNER JOIN, and LEFT and RIGHT JOIN', [...full, ...inner], [...left, ...right]);
};
