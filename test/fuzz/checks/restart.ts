/** A query that is stopped in the middle of the history, and started again from what it has committed, writes what one
 *  that was not stopped writes; also where its stores have to be restored from their changelogs. */

import { whereSeveralWrite } from './batches.ts';
import type { Case, Check } from './case.ts';
import { byKey, difference, type Result } from './compare.ts';
import { base } from './driver.ts';
import { type Live, withLive } from './live.ts';

const stopped = (one: Case, again: (live: Live) => Promise<void>): Promise<Result> =>
  withLive(one, {}, async (live) => {
    const middle = Math.floor(one.history.length / 2);
    for (const query of one.queries) await live.execute(query);
    await live.feed(one.history.slice(0, middle));
    await again(live);
    await live.feed(one.history.slice(middle));
    return live.result();
  });

export const restart: Check = async (one) =>
  difference(base(one).result, await stopped(one, (live) => live.restart()), whereSeveralWrite(one, byKey));

export const restore: Check = async (one) =>
  difference(base(one).result, await stopped(one, (live) => live.restart('state')), whereSeveralWrite(one, byKey));
