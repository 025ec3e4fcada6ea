/**
 * Plans of version 1 named the functions of an aggregate, but not what they keep, and had no hashes of their stores.
 *
 * What the functions kept at that time is written down here and stays as it is, whatever later functions of the same
 * names keep: a query of version 1 has state of that form.
 */

import { UserError } from '../../base/index.ts';
import type { AggregateCall } from '../analyze/logical.ts';
import { arrayOf, bigintType, booleanType, doubleType, type SqlType } from '../types/type.ts';
import { type PhysicalPlan, planVersion, type Step, stepDefinitionOf, stepsBelow } from './plan.ts';
import { storeHashesOf } from './store-schema.ts';

type CallOfVersion1 = Omit<AggregateCall, 'slots'>;

/** Types of the slots that the functions of version 1 kept; `result` is the type of the call. */
const slotsOfVersion1: Readonly<Record<string, (result: SqlType, call: CallOfVersion1) => readonly SqlType[]>> = {
  COUNT: () => [bigintType],
  SUM: (result) => [result],
  AVG: (_, { args: [argument] }) => [argument?.type ?? bigintType, bigintType],
  MAX: (result) => [result],
  MIN: (result) => [result],
  COLLECT_LIST: (result) => [result],
  COLLECT_SET: (result) => [result],
  TOPK: (result) => [result],
  TOPKDISTINCT: (result) => [result],
  HISTOGRAM: (result) => [result],
  ATTR: (result) => [arrayOf(result), arrayOf(bigintType)],
  LATEST_BY_OFFSET: (result) => [result],
  // One value and whether there was one; or the first n.
  EARLIEST_BY_OFFSET: (result, { args }) =>
    args.slice(1).some(({ type }) => type.kind === 'INTEGER') ? [result] : [result, booleanType],
  STDDEV_SAMP: () => [doubleType, doubleType, doubleType],
  STDDEV_SAMPLE: () => [doubleType, doubleType, doubleType],
  CORRELATION: () => new Array<SqlType>(6).fill(doubleType),
  SUM_LIST: (result) => [result],
};

export const upgradeVersion1 = (root: Step): PhysicalPlan => {
  const upgraded = upgradedStep(root);
  return { version: planVersion, root: upgraded, stores: storeHashesOf(upgraded) };
};

const upgradedStep = (step: Step): Step => {
  const over = stepDefinitionOf(step).withInputs(step, stepsBelow(step).map(upgradedStep));
  return 'aggregates' in over ? { ...over, aggregates: over.aggregates.map(upgradedCall) } : over;
};

const upgradedCall = (call: CallOfVersion1): AggregateCall => {
  const slots = slotsOfVersion1[call.function.toUpperCase()];
  if (slots === undefined) {
    throw new UserError('SQL_PLAN_UNREADABLE', `the plan of version 1 has the unknown aggregate "${call.function}"`, {
      hint: 'Drop the query and create it again.',
    });
  }
  return { ...call, slots: slots(call.type, call) };
};
