/**
 * The structural rules of the code, as a test. What each rule says and why stands with it in
 * `test/support/layer-rules.ts`.
 *
 * Every rule is run twice: over the repository, where it must find nothing, and over a small bad example, where it must
 * find something; a rule that cannot fail protects nothing.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as rules from './support/layer-rules.ts';

const home = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(home, path), 'utf8');
const find = (pattern: string): rules.SourceFile[] =>
  globSync(pattern, { cwd: home, exclude: (path) => /^(node_modules|dist|\.git)$/.test(path) })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/') && !path.startsWith('dist/'))
    .map((path) => ({ path, text: read(path) }));

const all = find('**/*.ts');
const shipped = all.filter(({ path }) => !/^(test|bench|examples|tools)\//.test(path));
/** These two hold the forbidden words as examples. */
const free = new Set(['test/tidy.test.ts', 'test/support/layer-rules.ts', 'test/support/codegen-off.test.ts']);
const others = all.filter(({ path }) => !free.has(path));

const bad = (path: string, text: string): rules.SourceFile => ({ path, text });

const table: [sentence: string, rule: rules.Rule, files: rules.SourceFile[], offences: rules.SourceFile[][]][] = [
  [
    'a layer imports from lower layers only, and only from their entry points',
    rules.layersImportDownwards,
    all,
    [
      [bad('base/bytes.ts', `import { x } from '../storage/index.ts';`)],
      [bad('sql/catalog.ts', `import type { Log } from '../storage/log.ts';`)],
      [bad('sql/catalog.ts', `export * from '../server/index.ts';`)],
      [bad('cli/sql.ts', `import { x } from '../sql/index.ts';`)],
      [bad('cli/sql.ts', `const { start } = await import('../server/index.ts');`)],
      [bad('engine/task.ts', `import {\n  a,\n  b,\n} from '../test/support/oracle.ts';`)],
      [bad('attic/old.ts', `import { x } from '../base/index.ts';`)],
    ],
  ],
  ['layers have entry points', rules.layersHaveEntryPoints, all, [[bad('engine/task.ts', '')]]],
  [
    'no file imports itself through others',
    rules.noCycles,
    all,
    [
      [
        bad('sql/a.ts', `import { b } from './b.ts';`),
        bad('sql/b.ts', `import { type C, c } from './deep/c.ts';`),
        bad('sql/deep/c.ts', `import { a } from '../a.ts';`),
      ],
    ],
  ],
  [
    'a start loads no parser',
    rules.parserIsLoadedLater,
    all,
    [
      [
        bad('millrace.ts', `import { a } from './sql/a.ts';`),
        bad('sql/a.ts', `import { b } from './b.ts';`),
        bad('sql/b.ts', `import { createToken } from 'chevrotain';`),
      ],
    ],
  ],
  [
    'no code names a format',
    rules.formatsAreNotNamed,
    shipped,
    [
      [bad('sql/plan/planner.ts', `if (format.name === 'JSON') again();`)],
      [bad('sql/compile/scan.ts', `const format = "KAFKA";`)],
      [bad('server/app.ts', `/** 'NONE' */ switch (name) { case 'NONE': }`)],
    ],
  ],
  [
    'inside sql/ imports run one way',
    rules.sqlImportsOneWay,
    all,
    [
      [bad('sql/types/type.ts', `import type { TypeNode } from '../parser/ast.ts';`)],
      [bad('sql/plan/rules/fold.ts', `import { compile } from '../../compile/topology.ts';`)],
      [bad('sql/attic/old.ts', '')],
    ],
  ],
  [
    'folders import each other in one direction, as files do',
    rules.foldersHaveNoCycles,
    all,
    [
      [
        bad('engine/stores/a.ts', `import { task } from '../runtime/task.ts';`),
        bad('engine/runtime/task.ts', ''),
        bad('engine/runtime/deep/b.ts', `import type { Store } from '../../stores/store.ts';`),
      ],
      [bad('base/a.ts', `import type { B } from './b.ts';`), bad('base/b.ts', `import { a } from './a.ts';`)],
    ],
  ],
  [
    'what is exported is used',
    rules.exportsAreUsed,
    all,
    [
      [bad('base/a.ts', 'export const used = 1;\nexport const left = used;')],
      // The same name elsewhere means something else.
      [bad('base/a.ts', 'export const left = 1;'), { path: 'base/b.ts', text: 'const left = 2;\nuse(left);' }],
    ],
  ],
  [
    'time, chance, disks and the process are injected',
    rules.platformIsInjected,
    all,
    [
      [bad('engine/task.ts', 'const now = Date.now();')],
      [bad('sql/session.ts', `import { join } from 'node:path';`)],
      [bad('sql/session.ts', 'const size = Buffer.byteLength(text);')],
      [bad('storage/memory-log.ts', 'export const id = () => Math.random();')],
      [bad('base/assert.ts', `if (process.env['X']) debug();`)],
      [bad('base/clock.ts', 'setTimeout(run, 10);')],
      [bad('base/index.ts', `export { crc32c } from './node/crc32c.ts';`)],
    ],
  ],
  [
    'text is compiled in one folder only',
    rules.codeIsGeneratedInOnePlace,
    others,
    [[bad('engine/task.ts', `const f = new Function('x', body);`)]],
  ],
  [
    'types are tight',
    rules.typesAreTight,
    others,
    [
      [bad('base/a.ts', 'const x: any = 1;')],
      [bad('base/a.ts', 'const x = y as any;')],
      [bad('base/a.ts', 'const x = new Map<string, any>();')],
      [bad('base/a.ts', 'const x = list[0]!.name;')],
      [bad('base/a.ts', 'const x = `${list[0]!}`;')],
      [bad('base/a.ts', '// @ts-ignore')],
      [bad('base/a.ts', 'export enum Colour { Red }')],
    ],
  ],
  [
    'nothing is left undone',
    rules.nothingIsLeftUndone,
    others,
    [
      [bad('base/a.ts', '// TODO: later')],
      [bad('base/a.ts', `throw new Error('not implemented');`)],
      [bad('test/a.test.ts', `test.skip('x', () => {});`)],
    ],
  ],
  [
    'prose in comments fits in 120 columns',
    rules.commentsAreNarrow,
    all,
    [
      [bad('base/a.ts', `/** ${'word '.repeat(30)} */`)],
      [bad('base/a.ts', `/**\n * ${'word '.repeat(30)}\n */`)],
      [bad('test/a.test.ts', `  // ${'word '.repeat(30)}`)],
    ],
  ],
  [
    'a file is a short essay with a name in kebab-case',
    rules.filesAreEssays,
    all,
    [
      [bad('base/a.ts', 'export const a = 1;')],
      [bad('base/a.ts', `/** Long. */${'\n'.repeat(901)}`)],
      [bad('base/memoryLog.ts', '/** Camel. */')],
    ],
  ],
];

describe.each(table)('%s', (_, rule, files, offences) => {
  test('holds in this repository', () => expect(rule(files)).toEqual([]));
  test.each(
    offences.map(
      (files) => [files.map(({ path, text }) => `${path}: ${text.slice(0, 60)}`).join(' + '), files] as const,
    ),
  )('would notice %s', (_, files) => expect(rule(files).length).toBeGreaterThan(0));
});

test('the scanner does not mistake texts, comments and regular expressions for code', () => {
  const harmless = bad(
    'sql/a.ts',
    [
      `import { type Clock, type Random } from '../base/node/index.ts';`,
      `// any! Date.now() Buffer`,
      `const a = 'x as any'; const b = /a!.*"Buffer/.test(a) && a !== b;`,
      'const c = `Math.random() ${a} any!`; const d = { any: 1 };',
      `/* process.exit() */ const e = machine.process.run();`,
    ].join('\n'),
  );
  expect(rules.platformIsInjected([harmless])).toEqual([]);
  expect(rules.typesAreTight([harmless])).toEqual([]);
});

test('every error code is documented, and every documented code exists', () => {
  expect(rules.errorsAreDocumented(shipped, read('docs/errors.md'))).toEqual([]);
  const thrower = bad('sql/a.ts', `throw new UserError(\n  'SQL_UNKNOWN_COLUMN', 'x');`);
  expect(rules.errorsAreDocumented([thrower], '')).toHaveLength(1);
  expect(rules.errorsAreDocumented([], '| `SQL_UNKNOWN_COLUMN` | x |')).toHaveLength(1);
});

test('every difference from ksqlDB names a test that exists', () => {
  const text = (path: string): string | undefined => (existsSync(join(home, path)) ? read(path) : undefined);
  const page = { path: 'docs/differences.md', text: read('docs/differences.md') };
  expect(rules.differencesAreTested(page, text)).toEqual([]);
  const row = '| `1` | a | b | why | [file](../test/a.test.ts): one is one |';
  const offences = (line: string, tests: string | undefined): string[] =>
    rules.differencesAreTested({ path: 'docs/a.md', text: line }, () => tests);
  expect(offences(row, `test('one is one', …`)).toEqual([]);
  expect(offences(row, `test('one is two', …`)).toHaveLength(1);
  expect(offences(row, undefined)).toHaveLength(1);
  expect(offences('| `1` | a | b | why | none |', '')).toHaveLength(1);
});

test('every dependency has a line that says what it saves', () => {
  const page = read('docs/dependencies.md');
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const names = Object.keys({ ...dependencies, ...devDependencies });
  expect(names.filter((name) => !page.includes(`| ${name} |`))).toEqual([]);
  const versions = Object.values({ ...dependencies, ...devDependencies });
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test('links in the documents lead somewhere', () => {
  const pages = find('**/*.md');
  expect(pages.flatMap((page) => rules.deadLinks(page, (path) => existsSync(join(home, path))))).toEqual([]);
  expect(rules.deadLinks(bad('docs/a.md', 'See [b](../b.ts#L1).'), () => false)).toHaveLength(1);
});

test('links to a heading of a document lead to one', () => {
  const pages = find('**/*.md');
  const texts = new Map(pages.map(({ path, text }) => [path, text]));
  expect(pages.flatMap((page) => rules.deadAnchors(page, (path) => texts.get(path)))).toEqual([]);
  const page = bad(
    'docs/a.md',
    '# A `b`, c\n\n## d\n\n## d\n\n[1](#a-b-c), [2](#d-1), [3](#d-2), [4](b.md#e), [5](b.md#f)',
  );
  expect(rules.deadAnchors(page, (path) => (path === 'docs/b.md' ? '# e' : undefined))).toEqual([
    'docs/a.md links to #d-2: no heading',
    'docs/a.md links to b.md#f: no heading',
  ]);
});

test('the index of decisions has each of them', () => {
  const index = read('docs/design/README.md');
  for (const { path, text } of find('docs/design/*.md')) {
    if (path.endsWith('README.md')) continue;
    for (const [, heading = ''] of text.matchAll(/^## (.*)$/gm)) expect(index, path).toContain(`- [${heading}](`);
  }
});
