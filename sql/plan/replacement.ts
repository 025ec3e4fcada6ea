/**
 * Whether a plan can take the place of one that runs (CREATE OR REPLACE): its records in internal topics and the
 * entries of its stores must mean to the new one what they meant to the old one.
 *
 * Both plans are walked from their ends down, side by side. Steps that keep nothing (filters and projections) are left
 * out: they may come, go and change. The others have to pair up, with the same parts (`StepDefinition.kept`). A plan
 * with any other kind of step cannot be replaced.
 *
 * A table that keeps the rows of its result may get columns behind those that it has. The rows that are there stay as
 * they are, and are read with NULL in the new columns until they change (`SinkStep.formerRows`).
 */

import { type Position, UserError } from '../../base/index.ts';
import { type PhysicalPlan, type Step, type StepOf, stepDefinitionOf, stepsBelow } from './plan.ts';
import type { KeptParts } from './steps/definition.ts';
import { storeHashesOf } from './store-schema.ts';

/** The plan with what it has to know of the former one. Throws `SQL_NOT_REPLACEABLE`, with the step that does not match
 *  and what differs in it. */
export const replacementOf = (id: string, before: PhysicalPlan, made: PhysicalPlan, at: Position): PhysicalPlan => {
  const refusal = (why: string): UserError =>
    new UserError('SQL_NOT_REPLACEABLE', `the query ${id} cannot be replaced: ${why}`, {
      at,
      hint: 'Conditions may change, and columns may be added at the end. For anything else DROP it and create it again.',
    });
  const after = withFormerRows(before, made);
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
    if (store === storeOfResult(after) && isGrown(before, after)) continue;
    throw refusal(`the rows that it keeps in the store ${store} would have other columns`);
  }
  return after;
};

type TableSink = StepOf<'tableSink'>;

/** The store with the rows of the result, where there is one. */
const storeOfResult = ({ root }: PhysicalPlan): string | undefined =>
  root.kind === 'tableSink' ? root.store : undefined;

const columnsOf = ({ from }: TableSink): number => from.schema.value.length;

const withRoot = (plan: PhysicalPlan, root: TableSink): PhysicalPlan => ({
  ...plan,
  root,
  stores: storeHashesOf(root),
});

/** The plan with the rows that the store of the result had. */
const withFormerRows = (before: PhysicalPlan, after: PhysicalPlan): PhysicalPlan => {
  const { root } = after;
  const store = storeOfResult(before);
  if (before.root.kind !== 'tableSink' || root.kind !== 'tableSink') return after;
  if (store === undefined || root.store !== store) return after;
  const former = [...(before.root.formerRows ?? [])];
  const columns = columnsOf(before.root);
  if (columnsOf(root) > columns) former.push({ columns, schemaHash: before.stores[store] as string });
  return former.length === 0 ? after : withRoot(after, { ...root, formerRows: former });
};

/** Whether the rows of the result are those of before, with columns behind. */
const isGrown = (before: PhysicalPlan, after: PhysicalPlan): boolean => {
  const { root } = after;
  if (before.root.kind !== 'tableSink' || root.kind !== 'tableSink' || root.store === undefined) return false;
  const { from } = root;
  const value = from.schema.value.slice(0, columnsOf(before.root));
  const narrow: TableSink = {
    ...root,
    formerRows: before.root.formerRows,
    from: { ...from, schema: { ...from.schema, value } },
  };
  return storeHashesOf(narrow)[root.store] === before.stores[root.store];
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
