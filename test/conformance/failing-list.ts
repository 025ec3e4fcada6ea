/**
 * The cases that are known to fail, one a line: the case's number in the run (`--only` takes it), the first 16 digits
 * of the SHA-256 of its id, and the reason. The list only shrinks: a case that fails and is not in it is an error, and
 * so is a missing list.
 */

import { createHash } from 'node:crypto';
import { expectation } from './rejection.ts';
import type { Outcome } from './runner.ts';

const fingerprint = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 16);

/** `  12  0123456789abcdef  the reason` */
const linePattern = /^\s*\d+ {2}([0-9a-f]{16}) {2}(.+)$/;

export interface Verdict {
  /** Ids of cases that fail and are not in the list. */
  readonly unlisted: readonly string[];
  /** Ids of cases that are in the list and pass, or are skipped now. */
  readonly mended: readonly string[];
  /** The list without what is mended, with today's numbers and reasons of the cases that ran. It never grows. */
  readonly list: string;
}

/** Compares outcomes with the list; throws when a line of the list cannot be read. */
export const compareWithList = (outcomes: readonly Outcome[], list: string): Verdict => {
  const lines = new Map<string, string>();
  for (const line of list.split('\n')) {
    if (line === '') continue;
    const hash = linePattern.exec(line)?.[1];
    if (hash === undefined) throw new Error(`failing.txt has a line that cannot be read: ${line}`);
    lines.set(hash, line);
  }
  const unlisted: string[] = [];
  const mended: string[] = [];
  for (const { id, number, result, why = '' } of outcomes) {
    const hash = fingerprint(id);
    const listed = lines.has(hash);
    if (result !== 'fail') {
      if (listed) mended.push(id);
      lines.delete(hash);
    } else if (listed) lines.set(hash, listLine(number, hash, why));
    else unlisted.push(id);
  }
  const sorted = [...lines.values()].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  return { unlisted, mended, list: sorted.map((line) => `${line}\n`).join('') };
};

/** A new list of all that fails: for the first run, and for a comparison that became stricter. */
export const newList = (outcomes: readonly Outcome[]): string =>
  outcomes
    .filter(({ result }) => result === 'fail')
    .map(({ id, number, why = '' }) => `${listLine(number, fingerprint(id), why)}\n`)
    .join('');

const listLine = (number: number, hash: string, why: string): string => {
  const reason = why.split('\n')[0]?.split(expectation)[0] ?? '';
  return `${String(number).padStart(4)}  ${hash}  ${reason.length > 120 ? `${reason.slice(0, 119)}…` : reason}`;
};
