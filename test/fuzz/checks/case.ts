/** What a check is given, and what it is. */

import type { Event } from '../sources.ts';

export interface Case {
  /** The statements that make the sources. */
  readonly sources: string;
  /** Persistent queries, one to a statement. */
  readonly queries: readonly string[];
  readonly history: readonly Event[];
  /** Pull queries, asked at the end of the history. */
  readonly pulls: readonly string[];
}

/** A difference that must not be; undefined: there is none. Raises a `UserError` where a statement is refused. */
export type Check = (one: Case) => string | undefined | Promise<string | undefined>;

const wholes = new WeakMap<Case, Case>();

/** The case without values that cannot be read. These are no fault of a record where nothing reads them, so what reads
 *  more columns drops more records. */
export const undamaged = (one: Case): Case => {
  const known = wholes.get(one);
  if (known !== undefined) return known;
  const history = one.history.filter(({ damage }) => damage === undefined);
  const whole = history.length === one.history.length ? one : { ...one, history };
  wholes.set(one, whole);
  return whole;
};

export const usesTime = ({ queries }: Case): boolean => queries.some((query) => /\b(?:WINDOW|WITHIN)\b/.test(query));

/** The queries that are INSERT INTO … SELECT. All of a case write into the stream that its first query makes. */
export const insertsOf = ({ queries }: Case): readonly string[] =>
  queries.filter((query) => query.startsWith('INSERT INTO '));

/** Whether a query joins what another query of the case makes, perhaps with what that one reads: which of both comes
 *  first depends on how the queries take turns. */
export const joinsResults = ({ queries }: Case): boolean =>
  queries.slice(1).some((query) => / JOIN /.test(query) && !query.startsWith('INSERT INTO '));

export const isOrdered = ({ history }: Case): boolean =>
  history.every(({ timestamp }, i) => timestamp >= (history[i - 1]?.timestamp ?? 0));
