/** A table that is kept up to date by a query has the rows that the same pull query gives at the end. */

import type { Query } from '../../../../sql/parser/ast.ts';
import { printStatement, type StatementOf } from '../../../../sql/parser/statements/index.ts';
import type { Live } from '../live.ts';
import { type Ask, sameRows, unordered } from './relation.ts';

/** `read`: the streams; of a table GROUP BY takes rows back, which not every aggregate can. */
export const kept = async (
  live: Live,
  query: Query,
  ask: Ask,
  { name, streams }: { readonly name: string; readonly streams: ReadonlySet<string> },
): Promise<string | undefined> => {
  const { groupBy, joins, from, distinct, unions, items } = query;
  if (groupBy === undefined || joins.length > 0 || !streams.has(from.name)) return undefined;
  if (distinct !== undefined || unions !== undefined || from.subquery !== undefined) return undefined;
  // What is grouped by stands at the beginning of the SELECT list.
  const isKey = (_: unknown, i: number): boolean => {
    const item = items[i];
    return item?.kind === 'expression-item' && item.alias?.name === `G${i}`;
  };
  if (!groupBy.expressions.every(isKey)) return undefined;
  const { at } = query;
  const plain = unordered(query);
  const statement: StatementOf<'create-as'> = {
    kind: 'create-as',
    sourceKind: 'table',
    name: { name, at },
    orReplace: false,
    ifNotExists: false,
    properties: [{ name: 'KEY_FORMAT', value: { kind: 'string', value: 'JSON', at }, at }],
    query: plain,
    at,
  };
  if (!(await live.accepts(`${printStatement(statement)};`))) return undefined;
  const table = await ask({
    items: [{ kind: 'all-columns', at }],
    from: { kind: 'source', name, at },
    joins: [],
    at,
  });
  // A key is never NULL.
  const keysOf = (row: string): readonly unknown[] => JSON.parse(row).slice(0, groupBy.expressions.length);
  const rows = (await ask(plain))?.filter((row) => !keysOf(row).includes(null));
  return table && rows && sameRows('a table that is kept, and the query at the end', table, rows);
};
