/** What the DSL's methods combine and are grouped by: arguments of other types are refused where they are given. */

import { notGiven } from '../given.ts';
import { SessionWindows } from './session-windows.ts';
import { SlidingWindows } from './sliding-windows.ts';
import { TimeWindows } from './time-windows.ts';
import { UnlimitedWindows } from './unlimited-windows.ts';

/** Its constructor may be private. */
type Class = { [Symbol.hasInstance](value: unknown): boolean };

/** Refuses an argument that is not of the class that is named, or of one of them. */
export const requireOne = (method: string, what: string, value: unknown, ...classes: readonly Class[]): void => {
  if (!classes.some((one) => value instanceof one)) throw notGiven(`${method} needs ${what}`, value);
};

export const requireWindows = (windows: unknown): void =>
  requireOne('windowedBy', 'windows', windows, TimeWindows, UnlimitedWindows, SlidingWindows, SessionWindows);

export const requireTopic = (method: string, topic: unknown): void => {
  if (typeof topic !== 'string') throw notGiven(`${method} needs a topic`, topic);
};
