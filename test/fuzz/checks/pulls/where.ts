/** Each row is in one of the parts that WHERE, its negation and its being NULL make of them; asked one by one, and as
 *  one UNION ALL. A row on which the condition fails is in none of them, and NULL where the condition is selected. */

import type { Query } from '../../../../sql/parser/ast.ts';
import { isAggregated, partsOf, type Relation, unordered } from './relation.ts';

export const where: Relation = async (query, _rows, ask) => {
  if (query.where === undefined || isAggregated(query) || query.unions !== undefined) return undefined;
  const { where: condition, distinct: _, ...without } = unordered(query);
  if (condition === undefined) return undefined;
  const [holds, not, unknown] = partsOf(condition).map((part): Query => ({ ...without, where: part }));
  if (holds === undefined || not === undefined || unknown === undefined) return undefined;
  const all = await ask(without);
  const { at } = condition;
  const together = await ask({
    ...holds,
    unions: [not, unknown].map((member) => ({ all: true, query: member, at })),
  });
  const parts = await Promise.all([holds, not, unknown].map(ask));
  if (all === undefined || together === undefined || parts.includes(undefined)) return undefined;
  const apart = parts.flatMap((part) => part ?? []);
  const differing = apart.findIndex((row, i) => row !== together[i]);
  if (differing >= 0 || apart.length !== together.length) {
    return `the parts one by one, and as UNION ALL:\n  ${apart[differing]}\n  ${together[differing]}`;
  }
  const left = [...all];
  for (const row of apart) {
    const place = left.indexOf(row);
    if (place < 0) return `in the parts of WHERE, and not in the whole, or in two parts:\n  ${row}`;
    left.splice(place, 1);
  }
  const values = await ask({ ...without, items: [{ kind: 'expression-item', expression: condition, at }] });
  const failed = (values?.filter((value) => value === '[null]').length ?? 0) - (parts[2]?.length ?? 0);
  return left.length > Math.max(failed, 0) ? `in no part of WHERE:\n  ${left.join('\n  ')}` : undefined;
};
