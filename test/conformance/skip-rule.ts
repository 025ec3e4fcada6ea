/**
 * Which cases are not for this build: those for the REST interface, since the runner has no server, and those for other
 * versions of ksqlDB. Decided from what the case says, never by its name; everything else is run.
 */

import type { Case } from './cases.ts';

/** The version of ksqlDB that this build is held to. */
const version = [8, 0, 0];

/** Why the case is left out, or undefined when it is to be run. */
export const skipReason = ({ versions, responses }: Pick<Case, 'versions' | 'responses'>): string | undefined => {
  if (responses !== undefined) return 'interface: the case asks a server, and this runner has none';
  const { min, max } = versions ?? {};
  if (max !== undefined && compare(max) < 0) return `version: for versions up to ${max}`;
  if (min !== undefined && compare(min) > 0) return `version: for versions from ${min}`;
  return undefined;
};

const compare = (other: string): number => {
  const parts = other.split('.').map(Number);
  for (const [i, part] of version.entries()) {
    const difference = (parts[i] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
};
