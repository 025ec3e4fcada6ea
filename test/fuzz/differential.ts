/**
 * What two ways of running the same statements over the same records have to have in common. Nothing here depends on
 * what the right result is: each check compares the results of two runs.
 *
 * | check      | one run                                | the other                                       |
 * | ---------- | -------------------------------------- | ----------------------------------------------- |
 * | rules      | plans rewritten by the rules           | plans as they were analyzed                     |
 * | plain      | generated code                         | its plain forms                                 |
 * | partitions | one partition                          | three: the same records for each key, in order  |
 * | batches    | a record at a time                     | many at a time, as a query reads that starts    |
 * |            |                                        | when its topics are full                        |
 * | where      | a query without its WHERE              | the queries WHERE p, NOT p and p IS NULL        |
 */

import { type Random, UserError, useGeneratedCode } from '../../base/index.ts';
import { WriterSchemas } from '../../sql/formats/writer-schemas.ts';
import { builtInFunctions, type PhysicalPlan, type Session, type SessionOptions } from '../../sql/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { printStatement, type StatementOf } from '../../sql/parser/statements/index.ts';
import { CaseSchemas } from '../conformance/schemas.ts';
import { session } from '../sql/support/planning.ts';
import { type Piped, runPlans, shownRecord } from '../sql/support/running.ts';
import { shorter, shrunk, smallerStatements } from './shrink.ts';
import { type Event, randomHistory, randomSources, recordOf } from './sources.ts';
import { Generator } from './statements.ts';

const functions = builtInFunctions();

export interface Case {
  /** The statements that make the sources. */
  readonly sources: string;
  /** Persistent queries, one to a statement. */
  readonly queries: readonly string[];
  readonly history: readonly Event[];
}

/** Statements as they were planned, ready to run. */
class Planned {
  readonly plans: PhysicalPlan[] = [];
  readonly session: Session;
  readonly #schemas: CaseSchemas;

