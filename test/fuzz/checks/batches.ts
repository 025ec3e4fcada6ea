/** As a query reads that starts when its topics are full. A join of tables by a foreign key asks and answers
 *  through topics, so of it only what the tables hold at the end is compared (and nothing of groups over it, which stay
 *  when a row that came in between has left); and a query that joins a source with what another query makes of it meets
 *  them in another order. */

import { type Case, type Check, insertsOf, joinsResults } from './case.ts';
import { type Arrangement, atTheEnd, byKey, difference, inAnyOrder } from './compare.ts';
import { base, inBatches, resultOf } from './driver.ts';

/** Two queries that write into one stream take turns as they like, and what reads that stream sees it. */
export const whereSeveralWrite =
  (one: Case, otherwise: Arrangement): Arrangement =>
  (lines, topic) => {
    if (insertsOf(one).length === 0) return otherwise(lines, topic);
    return topic === 'Q1' ? inAnyOrder(lines) : undefined;
  };

export const batches: Check = (one) => {
  if (joinsResults(one)) return undefined;
  if (/ JOIN [tu] [^]*GROUP BY/i.test(one.queries.join('\n'))) return undefined;
  const { planned: own, records, result } = base(one);
  const arranged = one.queries.some((query) => / JOIN [tu] /i.test(query)) ? atTheEnd : byKey;
  return difference(result, resultOf(own, inBatches(records)), whereSeveralWrite(one, arranged));
};
