/** A stream into which two queries write holds what each of them would write alone. */

import { type Case, type Check, insertsOf } from './case.ts';
import { firstDifference, inAnyOrder } from './compare.ts';
import { base, eachAlone, runOf } from './driver.ts';

export const insert: Check = (one: Case) => {
  if (insertsOf(one).length === 0) return undefined;
  const { planned, records, result } = base(one);
  const alone = planned.plans
    .filter(({ root }) => 'topic' in root && root.topic === 'Q1')
    .map((plan) => runOf(planned, [plan], eachAlone(records)));
  if ([result, ...alone].some(({ error }) => error !== undefined)) return undefined;
  const lines = alone.flatMap((each) => each.lines.get('Q1') ?? []);
  return firstDifference('Q1', inAnyOrder(lines), inAnyOrder(result.lines.get('Q1') ?? []));
};
