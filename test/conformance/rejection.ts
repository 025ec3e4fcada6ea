/**
 * Whether a case that expects an error got the right one.
 *
 * Only a user's error counts: our own assertion failing, or JavaScript stumbling, never does, and neither does "not supported". The wording is
 * ours, but it must name a thing that the expected message names: a column, a type, a clause, a topic, a function.
 */

import { UserError } from '../../base/index.ts';

/** What is wrong with the answer, or undefined. `error` is what was thrown, if anything was. */
export const rejectionFault = (message: string | undefined, error: unknown): string | undefined => {
  if (error === undefined) return `expected an error${message === undefined ? '' : `: ${message}`}`;
  if (!(error instanceof UserError)) return describeError(error);
  if (error.code.startsWith('SQL_UNSUPPORTED')) {
    return `not rejected for the fault, but because it is unsupported: ${error.message}`;
  }
  const things = message === undefined ? [] : thingsIn(message);
  const ours = `${error.message} ${error.hint ?? ''}`.toUpperCase();
  if (things.length === 0 || things.some((thing) => ours.includes(thing))) return undefined;
  return `rejected for something else: expected "${message}", got "${error.message}"`;
};

export const describeError = (error: unknown): string => {
  if (error instanceof UserError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};

/** Words in capitals that say nothing about which fault is meant. */
const common: ReadonlySet<string> = new Set([
  'SELECT',
  'CREATE',
  'KSQL',
  'AS',
  'NOT',
  'OR',
  'AND',
  'THE',
  'LINE',
  'SQL',
]);

/** What stands between quotes or backticks, and words in capitals. */
const thingsIn = (message: string): readonly string[] => {
  const quoted = [...message.matchAll(/[`'"]([^`'"\n]+)[`'"]/g)].map((found) => found[1] as string);
  const capitals = message.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? [];
  return [...quoted, ...capitals]
    .map((thing) => thing.toUpperCase().trim())
    .filter((thing) => thing.length > 1 && !common.has(thing));
};
