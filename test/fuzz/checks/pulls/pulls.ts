/** Pull queries at the end of a history: with the rules that rewrite plans and without, by generated code and by its
 *  plain forms, and beside the queries that are made of them (`relation.ts`). */

import type { Query } from '../../../../sql/parser/ast.ts';
import { type Case, type Check, undamaged } from '../case.ts';
import { firstDifference } from '../compare.ts';
import { base } from '../driver.ts';
import { type Live, parsedQuery, withLive } from '../live.ts';
import { inPlainForms } from '../plain.ts';
import { access } from './access.ts';
import { count } from './count.ts';
import { distinct } from './distinct.ts';
import { having } from './having.ts';
import { join } from './join.ts';
import { kept } from './kept.ts';
import { limit } from './limit.ts';
import { order } from './order.ts';
import { type Ask, type Relation, sameRows, unlimited } from './relation.ts';
import { subquery } from './subquery.ts';
import { where } from './where.ts';

const relations: Readonly<Record<string, Relation>> = {
  access,
  limit,
  order,
  distinct,
  where,
  having,
  count,
  subquery,
  join,
};

const askOf =
  (live: Live): Ask =>
  (query) =>
    live.ask(query);

export const pulls: Check = (given) => {
  const one = undamaged(given);
  return withLive(one, {}, async (live) => {
    await live.feed(one.history, 'together');
    for (const query of one.queries) await live.execute(query);
    await live.idle();
    for (const [i, text] of one.pulls.entries()) {
      const found = await problemOf(live, one, parsedQuery(text), `KEPT${i}`);
      if (found !== undefined) return `${text}\n${found}`;
    }
    return undefined;
  });
};

const problemOf = async (live: Live, one: Case, query: Query, name: string): Promise<string | undefined> => {
  const rows = await live.ask(query);
  if (rows === undefined) return undefined;
  const other = (await withoutRules(live, unlimited(query))) ?? (await plain(live, query, rows));
  if (other !== undefined) return other;
  for (const [relation, holds] of Object.entries(relations)) {
    const found = await holds(query, rows, askOf(live));
    if (found !== undefined) return `${relation}: ${found}`;
  }
  const sources = base(one).planned.session.catalog.sources('stream');
  const found = await kept(live, query, askOf(live), { name, streams: new Set(sources.map((source) => source.name)) });
  return found && `kept: ${found}`;
};

/** Rules may change by which keys rows are looked up, and so their order. */
const withoutRules = async (live: Live, query: Query): Promise<string | undefined> => {
  const rows = await live.ask(query);
  const others = await live.ask(query, { rules: 'none' });
  return sameRows('with rules, and without', rows ?? ['refused'], others ?? ['refused']);
};

const plain = async (live: Live, query: Query, rows: readonly string[]): Promise<string | undefined> => {
  const others = await inPlainForms(() => live.ask(query));
  return firstDifference('with generated code, and without', rows, others ?? ['refused']);
};
