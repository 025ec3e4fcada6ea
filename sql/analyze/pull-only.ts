/** Clauses that only pull queries have: they need all rows before they can answer, and a query that goes on never has
 *  all of them. */

import { type Position, UserError } from '../../base/index.ts';
import type { Query } from '../parser/ast.ts';
import type { QueryPurpose } from './query-context.ts';

type Found = readonly [what: string, at: Position | undefined, instead: string | undefined];

const found = (query: Query): readonly Found[] => [
  ['ORDER BY', query.orderBy?.at, undefined],
  ['SELECT DISTINCT', query.distinct?.at, 'Make a table with GROUP BY: it has each key once.'],
  ['OFFSET', query.offset?.at, undefined],
  ['UNION', query.unions?.[0]?.at, 'Feed one stream by several INSERT INTO … SELECT.'],
  ...[query.from, ...query.joins.map((join) => join.source)].map(
    (source): Found => [
      'a subquery',
      source.subquery === undefined ? undefined : source.at,
      'Give the inner query a name with CREATE STREAM … AS SELECT or CREATE TABLE … AS SELECT, and read from that.',
    ],
  ),
];

/** Raises a `UserError` for a clause of pull queries in a query that goes on. */
export const checkPullOnly = (query: Query, purpose: Exclude<QueryPurpose, 'pull'>): void => {
  for (const [what, at, instead] of found(query)) {
    if (at === undefined) continue;
    const kind = purpose === 'push' ? 'a query with EMIT' : 'a query that writes a stream or table';
    throw new UserError('SQL_PULL_ONLY', `${kind} cannot have ${what}: its rows have no end`, {
      at,
      hint:
        instead ??
        (purpose === 'push'
          ? 'Leave EMIT out to ask once for the rows that there are now.'
          : 'Use it in the SELECT that reads the result.'),
    });
  }
};
