/**
 * Whether a plan can take the place of one that runs (CREATE OR REPLACE): its records in internal topics and the entries
 * of its stores must mean to the new one what they meant to the old one.
 *
 * Both plans are walked from their ends down, side by side. Steps that keep nothing (filters and projections) are left
 * out: they may come, go and change. The others have to pair up, with the same parts (`StepDefinition.kept`). A plan
 * with any other kind of step cannot be replaced.
 */

import { type Position, UserError } from '../../base/index.ts';
import { type PhysicalPlan, type Step, stepDefinitionOf, stepsBelow } from './plan.ts';
import type { KeptParts } from './steps/definition.ts';

/** Throws `SQL_NOT_REPLACEABLE`, with the step that does not match and what differs in it. */
export const checkReplacement = (id: string, before: PhysicalPlan, after: PhysicalPlan, at: Position): void => {
  const refusal = (why: string): UserError =>
    new UserError('SQL_NOT_REPLACEABLE', `the query ${id} cannot be replaced: ${why}`, {
      at,
      hint: 'Conditions may change, and columns may be added at the end. For anything else DROP it and create it again.',
    });
  const [old, fresh] = [before, after].map((plan) => keptSteps(plan.root, refusal)) as [Kept[], Kept[]];
  for (let i = 0; i < Math.max(old.length, fresh.length); i++) {
    const [was, is] = [old[i], fresh[i]];
    if (was === undefined && is !== undefined) throw refusal(`the step ${named(is.step)} is new`);
    if (is === undefined && was !== undefined) throw refusal(`the step ${named(was.step)} is missing`);
    if (was === undefined || is === undefined) continue;
    if (was.step.kind !== is.step.kind) {
      throw refusal(`in the place of the step ${named(was.step)} stands ${named(is.step)}`);
    }
    for (const part of Object.keys({ ...was.parts, ...is.parts })) {
      const [from, to] = [was.parts[part] ?? 'nothing', is.parts[part] ?? 'nothing'];
      if (from !== to) throw refusal(`the step ${named(was.step)} must keep its ${part}: ${from}, and not ${to}`);
    }
  }
  for (const [store, hash] of Object.entries(before.stores)) {
    if (after.stores[store] === hash) continue;
    throw refusal(`the rows that it keeps in the store ${store} would have other columns`);
  }
};

interface Kept {
  readonly step: Step;
  readonly parts: KeptParts;
}

const keptSteps = (step: Step, refusal: (why: string) => UserError): Kept[] => {
  const parts = stepDefinitionOf(step).kept?.(step);
  if (parts === undefined) throw refusal(`a query with the step ${named(step)} is not replaced`);
  const below = stepsBelow(step).flatMap((one) => keptSteps(one, refusal));
  return parts === 'nothing' ? below : [{ step, parts }, ...below];
};

const named = ({ id, kind }: Step): string => `${id} (${kind})`;
