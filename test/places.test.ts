/**
 * Where to add what: docs/ARCHITECTURE.md promises in how many files a new function, format, statement and so on has to
 * be written. For members that exist, the code is searched for their names: they stand in the files that are listed
 * here and in no other, those files are the ones that the page names, and they are no more than it says.
 *
 * Scalar types have a test of their own, test/sql/types/places.test.ts.
 */
import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const home = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(home, path), 'utf8');

/** A row of the page: how many files it promises, and which. `<name>` in a path stands for any name. */
interface Row {
  readonly what: string;
  readonly count: number;
  readonly paths: readonly RegExp[];
}

const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/<[a-z]+>/g, '[a-z0-9-]+')}$`);

const rowsOf = (page: string): readonly Row[] =>
  [...page.matchAll(/^\| ([a-z ]+) \| (\d+) \| (.+) \|$/gm)].map(([, what = '', count = '', files = '']) => ({
    what,
    count: Number(count),
    paths: [...files.matchAll(/`([a-z]+\/[^`]+\.(?:ts|md))`/g)].map(([, path = '']) => pathPattern(path)),
  }));

const page = read('docs/ARCHITECTURE.md');
const rows = rowsOf(page.slice(page.indexOf('## Where to add what')));

/** A layer's `index.ts` hands names to other layers, and has no part in what they mean. */
const isEntryPoint = (path: string): boolean => /^[a-z]+\/index\.ts$/.test(path);

/** What reads the data of a former version names what there was then, and nothing new comes to it. */
const isFrozen = (path: string): boolean => /\/upgrade-version-\d+\.ts$/.test(path);

const shipped = globSync('{base,storage,engine,sql,library,server,cli}/**/*.ts', { cwd: home })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => !isEntryPoint(path) && !isFrozen(path))
  .concat('millrace.ts')
  .map((path) => ({ path, text: read(path).replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '') }));
const errorsPage = { path: 'docs/errors.md', text: read('docs/errors.md') };

interface Member {
  /** The row of the page. */
  readonly row: string;
  /** What the code calls it. */
  readonly names: RegExp;
  readonly files: readonly string[];
  /** Where its names mean it; elsewhere they mean something else. */
  readonly within?: string;
}

const members: Readonly<Record<string, Member>> = {
  INITCAP: { row: 'function', names: /\bINITCAP\b/, files: ['sql/functions/string.ts'] },
  STDDEV_SAMP: {
    row: 'aggregate',
    names: /\bSTDDEV_SAMP\b|\bstddevSamp\b/,
    files: ['sql/functions/aggregates/statistics.ts'],
  },
  EXPLODE: { row: 'table function', names: /\bEXPLODE\b/, files: ['sql/functions/table.ts'] },
  KAFKA: {
    row: 'format',
    names: /'KAFKA'|\bkafka\b(?=[:,\]} ])(?!_)|\/kafka\.ts'/,
    within: 'sql/',
    files: ['sql/formats/index.ts', 'sql/formats/kafka.ts'],
  },
  'push down filter': {
    row: 'plan rewrite',
    names: /pushDownFilter|push-down-filter|push down filter/,
    files: ['sql/plan/rules.ts', 'sql/plan/rules/push-down-filter.ts'],
  },
  TERMINATE: {
    row: 'statement',
    names: /\bTerminate(?:Command)?\b|\bterminate(?:Command)?\b/,
    within: 'sql/',
    files: ['sql/parser/statements/control.ts', 'sql/statements/index.ts', 'sql/statements/terminate.ts'],
  },
  'SHOW TOPICS': {
    row: 'statement',
    names: /\b[sS]howTopics\b|'show-topics'/,
    files: ['sql/parser/statements/show.ts', 'sql/statements/index.ts', 'sql/statements/show.ts'],
  },
  'PARTITION BY': {
    row: 'clause',
    names: /\bpartitionBy\b/,
    files: [
      'sql/analyze/query.ts',
      'sql/parser/ast.ts',
      'sql/parser/grammar/queries.ts',
      'sql/parser/print.ts',
      'sql/queries/pull.ts',
    ],
  },
  'flat map node': {
    row: 'logical node',
    names: /LogicalFlatMap|'flat-map'/,
    files: [
      'sql/analyze/logical.ts',
      'sql/analyze/table-functions.ts',
      'sql/plan/planner.ts',
      'sql/plan/rules/fold-constants.ts',
      'sql/plan/rules/prune-columns.ts',
      'sql/plan/rules/push-down-filter.ts',
      'sql/queries/stream-range.ts',
      'sql/statements/create-as.ts',
    ],
  },
  peek: {
    row: 'operator',
    names: /\bpeek\b/,
    within: 'engine/',
    files: ['engine/dsl/kstream.ts', 'engine/operators/peek.ts'],
  },
  'flat map step': {
    row: 'plan step',
    names: /streamFlatMap|FlatMapStep|buildFlatMap|'\.\/flat-map\.ts'/,
    files: [
      'sql/compile/steps/flat-map.ts',
      'sql/compile/steps/index.ts',
      'sql/plan/planner.ts',
      'sql/plan/steps/flat-map.ts',
      'sql/plan/steps/index.ts',
    ],
  },
  'stream-table join': {
    row: 'join',
    names: /[jJ]oinStreamTable\b|[sS]treamTableJoin\b|join-stream-table\b(?!-)|stream-table-join/,
    files: [
      'engine/dsl/kstream.ts',
      'engine/dsl/stream-table-join.ts',
      'engine/operators/join-stream-table.ts',
      'sql/compile/steps/index.ts',
      'sql/compile/steps/stream-table-join.ts',
      'sql/plan/planner.ts',
      'sql/plan/steps/index.ts',
      'sql/plan/steps/stream-table-join.ts',
    ],
  },
  'GET /info': {
    row: 'endpoint',
    names: /infoRoute|'\/info'/,
    within: 'server/',
    files: ['server/routes/index.ts', 'server/routes/info.ts'],
  },
  SQL_UNKNOWN_FIELD: {
    row: 'error',
    names: /\bSQL_UNKNOWN_FIELD\b/,
    files: ['docs/errors.md', 'sql/analyze/expressions/access.ts'],
  },
};

