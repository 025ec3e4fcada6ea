/** All of a subquery is the subquery, and a source may stand in parentheses, with all of its columns. */

import type { Query, SourceReference } from '../../../../sql/parser/ast.ts';
import { firstDifference } from '../compare.ts';
import { type Relation, sameRows, unlimited } from './relation.ts';

/** `SELECT * FROM (query)`. */
const all = (query: Query): Query => {
  const { at } = query;
  const from: SourceReference = { kind: 'source', name: 'Z', alias: { name: 'Z', at }, subquery: query, at };
  return { items: [{ kind: 'all-columns', at }], from, joins: [], at };
};

const inParentheses = (reference: SourceReference): SourceReference => {
  if (reference.subquery !== undefined) return reference;
  const { at, alias, ...source } = reference;
  const subquery: Query = {
    items: [{ kind: 'all-columns', at }],
    from: { ...source, at },
    joins: [],
    at,
  };
  const name = alias ?? { name: source.name, at };
  return { kind: 'source', name: name.name, alias: name, subquery, at };
};

export const subquery: Relation = async (query, rows, ask) => {
  const whole = await ask(all(query));
  const found = whole && firstDifference('the query, and all of it as a subquery', rows, whole);
  if (found !== undefined) return found;
  // Looked up, rows come in the order of the keys in the condition; LIMIT would then take others.
  const plain = unlimited(query);
  const own = await ask(plain);
  const nested = await ask({
    ...plain,
    from: inParentheses(query.from),
    joins: query.joins.map((join) => ({ ...join, source: inParentheses(join.source) })),
  });
  return own && nested && sameRows('the query, and over subqueries of its sources', own, nested);
};
