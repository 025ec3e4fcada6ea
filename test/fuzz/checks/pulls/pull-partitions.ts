/** Topics of one partition, and of three. Which windows are closed and what is late depends on the partitions, and rows
 *  are read partition after partition. */

import { type Case, type Check, usesTime } from '../case.ts';
import { type Live, parsedQuery, withLive } from '../live.ts';
import { aggregatesIn, sameRows } from './relation.ts';

const manyPartitions = 3;

/** Aggregates that give the same over rows in any order. */
const anyOrder: ReadonlySet<string> = new Set(['COUNT', 'COUNT_DISTINCT', 'MIN', 'MAX']);

const dependsOnOrder = (text: string): boolean =>
  /\b(?:LIMIT|OFFSET|ROWOFFSET|ROWPARTITION)\b/.test(text) ||
  [...aggregatesIn(parsedQuery(text))].some((name) => !anyOrder.has(name));

export const pullPartitions: Check = async (one: Case) => {
  const asked = one.pulls.filter((text) => !dependsOnOrder(text));
  if (asked.length === 0 || usesTime(one)) return undefined;
  const answers = (partitions: number): Promise<(readonly string[] | undefined)[] | undefined> =>
    withLive(one, { partitions }, async (live: Live) => {
      for (const query of one.queries) await live.execute(query);
      await live.feed(one.history);
      const all: (readonly string[] | undefined)[] = [];
      for (const text of asked) all.push(await live.ask(parsedQuery(text)));
      return all;
    });
  const single = await answers(1);
  const several = await answers(manyPartitions);
  if (single === undefined || several === undefined) return undefined;
  for (const [i, text] of asked.entries()) {
    const [rows, others] = [single[i], several[i]];
    if (rows === undefined && others === undefined) continue;
    const found = sameRows('one partition, and three', rows ?? ['refused'], others ?? ['refused']);
    if (found !== undefined) return `${text}\n${found}`;
  }
  return undefined;
};