describe.each(Object.entries(members))('%s', (_, { row: what, names, files, within = '' }) => {
  const row = rows.find((each) => each.what === what);

  test('is named in these files and in no other', () => {
    const searched = what === 'error' ? [...shipped, errorsPage] : shipped;
    const found = searched.filter(({ path, text }) => path.startsWith(within) && names.test(text));
    expect(found.map(({ path }) => path).sort()).toEqual(files);
  });

  test('is in no more files than the page says, and in those that it names', () => {
    expect(row, `docs/ARCHITECTURE.md has a row "${what}"`).toBeDefined();
    expect(files.length, `the files of the row "${what}"`).toBeLessThanOrEqual(row?.count ?? 0);
    // An error is found wherever it is: the page names only where it is explained.
    const own = what === 'error' ? files.filter((path) => path.startsWith('docs/')) : files;
    expect(own.filter((path) => row?.paths.some((pattern) => pattern.test(path)) !== true)).toEqual([]);
  });
});

test('every endpoint is named in README.md', () => {
  const paths = shipped
    .filter(({ path }) => path.startsWith('server/routes/'))
    .flatMap(({ text }) => [...text.matchAll(/\bapp\.[a-z]+\('(\/[^']+)'/g)].map(([, path = '']) => path));
  expect(paths).toContain('/info');
  const readme = read('README.md');
  expect(
    paths.filter((path) => !readme.includes(`\`${path}\``)),
    'endpoints to name in README.md',
  ).toEqual([]);
});

test('every path that the page names without a placeholder exists', () => {
  const table = page.slice(page.indexOf('## Where to add what'));
  const named = [...table.matchAll(/`([a-z]+\/[^`<]+\.(?:ts|md))`/g)].map(([, path = '']) => path);
  const exists = new Set([...shipped.map(({ path }) => path), ...globSync('docs/*.md', { cwd: home })]);
  expect(named.filter((path) => !exists.has(path))).toEqual([]);
});

test('a page that promised less would be found', () => {
  const [row] = rowsOf('| format | 1 | `sql/formats/<format>.ts` |');
  expect(row).toEqual({ what: 'format', count: 1, paths: [/^sql\/formats\/[a-z0-9-]+\.ts$/] });
  expect(members['KAFKA']?.files.length).toBeGreaterThan(row?.count ?? 0);
});
