/** A source is a scan to begin with: the steps right above it may be fused into it. */

import type { StepOf } from '../../plan/plan.ts';
import type { Built } from '../builder.ts';

export const buildSource = (step: StepOf<'streamSource'>): Built => ({
  kind: 'scan',
  step,
  filters: [],
  items: undefined,
  schema: step.schema,
});
