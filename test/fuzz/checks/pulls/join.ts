/** A full join and an inner join together have the rows of a left join and a right join; and with its sides exchanged a
 *  left join is a right join. */

import type { Join, JoinType, Query } from '../../../../sql/parser/ast.ts';
import { isAggregated, type Relation, sameRows, unordered } from './relation.ts';

const mirrored = { inner: 'inner', full: 'full', left: 'right', right: 'left' } as const;

export const join: Relation = async (query, _rows, ask) => {
  const [first, ...more] = query.joins;
  if (first === undefined || more.length > 0 || isAggregated(query) || query.unions !== undefined) return undefined;
  const { distinct: _, where: __, ...plain } = unordered(query);
  const of = (type: JoinType) => ask({ ...plain, joins: [{ ...first, type }] });
  const [full, inner, left, right] = [await of('full'), await of('inner'), await of('left'), await of('right')];
  if (full === undefined || inner === undefined || left === undefined || right === undefined) return undefined;
  const found = sameRows('FULL and INNER JOIN, and LEFT and RIGHT JOIN', [...full, ...inner], [...left, ...right]);
  if (found !== undefined) return found;
  // The order of the columns of * is that of the sides.
  if (query.items.some(({ kind }) => kind === 'all-columns')) return undefined;
  const one = await ask({ ...plain, joins: [first] });
  const other = await ask(exchanged(plain, first));
  return one && other && sameRows('a join, and with its sides exchanged', one, other);
};

const exchanged = (query: Query, { source, type, ...join }: Join): Query => ({
  ...query,
  from: source,
  joins: [{ ...join, source: query.from, type: mirrored[type] }],
});
