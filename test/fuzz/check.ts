/** What has to hold of every text: it is planned, or refused by a user's fault with a place inside the text; soon. */

import { UserError } from '../../base/index.ts';
import { builtInFunctions, type Catalog, type Session } from '../../sql/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { planAll, session, sources } from '../sql/support/planning.ts';

export const limitMs = 100;

const functions = builtInFunctions();
let base: Catalog | undefined;

/** A session with the sources of the tests in its catalog. */
export const freshSession = (): Session => {
  if (base === undefined) {
    const first = session({}, functions);
    planAll(sources, first);
    base = first.catalog;
  }
  const own = session({}, functions);
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
  // A pause of the machine or of the garbage collector is no hang, and does not come four times in a row.
  const best = Math.min(...[1, 2, 3].map(() => timed(text).ms));
  return best > limitMs ? { problem: `took ${Math.round(best)} ms` } : first.outcome;
};

/** What problems have in common that one cause has: the first lines, without names and numbers. */
export const kindOf = (problem: string): string =>
  problem
    .replaceAll(/"[^"]*"|`[^`]*`|\d+/g, '…')
    .split('\n')
    .slice(0, 3)
    .join();

const timed = (text: string): { readonly outcome: Outcome; readonly ms: number } => {
  const own = freshSession();
  const start = performance.now();
  const outcome = outcomeOf(text, own);
  return { outcome, ms: performance.now() - start };
};

const outcomeOf = (text: string, own: Session): Outcome => {
  const error = failureOf(text, own);
  if (error === undefined) return 'accepted';
  if (!(error instanceof UserError)) {
    return { problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  for (const { at, code, message } of [error, ...error.others]) {
    if (at === undefined) return { problem: `${code} has no place\n${message}` };
    const inside = at.offset >= 0 && at.offset + (at.length ?? 0) <= text.length;
    const line = text.split(/\r\n?|\n/)[at.line - 1];
    if (!inside || line === undefined || at.column > line.length + 1) {
      return { problem: `${code} is outside the text: ${JSON.stringify(at)}` };
    }
  }
  return 'refused';
};

/** What planning the text throws. Errors are made without their stacks, since nearly every text gives some; only one
 *  that is no user's fault is made a second time, with its stack. */
const failureOf = (text: string, own: Session): unknown => {
  const frames = Error.stackTraceLimit;
  const plan = (session: Session): unknown => {
    try {
      for (const statement of parseStatements(text)) session.plan(statement);
      return undefined;
    } catch (error) {
      return error ?? new Error('nothing was thrown as an error');
    }
  };
  Error.stackTraceLimit = 0;
  const error = plan(own);
  Error.stackTraceLimit = frames;
  return error === undefined || error instanceof UserError ? error : (plan(freshSession()) ?? error);
};