  constructor(sources: string, rules?: SessionOptions['rules']) {
    this.#schemas = new CaseSchemas({ topics: [], statements: [] });
    this.session = session({}, functions, { schemas: this.#schemas, rules });
    this.add(sources);
  }

  /** Raises a `UserError` for what is refused. */
  add(text: string): void {
    for (const statement of parseStatements(text)) {
      const { planned } = this.session.plan(statement);
      if (planned.kind !== 'command') continue;
      const command = this.#schemas.register(planned.command, planned.schemas ?? []);
      if (command !== planned.command && 'source' in command) this.session.catalog.add(command.source);
      if (command.kind === 'create-as' || command.kind === 'insert-as') this.plans.push(command.query.plan);
    }
  }

  /** Of its own for each run: formats keep what they have made of a schema by these. */
  writers(): WriterSchemas {
    const own = new WriterSchemas(() => Promise.resolve(undefined));
    for (let id = 1, known = this.#schemas.byId(id); known !== undefined; known = this.#schemas.byId(++id)) {
      own.add(known);
    }
    return own;
  }
}

interface Line {
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

interface Result {
  /** By topic. */
  readonly lines: ReadonlyMap<string, readonly Line[]>;
  readonly drops: readonly string[];
  /** Why the run ended before its end. */
  readonly error?: string;
}

const resultOf = (planned: Planned, groups: readonly (readonly Piped[])[], partitions = 1): Result => {
  const options = { functions, schemas: planned.writers(), partitions };
  try {
    const { written, drops } = runPlans(planned.plans, groups, options);
    const lines = new Map<string, Line[]>();
    for (const [topic, { records, windowed }] of written) {
      const shown = records.map((record): Line => {
        const line = shownRecord({ key: record.key, value: null }, windowed);
        const value = shownRecord({ key: null, value: record.value }, undefined);
        return { key: line.slice(0, -' null'.length), value: value.slice('null '.length), timestamp: record.timestamp };
      });
      lines.set(topic, shown);
    }
    return { lines, drops };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { lines: new Map(), drops: [], error: `${error.code}: ${error.message}` };
  }
};

const eachAlone = (records: readonly Piped[]): Piped[][] => records.map((record) => [record]);

const show = ({ key, value, timestamp }: Line): string => `${key} ${value} @${timestamp}`;

/** The first difference between two lists of lines. */
const firstDifference = (what: string, one: readonly string[], other: readonly string[]): string | undefined => {
  const at = one.findIndex((line, i) => line !== other[i]);
  if (at < 0 && one.length === other.length) return undefined;
  const place = at < 0 ? one.length : at;
  return `${what}, line ${place + 1}:\n  ${one[place] ?? '(no more)'}\n  ${other[place] ?? '(no more)'}`;
};

const difference = (
  one: Result,
  other: Result,
  arranged: (lines: readonly Line[]) => readonly string[],
): string | undefined => {
  if (one.error !== other.error) return `one ends with ${one.error}, the other with ${other.error}`;
  for (const [topic, lines] of one.lines) {
    const found = firstDifference(topic, arranged(lines), arranged(other.lines.get(topic) ?? []));
    if (found !== undefined) return found;
  }
  return undefined;
};

const inOrder = (lines: readonly Line[]): readonly string[] => lines.map(show);

/** In order for each key, the keys in an order of their own. Records without a key have none: they go to any
 *  partition. */
const byKey = (lines: readonly Line[]): readonly string[] => [
  ...lines
    .filter(({ key }) => key !== 'null')
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(show),
  ...lines
    .filter(({ key }) => key === 'null')
    .map(show)
    .toSorted(),
];

const inAnyOrder = (lines: readonly Line[]): readonly string[] => lines.map(show).toSorted();

/** What a table holds at the end. */
const atTheEnd = (lines: readonly Line[]): readonly string[] =>
  [...new Map(lines.map(({ key, value }) => [key, `${key} ${value}`])).values()]
    .filter((line) => !line.endsWith(' null'))
    .toSorted();

/** A difference that must not be; undefined: there is none. Raises a `UserError` where a statement is refused. */
export type Check = (one: Case, random: Random) => string | undefined;

const planned = ({ sources, queries }: Pick<Case, 'sources' | 'queries'>, rules?: SessionOptions['rules']): Planned => {
  const all = new Planned(sources, rules);
  for (const query of queries) all.add(query);
  return all;
};

/** What several checks of a case compare with, made once. */
interface Plainest {
  readonly planned: Planned;
  readonly records: readonly Piped[];
  /** One partition, a record at a time. */
  readonly result: Result;
}

const plainest = new WeakMap<Case, Plainest>();

const base = (one: Case): Plainest => {
  let known = plainest.get(one);
  if (known === undefined) {
    const own = planned(one);
    const records = one.history.map(recordOf);
    known = { planned: own, records, result: resultOf(own, eachAlone(records)) };
    plainest.set(one, known);
  }
  return known;
};

const usesTime = ({ queries }: Case): boolean => queries.some((query) => /\b(?:WINDOW|WITHIN)\b/.test(query));
const isOrdered = ({ history }: Case): boolean =>
  history.every(({ timestamp }, i) => timestamp >= (history[i - 1]?.timestamp ?? 0));

/** A value that cannot be read is no fault of a record where nothing reads it, and without rules more is read: so
 *  nothing is damaged here. */
const rules: Check = (given) => {
  const whole = given.history.filter(({ damage }) => damage === undefined);
  const one = whole.length === given.history.length ? given : { ...given, history: whole };
  const { records, result } = base(one);
  return difference(result, resultOf(planned(one, []), eachAlone(records)), inOrder);
};

/** Records of one topic that follow each other, together. */
const inBatches = (records: readonly Piped[]): Piped[][] => {
  const groups: Piped[][] = [];
  for (const record of records) {
    const group = groups.at(-1);
    if (group?.[0]?.topic === record.topic) group.push(record);
    else groups.push([record]);
  }
  return groups;
};

/** In batches: some of the code is made for records that look like the one before them. */
const plain: Check = (one) => {
  const { planned: own, records } = base(one);
  const groups = inBatches(records);
  const generated = resultOf(own, groups);
  useGeneratedCode(false);
  try {
    const other = resultOf(own, groups);
    return difference(generated, other, inOrder) ?? firstDifference('drops', generated.drops, other.drops);
  } finally {
    useGeneratedCode(true);
  }
};

const manyPartitions = 3;

/** Where windows close, records far in the future follow: on each partition, so that all come as far. What is made of
 *  them does not count. Which records are late depends on the partitions, so histories have an order then; and so does
 *  what a window that closes meets: another join, another window, or what else is written or added up at that time.
 *  Between two aggregates of tables a row that leaves one group and comes to another makes two changes, which have no
 *  order between them. */
const partitions: Check = (one) => {
  const text = one.queries.join('\n');
  if (usesTime(one) && (!isOrdered(one) || /\bWITHIN\b[^]*\b(?:JOIN|WINDOW|GRACE[^]*GROUP BY)\b/.test(text)))
    return undefined;
  if (/^CREATE TABLE.*GROUP BY.*\n.*GROUP BY/.test(text)) return undefined;
  const end = Math.max(0, ...one.history.map(({ timestamp }) => timestamp)) + 30 * 86_400_000;
  const last = usesTime(one) ? one.history.filter(({ damage, value }) => damage === undefined && value !== null) : [];
  const runOn = (count: number): Result => {
    const closing = last.flatMap((event, i) =>
      Array.from({ length: manyPartitions }, (_, partition) => ({
        ...recordOf({ ...event, timestamp: end + i }),
        partition: partition % count,
      })),
    );
    const { lines, ...rest } = resultOf(base(one).planned, eachAlone([...base(one).records, ...closing]), count);
    const before = [...lines].map(([topic, list]) => [topic, list.filter(({ timestamp }) => timestamp < end)] as const);
    return { ...rest, lines: new Map(before) };
  };
  return difference(runOn(1), runOn(manyPartitions), usesTime(one) ? inAnyOrder : byKey);
};

/** As a query reads that starts when its topics are full. A join of tables by a foreign key asks and answers
 *  through topics, so of it only what the tables hold at the end is compared (and nothing of groups over it, which stay
 *  when a row that came in between has left); and a query that joins a source with what another query makes of it meets
 *  them in another order. */
const batches: Check = (one) => {
  if (one.queries.slice(1).some((query) => / JOIN /.test(query))) return undefined;
  if (/ JOIN [tu] [^]*GROUP BY/i.test(one.queries.join('\n'))) return undefined;
  const { planned: own, records, result } = base(one);
  const arranged = one.queries.some((query) => / JOIN [tu] /i.test(query)) ? atTheEnd : byKey;
  return difference(result, resultOf(own, inBatches(records)), arranged);
};

/** Each row is in one of the parts. */
const where: Check = (one) => {
  const all = one.queries.flatMap((text) => {
    const [parsed] = parseStatements(text);
    return parsed?.statement.kind === 'create-as' ? [parsed.statement] : [];
  });
  const last = all.at(-1);
  if (last === undefined || all.length !== one.queries.length) return undefined;
  const { query } = last;
  const condition = query.where;
  if (condition === undefined || query.groupBy !== undefined) return undefined;
  const { at } = condition;
  const named = (name: string, also: typeof condition | undefined): string => {
    const statement: StatementOf<'create-as'> = {
      ...last,
      name: { name, at },
      query: { ...query, where: also },
    };
    return `${printStatement(statement)};`;
  };
  // A record without a value passes no condition.
  const streams = new Set(one.history.flatMap(({ source }) => (source.kind === 'stream' ? [source.topic] : [])));
  const records = eachAlone(
    one.history.map(recordOf).filter(({ topic, value }) => !streams.has(topic) || value !== null),
  );
  const run = (name: string, also: typeof condition | undefined): Result =>
    resultOf(planned({ ...one, queries: [...one.queries.slice(0, -1), named(name, also)] }), records);
  const whole = run('W', undefined);
  const unknown = run('W', { kind: 'is-null', negated: false, operand: condition, at });
  const parts = [run('W', condition), run('W', { kind: 'not', operand: condition, at }), unknown];
  if ([whole, ...parts].some(({ error }) => error !== undefined)) return undefined;
  const arranged = last.sourceKind === 'stream' ? inOrder : atTheEnd;
  const rows = ({ lines }: Result): readonly string[] => arranged(lines.get('W') ?? []);
  const left = [...rows(whole)];
  for (const row of parts.flatMap(rows)) {
    const at = left.indexOf(row);
    if (at < 0) return `in the parts, and not in the whole, or in two parts:\n  ${row}`;
    left.splice(at, 1);
  }
  // A row on which the condition fails is in none of them, and noted; of one such row a join or a table function would
  // have made several.
  const several = query.joins.length > 0 || one.queries.at(-1)?.includes('EXPLODE(') === true;
  const noted = several && unknown.drops.length > 0 ? left.length : unknown.drops.length;
  return left.length > noted ? `in no part:\n  ${left.join('\n  ')}` : undefined;
};

export const checks: Readonly<Record<string, Check>> = { rules, plain, partitions, batches, where };

// ---------------------------------------------------------------------------------------------------------- the loop

export interface Difference {
  readonly check: string;
  readonly problem: string;
  /** As small as it could be made. */
  readonly statements: string;
  readonly records: readonly string[];
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

export const differential = (options: DifferentialOptions): DifferentialCounts => {
  const { random, cases, perSources = 25, shrinkMs = 20_000, now, report, checks: chosen = checks } = options;
  const counts: DifferentialCounts = { cases: 0, queries: 0, written: 0, silent: 0, refused: 0 };
  while (counts.cases < cases) {
    const sources = possibleSources(random);
    const { session: first } = new Planned(sources);
    const own = first.catalog.sources();
    const generator = new Generator(random, first);
    for (let i = 0; i < perSources && counts.cases < cases; i++) {
      const queries: string[] = [];
      // A query, and perhaps one that reads what it writes.
      const wanted = random.chance(0.25) ? 2 : 1;
      const tried = new Planned(sources);
      const over = new Generator(random, tried.session, { expressions: 30 });
      for (let tries = 0; tries < 40 && queries.length < wanted; tries++) {
        const text = `${(queries.length === 0 ? generator : over).createAs(`Q${queries.length + 1}`)};`;
        try {
          tried.add(text);
          queries.push(text);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          counts.refused++;
        }
      }
      if (queries.length === 0) continue;
      counts.cases++;
      counts.queries += queries.length;
      const read = own.filter(({ name }) => queries.some((query) => new RegExp(`\\b${name}\\b`).test(query)));
      const history = randomHistory(read, random, {
        length: random.between(5, 40),
        ordered: random.chance(0.6),
        damaged: random.chance(0.3),
      });
      const one: Case = { sources, queries, history };
      const ran: Check = (each) => {
        for (const list of base(each).result.lines.values()) {
          counts.written += list.length;
          if (list.length === 0) counts.silent++;
        }
        return undefined;
      };
      for (const [check, run] of Object.entries({ runs: ran, ...chosen })) {
        const problemOf = (candidate: Case): string | undefined => {
          try {
            return run(candidate, random);
          } catch (error) {
            return error instanceof UserError ? undefined : error instanceof Error ? error.stack : String(error);
          }
        };
        if (problemOf(one) === undefined) continue;
        const deadline = now() + shrinkMs;
        const small = shrunk(
          one,
          smallerCases,
          (each) => problemOf(each) !== undefined,
          () => now() > deadline,
        );
        report({
          check,
          problem: problemOf(small) ?? '',
          statements: [sources, ...small.queries].join('\n'),
          records: small.history.map(textOf),
        });
      }
    }
  }
  return counts;
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

function* smallerCases({ sources, queries, history }: Case): Iterable<Case> {
  for (const fewer of shorter(history)) yield { sources, queries, history: fewer };
  for (const fewer of shorter(queries)) yield { sources, queries: fewer, history };
  for (const [i, query] of queries.entries()) {
    for (const smaller of smallerStatements(query)) yield { sources, queries: queries.with(i, smaller), history };
  }
  for (const [i, event] of history.entries()) {
    if (event.damage !== undefined)
      yield { sources, queries, history: history.with(i, { ...event, damage: undefined }) };
    const { value } = event;
    if (value === null) continue;
    for (const [column, each] of value.entries()) {
      if (each === null) continue;
      yield { sources, queries, history: history.with(i, { ...event, value: value.with(column, null) }) };
    }
  }
}

const textOf = (event: Event): string => {
  const { topic, key, value, timestamp } = recordOf(event);
  return `${topic}: ${shownRecord({ key: key ?? null, value: value ?? null }, undefined)} @${timestamp}`;
};
