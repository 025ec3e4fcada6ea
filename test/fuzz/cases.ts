/** Random cases: sources, queries over them, a history of their records, and pull queries at its end; and the smaller
 *  ones that can be made of a case. */

import { type Random, UserError } from '../../base/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { shownRecord } from '../sql/support/running.ts';
import type { Case } from './checks/case.ts';
import { Planned, planned } from './checks/planned.ts';
import { PullGenerator, type PullSources } from './pulls.ts';
import { shorter, smallerStatements } from './shrink.ts';
import { type Event, randomHistory, randomSources, recordOf } from './sources.ts';
import { Generator } from './statements.ts';

/** Sources whose formats can hold their columns. */
export const possibleSources = (random: Random): string => {
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

/** Undefined: no query was accepted. */
export const randomCase = (sources: string, generator: Generator, random: Random): Case | undefined => {
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
  const other = random.pick(own);
  const read = own.filter(
    (source) => source === other || queries.some((query) => new RegExp(`\\b${source.name}\\b`).test(query)),
  );
  const history = randomHistory(read, random, {
    length: random.between(5, 40),
    ordered: random.chance(0.6),
    damaged: random.chance(0.3),
  });
  return {
    sources,
    queries,
    history,
    pulls: randomPulls(tried, over, { sources: read, times: timesOf(history) }, random),
  };
};

const timesOf = (history: readonly Event[]): readonly number[] => history.map(({ timestamp }) => timestamp);

/** Pull queries that can be asked once the queries of a case run. */
const randomPulls = (
  { session }: Planned,
  generator: Generator,
  { sources: read, times }: PullSources,
  random: Random,
): readonly string[] => {
  // Other tables are only topics: nothing of them is kept that could be asked.
  const kept = read.filter(({ kind, readOnly }) => kind === 'stream' || readOnly === true);
  const made = session.catalog.sources().filter(({ name }) => name.startsWith('Q'));
  const pulls = new PullGenerator(random, generator, { sources: [...kept, ...made, ...made], times });
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

export function* smallerCases(one: Case): Iterable<Case> {
  const { queries, history, pulls } = one;
  for (const fewer of shorter(pulls)) yield { ...one, pulls: fewer };
  for (const fewer of shorter(queries)) yield { ...one, queries: fewer };
  for (const fewer of shorter(history)) yield { ...one, history: fewer };
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

export const textOf = ({ sources, queries, history, pulls }: Case): string =>
  [sources, ...queries, ...history.map(recordText), ...pulls].join('\n');

const recordText = (event: Event): string => {
  const { topic, key, value, timestamp } = recordOf(event);
  return `${topic}: ${shownRecord({ key: key ?? null, value: value ?? null }, undefined)} @${timestamp}`;
};
