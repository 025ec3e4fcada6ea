/** What a worker builds topologies by in the tests: the plan is the name of one of theirs. */

import type { Topology } from '../../../engine/index.ts';
import {
  clicksByWindows,
  closingClicks,
  enriched,
  explained,
  hoard,
  joinedEvents,
  mergedCounts,
  mergedWindows,
  minuteSums,
  ordersOfCustomers,
  taps,
  titledVisits,
  wordCount,
} from './topologies.ts';

export type TestPlan =
  | { readonly name: 'count'; readonly repartition: boolean }
  | { readonly name: 'sums'; readonly graceMs: number }
  | { readonly name: 'enriched' }
  | { readonly name: 'explained' }
  | { readonly name: 'orders' }
  | { readonly name: 'titled' }
  | { readonly name: 'clicks' }
  | { readonly name: 'closing' }
  | { readonly name: 'taps' }
  | { readonly name: 'joins' }
  | { readonly name: 'merged' }
  | { readonly name: 'merged windows' }
  /** Ends its thread while it is built, the first `times` times (1). */
  | { readonly name: 'exit'; readonly once: Int32Array; readonly times?: number }
  /** Takes all the memory of its thread when it meets the word `boom`. */
  | { readonly name: 'hoard' };

export const topologyOf = (plan: TestPlan): Topology => {
  switch (plan.name) {
    case 'count':
      return wordCount(plan);
    case 'sums':
      return minuteSums(plan.graceMs);
    case 'exit':
      if (Atomics.add(plan.once, 0, 1) < (plan.times ?? 1)) process.exit(3);
      return wordCount({ repartition: false });
    case 'hoard':
      return hoard();
    case 'explained':
      return explained();
    case 'orders':
      return ordersOfCustomers();
    case 'titled':
      return titledVisits();
    case 'taps':
      return taps();
    case 'clicks':
      return clicksByWindows();
    case 'merged':
      return mergedCounts();
    case 'merged windows':
      return mergedWindows();
    case 'joins':
      return joinedEvents();
    case 'closing':
      return closingClicks();
    case 'enriched':
      return enriched(true);
  }
};

export default (plan: unknown): Topology => topologyOf(plan as TestPlan);
