/** Laws of the definitions of steps, over the golden plans; and plans of steps that this build does not know. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allSteps } from '../../../sql/plan/plan.ts';
import { readPlan } from '../../../sql/plan/read-plan.ts';
import type { StepDefinition } from '../../../sql/plan/steps/definition.ts';
import { type Step, stepDefinitions } from '../../../sql/plan/steps/index.ts';

const golden = join(import.meta.dirname, 'golden');
const plans = readdirSync(golden)
  .filter((name) => name.endsWith('.json'))
  .map((name) => readPlan(JSON.parse(readFileSync(join(golden, name), 'utf8'))));
const steps = plans.flatMap((plan) => allSteps(plan.root));

test('a step over its own inputs is the same step', () => {
  for (const step of steps) {
    const definition: StepDefinition<Step, Step> = stepDefinitions[step.kind];
    expect(definition.withInputs(step, definition.inputs(step))).toEqual(step);
  }
});

test('the golden plans have a step of every kind, but for the end of a query whose rows go to a client', () => {
  const kinds = new Set<string>([...steps.map((step) => step.kind), 'result']);
  expect(kinds).toEqual(new Set(Object.keys(stepDefinitions)));
});

test('a plan with a step that this build does not know is refused', () => {
  const step = { kind: 'streamUnion', id: 'Join', schema: { key: [], value: [] } };
  const root = { kind: 'result', id: 'Result', from: step, schema: { key: [], value: [] } };
  expect(() => readPlan({ version: 1, root })).toThrow('the plan has a step of the unknown kind "streamUnion"');
});
