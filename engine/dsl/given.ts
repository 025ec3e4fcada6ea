/**
 * Arguments of the DSL's methods that types forbid, and JavaScript lets through: a function that is not there would
 * fail with each record, long after the topology was made.
 */

import { UserError } from '../../base/index.ts';
import { SessionWindows } from './session-windows.ts';
import { SlidingWindows } from './sliding-windows.ts';
import { TimeWindows } from './time-windows.ts';
import { UnlimitedWindows } from './unlimited-windows.ts';

const hint = 'Give it one; null and undefined often come from a misspelt import or property.';

const shown = (value: unknown): string => {
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'an object') : String(value);
};

/** Refuses whatever of these is not a function: they are named as in the signature of the method. */
export const requireFunctions = (method: string, functions: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(functions))
    if (typeof value !== 'function')
      throw new UserError('DSL_ARGUMENT_INVALID', `${method}: "${name}" has to be a function, not ${shown(value)}`, {
        hint,
      });
};

/** Its constructor may be private. */
type Class = { [Symbol.hasInstance](value: unknown): boolean };

/** Refuses an argument that is not of the class that is named, or of one of them. */
export const requireOne = (method: string, what: string, value: unknown, ...classes: readonly Class[]): void => {
  if (classes.some((one) => value instanceof one)) return;
  throw new UserError('DSL_ARGUMENT_INVALID', `${method} needs ${what}, not ${shown(value)}`, { hint });
};

export const requireWindows = (windows: unknown): void =>
  requireOne('windowedBy', 'windows', windows, TimeWindows, UnlimitedWindows, SlidingWindows, SessionWindows);

export const requireTopic = (method: string, topic: unknown): void => {
  if (typeof topic === 'string') return;
  throw new UserError('DSL_ARGUMENT_INVALID', `${method} needs a topic, not ${shown(topic)}`, { hint });
};
