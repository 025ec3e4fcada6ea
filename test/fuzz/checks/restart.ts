/** A query that is stopped in the middle of the history, and started again from what it has committed, writes what one
 *  that was not stopped writes; also where its stores have to be restored from their changelogs. */

import { whereSeveralWrite } from './batches.ts';
import { type Check, joinsResults } from './case.ts';
import { byKey, difference } from './compare.ts';
import { base } from './driver.ts';
import { type Live, withLive } from './live.ts';

const stopped =
  (again: (live: Live) => Promise<void>): Check =>
  async (one) => {
    if (joinsResults(one)) return undefined;
    const result = await withLive(one, {}, async (live) => {
      const middle = Math.floor(one.history.length / 2);
      for (const query of one.queries) await live.execute(query);
      await live.feed(one.history.slice(0, middle));
      await again(live);
      await live.feed(one.history.slice(middle));
      return live.result();
    });
    return difference(base(one).result, result, whereSeveralWrite(one, byKey));
  };

export const restart = stopped((live) => live.restart());

export const restore = stopped((live) => live.restart('state'));
