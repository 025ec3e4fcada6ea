/** Running a case by the test driver: in memory, on this thread, with no log and no clock. */

import { UserError } from '../../../base/index.ts';
import type { PhysicalPlan } from '../../../sql/index.ts';
import { type Piped, runPlans } from '../../sql/support/running.ts';
import { recordOf } from '../sources.ts';
import type { Case } from './case.ts';
import { type Line, lineOf, type Result } from './compare.ts';
import { functions, type Planned, planned } from './planned.ts';

/** All queries of the case. */
export const resultOf = (planned: Planned, groups: readonly (readonly Piped[])[], partitions = 1): Result =>
  runOf(planned, planned.plans, groups, partitions);

/** Some of its queries. */
export const runOf = (
  planned: Planned,
  plans: readonly PhysicalPlan[],
  groups: readonly (readonly Piped[])[],
  partitions = 1,
): Result => {
  const options = { functions, schemas: planned.writers(), partitions };
  try {
    const { written, drops } = runPlans(plans, groups, options);
    const lines = new Map<string, Line[]>();
    for (const [topic, { records, windowed }] of written) {
      lines.set(
        topic,
        records.map((record) => lineOf(record, windowed)),
      );
    }
    return { lines, drops };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { lines: new Map(), drops: [], error: `${error.code}: ${error.message}` };
  }
};

export const eachAlone = (records: readonly Piped[]): Piped[][] => records.map((record) => [record]);

/** What several checks of a case compare with, made once. */
interface Plainest {
  readonly planned: Planned;
  readonly records: readonly Piped[];
  /** One partition, a record at a time. */
  readonly result: Result;
}

const plainest = new WeakMap<Case, Plainest>();

export const base = (one: Case): Plainest => {
  let known = plainest.get(one);
  if (known === undefined) {
    const own = planned(one);
    const records = one.history.map(recordOf);
    known = { planned: own, records, result: resultOf(own, eachAlone(records)) };
    plainest.set(one, known);
  }
  return known;
};

/** Records of one topic that follow each other, together. */
export const inBatches = (records: readonly Piped[]): Piped[][] => {
  const groups: Piped[][] = [];
  for (const record of records) {
    const group = groups.at(-1);
    if (group?.[0]?.topic === record.topic) group.push(record);
    else groups.push([record]);
  }
  return groups;
};
