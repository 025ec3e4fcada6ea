/**
 * How a worker thread makes topologies: the default export makes one of the plan of a query (`worker-plan.ts`).
 *
 * Functions of users are loaded here too, from the files that the main thread loaded them from: those of a query's
 * modules before its plan is compiled. A module that cannot be loaded, or is not the version that the plan names, is an
 * error of that query alone. Calls of their code are marked where they have limits: the thread that started this one
 * watches the mark.
 */

import { UserError } from '../../base/index.ts';
import type { Topology, UserCalls } from '../../engine/index.ts';
import { loadFormats } from '../formats/index.ts';
import { WriterSchemas } from '../formats/writer-schemas.ts';
import { callNumber } from '../functions/call-number.ts';
import type { FunctionContext } from '../functions/define.ts';
import { builtInFunctions } from '../functions/index.ts';
import { type Guard, loadModule, type ModulePlace, printModule } from '../functions/module.ts';
import { formatsIn } from '../plan/formats.ts';
import { readPlan } from '../plan/read-plan.ts';
import { askSchemas, type Port } from '../registry/port.ts';
import { ScanRegistry } from './scan-view.ts';
import { compileTopology } from './topology.ts';
import type { WorkerPlan } from './worker-plan.ts';

const functions = builtInFunctions();

/** Shared by all queries of this thread: each column of a block is parsed once. */
const scans = new ScanRegistry();

/** By name and version. */
const loading = new Map<string, Promise<void>>();

const load = async (place: ModulePlace, userCalls?: UserCalls): Promise<void> => {
  const marked: Guard = (index, call) => {
    userCalls?.begin(callNumber(place.number, index));
    try {
      return call();
    } finally {
      userCalls?.end();
    }
  };
  const loaded = await (place.limited ? loadModule(place.url, marked) : loadModule(place.url));
  if (printModule(loaded) !== printModule(place)) {
    throw new UserError(
      'FUNCTION_MODULE_MISSING',
      `the file ${place.url} was the module ${printModule(place)} when it was loaded first, and is ${printModule(loaded)} now`,
      { hint: 'Start again, with a file of its own for each version.' },
    );
  }
  functions.addModuleForPlans(loaded);
};

/** Of the registry in the thread that started this one. */
let schemas: WriterSchemas | undefined;

const build = async (
  { plan, modules }: WorkerPlan,
  world: FunctionContext & { readonly userCalls?: UserCalls },
  port?: Port,
): Promise<Topology> => {
  if (port !== undefined) schemas ??= new WriterSchemas(askSchemas(port));
  for (const place of modules) {
    const key = printModule(place);
    let loaded = loading.get(key);
    if (loaded === undefined) {
      loaded = load(place, world.userCalls);
      loading.set(key, loaded);
      // The file may be there the next time.
      loaded.catch(() => loading.delete(key));
    }
    await loaded;
  }
  const read = readPlan(plan);
  await loadFormats(formatsIn(read));
  return compileTopology(read, { functions, context: world, scans, schemas });
};

export default build;
