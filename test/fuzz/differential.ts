/** Random queries over random records, each run in the pairs of ways that `checks/` names; what differs is reported as
 *  small as it could be made. */

import { type Random, UserError } from '../../base/index.ts';
import { possibleSources, randomCase, smallerCases, textOf } from './cases.ts';
import type { Case, Check } from './checks/case.ts';
import { base } from './checks/driver.ts';
import { checks } from './checks/index.ts';
import { Planned } from './checks/planned.ts';
import { shrunk } from './shrink.ts';
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
  /** Pull queries. */
  pulls: number;
}

export const differential = async (options: DifferentialOptions): Promise<DifferentialCounts> => {
  const { random, cases, perSources = 25, next } = options;
  const counts: DifferentialCounts = { cases: 0, queries: 0, written: 0, silent: 0, pulls: 0 };
  while (counts.cases < cases) {
    const sources = possibleSources(random);
    const generator = new Generator(random, new Planned(sources).session);
    for (let i = 0; i < perSources && counts.cases < cases; i++) {
      const one = randomCase(sources, generator, random);
      if (one === undefined) continue;
      counts.cases++;
      counts.queries += one.queries.length;
      counts.pulls += one.pulls.length;
      next?.(textOf(one));
      await checkOne(one, options, counts);
    }
  }
  return counts;
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
