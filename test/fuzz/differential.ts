/** Random queries over random records, each run in the pairs of ways that `checks/` names; what differs is reported as
 *  small as it could be made. */

import { type Random, UserError } from '../../base/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { shownRecord } from '../sql/support/running.ts';
import type { Case, Check } from './checks/case.ts';
import { base } from './checks/driver.ts';
import { checks } from './checks/index.ts';
import { Planned, planned } from './checks/planned.ts';
import { PullGenerator } from './pulls.ts';
import { shorter, shrunk, smallerStatements } from './shrink.ts';
import { type Event, randomHistory, randomSources, recordOf } from './sources.ts';
import { Generator } from './statements.ts';

export interface Difference {
  readonly check: string;
  readonly problem: string;
  /** The statements and the records, as few as they could be made. */
  readonly text: string;
}

export interface DifferentialOptions {
  readonly random: Random;
  /** How many cases. */
  readonly cases: number;
  /** How many cases share their sources; default 25. */
  readonly perSources?: number;
  /** How long a failing case is made smaller, at most; default 20 s. */
  readonly shrinkMs?: number;
  /** Milliseconds of a clock. */
  readonly now: () => number;
  readonly checks?: Readonly<Record<string, Check>>;
  /** Is called with each case before it is run. */
  readonly next?: (text: string) => void;
  /** Is called before each check of a case, and of each smaller one. */
  readonly trying?: (text: string) => void;
  readonly report: (difference: Difference) => void;
}

export interface DifferentialCounts {
  cases: number;
  queries: number;
  /** Records that queries wrote, in one run of each case. */
  written: number;
  /** Queries that wrote none. */
  silent: number;
  refused: number;
}

export const differential = async (options: DifferentialOptions): Promise<DifferentialCounts> => {
  const { random, cases, perSources = 25, next } = options;
  const counts: DifferentialCounts = { cases: 0, queries: 0, written: 0, silent: 0, refused: 0 };
  while (counts.cases < cases) {
    const sources = possibleSources(random);
    const generator = new Generator(random, new Planned(sources).session);
    for (let i = 0; i < perSources && counts.cases < cases; i++) {
      const one = randomCase(sources, generator, random, counts);
      if (one === undefined) continue;
      counts.cases++;
      counts.queries += one.queries.length;
      next?.(textOf(one));
      await checkOne(one, options, counts);
    }
  }
  return counts;
};

/** Undefined: no query was accepted. */
const randomCase = (
  sources: string,
  generator: Generator,
  random: Random,
  counts: DifferentialCounts,
): Case | undefined => {
  const queries: string[] = [];
  // A query, perhaps another one that writes into the same stream, and perhaps one that reads what they write.
  const wanted = random.chance(0.25) ? 2 : 1;
  const tried = new Planned(sources);
  const own = tried.session.catalog.sources();
  const isAccepted = (text: string): boolean => {
    try {
      tried.add(text);
      queries.push(text);
      return true;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      counts.refused++;
      return false;
    }
  };
  const over = new Generator(random, tried.session, { expressions: 30 });
  for (let tries = 0; tries < 40 && queries.length < wanted; tries++) {
    const isFirst = queries.length === 0;
    if (!isAccepted(`${(isFirst ? generator : over).createAs(`Q${queries.length + 1}`)};`) || !isFirst) continue;
    const target = tried.session.catalog.source('Q1');
    if (target?.kind !== 'stream' || !random.chance(0.3)) continue;
    for (let more = 0; more < 15; more++) if (isAccepted(`${generator.insertInto(target)};`)) break;
  }
  if (queries.length === 0) return undefined;
  const read = own.filter(({ name }) => queries.some((query) => new RegExp(`\\b${name}\\b`).test(query)));
  const history = randomHistory(read, random, {
    length: random.between(5, 40),
    ordered: random.chance(0.6),
    damaged: random.chance(0.3),
  });
  return { sources, queries, history, pulls: randomPulls(tried, over, random) };
};

/** Pull queries that can be asked once the queries of a case run. */
const randomPulls = ({ session }: Planned, generator: Generator, random: Random): readonly string[] => {
  // Other tables are only topics: nothing of them is kept that could be asked.
  const own = session.catalog
    .sources()
    .filter(({ name, kind, readOnly }) => kind === 'stream' || readOnly === true || name.startsWith('Q'));
  const pulls = new PullGenerator(random, generator, own);
  const accepted: string[] = [];
  for (let tries = 0; tries < 40 && accepted.length < 4; tries++) {
    const text = pulls.pull();
    try {
      for (const statement of parseStatements(`EXPLAIN ${text}`)) session.plan(statement);
      accepted.push(text);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return accepted;
};

const checkOne = async (one: Case, options: DifferentialOptions, counts: DifferentialCounts): Promise<void> => {
  const { shrinkMs = 20_000, now, trying, report, checks: chosen = checks } = options;
  const runs: Check = (each) => {
    for (const list of base(each).result.lines.values()) {
      counts.written += list.length;
      if (list.length === 0) counts.silent++;
    }
    return undefined;
  };
  for (const [check, run] of Object.entries({ runs, ...chosen })) {
    const problemOf = async (candidate: Case): Promise<string | undefined> => {
      trying?.(`${check}\n${textOf(candidate)}`);
      try {
        return await run(candidate);
      } catch (error) {
        return error instanceof UserError ? undefined : error instanceof Error ? error.stack : String(error);
      }
    };
    if ((await problemOf(one)) === undefined) continue;
    const deadline = now() + shrinkMs;
    const small = await shrunk(
      one,
      smallerCases,
      async (each) => (await problemOf(each)) !== undefined,
      () => now() > deadline,
    );
    report({ check, problem: (await problemOf(small)) ?? 'a difference that did not come again', text: textOf(small) });
  }
};

/** Sources whose formats can hold their columns. */
const possibleSources = (random: Random): string => {
  for (;;) {
    const text = randomSources(random);
    try {
      planned({ sources: text, queries: [] });
      return text;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
};

function* smallerCases(one: Case): Iterable<Case> {
  const { queries, history, pulls } = one;
  for (const fewer of shorter(history)) yield { ...one, history: fewer };
  for (const fewer of shorter(pulls)) yield { ...one, pulls: fewer };
  for (const fewer of shorter(queries)) yield { ...one, queries: fewer };
  for (const [i, pull] of pulls.entries()) {
    for (const smaller of smallerStatements(pull)) yield { ...one, pulls: pulls.with(i, smaller) };
  }
  for (const [i, query] of queries.entries()) {
    for (const smaller of smallerStatements(query)) yield { ...one, queries: queries.with(i, smaller) };
  }
  for (const [i, event] of history.entries()) {
    if (event.damage !== undefined) yield { ...one, history: history.with(i, { ...event, damage: undefined }) };
    const { value } = event;
    if (value === null) continue;
    for (const [column, each] of value.entries()) {
      if (each !== null) yield { ...one, history: history.with(i, { ...event, value: value.with(column, null) }) };
    }
  }
}

const textOf = ({ sources, queries, history, pulls }: Case): string =>
  [sources, ...queries, ...history.map(recordText), ...pulls].join('\n');

const recordText = (event: Event): string => {
  const { topic, key, value, timestamp } = recordOf(event);
  return `${topic}: ${shownRecord({ key: key ?? null, value: value ?? null }, undefined)} @${timestamp}`;
};
