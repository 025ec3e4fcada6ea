/** What relations between pull queries are made of. */

import type { Expression, Query } from '../../../../sql/parser/ast.ts';
import { firstDifference } from '../compare.ts';
import { functions } from '../planned.ts';

/** The rows of another query over the same data, each as text, in their order; undefined: it is refused. */
export type Ask = (query: Query) => Promise<readonly string[] | undefined>;

/** What has to hold between the rows of a query and those of queries that are made of it; the problem where it does
 *  not. Undefined: it holds, or there is nothing of the kind in the query. */
export type Relation = (query: Query, rows: readonly string[], ask: Ask) => Promise<string | undefined>;

/** Without ORDER BY, LIMIT and OFFSET. */
export const unordered = ({ orderBy: _, limit: __, offset: ___, ...query }: Query): Query => query;

/** Without LIMIT and OFFSET. */
export const unlimited = ({ limit: _, offset: __, ...query }: Query): Query => query;

export const isLimited = ({ limit, offset }: Query): boolean => limit !== undefined || offset !== undefined;

const aggregateNames = new Set(
  functions
    .list()
    .filter(({ kind }) => kind === 'aggregate')
    .map(({ name }) => name),
);

/** The names of the aggregates that are called anywhere in the query. */
export const aggregatesIn = (query: Query): ReadonlySet<string> => {
  const found = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { kind, name } = node as { readonly kind?: unknown; readonly name?: unknown };
    if (kind === 'call' && typeof name === 'string' && aggregateNames.has(name)) found.add(name);
    for (const part of Object.values(node)) walk(part);
  };
  walk(query);
  return found;
};

/** Whether rows are made of several rows, here or in a query within it. */
export const isAggregated = (query: Query): boolean =>
  query.groupBy !== undefined || query.having !== undefined || aggregatesIn(query).size > 0;

export const sameRows = (what: string, one: readonly string[], other: readonly string[]): string | undefined =>
  firstDifference(what, one.toSorted(), other.toSorted());

/** `condition` as one that is true for the same rows, and of which nothing can be read: neither keys nor ranges. */
export const opaque = (condition: Expression): Expression => {
  const { at } = condition;
  const literal = (value: boolean): Expression => ({ kind: 'boolean', value, at });
  return {
    kind: 'case',
    branches: [{ when: condition, then: literal(true) }],
    otherwise: literal(false),
    at,
  };
};

/** The condition, its negation, and that it is NULL: each row is in one of these at the most. */
export const partsOf = (condition: Expression): readonly [Expression, Expression, Expression] => [
  condition,
  { kind: 'not', operand: condition, at: condition.at },
  { kind: 'is-null', negated: false, operand: condition, at: condition.at },
];
