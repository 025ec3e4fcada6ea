/** What a worker builds topologies by in the tests: the plan is the name of one of theirs. */

import type { Topology } from '../../../engine/index.ts';
import { enriched, explained, minuteSums, wordCount } from './topologies.ts';

export type TestPlan =
  | { readonly name: 'count'; readonly repartition: boolean }
  | { readonly name: 'sums'; readonly graceMs: number }
  | { readonly name: 'enriched' }
  | { readonly name: 'explained' }
  | { readonly name: 'exit'; readonly once: Int32Array };

export const topologyOf = (plan: TestPlan): Topology => {
  switch (plan.name) {
    case 'count':
      return wordCount(plan);
    case 'sums':
      return minuteSums(plan.graceMs);
    case 'exit':
      // Takes its thread along, the first time.
      if (Atomics.exchange(plan.once, 0, 1) === 0) process.exit(3);
      return wordCount({ repartition: false });
    case 'explained':
      return explained();
    case 'enriched':
      return enriched(true);
  }
};

export default (plan: unknown): Topology => topologyOf(plan as TestPlan);
