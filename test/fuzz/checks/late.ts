/** A query that is made when its topics are full reads them from their start. Joins are left out: their sides are read
 *  in another order then. */

import { whereSeveralWrite } from './batches.ts';
import type { Check } from './case.ts';
import { byKey, difference } from './compare.ts';
import { base } from './driver.ts';
import { withLive } from './live.ts';

export const late: Check = async (one) => {
  if (one.queries.some((query) => / JOIN /.test(query))) return undefined;
  const result = await withLive(one, {}, async (live) => {
    await live.feed(one.history, 'together');
    for (const query of one.queries) await live.execute(query);
    await live.idle();
    return live.result();
  });
  return result && difference(base(one).result, result, whereSeveralWrite(one, byKey));
};
