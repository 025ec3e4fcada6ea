/**
 * Which cases are not for this build: decided from what the case says (its statements, topics, properties and the
 * schemas that it expects), never by its name.
 *
 * A case for the REST interface is none of ours. Any other is left out only for a statement, type, format, join or
 * window that does not exist here yet; `leftOut` is the whole list, and a line goes when the thing comes. What exists
 * and gives a wrong answer is a failure, and so is a function that is missing.
 */

import type { Case } from './cases.ts';

/** The version of ksqlDB that this build is held to. */
const version = [8, 0, 0];

/** What the rules look at, in upper case. */
interface Said {
  /** The statements, as written, one after the other. */
  readonly text: string;
  /** Everything that may name a format or a type: statements, topics, properties, expected schemas. */
  readonly all: string;
}

interface Rule {
  readonly why: string;
  readonly test: (said: Said) => boolean;
}

const leftOut: readonly Rule[] = [];

/** Why the case is left out, or undefined when it is to be run. */
export const skipReason = (one: Pick<Case, 'statements' | 'text' | 'versions' | 'responses'>): string | undefined => {
  if (one.responses !== undefined) return 'interface: the case asks a server, and this runner has none';
  const { min, max } = one.versions ?? {};
  if (max !== undefined && compare(max) < 0) return `version: for versions up to ${max}`;
  if (min !== undefined && compare(min) > 0) return `version: for versions from ${min}`;
  const said: Said = { text: one.statements.join('\n').toUpperCase(), all: one.text.toUpperCase() };
  return leftOut.find((rule) => rule.test(said))?.why;
};

const compare = (other: string): number => {
  const parts = other.split('.').map(Number);
  for (const [i, part] of version.entries()) {
    const difference = (parts[i] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
};
