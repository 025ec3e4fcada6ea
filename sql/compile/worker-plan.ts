/** What a worker thread gets of a query: its plan, and where the modules of user functions that it names are. */

import type { ModulePlace } from '../functions/module.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import { modulesIn } from '../plan/modules.ts';
import type { PhysicalPlan } from '../plan/plan.ts';

export interface WorkerPlan {
  readonly plan: PhysicalPlan;
  readonly modules: readonly ModulePlace[];
}

/** Raises FUNCTION_MODULE_MISSING where a module that the plan names is not loaded. */
export const workerPlan = (plan: PhysicalPlan, functions: FunctionRegistry): WorkerPlan => ({
  plan,
  modules: functions.placesOf(modulesIn(plan)),
});
