/** What has to hold of every text: it is planned, or refused by a user's fault with a place inside the text; soon. */

import { UserError } from '../../base/index.ts';
import type { Catalog, Session } from '../../sql/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { planAll, session, sources } from '../sql/support/planning.ts';

export const limitMs = 100;

let base: Catalog | undefined;

/** A session with the sources of the tests in its catalog. */
export const freshSession = (): Session => {
  if (base === undefined) {
    const first = session();
    planAll(sources, first);
    base = first.catalog;
  }
  const own = session();
  for (const source of base.sources()) {
    own.catalog.add(source);
    own.topics.set(source.topic, { partitions: 4, configs: {} });
  }
  return own;
};

export type Outcome = 'accepted' | 'refused' | { readonly problem: string };

export const check = (text: string): Outcome => {
  const first = timed(text);
  if (first.ms <= limitMs) return first.outcome;
  // A busy machine or the collector of garbage is no hang: the best of some counts.
  const best = Math.min(...[1, 2, 3].map(() => timed(text).ms));
  return best > limitMs ? { problem: `took ${Math.round(best)} ms` } : first.outcome;
};

const timed = (text: string): { readonly outcome: Outcome; readonly ms: number } => {
  const own = freshSession();
  const start = performance.now();
  const outcome = outcomeOf(text, own);
  return { outcome, ms: performance.now() - start };
};

const outcomeOf = (text: string, own: Session): Outcome => {
  try {
    for (const statement of parseStatements(text)) own.plan(statement);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof UserError))
      return { problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    for (const { at, code, message } of [error, ...error.others]) {
      if (at === undefined) return { problem: `${code} has no place\n${message}` };
      const inside = at.offset >= 0 && at.offset + (at.length ?? 0) <= text.length;
      const line = text.split(/\r\n?|\n/)[at.line - 1];
      if (!inside || line === undefined || at.column > line.length + 1) {
        return { problem: `${code} is outside the text: ${JSON.stringify(at)}` };
      }
    }
    return 'refused';
  }
};
