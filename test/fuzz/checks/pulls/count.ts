/** The groups of a query have as many rows together as there are without GROUP BY. */

import type { Expression, Query } from '../../../../sql/parser/ast.ts';
import { type Relation, unordered } from './relation.ts';

export const count: Relation = async (query, _rows, ask) => {
  if (query.groupBy === undefined || query.unions !== undefined) return undefined;
  const { having: _, distinct: __, groupBy, ...plain } = unordered(query);
  const { at } = query;
  const call: Expression = { kind: 'call', name: 'COUNT', args: [], star: true, at };
  const counting: Query = {
    ...plain,
    items: [{ kind: 'expression-item', expression: call, alias: { name: 'A0', at }, at }],
  };
  const groups = await ask({ ...counting, groupBy });
  const whole = await ask(counting);
  if (groups === undefined || whole === undefined) return undefined;
  const total = groups.reduce((sum, row) => sum + Number(JSON.parse(row)[0]), 0);
  return String(whole[0]) === `[${total}]` ? undefined : `the groups have ${total} rows, and there are ${whole[0]}`;
};
