/**
 * Plans as they come back from the statement log or from another thread: checked, and brought to the version of this
 * build by one function per version.
 */

import { UserError } from '../../base/index.ts';
import { type PhysicalPlan, planVersion, type Step, stepsBelow } from './plan.ts';
import { stepDefinitions } from './steps/index.ts';
import { checkStoreHashes } from './store-schema.ts';
import { upgradeVersion1 } from './upgrade-version-1.ts';

/** What is not a plan of a version that this build knows is refused with `SQL_PLAN_UNREADABLE` or
 *  `SQL_PLAN_VERSION`. */
export const readPlan = (data: unknown): PhysicalPlan => {
  if (!isObject(data) || typeof data['version'] !== 'number') {
    throw new UserError('SQL_PLAN_UNREADABLE', 'the entry of the statement log holds no plan');
  }
  const { version } = data;
  if (version !== 1 && version !== planVersion) {
    throw new UserError(
      'SQL_PLAN_VERSION',
      `the plan has version ${version}, and this build reads versions 1 to ${planVersion}`,
      { hint: 'It was written by a newer Millrace: run that one, or make the query again.' },
    );
  }
  checkStep(data['root']);
  // The steps are of kinds that this build knows, each over as many inputs as it needs. Their other members are not
  // checked: this build wrote them, or an older one.
  if (version === 1) return upgradeVersion1((data as { readonly root: Step }).root);
  const plan = data as unknown as PhysicalPlan;
  checkStoreHashes(plan);
  return plan;
};

const isObject = (data: unknown): data is Record<string, unknown> => typeof data === 'object' && data !== null;

const checkStep = (data: unknown): void => {
  if (!isObject(data) || typeof data['kind'] !== 'string') throw unreadable('a step of the plan is missing');
  if (!Object.hasOwn(stepDefinitions, data['kind'])) {
    throw unreadable(`the plan has a step of the unknown kind "${data['kind']}"`);
  }
  const { id, schema } = data;
  if (typeof id !== 'string' || !isObject(schema) || !Array.isArray(schema['key']) || !Array.isArray(schema['value'])) {
    throw unreadable(`a ${data['kind']} of the plan has no id or no schema`);
  }
  for (const below of stepsBelow(data as unknown as Step)) checkStep(below);
};

const unreadable = (sentence: string): UserError =>
  new UserError('SQL_PLAN_UNREADABLE', sentence, {
    hint: 'It was written by a newer Millrace: run that one, or make the query again.',
  });
