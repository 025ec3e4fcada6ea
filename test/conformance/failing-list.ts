/**
 * The cases that are known to fail: the first 16 digits of the SHA-256 of their ids, sorted, one a line. The list only shrinks. A case that fails
 * and is not in it is an error.
 */

import { createHash } from 'node:crypto';
import type { Outcome } from './runner.ts';

const fingerprint = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 16);

export interface Verdict {
  /** Ids of cases that fail and are not in the list. */
  readonly fresh: readonly string[];
  /** Ids of cases that are in the list and pass, or are left out now. */
  readonly mended: readonly string[];
  /** The list without what is mended; it never grows. */
  readonly list: string;
}

/** What the outcomes say about the list. `undefined` is no list yet: it begins with all that fail. */
export const judge = (outcomes: readonly Outcome[], list: string | undefined): Verdict => {
  const failed = outcomes.filter(({ result }) => result === 'fail').map(({ id }) => id);
  const known = new Set(list === undefined ? failed.map(fingerprint) : list.split('\n').filter((line) => line !== ''));
  const fresh = failed.filter((id) => !known.has(fingerprint(id)));
  const mended = outcomes
    .filter(({ id, result }) => result !== 'fail' && known.has(fingerprint(id)))
    .map(({ id }) => id);
  for (const id of mended) known.delete(fingerprint(id));
  return {
    fresh,
    mended,
    list: [...known]
      .sort()
      .map((line) => `${line}\n`)
      .join(''),
  };
};
