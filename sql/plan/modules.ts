/** The modules of user functions that a plan calls: they have to be loaded before it can be compiled. */

import type { ModuleId } from '../functions/module.ts';

/** Each module once. The plan is searched as JSON, whatever its steps are, so that no kind of step can be forgotten: a
 *  call is what has a signature and a module. */
export const modulesIn = (plan: unknown): readonly ModuleId[] => {
  const found = new Map<string, ModuleId>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    if ('signature' in part && 'module' in part && isModuleId(part.module)) {
      found.set(`${part.module.name} ${part.module.version}`, part.module);
    }
    for (const each of Object.values(part)) visit(each);
  };
  visit(plan);
  return [...found.values()];
};

const isModuleId = (given: unknown): given is ModuleId =>
  typeof given === 'object' &&
  given !== null &&
  'name' in given &&
  typeof given.name === 'string' &&
  'version' in given &&
  typeof given.version === 'string';
