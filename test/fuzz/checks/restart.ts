/** A query that is stopped in the middle of the history, and started again from what it has committed, has the rows
 *  that it had, and writes what one that was not stopped writes; also where its stores have to be restored from their
 *  changelogs. */

import { whereSeveralWrite } from './batches.ts';
import { type Check, joinsResults } from './case.ts';
import { byKey, difference, firstDifference } from './compare.ts';
import { base } from './driver.ts';
import { type Live, withLive } from './live.ts';

const stopped =
  (again: (live: Live) => Promise<void>): Check =>
  (one) =>
    withLive(one, {}, async (live) => {
      if (joinsResults(one)) return undefined;
      const middle = Math.floor(one.history.length / 2);
      for (const query of one.queries) await live.execute(query);
      await live.feed(one.history.slice(0, middle));
      const before = await live.tables();
      await again(live);
      const found = firstDifference('rows of tables before, and behind the start', before, await live.tables());
      if (found !== undefined) return found;
      await live.feed(one.history.slice(middle));
      return difference(base(one).result, await live.result(), whereSeveralWrite(one, byKey));
    });

export const restart = stopped((live) => live.restart());

export const restore = stopped((live) => live.restart('state'));
