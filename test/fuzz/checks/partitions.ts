/** Where windows close, records far in the future follow: on each partition, so that all come as far. What is made of
 *  them does not count. Which records are late depends on the partitions, so histories have an order then; and so does
 *  what a window that closes meets: another join, another window, or what else is written or added up at that time.
 *  Keys made of ROWTIME are other ones for records of the future, which then come to another partition than the window.
 *  Between two aggregates of tables a row that leaves one group and comes to another makes two changes, which have no
 *  order between them. */

import { recordOf } from '../sources.ts';
import { type Check, isOrdered, usesTime } from './case.ts';
import { byKey, difference, inAnyOrder, type Result } from './compare.ts';
import { base, eachAlone, resultOf } from './driver.ts';

const manyPartitions = 3;

export const partitions: Check = (one) => {
  const text = one.queries.join('\n');
  if (usesTime(one) && (!isOrdered(one) || /\bWITHIN\b[^]*\b(?:JOIN|WINDOW|GRACE[^]*GROUP BY)\b/.test(text)))
    return undefined;
  if (usesTime(one) && /\b(?:GROUP|PARTITION) BY\b.*\bROWTIME\b/.test(text)) return undefined;
  if (/^CREATE TABLE.*GROUP BY.*\n.*GROUP BY/.test(text)) return undefined;
  const end = Math.max(0, ...one.history.map(({ timestamp }) => timestamp)) + 30 * 86_400_000;
  const last = usesTime(one) ? one.history.filter(({ damage, value }) => damage === undefined && value !== null) : [];
  const runOn = (count: number): Result => {
    const closing = last.flatMap((event, i) =>
      Array.from({ length: manyPartitions }, (_, partition) => ({
        ...recordOf({ ...event, timestamp: end + i }),
        partition: partition % count,
      })),
    );
    const { lines, ...rest } = resultOf(base(one).planned, eachAlone([...base(one).records, ...closing]), count);
    const before = [...lines].map(([topic, list]) => [topic, list.filter(({ timestamp }) => timestamp < end)] as const);
    return { ...rest, lines: new Map(before) };
  };
  return difference(runOn(1), runOn(manyPartitions), usesTime(one) ? inAnyOrder : byKey);
};
