/**
 * The physical plan: the steps that a query runs, as plain data.
 *
 * A plan is written to the statement log, goes to worker threads, and is applied at every start without being made
 * again: it is versioned, it is JSON, and it stays as it is when the planner gets better. Steps form a tree,
 * each over the step that feeds it; columns are referred to by slot in the schema of that step, functions by the
 * signature that was chosen.
 *
 * `id` names a step within its plan: in the processing log, in the topology, in `EXPLAIN`. `store` and `repartition`
 * become part of the names of internal topics and therefore must never change for a plan that runs.
 *
 * A row is the value columns of the step's schema. Keys stay bytes in the step's key format (`keyFormat` is given where
 * a key is made, and holds until another is made); the sink writes them as they are when its own format is the same. A
 * key of several columns has their names in its bytes: they are those of the result from the moment the key is made,
 * whatever the steps between call the columns.
 */

import { assert } from '../../base/index.ts';
import { windowText } from '../analyze/logical.ts';
import type { FormatChoice } from '../formats/choices.ts';
import { type Column, printSchema, type Schema } from '../types/schema.ts';
import type { KeysMade, StepDefinition, Stored } from './steps/definition.ts';
import { type Step, type StepOf, stepDefinitions } from './steps/index.ts';
import type { SourceStep } from './steps/source.ts';

export type { Step, StepOf };

export const planVersion = 2;

export interface PhysicalPlan {
  readonly version: typeof planVersion;
  readonly root: Step;
  /** What the stores hold: a hash by the name of the store (`store-schema.ts`). */
  readonly stores: Readonly<Record<string, string>>;
}

/** The definition that belongs to the step's kind. */
export const stepDefinitionOf = (step: Step): StepDefinition<Step, Step> => stepDefinitions[step.kind];

/** The steps that feed this one, in the order of the text of the query: left before right. */
export const stepsBelow = (step: Step): readonly Step[] => stepDefinitionOf(step).inputs(step);

/** Every step, those below first. */
export const allSteps = (step: Step): readonly Step[] => [...stepsBelow(step).flatMap(allSteps), step];

/** The sources that it reads, in the order of the text of the query: left before right. */
export const sourcesOf = (plan: PhysicalPlan): readonly SourceStep[] =>
  allSteps(plan.root).filter((step): step is SourceStep => step.kind === 'streamSource' || step.kind === 'tableSource');

/** The step that made the keys behind this one, or wrote them again. */
const keyMakerOf = (step: Step): { readonly step: Step; readonly keys: KeysMade<Step> } => {
  const { keys } = stepDefinitionOf(step);
  if (keys !== 'passed') return { step, keys };
  const [input] = stepsBelow(step);
  assert(input !== undefined, `${step.kind} passes on the keys of its input`);
  return keyMakerOf(input);
};

/** The format in which the keys behind this step lie. */
export const keyFormatOf = (step: Step): FormatChoice => {
  const maker = keyMakerOf(step);
  return maker.keys.format(maker.step);
};

/** The key columns behind this step under the names that they have in the key's bytes. */
export const keyColumnsOf = (step: Step): readonly Column[] => {
  const maker = keyMakerOf(step);
  return maker.keys.columns(maker.step);
};

/** The step's schema with its key as the bytes have it: what a reader of the step's records has to know. */
export const keyedSchema = (step: Step): Schema => ({ ...step.schema, key: keyColumnsOf(step) });

/** The same steps, the key of which has these names in its bytes. */
export const withKeyNames = (step: Step, names: readonly string[]): Step => {
  const { keys, withInputs } = stepDefinitionOf(step);
  if (keys !== 'passed') return keys.renamed(step, names);
  const [first, ...others] = stepsBelow(step);
  assert(first !== undefined, `${step.kind} passes on the keys of its input`);
  return withInputs(step, [withKeyNames(first, names), ...others]);
};

/** The step whose store has the rows of the table behind this one; none where they are not kept. */
export const keeperOf = (step: Step): Step | undefined => {
  const { lookup } = stepDefinitionOf(step);
  if (lookup === 'own store') return step;
  const [input] = stepsBelow(step);
  return lookup === 'none' || input === undefined ? undefined : keeperOf(input);
};

/** What the step's stores hold. */
export const storedBy = (step: Step): readonly Stored<Step>[] => stepDefinitionOf(step).stored?.(step) ?? [];

/** The plan as text for the statement log and the golden files: two spaces, fields in the order in which they were
 *  made. */
export const writePlan = (plan: PhysicalPlan): string => `${JSON.stringify(plan, null, 2)}\n`;

/** The plan as a tree, the last step first. */
export const printPlan = (step: Step, indent = ''): string => {
  const details = stepDefinitionOf(step).print(step);
  const lines = [
    `${indent}[${step.id}] ${step.kind}${details === '' ? '' : ` ${details}`}`,
    `${indent}    -> ${printSchema(step.schema)}${windowText(step.schema.windowed)}`,
  ];
  for (const below of stepsBelow(step)) lines.push(printPlan(below, `${indent}  `));
  return lines.join('\n');
};
