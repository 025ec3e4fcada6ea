/** Pull queries: what they may have, and which way they read: a table's store, a stream's topic, or either of them
 *  folded by aggregates. */

import { type Position, UserError } from '../../base/index.ts';
import type { Log } from '../../storage/index.ts';
import type { AnalyzedQuery } from '../analyze/query.ts';
import type { Query } from '../parser/ast.ts';
import type { Row } from '../types/value.ts';
import { aggregatePull } from './pull-aggregate.ts';
import { pullStream } from './pull-stream.ts';
import { type PullContext, pullTable } from './pull-table.ts';

/** A clause that a pull query may not have: its name in messages, and where the query has it. */
type Refused = readonly [what: string, at: (query: Query) => Position | undefined];

/** The clauses of SELECT; one that is missing here does not compile. */
const clauses: { readonly [K in keyof Required<Query>]: 'allowed' | Refused } = {
  items: 'allowed',
  from: 'allowed',
  joins: ['JOIN', ({ joins }) => joins[0]?.at],
  window: ['a WINDOW clause', ({ window }) => window?.at],
  where: 'allowed',
  groupBy: ['GROUP BY', ({ groupBy }) => groupBy?.at],
  partitionBy: ['PARTITION BY', ({ partitionBy }) => partitionBy?.at],
  having: 'allowed',
  emit: 'allowed',
  limit: 'allowed',
  at: 'allowed',
};

/** Raises a `UserError` for what a pull query may not have, before anything is read. */
export const checkPullQuery = (query: Query): void => {
  for (const clause of Object.values(clauses)) {
    if (clause === 'allowed') continue;
    const [what, find] = clause;
    const at = find(query);
    if (at === undefined) continue;
    throw new UserError('SQL_PULL_QUERY', `a pull query cannot have ${what}`, {
      at,
      hint: 'Add EMIT CHANGES to follow the changes instead, or make a table of it: CREATE TABLE … AS SELECT ….',
    });
  }
};

/** The rows in batches, checked before the first is asked for. */
export const pullRows = (
  analyzed: AnalyzedQuery,
  query: Query,
  context: PullContext & { readonly log: Log },
): (() => AsyncGenerator<readonly Row[], void, undefined>) => {
  const { catalog, environment, log } = context;
  const read = (one: AnalyzedQuery) =>
    one.sources[0]?.source.kind === 'table'
      ? pullTable(one, query, context)
      : pullStream(one, catalog, environment, log);
  const aggregated = aggregatePull(analyzed, catalog, environment);
  return aggregated === undefined ? read(analyzed) : aggregated.fold(read(aggregated.input));
};
