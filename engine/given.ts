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

/** An async function answers a promise: a predicate of that kind lets everything through, and what it throws comes when
 *  its record has been committed. Types let it through where nothing is answered. */
export const isAsync = (value: unknown): boolean =>
  typeof value === 'function' && Object.prototype.toString.call(value).startsWith('[object Async');

/** What to do instead. */
export const asyncHint =
  'A topology never awaits: have what it needs in a table or a store, or wait for it outside and write it to a topic.';

/** Refuses whatever of these is not a function, or an async one: they are named as in the signature of the method. */
export const requireFunctions = (method: string, functions: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(functions)) {
    if (typeof value !== 'function') throw notGiven(`${method}: "${name}" has to be a function`, value);
    if (isAsync(value))
      throw new UserError('DSL_ARGUMENT_INVALID', `${method}: "${name}" cannot be async`, { hint: asyncHint });
  }
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
