/** ORDER BY changes the order of rows only, and sorted the other way round they come the other way round. */

import type { Query } from '../../../../sql/parser/ast.ts';
import { firstDifference } from '../compare.ts';
import { type Relation, sameRows, unlimited, unordered } from './relation.ts';

/** Only the columns by which is sorted, where they are names of the SELECT list. */
const sortColumns = (query: Query): Query | undefined => {
  const names = query.orderBy?.terms.map(({ expression }) =>
    expression.kind === 'column' && expression.source === undefined ? expression.name : undefined,
  );
  const items = names?.map((name) =>
    query.items.find((item) => item.kind === 'expression-item' && item.alias?.name === name),
  );
  if (
    items === undefined ||
    query.unions !== undefined ||
    items.includes(undefined) ||
    new Set(items).size < items.length
  )
    return undefined;
  return { ...query, items: items.filter((item) => item !== undefined) };
};

export const order: Relation = async (query, _rows, ask) => {
  const { orderBy } = query;
  if (orderBy === undefined) return undefined;
  const sorted = await ask(unlimited(query));
  const unsorted = await ask(unordered(query));
  const found = sorted && unsorted && sameRows('sorted, and as they come', sorted, unsorted);
  if (found !== undefined) return found;
  const columns = sortColumns(unlimited(query));
  if (columns === undefined) return undefined;
  const terms = orderBy.terms.map((term) => {
    const descending = !term.descending;
    // NULLs come last unless the order descends, or the term has its own way.
    const nulls = (term.nulls ?? (descending ? 'last' : 'first')) === 'last' ? ('first' as const) : ('last' as const);
    return { ...term, descending, nulls };
  });
  const upwards = await ask(columns);
  const downwards = await ask({ ...columns, orderBy: { ...orderBy, terms } });
  return upwards && downwards && firstDifference('sorted, and sorted the other way', upwards, downwards.toReversed());
};
