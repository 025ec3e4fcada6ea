/**
 * Arguments that types forbid, and JavaScript lets through: a function or a serde that is not there would fail with
 * each record, long after the topology was made.
 */

import { UserError } from '../base/index.ts';

const hint = 'Give it one; null and undefined often come from a misspelt import or property.';

const shown = (value: unknown): string => {
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'an object') : String(value);
};

/** `what` is not what it has to be: `DSL_ARGUMENT_INVALID`. */
export const notGiven = (what: string, value: unknown): UserError =>
  new UserError('DSL_ARGUMENT_INVALID', `${what}, not ${shown(value)}`, { hint });

/** Refuses whatever of these is not a function: they are named as in the signature of the method. */
export const requireFunctions = (method: string, functions: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(functions))
    if (typeof value !== 'function') throw notGiven(`${method}: "${name}" has to be a function`, value);
};

/** Refuses a name that is no text. */
export const requireName = (method: string, name: unknown): void => {
  if (typeof name !== 'string') throw notGiven(`${method} needs a name`, name);
};

/** Refuses options without these serdes. */
export const requireSerdes = <Name extends string>(
  method: string,
  options: { readonly [name in Name]: unknown },
  ...names: readonly Name[]
): void => {
  // Options that were left out have none.
  const given: { readonly [name in Name]?: unknown } = options ?? {};
  for (const name of names) {
    const serde = given[name];
    if (typeof serde === 'object' && serde !== null && 'write' in serde && 'read' in serde) continue;
    throw new UserError('DSL_SERDE_MISSING', `${method}: "${name}" has to be a serde, not ${shown(serde)}`, {
      hint: `Give it in the options, as { ${name}: serdes.string }.`,
    });
  }
};
