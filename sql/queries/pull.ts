/** Pull queries: what they may have, and their steps over the streams and tables that they read. */

import { AssertionError, type Position, UserError } from '../../base/index.ts';
import type { Log } from '../../storage/index.ts';
import type { Typer } from '../analyze/typer.ts';
import type { Query } from '../parser/ast.ts';
import type { Settings } from '../settings.ts';
import { accessText } from './access.ts';
import { memoryProperty, QueryMemory } from './pull/memory.ts';
import { type Leaf, type PullPlan, pullPlan } from './pull/plan.ts';
import { pullStream } from './pull-stream.ts';
import { type PullContext, pullTable } from './pull-table.ts';

/** A clause that a pull query may not have: its name in messages, and where the query has it. */
type Refused = readonly [what: string, at: (query: Query) => Position | undefined];

/** The clauses of SELECT; one that is missing here does not compile. */
const clauses: { readonly [K in keyof Required<Query>]: 'allowed' | Refused } = {
  distinct: 'allowed',
  items: 'allowed',
  from: 'allowed',
  joins: 'allowed',
  window: ['a WINDOW clause', ({ window }) => window?.at],
  where: 'allowed',
  groupBy: 'allowed',
  partitionBy: ['PARTITION BY', ({ partitionBy }) => partitionBy?.at],
  having: 'allowed',
  unions: 'allowed',
  orderBy: 'allowed',
  emit: 'allowed',
  limit: 'allowed',
  offset: 'allowed',
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
  for (const source of [query.from, ...query.joins.map((join) => join.source)]) {
    if (source.subquery !== undefined) checkPullQuery(source.subquery);
  }
  for (const member of query.unions ?? []) checkPullQuery(member.query);
};

/** The query as steps; what cannot be read is found here, before anything is. */
export const planPull = (
  query: Query,
  context: PullContext & { readonly log: Log; readonly typer: Typer },
): PullPlan => {
  checkPullQuery(query);
  const { catalog, environment, log, typer, settings, rules } = context;
  settings.require('ksql.pull.queries.enable', 'pull queries are', query.at);
  if (query.limit !== undefined) {
    settings.require('ksql.query.pull.limit.clause.enabled', 'LIMIT in pull queries is', query.limit.at);
  }
  const leaf: Leaf = (analyzed, own) => {
    const [scoped] = analyzed.sources;
    if (scoped?.source.kind === 'table') return pullTable(analyzed, own, context);
    settings.require('ksql.query.pull.stream.enabled', 'pull queries on streams are', scoped?.at);
    return pullStream(analyzed, catalog, environment, log);
  };
  return pullPlan(query, { catalog, typer, environment, memory: memoryOf(settings), leaf, rules });
};

/** The steps of a query that is only shown. */
export const explainPull = (
  query: Query,
  { catalog, environment, typer }: Pick<PullContext, 'catalog' | 'environment'> & { readonly typer: Typer },
): PullPlan => {
  checkPullQuery(query);
  const leaf: Leaf = (analyzed) => ({
    text: accessText(analyzed),
    inputs: [],
    rows: () => {
      throw new AssertionError('the steps are only shown');
    },
  });
  return pullPlan(query, { catalog, typer, environment, memory: new QueryMemory(), leaf });
};

const memoryOf = (settings: Settings): QueryMemory => {
  const bytes = settings.get(memoryProperty);
  return new QueryMemory(bytes === undefined ? undefined : Number(bytes));
};
