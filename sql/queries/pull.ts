/** Pull queries: what they may have, and which way they read: a table's store, a stream's topic, or either of them
 *  folded by aggregates. */

import { UserError } from '../../base/index.ts';
import type { Log } from '../../storage/index.ts';
import type { AnalyzedQuery } from '../analyze/query.ts';
import type { Query } from '../parser/ast.ts';
import type { Row } from '../types/value.ts';
import { aggregatePull } from './pull-aggregate.ts';
import { pullStream } from './pull-stream.ts';
import { type PullContext, pullTable } from './pull-table.ts';

/** What a pull query may not have; found before anything is read. */
export const checkPullQuery = (query: Query): void => {
  const refuse = (what: string, at: Query['at']): never => {
    throw new UserError('SQL_PULL_QUERY', `a pull query cannot have ${what}`, {
      at,
      hint: 'Add EMIT CHANGES to follow the changes instead, or make a table of it: CREATE TABLE … AS SELECT ….',
    });
  };
  const [join] = query.joins;
  if (join !== undefined) refuse('JOIN', join.at);
  if (query.window !== undefined) refuse('a WINDOW clause', query.window.at);
  if (query.groupBy !== undefined) refuse('GROUP BY', query.groupBy.at);
  if (query.partitionBy !== undefined) refuse('PARTITION BY', query.partitionBy.at);
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
